//! Warm rows are compressed in groups: every way to read them finds them, they can be erased, and nothing gets lost on the way.

use super::{record_days, run, set};
use auditlog_testkit::crash::Victim;
use auditlog_testkit::log::{scalar, text, verify, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};

const WARM: &str = "default: {hot_days: 20, warm_days: 4000, cold_days: 0}";
const JANUARY: &str = "auditlog_data.log_standard_2021_01";
/// Everything of the rows, whatever way they are read.
const CONTENT: &str = "SELECT md5(string_agg(l::text, E'\\n' ORDER BY l.log_index)) FROM auditlog_data.log AS l";

/// A log of five months, all warm; what its rows were before, and who reads them.
fn warm(options: &Options, per_day: i32) -> (Cluster, Client, String) {
    let cluster = Cluster::start(options);
    let mut client = cluster.create_database_with_extension("audited");
    record_days(&mut client, 150);
    client
        .batch_execute(&format!(
            "SET auditlog.validation = off;
             INSERT INTO auditlog.events (event_type, \"timestamp\", actor_id, actor_email, actor_ip, resource_id, before, after, extra)
             SELECT 'resource.modify', timestamptz '2021-01-01 00:00:02+00' + n * interval '1 day' / {per_day}, 'p' || n % 50, 'p' || n % 50 || '@example.org',
                 '10.1.0.1'::inet + n % 200, 'row-' || n, jsonb_build_object('size', n, 'owner', 'p' || n % 50),
                 jsonb_build_object('size', n + 1), jsonb_build_object('n', n, 'note', CASE WHEN n % 97 = 0 THEN repeat(md5(n::text), 1000) ELSE md5(n::text) END)
             FROM generate_series(0, {per_day} * 120 - 1) AS n;
             RESET auditlog.validation"
        ))
        .expect("INSERT");
    wait_sealed(&mut client);
    set(&mut client, WARM);
    wait_sealed(&mut client);
    let content = content(&mut client);
    run(&mut client, "2021-08-01");
    let compressed =
        "SELECT count(*) FROM pg_class AS c JOIN pg_am AS a ON a.oid = c.relam WHERE a.amname = 'auditlog_compressed'";
    assert_eq!(scalar(&mut client, compressed), 5);
    (cluster, client, content)
}

/// The content of what was recorded for this test: rounds are told of in the log, and come to it.
fn content(client: &mut Client) -> String {
    text(
        client,
        &format!("{CONTENT} WHERE l.\"timestamp\" < '2022-01-01'").replace("retention_class", "''"),
    )
}

fn plan(client: &mut Client, sql: &str) -> String {
    let rows = client
        .query(&format!("EXPLAIN (COSTS off) {sql}"), &[])
        .expect("EXPLAIN");
    rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect()
}

#[test]
fn rows_are_found_by_every_plan() {
    let (_cluster, mut client, before) = warm(&Options::default(), 60);
    assert_eq!(content(&mut client), before);
    assert_eq!(verify(&mut client), []);
    let query = format!(
        "SELECT concat_ws(' ', count(*), sum(log_index), min(extra ->> 'note'), max(length(extra::text))) FROM {JANUARY} WHERE \
         \"timestamp\" BETWEEN '2021-01-10' AND '2021-01-12'"
    );
    let off = |client: &mut Client, which: &[&str]| {
        client.batch_execute("RESET ALL").expect("RESET");
        for name in which {
            client.batch_execute(&format!("SET enable_{name} = off")).expect("SET");
        }
    };
    let mut answers = Vec::new();
    for (which, node) in [
        (&["bitmapscan", "indexscan"][..], "Seq Scan"),
        (&["seqscan", "indexscan"], "Bitmap Heap Scan"),
    ] {
        off(&mut client, which);
        let plan = plan(&mut client, &query);
        assert!(plan.contains(node), "{plan}");
        answers.push(text(&mut client, &query));
    }
    off(&mut client, &["indexscan"]);
    client
        .batch_execute("SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_bitmapscan = off")
        .expect("SET");
    let parallel = plan(&mut client, &query);
    assert!(parallel.contains("Parallel Seq Scan"), "{parallel}");
    answers.push(text(&mut client, &query));
    assert!(answers[0].starts_with("12"), "{}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // by address in an index, the other way round, and from there backwards
    off(&mut client, &["seqscan", "bitmapscan"]);
    let one = format!("SELECT event_id FROM {JANUARY} WHERE log_index = 77");
    assert!(
        plan(&mut client, &one).contains("Index Scan"),
        "{}",
        plan(&mut client, &one)
    );
    let id = text(&mut client, &one);
    off(&mut client, &["seqscan"]);
    let by_id = format!("SELECT log_index FROM {JANUARY} WHERE event_id = '{id}'");
    assert!(
        plan(&mut client, &by_id).contains("event"),
        "{}",
        plan(&mut client, &by_id)
    );
    assert_eq!(scalar(&mut client, &by_id), 77);
    off(&mut client, &["indexscan", "bitmapscan"]);
    client
        .batch_execute(&format!(
            "BEGIN; DECLARE c SCROLL CURSOR FOR SELECT log_index FROM {JANUARY}"
        ))
        .expect("a cursor");
    let numbers = |client: &mut Client, fetch: &str| -> Vec<i64> {
        client
            .query(fetch, &[])
            .expect("FETCH")
            .iter()
            .map(|row| row.get(0))
            .collect()
    };
    let forward = numbers(&mut client, "FETCH ALL FROM c");
    let mut backward = numbers(&mut client, "FETCH BACKWARD ALL FROM c");
    backward.reverse();
    assert_eq!(forward, backward);
    assert_eq!(numbers(&mut client, "FETCH ABSOLUTE 70 FROM c"), forward[69..70]);
    assert_eq!(numbers(&mut client, "FETCH RELATIVE -3 FROM c"), forward[66..67]);
    client.batch_execute("COMMIT; RESET ALL").expect("COMMIT");
    // and by those who search
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.search('actor.email:p7@example.org AND timestamp:<2021-03-01', \"limit\" => 1000)"
        ),
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog_data.log WHERE actor_email = 'p7@example.org' AND \"timestamp\" < '2021-03-01'"
        ),
    );
}

