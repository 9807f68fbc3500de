//! The cold tier: what is in the archive, what goes, what comes back, whatever crashes.

use super::{record_days, run, set};
use crate::offline::said;
use crate::program::Program;
use auditlog_testkit::crash::{Victim, kill9};
use auditlog_testkit::log::{scalar, text, verify, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::random::Random;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, command, wait_until};
use std::path::PathBuf;
use std::time::Duration;

const POLICY: &str = "default: {hot_days: 20, warm_days: 40, cold_days: 100}
retention_policies:
  - {event_types: [resource.view], hot_days: 10, warm_days: 0, cold_days: 60}
";

fn cluster() -> (Cluster, PathBuf) {
    let cluster = Cluster::start(&Options::default());
    let archive = cluster.dir().join("archive");
    command::run(command::as_server("mkdir").arg(&archive));
    cluster.change("auditlog.archive", &format!("file://{}", archive.display()));
    (cluster, archive)
}

fn restore(client: &mut Client, call: &str) -> i64 {
    let id = scalar(client, call);
    wait_until("it is brought back", LONG, || {
        scalar(
            client,
            &format!("SELECT count(*) FROM auditlog.restores WHERE id = {id} AND ended_at IS NOT NULL"),
        ) == 1
    });
    assert_eq!(
        text(
            client,
            &format!("SELECT state || COALESCE(error, '') FROM auditlog.restores WHERE id = {id}")
        ),
        "done"
    );
    id
}

fn proven(archive: &std::path::Path, key: &str) -> String {
    let checked = Program::ours().output(&["verify", &archive.display().to_string(), "--key", key]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    said(&checked)
}

#[test]
fn events_go_to_the_archive_and_come_back() {
    let (cluster, archive) = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    record_days(&mut client, 90);
    set(&mut client, POLICY);
    run(&mut client, "2021-03-15");
    assert_eq!(verify(&mut client), []);
    // January is in the archive, a day an object for each class, and views of February; 13 days of views are over already.
    let live =
        "SELECT concat_ws(' ', count(*), sum(events), min(day), max(day)) FROM auditlog.archive WHERE state = 'live'";
    assert_eq!(text(&mut client, live), "77 139 2021-01-01 2021-02-28");
    assert_eq!(
        scalar(&mut client, "SELECT count(*) FROM auditlog.events WHERE extra ? 'n'"),
        360 - 152
    );
    let key = text(&mut client, "SELECT auditlog.public_key()");
    assert!(proven(&archive, &key).contains("139 events"));
    // They come back as they were.
    let id = restore(
        &mut client,
        "SELECT auditlog.restore('2021-01-10', '2021-01-20', 'actor.id:u3')",
    );
    let back = format!(
        "SELECT string_agg(concat_ws(' ', log_index, event_type, actor_email, resource_id, extra->>'n', retention_class), ', ' ORDER BY log_index)
         FROM auditlog.restored_events WHERE restore_id = {id}"
    );
    assert_eq!(
        text(&mut client, &back),
        "43 resource.modify u3@example.org r1 43 standard, 53 resource.delete u3@example.org r4 53 standard, \
         63 resource.modify u3@example.org r0 63 standard, 73 resource.delete u3@example.org r3 73 standard"
    );
    cluster.create_login("uma", &["auditlog_user"]);
    client
        .batch_execute("SELECT auditlog.add_principal('uma', 'u4')")
        .expect("add_principal()");
    let mut uma = cluster.connect_as("uma", "audited");
    refused_with(
        &mut uma,
        "42501",
        "SELECT auditlog.restore('2021-01-10', '2021-01-20', '')",
    );
    refused_with(&mut uma, "42501", "SELECT * FROM auditlog.restored_events");
    assert_eq!(scalar(&mut client, &format!("SELECT auditlog.drop_restored({id})")), 4);
    // A hold keeps an object; the others of their day and class go.
    scalar(&mut client, "SELECT auditlog.hold('case', 'n:44', NULL, 'a test')");
    scalar(
        &mut client,
        "SELECT auditlog.hold('archived', 'resource.id:r2 AND actor.id:u2', NULL, 'a test')",
    );
    run(&mut client, "2021-07-01");
    assert_eq!(verify(&mut client), []);
    let left = text(
        &mut client,
        "SELECT string_agg(DISTINCT retention_class || ' ' || day, ', ') FROM auditlog.archive WHERE state = 'live' AND day < '2021-02-01'",
    );
    assert_eq!(left, "standard 2021-01-12, standard 2021-01-19");
    proven(&archive, &key);
    let objects = scalar(
        &mut client,
        "SELECT count(*) FROM auditlog.archive WHERE state = 'live'",
    );
    let files = command::run(command::as_server("find").arg(&archive).args(["-name", "*.parquet"]));
    assert_eq!(files.lines().count() as i64, objects);
}

#[test]
fn erasure_reaches_the_archive() {
    let (cluster, archive) = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    record_days(&mut client, 60);
    set(&mut client, POLICY);
    run(&mut client, "2021-03-15");
    let mail = "SELECT count(*) FROM auditlog.restored_events WHERE actor_email = 'u5@example.org'";
    restore(&mut client, "SELECT auditlog.restore(NULL, NULL, '')");
    assert_eq!(scalar(&mut client, mail), 12);
    client
        .batch_execute("SELECT auditlog.erase('actor.email:u5@example.org', 'GDPR 17')")
        .expect("erase()");
    assert_eq!(
        scalar(&mut client, "SELECT count(*) FROM auditlog.restored_events"),
        0,
        "what was brought back goes at once"
    );
    wait_until("the archive is reached", LONG, || {
        text(
            &mut client,
            "SELECT string_agg(state, ' ') FROM auditlog.archive_erasures",
        ) == "done"
    });
    restore(&mut client, "SELECT auditlog.restore(NULL, NULL, '')");
    assert_eq!(scalar(&mut client, mail), 0);
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.restored_events WHERE redacted IS NOT NULL"
        ),
        12
    );
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog_data.archive_erasure WHERE query IS NOT NULL"
        ),
        0
    );
    let key = text(&mut client, "SELECT auditlog.public_key()");
    proven(&archive, &key);
    wait_sealed(&mut client);
    assert_eq!(verify(&mut client), []);
}

