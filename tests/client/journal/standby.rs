//! A standby cannot write: what is read there, its primary records.

use super::many::signal;
use super::settle;
use auditlog_testkit::log::{scalar, text, verify};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, Stop, wait_until};

/// A primary with a database «audited», and its standby, which tells it of reads.
fn pair(settings: &[(&str, &str)]) -> (Cluster, Client, Cluster) {
    let mut options = Options::default()
        .set("auditlog.access_log", "on")
        .set("auditlog.standby_access_policy", "count");
    options.tcp = true;
    for (name, value) in settings {
        options = options.set(name, value);
    }
    let primary = Cluster::start(&options);
    let mut client = primary.create_database_with_extension("audited");
    client
        .batch_execute(
            "SELECT auditlog.record('a.b') FROM generate_series(1, 3);
             CREATE ROLE standby_reporter LOGIN; CREATE ROLE ann LOGIN; GRANT auditlog_analyst TO ann;
             GRANT USAGE ON SCHEMA auditlog TO standby_reporter;
             GRANT EXECUTE ON FUNCTION auditlog.record_standby_reads(text, bytea[]) TO standby_reporter",
        )
        .expect("a role for the standby");
    let standby = Cluster::base_backup(&primary, true);
    let dsn = format!("host=127.0.0.1 port={} user=standby_reporter", primary.port());
    standby.set("auditlog.primary_conninfo", &dsn);
    standby.set("cluster_name", "reading room");
    standby.go();
    (primary, client, standby)
}

const TOLD: &str = "SELECT count(*) FROM auditlog.events WHERE extra #>> '{metadata,standby}' = 'reading room'";

#[test]
fn reads_on_a_standby_are_recorded_by_the_primary() {
    let (primary, mut client, standby) = pair(&[]);
    let mut reader = standby.connect_as("ann", "audited");
    reader
        .batch_execute("SELECT * FROM auditlog.events WHERE event_type = 'a.b'")
        .expect("a read");
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM auditlog.events /* taken back */; ROLLBACK")
        .expect("a read");
    reader
        .batch_execute("SELECT * FROM auditlog.search('event_type:a.b')")
        .expect("a search");
    refused_with(
        &mut reader,
        "22012",
        "SELECT 1 / (3 - row_number() OVER ()) FROM auditlog.events",
    );
    client
        .batch_execute("SET auditlog.access_log = off")
        .expect("a superuser may");
    wait_until("the primary has them", LONG, || scalar(&mut client, TOLD) == 4);
    settle(&mut client);
    assert_eq!(scalar(&mut client, TOLD), 4);
    let what = "SELECT string_agg(concat_ws(' ', event_type, status, extra #>> '{metadata,transaction}', extra #>> '{metadata,rows}'), ', ' ORDER BY \"timestamp\")
        FROM auditlog.events WHERE extra #>> '{metadata,standby}' IS NOT NULL";
    assert_eq!(
        text(&mut client, what),
        "auditlog.view success committed 3, auditlog.view success rolled_back 1, auditlog.search success committed 3, auditlog.view failed rolled_back 2"
    );
    let who = "SELECT DISTINCT db_session_user || ' ' || actor_id || ' ' || (extra #>> '{metadata,forwarded_by}')
        FROM auditlog.events WHERE extra #>> '{metadata,standby}' IS NOT NULL";
    assert_eq!(text(&mut client, who), "ann ann standby_reporter");
    let counted = "SELECT dropped + refused + unrecordable FROM auditlog.stat_access";
    assert_eq!(scalar(&mut reader, counted), 0);
    assert_eq!(verify(&mut client), []);

    // The primary is away: what is read meanwhile waits.
    primary.stop(Stop::Fast);
    for _ in 0..20 {
        reader.batch_execute("SELECT * FROM auditlog.events").expect("a read");
    }
    primary.go();
    let mut client = primary.connect("audited");
    client
        .batch_execute("SET auditlog.access_log = off")
        .expect("a superuser may");
    wait_until("the primary has these, too", LONG, || scalar(&mut client, TOLD) == 24);
    let recorded = "SELECT queued - recorded FROM auditlog.stat_access";
    wait_until("each is counted once", LONG, || scalar(&mut reader, recorded) == 0);

    // The worker is killed in between: none is lost, none told of twice.
    let mut killed = 0;
    for i in 0..60 {
        reader.batch_execute("SELECT * FROM auditlog.events").expect("a read");
        if i % 20 == 10 {
            wait_until("there is another worker", LONG, || {
                let pid = scalar(
                    &mut reader,
                    "SELECT coalesce(recorder_pid, 0)::bigint FROM auditlog.stat_access",
                ) as u32;
                let is_new = pid > 0 && pid != killed;
                if is_new {
                    killed = pid;
                }
                is_new
            });
            signal("TERM", killed);
        }
    }
    wait_until("all of them are there", LONG, || scalar(&mut client, TOLD) >= 84);
    settle(&mut client);
    assert_eq!(scalar(&mut client, TOLD), 84);

    // Promoted, it records by itself.
    reader.batch_execute("RESET ROLE").expect("RESET");
    let mut admin = standby.connect("audited");
    admin.batch_execute("SELECT pg_promote()").expect("pg_promote()");
    admin
        .batch_execute("SELECT 'after' FROM auditlog.events LIMIT 1")
        .expect("a read");
    admin
        .batch_execute("SET auditlog.access_log = off")
        .expect("a superuser may");
    let own = "SELECT count(*) FROM auditlog.events WHERE extra #>> '{metadata,query,text}' LIKE '%''after''%'
        AND extra #>> '{metadata,standby}' IS NULL";
    wait_until("it records its own reads", LONG, || scalar(&mut admin, own) == 1);
}