#[test]
fn an_erasure_writes_the_group_anew_and_can_be_taken_back() {
    let (cluster, mut client, before) = warm(&Options::default(), 20);
    let mails = "SELECT count(*) FROM auditlog_data.log WHERE actor_email = 'p7@example.org'";
    let people = scalar(&mut client, mails);
    assert!(people > 20);
    let content_of_others = format!(
        "{CONTENT} WHERE l.\"timestamp\" < '2022-01-01' AND l.actor_id IS DISTINCT FROM 'p7' AND l.redacted IS NULL"
    );
    let others = text(&mut client, &content_of_others);
    client
        .batch_execute("BEGIN; SELECT auditlog.erase('actor.id:p7', 'GDPR 17'); ROLLBACK")
        .expect("taken back");
    assert_eq!(content(&mut client), before);
    // A savepoint takes back what is after it, also in groups that were written before it.
    client
        .batch_execute(
            "BEGIN; SELECT auditlog.erase('actor.id:p7 AND timestamp:<2021-02-01', 'GDPR 17');
             SAVEPOINT s; SELECT auditlog.erase('actor.id:p7 OR actor.id:p8', 'GDPR 17'); ROLLBACK TO s;
             SELECT auditlog.erase('actor.id:p7', 'GDPR 17'); COMMIT",
        )
        .expect("erased");
    assert_eq!(scalar(&mut client, mails), 0);
    assert_eq!(text(&mut client, &content_of_others), others);
    wait_sealed(&mut client);
    assert_eq!(verify(&mut client), []);
    for vacuum in [
        "VACUUM auditlog_data.log",
        "VACUUM (FREEZE, ANALYZE) auditlog_data.log",
        "VACUUM (INDEX_CLEANUP on, TRUNCATE on) auditlog_data.log",
    ] {
        client.batch_execute(vacuum).expect(vacuum);
        assert_eq!(text(&mut client, &content_of_others), others, "{vacuum}");
        assert_eq!(verify(&mut client), [], "{vacuum}");
    }
    // What every index says is what is there.
    let january = format!("SELECT concat_ws(' ', count(*), sum(log_index)) FROM {JANUARY}");
    let all = text(&mut client, &january);
    for (column, range) in [
        ("log_index", "log_index >= 0"),
        ("\"timestamp\"", "\"timestamp\" > '2020-01-01'"),
    ] {
        client.batch_execute("SET enable_seqscan = off").expect("SET");
        assert_eq!(text(&mut client, &format!("{january} WHERE {range}")), all, "{column}");
        client.batch_execute("RESET enable_seqscan").expect("RESET");
    }
    let relation = format!(
        "SELECT (age(relfrozenxid) < 100)::int::bigint * reltuples::bigint FROM pg_class WHERE oid = '{JANUARY}'::regclass"
    );
    assert_eq!(
        scalar(&mut client, &relation),
        scalar(&mut client, &format!("SELECT count(*) FROM {JANUARY}"))
    );
    // As it is after a restart, and from a page that nobody has in memory.
    cluster.restart();
    let mut client = cluster.connect("audited");
    assert_eq!(text(&mut client, &content_of_others), others);
}

