//! Several databases searched as one through postgres_fdw (examples/fleet).

use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Options};

fn record(client: &mut Client, place: &str) {
    client
        .batch_execute(&format!(
            "INSERT INTO auditlog.events (event_type, \"timestamp\", actor_id, status, severity, actor_ip, extra)
             SELECT 'authentication.login', '2026-01-01 00:00:00+00'::timestamptz + n * interval '1 second', 'u' || n % 100 || '_{place}',
                 (ARRAY['failed', 'success'])[1 + n % 2], (ARRAY['info', 'critical']::auditlog.severity[])[1 + n % 2],
                 '10.0.0.1'::inet + n % 7, jsonb_build_object('n', n, 'deep', jsonb_build_object('x', n % 5))
             FROM generate_series(1, 2000) AS n"
        ))
        .expect("INSERT");
    wait_sealed(client);
}

const QUERIES: [&str; 9] = [
    "status:failed",
    "actor_id:U7_*",
    "u7_eu",
    "ip:10.0.0.0/30 AND NOT status:success",
    "severity:>=warning AND timestamp:[2026-01-01T00:05:00Z TO 2026-01-01T00:10:00Z]",
    "deep.x:3",
    "timestamp:>now-99y AND n:>1990",
    "event_type:authentication.* AND (actor_id:u1_eu OR actor_id:u2_central)",
    "nobody",
];

#[test]
fn two_clusters_are_searched_as_one() {
    let (central, member) = (
        Cluster::start(&Options::default()),
        Cluster::start(&Options::default().set("auditlog.access_log", "on")),
    );
    let mut here = central.create_database_with_extension("central");
    let mut there = member.create_database_with_extension("app");
    record(&mut here, "central");
    record(&mut there, "eu");
    let fleet = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/fleet/fleet.sql");
    central.psql_file("central", &[], &fleet).expect("fleet.sql");
    for sql in ["CREATE ROLE ann LOGIN", "CREATE ROLE bob LOGIN"] {
        here.batch_execute(sql).expect(sql);
        there.batch_execute(sql).expect(sql);
    }
    here.batch_execute(&format!(
        "CREATE SERVER eu FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{}', dbname 'app');
         CREATE USER MAPPING FOR postgres SERVER eu OPTIONS (user 'postgres');
         CREATE USER MAPPING FOR ann SERVER eu OPTIONS (user 'ann', password_required 'false');
         GRANT auditlog_analyst TO ann, bob;
         SELECT fleet.add('eu')",
        member.dir().display()
    ))
    .expect("a fleet");
    // each query finds in the fleet what it finds in the two
    for query in QUERIES {
        let sql = format!("SELECT count(*) FROM auditlog.events WHERE events @@@ $q${query}$q$");
        let each = [scalar(&mut here, &sql), scalar(&mut there, &sql)];
        for (origin, expected) in ["central", "eu"].iter().zip(each) {
            let sql = format!(
                "SELECT count(*) FROM fleet.events WHERE origin = '{origin}' AND event_type = 'authentication.login' AND event @@@ $q${query}$q$"
            );
            assert_eq!(scalar(&mut here, &sql), expected, "{query} in {origin}");
        }
        if query != "nobody" {
            assert!(each.iter().sum::<i64>() > 0, "{query} finds something");
        }
    }
    // and hits alone travel: what is asked for is in the statement that is sent
    for (query, part) in [
        ("actor_id:u7_eu AND status:failed", "auditlog.fold(actor_id)"),
        ("u7_eu", "auditlog.word_filter(log_index"),
    ] {
        let sql =
            format!("EXPLAIN (VERBOSE) SELECT actor_id FROM fleet.events WHERE origin = 'eu' AND event @@@ '{query}'");
        let plan: Vec<String> = here
            .query(&sql, &[])
            .expect("EXPLAIN")
            .iter()
            .map(|row| row.get(0))
            .collect();
        let sent = plan
            .iter()
            .find(|line| line.contains("Remote SQL"))
            .expect("it is asked over there");
        assert!(sent.contains(part), "{sent}");
    }
    assert_eq!(
        scalar(
            &mut here,
            "SELECT count(*) FROM fleet.checkpoints WHERE member = 'central'"
        ),
        { scalar(&mut here, "SELECT count(*) FROM auditlog.checkpoints") }
    );

    // rights are those of the login over there
    let mut ann = central.connect_as("ann", "central");
    refused_with(
        &mut ann,
        "42501",
        "SELECT count(*) FROM fleet.events WHERE origin = 'eu'",
    );
    there
        .batch_execute("GRANT auditlog_user TO ann; SELECT auditlog.add_principal('ann', 'u7_eu')")
        .expect("a principal");
    let mut ann = central.connect_as("ann", "central");
    let whose = "SELECT string_agg(DISTINCT actor_id, ' ') FROM fleet.events WHERE origin = 'eu' AND event_type = 'authentication.login'";
    assert_eq!(text(&mut ann, whose), "u7_eu", "a user sees his own");
    // what is sent names nothing that he may not name
    for query in [
        "u7_eu",
        "actor_id:u7_eu AND status:success",
        "timestamp:>2025-01-01",
        "deep.x:2 OR failed",
    ] {
        let sql = format!("SELECT count(*) FROM fleet.events WHERE origin = 'eu' AND event @@@ '{query}'");
        assert!(scalar(&mut ann, &sql) > 0, "{query}");
    }
    // who has no mapping is told so
    let mut bob = central.connect_as("bob", "central");
    refused_with(&mut bob, "42704", "SELECT count(*) FROM fleet.events");
    // both databases know who looked
    auditlog_testkit::wait_until("the read is in the member's journal", auditlog_testkit::LONG, || {
        scalar(
            &mut there,
            "SELECT count(*) FROM auditlog.access_log WHERE actor_id = 'u7_eu'",
        ) > 0
    });

    // a member that is down makes the query fail; the rest can be asked
    member.stop(auditlog_testkit::Stop::Fast);
    let mut here = central.connect("central");
    refused_with(
        &mut here,
        "08001",
        "SELECT count(*) FROM fleet.events WHERE event @@@ 'status:failed'",
    );
    let rest = "SELECT count(*) FROM fleet.events WHERE origin <> 'eu' AND event @@@ 'event_type:authentication.login AND status:failed'";
    assert_eq!(scalar(&mut here, rest), 1000);
    here.batch_execute("SELECT fleet.remove('eu')").expect("remove");
    assert_eq!(
        scalar(&mut here, "SELECT count(*) FROM fleet.events WHERE event @@@ 'u7_eu'"),
        0
    );
}
