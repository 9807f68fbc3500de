//! Workers come and go with databases, extensions and servers, and stand in nobody's way.

use auditlog_testkit::log::{assert_intact, count_events, scalar, text, verify, wait_sealed};
use auditlog_testkit::postgres::NoTls;
use auditlog_testkit::refused::refused;
use auditlog_testkit::{Cluster, Database, LONG, Options, SetAtEnd, Stop, wait_until};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const RECORD: &str = "SELECT auditlog.record(event_type => 'a.b')";

/// Records until `stop`, whatever happens to the connection; returns how many were acknowledged.
fn load(cluster: &Cluster, database: &str, stop: &AtomicBool) -> i64 {
    let mut acknowledged = 0;
    while !stop.load(Ordering::SeqCst) {
        let Ok(mut client) = cluster.config("postgres", database).connect(NoTls) else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        while !stop.load(Ordering::SeqCst) && client.batch_execute(RECORD).is_ok() {
            acknowledged += 1;
        }
    }
    acknowledged
}

/// Process id of a database's sealer, once there is one.
fn sealer(cluster: &Cluster, database: &str) -> i32 {
    let mut admin = cluster.connect("postgres");
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'pg_auditlog sealer%' AND datname = '{database}'"
    );
    let mut pid = 0;
    wait_until("a sealer runs", LONG, || {
        let rows = admin.query(&sql, &[]).expect("pg_stat_activity");
        assert!(rows.len() <= 1, "{} sealers in {database}", rows.len());
        pid = rows.first().map_or(0, |row| row.get(0));
        pid != 0
    });
    pid
}

#[test]
fn without_preloading_the_extension_says_what_to_do() {
    let cluster = Cluster::start(&Options {
        preload: false,
        ..Options::default()
    });
    let mut client = cluster.connect("postgres");
    let error = refused(&mut client, "CREATE EXTENSION pg_auditlog");
    assert!(
        error
            .hint()
            .is_some_and(|hint| hint.contains("shared_preload_libraries")),
        "{error:?}"
    );
}

#[test]
fn the_extension_can_be_dropped_and_created_again() {
    let db = Database::new();
    let mut admin = db.superuser();
    for round in 0..3 {
        admin.batch_execute(RECORD).expect("record()");
        admin.batch_execute(RECORD).expect("record()");
        assert_intact(&mut admin, 2);
        // a log that holds events is not dropped by mistake
        let error = refused(&mut admin, "DROP EXTENSION pg_auditlog");
        assert_eq!(error.code().code(), "2BP01", "{error:?}");
        assert!(error.hint().is_some_and(|hint| hint.contains("CASCADE")), "{error:?}");
        admin
            .batch_execute("DROP EXTENSION pg_auditlog CASCADE")
            .expect("DROP EXTENSION");
        let left = "SELECT count(*) FROM pg_class WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('auditlog', 'auditlog_data'))";
        assert_eq!(scalar(&mut admin, left), 0, "round {round}: relations left");
        if round == 1 {
            thread::sleep(Duration::from_secs(1)); // the sealer finds out that there is nothing to do
        }
        admin
            .batch_execute("CREATE EXTENSION pg_auditlog")
            .expect("CREATE EXTENSION");
    }
    // sessions that recorded before go on after
    let mut other = db.superuser();
    other.batch_execute(RECORD).expect("record()");
    admin
        .batch_execute("DROP EXTENSION pg_auditlog CASCADE; CREATE EXTENSION pg_auditlog")
        .expect("again");
    other.batch_execute(RECORD).expect("record() in an old session");
    assert_intact(&mut admin, 1);
}

#[test]
fn a_rolled_back_create_or_drop_changes_nothing() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin.batch_execute(RECORD).expect("record()");
    admin
        .batch_execute("BEGIN; DROP EXTENSION pg_auditlog CASCADE; ROLLBACK")
        .expect("ROLLBACK");
    admin.batch_execute(RECORD).expect("record()");
    assert_intact(&mut admin, 2);
}