#[test]
fn a_primary_that_does_not_answer_makes_reads_wait_and_then_refuses() {
    let (primary, mut client, standby) = pair(&[
        ("auditlog.access_queue_size", "64kB"),
        ("auditlog.access_timeout", "1s"),
    ]);
    primary.stop(Stop::Fast);
    drop(primary);
    assert!(client.batch_execute("SELECT 1").is_err());
    let mut reader = standby.connect("audited");
    let sql = format!("SELECT 1 FROM auditlog.events LIMIT 1 /* {} */", "x".repeat(3000));
    let refused = (0..200)
        .find_map(|_| reader.batch_execute(&sql).err())
        .expect("no room any more");
    assert_eq!(refused.code().expect("an error of the server").code(), "53000");
    let state = "SELECT refused::text || ' ' || (last_error IS NOT NULL) FROM auditlog.stat_access";
    assert_eq!(text(&mut reader, state), "1 true");
}

/// Whoever has the right to report could tell tales, so the kinds are limited and each says who brought it.
#[test]
fn what_is_no_read_is_not_taken_from_a_standby() {
    let database = auditlog_testkit::Database::new();
    let mut client = database.superuser();
    refused_with(&mut client, "22004", "SELECT auditlog.record_standby_reads('1', NULL)");
    refused_with(
        &mut client,
        "22004",
        "SELECT auditlog.record_standby_reads('1', ARRAY[NULL]::bytea[])",
    );
    refused_with(&mut client, "0A000", "SELECT auditlog.record_standby_reads('0', '{}')");
    let entry = |document: &str| {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let field = |bytes: &[u8]| hex(&(bytes.len() as u32).to_le_bytes()) + &hex(bytes);
        let null = hex(&u32::MAX.to_le_bytes());
        format!(
            "'\\x{}{}{null}{null}{}'::bytea",
            field(b"ann"),
            field(b"ann"),
            field(document.as_bytes())
        )
    };
    let good = entry(r#"{"event_id": "evt_1", "event_type": "auditlog.view", "metadata": {"forwarded_by": "nobody"}}"#);
    let bad = [
        r#"{"event_id": "evt_2", "event_type": "auditlog.policy_change", "metadata": {}}"#,
        r#"{"event_id": "evt_3", "event_type": "resource.create", "metadata": {}}"#,
        r#"{"event_type": "auditlog.view", "metadata": {}}"#,
        r#"{"event_id": "evt_4", "event_type": "auditlog.view"}"#,
        "no JSON",
    ]
    .map(entry)
    .join(", ");
    let sql = format!(
        "SELECT array_to_string(auditlog.record_standby_reads('1', ARRAY[{good}, {bad}, '\\x00', {good}]), '|')"
    );
    assert_eq!(
        text(&mut client, &sql),
        "|it does not tell of a read|it does not tell of a read|it has no event_id|it has no metadata|it has no JSON document|it cannot be decoded|"
    );
    assert_eq!(text(&mut client, &sql).split('|').count(), 8);
    let told = "SELECT string_agg(db_session_user || ' ' || (extra #>> '{metadata,forwarded_by}'), ',') FROM auditlog.events WHERE event_id LIKE 'evt__'";
    assert_eq!(text(&mut client, told), "ann postgres");
}