/// Values of warm partitions are compressed as it is set.
#[test]
fn warm_values_are_compressed_as_set() {
    let (cluster, _) = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    client
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, \"timestamp\", extra)
             SELECT 'a.b', '2021-01-01', jsonb_build_object('text', repeat('audited ', 400)) FROM generate_series(1, 10)",
        )
        .expect("INSERT");
    wait_sealed(&mut client);
    let how =
        "SELECT string_agg(DISTINCT pg_column_compression(extra), ' ') FROM auditlog_data.log WHERE extra ? 'text'";
    for (at, method) in [("2021-03-05", "lz4"), ("2021-03-10", "pglz")] {
        cluster.change("auditlog.warm_compression", method);
        let hot = if method == "lz4" { 20 } else { 21 };
        set(
            &mut client,
            &format!("default: {{hot_days: {hot}, warm_days: 400, cold_days: 0}}"),
        );
        run(&mut client, at);
        assert_eq!(text(&mut client, how), method);
        // back to hot, so that it is written anew
        set(&mut client, "default: {hot_days: 200, warm_days: 400, cold_days: 0}");
        run(&mut client, at);
    }
}

fn record_at(client: &mut Client, day: &str) {
    client
        .batch_execute(&format!(
            "INSERT INTO auditlog.events (event_type, \"timestamp\", actor_id, extra)
             VALUES ('resource.view', '{day} 12:00:00+00', 'late', '{{\"n\": 1}}')"
        ))
        .expect("a late event");
    wait_sealed(client);
}