/// One command changes several rows of a group, as a superuser without triggers can: each is changed, once.
#[test]
fn one_command_changes_many_rows_of_a_group() {
    let (_cluster, mut client, _) = warm(&Options::default(), 20);
    client
        .batch_execute("SET session_replication_role = replica; ALTER EVENT TRIGGER auditlog_guard_ddl DISABLE")
        .expect("a superuser");
    client
        .batch_execute(&format!("ALTER TABLE {JANUARY} DISABLE TRIGGER ALL"))
        .expect("a superuser");
    let rows = scalar(&mut client, &format!("SELECT count(*) FROM {JANUARY}"));
    let changed = client
        .execute(
            &format!("UPDATE {JANUARY} SET operation = 'forged ' || log_index WHERE log_index % 3 = 0"),
            &[],
        )
        .expect("UPDATE");
    assert_eq!(
        changed as i64,
        scalar(
            &mut client,
            &format!("SELECT count(*) FROM {JANUARY} WHERE operation = 'forged ' || log_index")
        )
    );
    // the same row twice by one command, which changes it once
    let doubled = client
        .execute(
            &format!("UPDATE {JANUARY} AS l SET operation = 'twice ' || v.n FROM (VALUES (1), (2)) AS v (n) WHERE l.log_index % 5 = 0"),
            &[],
        )
        .expect("UPDATE");
    assert_eq!(
        doubled as i64,
        scalar(
            &mut client,
            &format!("SELECT count(*) FROM {JANUARY} WHERE operation LIKE 'twice %'")
        )
    );
    // rows that have grown to more than a page together, and long ones that are moved out
    client
        .batch_execute(&format!(
            "UPDATE {JANUARY} SET request_id = (SELECT string_agg(md5(n || 'x' || log_index), '') FROM generate_series(1, 40) AS n) WHERE log_index % 2 = 0;
             UPDATE {JANUARY} SET extra = jsonb_build_object('long', (SELECT string_agg(md5(n || 'y' || log_index), '') FROM generate_series(1, 900) AS n)) WHERE log_index % 7 = 0"
        ))
        .expect("UPDATE");
    let fits = format!(
        "SELECT count(*) FROM {JANUARY} WHERE (log_index % 2 = 0) = (length(request_id) IS NOT DISTINCT FROM 1280) \
         AND (log_index % 7 = 0) = (length(extra ->> 'long') IS NOT DISTINCT FROM 28800)"
    );
    assert_eq!(scalar(&mut client, &fits), rows);
    let gone = client
        .execute(&format!("DELETE FROM {JANUARY} WHERE log_index % 4 = 0"), &[])
        .expect("DELETE");
    assert_eq!(
        scalar(&mut client, &format!("SELECT count(*) FROM {JANUARY}")),
        rows - gone as i64
    );
    client
        .batch_execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        .expect("SET");
    assert_eq!(
        scalar(
            &mut client,
            &format!("SELECT count(*) FROM {JANUARY} WHERE log_index >= 0")
        ),
        rows - gone as i64
    );
    client
        .batch_execute(&format!("RESET ALL; REINDEX TABLE {JANUARY}; SET enable_seqscan = off"))
        .expect("REINDEX");
    assert_eq!(
        scalar(
            &mut client,
            &format!("SELECT count(*) FROM {JANUARY} WHERE log_index >= 0")
        ),
        rows - gone as i64
    );
    // What a superuser has done so is found.
    let found = verify(&mut client);
    assert!(found.len() as u64 >= gone, "{}", found.len());
}