#[test]
fn each_database_has_a_log_of_its_own() {
    let (one, two) = (Database::new(), Database::new());
    let (mut first, mut second) = (one.superuser(), two.superuser());
    for _ in 0..5 {
        first.batch_execute(RECORD).expect("record()");
    }
    second.batch_execute(RECORD).expect("record()");
    assert_intact(&mut first, 5);
    assert_intact(&mut second, 1);
    let head = "SELECT encode(hash, 'hex') FROM auditlog.events WHERE log_index = 0";
    assert_ne!(text(&mut first, head), text(&mut second, head));
}

#[test]
fn create_extension_in_many_databases_at_once() {
    let cluster = Cluster::start(&Options::default());
    let databases: Vec<String> = (0..6).map(|i| format!("audited_{i}")).collect();
    for database in &databases {
        cluster
            .connect("postgres")
            .batch_execute(&format!("CREATE DATABASE {database}"))
            .expect("CREATE DATABASE");
    }
    // the roles are the cluster's: each finds them missing at first
    let together = Barrier::new(databases.len());
    thread::scope(|scope| {
        for database in &databases {
            let mut client = cluster.connect(database);
            let together = &together;
            scope.spawn(move || {
                together.wait();
                client
                    .batch_execute("CREATE EXTENSION pg_auditlog")
                    .expect("CREATE EXTENSION");
                client.batch_execute(RECORD).expect("record()");
                assert_intact(&mut client, 1);
            });
        }
    });
}

#[test]
fn an_audited_database_can_be_dropped_and_made_again() {
    let cluster = Cluster::start(&Options::default());
    let mut admin = cluster.connect("postgres");
    for round in 0..3 {
        let mut client = cluster.create_database_with_extension("audited");
        for _ in 0..10 {
            client.batch_execute(RECORD).expect("record()");
        }
        if round != 1 {
            assert_intact(&mut client, 10); // in round 1 the sealer is at work when the database goes
        }
        drop(client);
        admin
            .batch_execute("DROP DATABASE audited WITH (FORCE)")
            .expect("DROP DATABASE");
    }
}

#[test]
fn a_copy_by_template_verifies_and_goes_on() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    for _ in 0..5 {
        client.batch_execute(RECORD).expect("record()");
    }
    assert_intact(&mut client, 5);
    let head = text(
        &mut client,
        "SELECT encode(hash, 'hex') FROM auditlog.events WHERE log_index = 4",
    );
    drop(client);
    // PostgreSQL copies no database that has connections: nobody may come in, the sealer must leave
    let mut admin = cluster.connect("postgres");
    admin
        .batch_execute("ALTER DATABASE audited ALLOW_CONNECTIONS false")
        .expect("ALTER DATABASE");
    wait_until("CREATE DATABASE … TEMPLATE", LONG, || {
        admin
            .batch_execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'audited'")
            .expect("pg_terminate_backend()");
        admin.batch_execute("CREATE DATABASE copied TEMPLATE audited").is_ok()
    });
    admin
        .batch_execute("ALTER DATABASE audited ALLOW_CONNECTIONS true")
        .expect("ALTER DATABASE");
    for database in ["copied", "audited"] {
        let mut client = cluster.connect(database);
        assert_eq!(verify(&mut client), [], "{database}");
        client
            .batch_execute(RECORD)
            .unwrap_or_else(|e| panic!("record() in {database}: {e:?}"));
        // in the copy, an event tells of it
        let events = if database == "copied" { 7 } else { 6 };
        wait_until("all is recorded", LONG, || count_events(&mut client) == events);
        assert_intact(&mut client, events);
        let link = "SELECT encode(prev_hash, 'hex') FROM auditlog.events WHERE log_index = 5";
        assert_eq!(text(&mut client, link), head, "{database} goes on from the common head");
    }
}

