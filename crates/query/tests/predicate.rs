//! What conditions queries become: the SQL of the text path, which is the planner's expression too.

use auditlog_query::predicate::{predicate, to_sql};
use auditlog_query::{CheckOptions, Limits, check, parse};

/// The condition with its parameters in place, `'…'` for texts.
fn sql(query: &str) -> String {
    let parsed = parse(query, &Limits::default()).expect(query);
    let checked = check(&parsed, &CheckOptions::default()).expect(query);
    let statement = to_sql(&predicate(&checked), "Q", "UTC");
    let mut condition = statement.condition;
    for (i, parameter) in statement.parameters.iter().enumerate().rev() {
        condition = condition.replace(&format!("${}", i + 1), &format!("'{}'", parameter.value));
    }
    condition
}

#[test]
fn each_kind_of_field_gets_conditions_that_an_index_serves() {
    for (query, expected) in [
        (
            "event_type:Authentication.Login",
            "e.event_type = 'authentication.login'",
        ),
        (
            "event_type:auth*",
            "e.event_type ~>=~ 'auth' AND e.event_type ~<~ 'auti'",
        ),
        ("event_type:a*b?%", "e.event_type LIKE 'a%b_\\%'"),
        (
            "operation:Stop",
            "e.operation IS NOT NULL AND auditlog.fold(e.operation) = 'stop'",
        ),
        (
            "account_id:123456789012",
            "e.account_id IS NOT NULL AND e.account_id = '123456789012'",
        ),
        ("operation:=Stop", "e.operation IS NOT NULL AND e.operation = 'Stop'"),
        (
            "operation IN (a, B)",
            "e.operation IS NOT NULL AND auditlog.fold(e.operation) IN ('a', 'b')",
        ),
        ("operation:*", "e.operation IS NOT NULL"),
        (
            "operation:>m",
            "e.operation IS NOT NULL AND auditlog.fold(e.operation) ~>~ 'm'",
        ),
        ("operation:>5", "auditlog.match_text(e.operation, 'Q', 0)"),
        ("operation:~\"a.c\"", "auditlog.match_text(e.operation, 'Q', 0)"),
        ("severity:>=warning", "e.severity >= 'warning'"),
        ("severity:<info", "e.severity = 'debug'"),
        (
            "severity:(info OR error)",
            "e.severity = 'info' OR e.severity = 'error'",
        ),
        ("severity:*o*", "e.severity IN ('info', 'notice', 'error')"),
        ("severity:none", "false"),
        (
            "ip:203.0.113.*",
            "e.actor_ip IS NOT NULL AND e.actor_ip >= '203.0.113.0/24' AND e.actor_ip <= '203.0.113.255'",
        ),
        (
            "ip:2001:db8::/32",
            "e.actor_ip IS NOT NULL AND e.actor_ip >= '2001:db8::/32' AND e.actor_ip <= '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'",
        ),
        (
            "ip:0.0.0.0/0",
            "e.actor_ip IS NOT NULL AND e.actor_ip >= '0.0.0.0/0' AND e.actor_ip <= '255.255.255.255'",
        ),
        (
            "ip:10.1.2.3/8",
            "e.actor_ip IS NOT NULL AND e.actor_ip >= '10.0.0.0/8' AND e.actor_ip <= '10.255.255.255'",
        ),
        (
            "ip:host.internal",
            "e.actor_ip IS NULL AND e.extra IS NOT NULL AND auditlog.match_json(e.extra, 'Q', 0, 0, 0)",
        ),
        (
            "timestamp:2026-03-10",
            "e.\"timestamp\" >= '2026-03-10T00:00:00Z' AND e.\"timestamp\" < '2026-03-11T00:00:00Z'",
        ),
        ("timestamp:>now-90s", "e.\"timestamp\" > now() + '-90 seconds'"),
        (
            "timestamp:>=now/d",
            "e.\"timestamp\" >= auditlog.moment('now/d', 'UTC')",
        ),
        (
            "timestamp:<=now-1M/M",
            "e.\"timestamp\" < auditlog.moment('now-1M/M+1M', 'UTC')",
        ),
        (
            "log_index:[3 TO 9}",
            "e.log_index IS NOT NULL AND e.log_index >= '3' AND e.log_index < '9'",
        ),
        (
            "metadata.tags:x",
            "auditlog.match_list(e.tags, 'Q', 0) OR (e.tags IS NULL AND e.extra IS NOT NULL AND auditlog.match_json(e.extra, 'Q', 0, 0, 0))",
        ),
        (
            "resource.tags.Env:x",
            "auditlog.match_json(e.resource_tags, 'Q', 0, 0, 2)",
        ),
        ("changes.after.a.b:x", "auditlog.match_json(e.after, 'Q', 0, 0, 2)"),
        ("metadata.other:x", "auditlog.match_json(e.extra, 'Q', 0, 0, 0)"),
        ("actor:*", "auditlog.match_event(e, 'Q', 0)"),
        (
            "words here",
            "auditlog.match_event(e, 'Q', 0) AND auditlog.match_event(e, 'Q', 1)",
        ),
        (
            "a:1 custom:{b:2 c:3} d:4",
            "auditlog.match_json(e.extra, 'Q', 0, 0, 0) AND auditlog.match_json(e.extra, 'Q', 1, 0, 0) AND auditlog.match_json(e.extra, 'Q', 2, 0, 0)",
        ),
        ("hash:00", "auditlog.match_event(e, 'Q', 0)"),
    ] {
        assert_eq!(sql(query), expected, "{query}");
    }
}

#[test]
fn what_holds_without_a_value_does_not_hold_without_an_event() {
    assert_eq!(sql(""), "e.\"timestamp\" IS NOT NULL");
    assert_eq!(
        sql("NOT operation:x"),
        "e.\"timestamp\" IS NOT NULL AND NOT (e.operation IS NOT NULL AND auditlog.fold(e.operation) = 'x')"
    );
    assert_eq!(
        sql("_missing_:operation"),
        "e.\"timestamp\" IS NOT NULL AND e.operation IS NULL"
    );
    assert_eq!(
        sql("operation:x OR NOT method:y"),
        "e.\"timestamp\" IS NOT NULL AND ((e.operation IS NOT NULL AND auditlog.fold(e.operation) = 'x') OR NOT (e.method IS NOT NULL AND auditlog.fold(e.method) = 'y'))"
    );
}

#[test]
fn the_long_texts_of_indexed_columns_are_looked_up_whole() {
    assert_eq!(
        sql("actor.id:x"),
        "e.actor_id IS NOT NULL AND auditlog.fold(e.actor_id) = 'x'"
    );
    assert_eq!(
        sql("actor.id:*x"),
        "(e.actor_id IS NOT NULL AND auditlog.fold(e.actor_id) LIKE '%x' AND NOT (octet_length(e.actor_id) >= 2045)) OR (e.actor_id IS NOT NULL AND octet_length(e.actor_id) >= 2045 AND auditlog.match_event(e, 'Q', 0))"
    );
}

#[test]
fn a_prefix_ends_where_the_next_one_begins() {
    assert_eq!(sql("event_type:\u{10ffff}*"), "e.event_type ~>=~ '\u{10ffff}'");
    assert_eq!(
        sql("event_type:a\u{d7ff}*"),
        "e.event_type ~>=~ 'a\u{d7ff}' AND e.event_type ~<~ 'a\u{e000}'"
    );
}