/// A round that wrote an object and failed before its manifest; then the partition changes, and another object comes.
#[test]
fn nothing_stays_of_a_round_that_failed() {
    let (cluster, archive) = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    record_days(&mut client, 31);
    set(&mut client, POLICY);
    let manifests = archive.join("_manifests");
    command::run(command::as_server("mkdir").arg(&manifests));
    command::run(command::as_server("chmod").arg("0555").arg(&manifests));
    let id = scalar(&mut client, "SELECT auditlog.run_retention('2021-03-05')");
    let failed =
        format!("SELECT count(*) FROM auditlog.retention_runs WHERE id = {id} AND error LIKE '%ermission denied%'");
    wait_until("the round fails", LONG, || scalar(&mut client, &failed) == 1);
    record_at(&mut client, "2021-01-01");
    command::run(command::as_server("chmod").arg("0755").arg(&manifests));
    run(&mut client, "2021-03-05");
    let key = text(&mut client, "SELECT auditlog.public_key()");
    proven(&archive, &key);
    assert_eq!(verify(&mut client), []);

    // what is removed, and not archived, later stays nowhere either
    record_at(&mut client, "2022-01-01");
    command::run(command::as_server("chmod").args(["-R", "0555"]).arg(&manifests));
    let id = scalar(&mut client, "SELECT auditlog.run_retention('2022-02-15')");
    let failed =
        format!("SELECT count(*) FROM auditlog.retention_runs WHERE id = {id} AND error LIKE '%ermission denied%'");
    wait_until("the round fails", LONG, || scalar(&mut client, &failed) == 1);
    command::run(command::as_server("chmod").args(["-R", "0755"]).arg(&manifests));
    run(&mut client, "2022-06-15");
    let left = command::run(command::as_server("find").arg(&archive).args(["-name", "*.parquet"]));
    assert_eq!(left, "");
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.archive WHERE state = 'written'"
        ),
        0
    );
}

/// Worker, postmaster or everybody is killed at random moments of a round: no event is lost, none is there twice.
#[test]
fn crashes_lose_nothing_on_the_way_to_the_archive() {
    let rounds = if std::env::var_os("AUDITLOG_SOAK").is_some() {
        20
    } else {
        3
    };
    let mut random = Random::from_clock();
    let (cluster, archive) = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    record_days(&mut client, 180);
    set(&mut client, POLICY);
    for round in 0..rounds {
        let month = 2 + round * 4 / rounds;
        client
            .batch_execute(&format!("SELECT auditlog.run_retention('2021-{:02}-15')", month + 1))
            .expect("run_retention()");
        std::thread::sleep(Duration::from_millis(50 + random.below(1500)));
        let keeper = client.query_one("SELECT pid FROM auditlog.stat_workers WHERE worker = 'keeper'", &[]);
        match (
            random.below(3),
            keeper.ok().and_then(|row| row.get::<_, Option<i32>>(0)),
        ) {
            (0, Some(pid)) => {
                kill9(pid as u32);
                std::thread::sleep(Duration::from_millis(300));
                cluster.kill9(Victim::Everybody);
            }
            (1, _) => cluster.kill9(Victim::Postmaster),
            _ => cluster.kill9(Victim::Everybody),
        }
        cluster.go();
        client = cluster.connect("audited");
    }
    run(&mut client, "2021-07-15");
    assert_eq!(verify(&mut client), []);
    let key = text(&mut client, "SELECT auditlog.public_key()");
    proven(&archive, &key);
    let places = "SELECT log_index FROM auditlog.events WHERE extra ? 'n' UNION ALL
         SELECT generate_series((r->>0)::bigint, (r->>1)::bigint) FROM auditlog.archive AS a,
             jsonb_array_elements(a.manifest::jsonb #> '{archive,log_indexes}') AS r WHERE a.state = 'live'";
    let there = scalar(&mut client, &format!("SELECT count(*) FROM ({places}) AS p"));
    let different = scalar(
        &mut client,
        &format!("SELECT count(DISTINCT log_index) FROM ({places}) AS p"),
    );
    assert_eq!(there, different, "an event is in the log or in one object");
    let gone = "SELECT COALESCE(sum(events), 0)::bigint FROM auditlog.retention_moves WHERE kind IN ('remove', 'expire') AND state = 'done'";
    assert_eq!(
        there + scalar(&mut client, gone),
        720,
        "every event is somewhere, or was certified to go"
    );
}