#[test]
fn two_who_erase_in_one_group_do_not_undo_each_other() {
    let (cluster, mut client, _) = warm(&Options::default(), 20);
    let mut other = cluster.connect("audited");
    client
        .batch_execute("BEGIN; SELECT auditlog.erase('actor.id:p7', 'GDPR 17')")
        .expect("the first");
    let second = std::thread::spawn(move || {
        let done = other.batch_execute("SELECT auditlog.erase('actor.id:p9', 'GDPR 17')");
        done.map_err(|error| error.code().map(|code| code.code().to_owned()))
    });
    wait_until("the second waits or has failed", LONG, || {
        second.is_finished() || scalar(&mut client, "SELECT count(*) FROM pg_locks WHERE NOT granted") > 0
    });
    client.batch_execute("COMMIT").expect("COMMIT");
    match second.join().expect("no panic") {
        Ok(()) => assert_eq!(
            scalar(
                &mut client,
                "SELECT count(*) FROM auditlog_data.log WHERE actor_email = 'p9@example.org'"
            ),
            0
        ),
        Err(code) => assert_eq!(code.as_deref(), Some("40001")),
    }
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog_data.log WHERE actor_email = 'p7@example.org'"
        ),
        0
    );
    wait_sealed(&mut client);
    assert_eq!(verify(&mut client), []);
}

/// An erasure and a move that want each other's tables: the move gives way.
#[test]
fn a_move_gives_way_to_an_erasure() {
    let (cluster, mut client, _) = warm(&Options::default(), 20);
    let mut other = cluster.connect("audited");
    set(&mut client, "default: {hot_days: 3000, warm_days: 4000, cold_days: 0}");
    other
        .batch_execute("BEGIN; SELECT count(*) FROM auditlog_data.log WHERE log_index = 1")
        .expect("a reader holds the log");
    let round = scalar(&mut client, "SELECT auditlog.run_retention('2021-08-01')");
    let locked = format!(
        "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'ShareLock' AND relation = '{JANUARY}'::regclass"
    );
    wait_until("the partition is locked", LONG, || scalar(&mut client, &locked) > 0);
    client
        .batch_execute("SELECT auditlog.erase('actor.id:p7', 'GDPR 17')")
        .expect("it does not wait for the reader");
    other.batch_execute("COMMIT").expect("COMMIT");
    let over = format!("SELECT count(*) FROM auditlog.retention_runs WHERE id = {round} AND ended_at IS NOT NULL");
    wait_until("the round is over", LONG * 2, || scalar(&mut client, &over) == 1);
    let mails = "SELECT count(*) FROM auditlog_data.log WHERE actor_email = 'p7@example.org'";
    assert_eq!(scalar(&mut client, mails), 0);
    wait_sealed(&mut client);
    assert_eq!(verify(&mut client), []);
}

#[test]
fn late_events_come_to_a_warm_month() {
    // Decoders of the WAL must not see groups as rows: they are written another way for them.
    let (cluster, mut client, before) = warm(&Options::default().set("wal_level", "logical"), 20);
    assert_eq!(content(&mut client), before);
    let rows = scalar(&mut client, &format!("SELECT count(*) FROM {JANUARY}"));
    client
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, \"timestamp\", actor_id) VALUES ('resource.view', '2021-01-05', 'late');
             INSERT INTO auditlog.events (event_type, \"timestamp\", actor_id)
             SELECT 'resource.view', '2021-01-06', 'late' FROM generate_series(1, 500)",
        )
        .expect("INSERT");
    wait_sealed(&mut client);
    assert_eq!(
        scalar(&mut client, &format!("SELECT count(*) FROM {JANUARY}")),
        rows + 501
    );
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.search('actor.id:late', \"limit\" => 1000)"
        ),
        501
    );
    // Long values come with their row, and do not stay behind in the inbox.
    client
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, \"timestamp\", actor_id, extra)
             SELECT 'resource.view', '2021-01-07', 'long', jsonb_build_object('text', (SELECT string_agg(md5(i || 'l' || n), '') FROM generate_series(1, 3000) AS i))
             FROM generate_series(1, 3) AS n",
        )
        .expect("INSERT");
    wait_sealed(&mut client);
    let long = format!("SELECT count(*) FROM {JANUARY} WHERE actor_id = 'long' AND length(extra ->> 'text') = 96000");
    assert_eq!(scalar(&mut client, &long), 3);
    client.batch_execute("VACUUM").expect("VACUUM");
    cluster.restart();
    let mut client = cluster.connect("audited");
    assert_eq!(scalar(&mut client, &long), 3);
    // It is this table that has them.
    let own =
        format!("SELECT pg_relation_size(c.reltoastrelid) FROM pg_class AS c WHERE c.oid = '{JANUARY}'::regclass");
    assert!(scalar(&mut client, &own) > 100_000);
    assert_eq!(verify(&mut client), []);
}