#[test]
fn create_and_drop_of_other_databases_do_not_wait_for_our_workers() {
    let db = Database::new();
    let stop = AtomicBool::new(false);
    let slowest = thread::scope(|scope| {
        let end = SetAtEnd(&stop);
        let clients: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| load(auditlog_testkit::shared(), db.name(), &stop)))
            .collect();
        let mut admin = auditlog_testkit::shared().connect("postgres");
        let mut slowest = Duration::ZERO;
        for _ in 0..5 {
            let start = Instant::now();
            admin
                .batch_execute("CREATE DATABASE bystander")
                .expect("CREATE DATABASE");
            admin.batch_execute("DROP DATABASE bystander").expect("DROP DATABASE");
            slowest = slowest.max(start.elapsed());
        }
        drop(end);
        let acknowledged: i64 = clients.into_iter().map(|c| c.join().expect("a client failed")).sum();
        assert_intact(&mut db.superuser(), acknowledged);
        slowest
    });
    println!("slowest CREATE + DROP DATABASE: {slowest:?}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

#[test]
fn a_fast_shutdown_under_load_takes_less_than_two_seconds() {
    let cluster = Cluster::start(&Options::default());
    drop(cluster.create_database_with_extension("audited"));
    let stop = AtomicBool::new(false);
    let (times, acknowledged) = thread::scope(|scope| {
        let end = SetAtEnd(&stop);
        let clients: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| load(&cluster, "audited", &stop)))
            .collect();
        let mut times = Vec::new();
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(1500));
            let start = Instant::now();
            cluster.stop(Stop::Fast);
            times.push(start.elapsed());
            cluster.go();
        }
        drop(end);
        let acknowledged: i64 = clients.into_iter().map(|c| c.join().expect("a client failed")).sum();
        (times, acknowledged)
    });
    println!("fast shutdowns: {times:?}");
    assert!(times.iter().all(|t| *t < Duration::from_secs(2)), "{times:?}");
    let mut admin = cluster.connect("audited");
    wait_sealed(&mut admin);
    let events = count_events(&mut admin);
    // the answer to a commit may be lost with its connection: eight clients, three stops
    assert!(
        (acknowledged..=acknowledged + 24).contains(&events),
        "{events} events, {acknowledged} acknowledged"
    );
    assert_intact(&mut admin, events);
}

#[test]
fn workers_that_are_terminated_come_back() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    let mut events = 0;
    for _ in 0..2 {
        let old = sealer(&cluster, "audited");
        client
            .execute("SELECT pg_terminate_backend($1)", &[&old])
            .expect("pg_terminate_backend()");
        client.batch_execute(RECORD).expect("record()");
        events += 1;
        assert_intact(&mut client, events);
        assert_ne!(sealer(&cluster, "audited"), old);
    }
    client
        .batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE 'pg_auditlog launcher%'",
        )
        .expect("pg_terminate_backend()");
    client.batch_execute(RECORD).expect("record()");
    assert_intact(&mut client, events + 1);
    let mut second = cluster.create_database_with_extension("second");
    second.batch_execute(RECORD).expect("record()");
    assert_intact(&mut second, 1);
}

#[test]
fn cancelling_the_sealer_or_a_verify_does_no_harm() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    let pid = sealer(&cluster, "audited");
    for _ in 0..20 {
        client
            .batch_execute("INSERT INTO auditlog.events (event_type) SELECT 'a.b' FROM generate_series(1, 200)")
            .expect("INSERT");
        client
            .execute("SELECT pg_cancel_backend($1)", &[&pid])
            .expect("pg_cancel_backend()");
    }
    assert_intact(&mut client, 4000);
    // One message is one transaction, whose end undoes the setting: a statement of its own could take too long itself.
    let error = refused(
        &mut client,
        "SET statement_timeout = '1ms'; SELECT count(*) FROM auditlog.verify(), generate_series(1, 100000000)",
    );
    assert_eq!(error.code().code(), "57014", "{error:?}");
    assert_eq!(text(&mut client, "SHOW statement_timeout"), "0");
    assert_eq!(verify(&mut client), []);
}

#[test]
fn the_interval_of_the_sealer_is_read_again_at_reload() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    client
        .batch_execute("ALTER SYSTEM SET auditlog.seal_interval = '50ms'")
        .expect("ALTER SYSTEM");
    client.batch_execute("SELECT pg_reload_conf()").expect("reload");
    wait_until("the new setting is seen", LONG, || {
        text(&mut client, "SHOW auditlog.seal_interval") == "50ms"
    });
    client.batch_execute(RECORD).expect("record()");
    assert_intact(&mut client, 1);
}
