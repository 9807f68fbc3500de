//! What clients see when the database is slow, full or away; and what operators see.

use crate::client::request;
use crate::world::{World, cluster};
use auditlog_testkit::{Options, Stop};

#[test]
fn a_database_that_is_away_is_503_and_comes_back() {
    let cluster: &'static auditlog_testkit::Cluster = Box::leak(Box::new(cluster(&Options::default())));
    let world = World::on(cluster, |_| {});
    world.get("ann", "/api/v1/whoami").expect(200);
    world.anonymous("GET", "/ready").send().expect(200);
    cluster.stop(Stop::Immediate);
    let away = world.get("ann", "/api/v1/whoami").expect(503);
    assert!(away.header("retry-after").is_some());
    world.get("mia", "/api/v1/whoami").expect(503);
    world.anonymous("GET", "/ready").send().expect(503);
    world.anonymous("GET", "/health").send().expect(200);
    cluster.go();
    auditlog_testkit::wait_until("the server serves again", auditlog_testkit::LONG, || {
        world.get("ann", "/api/v1/whoami").status == 200
    });
    world.anonymous("GET", "/ready").send().expect(200);
}

#[test]
fn what_takes_too_long_is_stopped() {
    let world = World::with(|given| given.statement_timeout = Some("300ms".parse().expect("a time")));
    let mut client = world.superuser();
    let mut lock = client.transaction().expect("a transaction");
    lock.batch_execute("LOCK TABLE auditlog_data.log IN ACCESS EXCLUSIVE MODE")
        .expect("a lock");
    let problem = world.get("ana", "/api/v1/audit-logs").expect(504).json();
    assert_eq!(problem["type"], "urn:auditlog:problem:timeout");
    lock.rollback().expect("ROLLBACK");
    world.get("ana", "/api/v1/audit-logs").expect(200);

    let world = World::with(|given| given.lock_timeout = Some("200ms".parse().expect("a time")));
    let mut client = world.superuser();
    let mut lock = client.transaction().expect("a transaction");
    lock.batch_execute("LOCK TABLE auditlog_data.log IN ACCESS EXCLUSIVE MODE")
        .expect("a lock");
    world.get("ana", "/api/v1/audit-logs").expect(503);
}

#[test]
fn a_pool_that_is_full_says_so() {
    let world = World::with(|given| {
        given.pool_per_identity = Some(1);
        given.pool_wait = Some("200ms".parse().expect("a time"));
    });
    let mut client = world.superuser();
    let mut lock = client.transaction().expect("a transaction");
    lock.batch_execute("LOCK TABLE auditlog_data.log IN ACCESS EXCLUSIVE MODE")
        .expect("a lock");
    let (address, waiting) = (world.address, std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            let request = request(address, "GET", "/api/v1/audit-logs").basic("ana", "ana");
            waiting.wait();
            request.send().status
        });
        waiting.wait();
        std::thread::sleep(std::time::Duration::from_millis(300));
        world.get("ana", "/api/v1/whoami").expect(503);
        world.get("com", "/api/v1/whoami").expect(200);
        lock.rollback().expect("ROLLBACK");
        assert_eq!(first.join().expect("an answer"), 200);
    });
}

#[test]
fn a_request_that_is_given_up_is_stopped_in_the_database() {
    let world = World::new();
    let mut client = world.superuser();
    let mut lock = client.transaction().expect("a transaction");
    lock.batch_execute("LOCK TABLE auditlog_data.log IN ACCESS EXCLUSIVE MODE")
        .expect("a lock");
    let mut other = world.superuser();
    let mut active = || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'ana' AND datname = current_database() AND state = 'active'";
        other.query_one(sql, &[]).expect("a count").get::<_, i64>(0)
    };
    let stream = std::net::TcpStream::connect(world.address).expect("a connection");
    let text = "GET /api/v1/audit-logs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YW5hOmFuYQ==\r\n\r\n";
    std::io::Write::write_all(&mut &stream, text.as_bytes()).expect("a request");
    auditlog_testkit::wait_until("it waits for the lock", auditlog_testkit::LONG, || active() == 1);
    drop(stream);
    auditlog_testkit::wait_until("it is stopped", auditlog_testkit::LONG, || active() == 0);
    lock.rollback().expect("ROLLBACK");
}

#[test]
fn metrics_tell_of_server_and_extension_and_of_nobody() {
    let world = World::new();
    world
        .get("ann", "/api/v1/audit-logs?q=event_type:secret.matter")
        .expect(200);
    world
        .anonymous("GET", "/api/v1/whoami")
        .basic("ann", "wrong")
        .send()
        .expect(401);
    let metrics = request(world.metrics, "GET", "/metrics").send().expect(200).text();
    for line in [
        "auditlog_server_requests_total{method=\"GET\",route=\"/api/v1/audit-logs\",status=\"200\"} 1",
        "auditlog_server_refused_logins_total 1",
        "auditlog_server_listening 1",
        "auditlog_sealed_events ",
        "auditlog_worker_errors_total{name=\"sealer\"} 0",
        "auditlog_health{name=\"sealer\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    for secret in ["\"ann\"", "secret.matter", "127.0.0.1"] {
        assert!(!metrics.contains(secret), "{secret}");
    }
    // Not where everybody is.
    world.anonymous("GET", "/metrics").send().expect(404);
    // In plain HTTP for what looks after containers, whatever the other listener speaks.
    request(world.metrics, "GET", "/health").send().expect(200);
}

#[test]
fn a_database_without_the_extension_is_refused() {
    let world = World::new();
    let mut client = world.superuser();
    client.batch_execute("CREATE DATABASE bare").expect("a database");
    let given = auditlog_server::config::Given {
        listen: Some("127.0.0.1:0".parse().expect("an address")),
        metrics_listen: Some("none".to_owned()),
        database: Some(format!(
            "host={} user=service password=service dbname=bare",
            world.cluster.dir().display()
        )),
        ..Default::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let settings = given.settle().expect("settings");
    let error = runtime
        .block_on(auditlog_server::start(settings))
        .err()
        .expect("refused")
        .to_string();
    assert!(error.contains("no extension"), "{error}");
    client
        .batch_execute("DROP DATABASE bare WITH (FORCE)")
        .expect("no database");
}