#[test]
fn a_dump_and_a_standby_have_them() {
    let (cluster, mut client, before) = warm(&Options::default(), 20);
    let target = Cluster::start(&Options::default());
    target.psql("postgres", "CREATE DATABASE audited");
    cluster.dump_into("audited", &target, "audited");
    let mut copy = target.connect("audited");
    assert_eq!(content(&mut copy), before);
    assert_eq!(verify(&mut copy), []);
    let standby = Cluster::from_base_backup(&cluster, true);
    let mut reader = standby.connect("audited");
    assert_eq!(content(&mut reader), before);
    client
        .batch_execute("SELECT auditlog.erase('actor.id:p7', 'GDPR 17')")
        .expect("erase()");
    let mails = "SELECT count(*) FROM auditlog_data.log WHERE actor_email = 'p7@example.org'";
    wait_until("the standby has it, too", LONG, || scalar(&mut reader, mails) == 0);
    assert_eq!(content(&mut reader), content(&mut client));
}

/// Everybody is killed while partitions become warm and rows of them are erased; WAL is all that is left.
#[test]
fn crashes_lose_no_row() {
    let rounds = if std::env::var_os("AUDITLOG_SOAK").is_some() {
        20
    } else {
        2
    };
    let (cluster, mut client, before) = warm(&Options::default(), 20);
    for round in 0..rounds {
        set(
            &mut client,
            if round % 4 < 2 {
                "default: {hot_days: 3000, warm_days: 4000, cold_days: 0}"
            } else {
                WARM
            },
        );
        client
            .batch_execute(if round % 2 == 0 {
                "SELECT auditlog.run_retention('2021-08-01')"
            } else {
                "BEGIN; SELECT auditlog.erase('actor.id:p7', 'GDPR 17')"
            })
            .expect("work that is cut short");
        std::thread::sleep(std::time::Duration::from_millis(60 * (round % 5) as u64));
        cluster.kill9(Victim::Everybody);
        cluster.go();
        client = cluster.connect("audited");
        wait_sealed(&mut client);
        assert_eq!(content(&mut client), before, "round {round}");
        assert_eq!(verify(&mut client), [], "round {round}");
    }
}

#[test]
fn what_it_cannot_do_it_says() {
    let (_cluster, mut client, before) = warm(&Options::default(), 5);
    client
        .batch_execute(
            "ALTER EVENT TRIGGER auditlog_guard_ddl DISABLE; ALTER EVENT TRIGGER auditlog_guard_drop DISABLE",
        )
        .expect("a superuser");
    for (sql, code) in [
        (
            "CREATE TABLE public.mine (a integer) USING auditlog_compressed".to_owned(),
            "0A000",
        ),
        (format!("VACUUM FULL {JANUARY}"), "0A000"),
        (
            format!("CLUSTER {JANUARY} USING log_standard_2021_01_log_index"),
            "0A000",
        ),
        (format!("CREATE INDEX CONCURRENTLY x ON {JANUARY} (operation)"), "0A000"),
        (
            format!("SELECT count(*) FROM {JANUARY} TABLESAMPLE SYSTEM (10)"),
            "0A000",
        ),
    ] {
        refused_with(&mut client, code, &sql);
    }
    assert_eq!(content(&mut client), before);
}
