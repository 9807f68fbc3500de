//! What goes wrong with one event, one sink or one receiver.

use super::{Receiver, create, expected, lag, record, state, wait_passed};
use auditlog_testkit::http::Server;
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::{LONG, wait_until};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_refused_event_is_kept_and_the_rest_goes_on() {
    let cluster = super::cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let refuses = Arc::new(AtomicBool::new(true));
    let receiver = {
        let refuses = refuses.clone();
        Receiver::start(move |request| {
            let poison = String::from_utf8_lossy(&request.body).contains("poison");
            if poison && refuses.load(Ordering::SeqCst) {
                400
            } else {
                200
            }
        })
    };
    create(
        &mut client,
        "http",
        "http",
        &receiver.config(),
        "NOT event_type:auditlog.*",
    );
    record(&mut client, "x", 100);
    record(&mut client, "poison", 1);
    record(&mut client, "x", 100);
    wait_passed(&mut client, "http");
    assert_eq!(receiver.ids(), expected(&mut client, "event_type = 'x'"));
    let dead = "SELECT count(*) || ' ' || min(e.event_type) || ' ' || min(l.error) FROM auditlog.sink_dead_letters AS l
        JOIN auditlog.events AS e ON e.log_index = l.log_index AND e.event_id = l.event_id";
    let dead = text(&mut client, dead);
    assert!(dead.starts_with("1 poison ") && dead.contains("400"), "{dead}");
    wait_sealed(&mut client);
    let told = "SELECT operation || ' ' || severity FROM auditlog.events WHERE event_type = 'auditlog.delivery_failed'";
    assert_eq!(text(&mut client, told), "deliver error");
    let health = "SELECT status || ' ' || detail FROM auditlog.health() WHERE \"check\" = 'sinks'";
    assert_eq!(text(&mut client, health), "warning 1 events were refused for good.");
    // Refused again, it stays; then it is taken.
    client
        .batch_execute("SELECT auditlog.redrive_sink('http')")
        .expect("redrive_sink()");
    wait_until("it is refused again", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.sink_dead_letters WHERE NOT redrive",
        ) == 1
    });
    refuses.store(false, Ordering::SeqCst);
    let redrive = "SELECT auditlog.redrive_sink('http', (SELECT log_index FROM auditlog.sink_dead_letters))";
    assert_eq!(scalar(&mut client, redrive), 1);
    wait_until("it has arrived", LONG, || {
        scalar(&mut client, "SELECT count(*) FROM auditlog.sink_dead_letters") == 0
    });
    assert_eq!(receiver.ids().len(), 201);
}

#[test]
fn a_paused_sink_keeps_its_position() {
    let cluster = super::cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let status = Arc::new(AtomicU16::new(200));
    let receiver = {
        let status = status.clone();
        Receiver::start(move |_| status.load(Ordering::SeqCst))
    };
    create(&mut client, "http", "http", &receiver.config(), "event_type:x");
    record(&mut client, "x", 10);
    wait_passed(&mut client, "http");
    client
        .batch_execute("SELECT auditlog.pause_sink('http', 'maintenance')")
        .expect("pause_sink()");
    std::thread::sleep(Duration::from_secs(2));
    record(&mut client, "x", 10);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(receiver.ids().len(), 10);
    let shown = "SELECT state || ' ' || reason || ' ' || (lag_events >= 10) FROM auditlog.sinks";
    assert_eq!(text(&mut client, shown), "paused maintenance true");
    client
        .batch_execute("SELECT auditlog.resume_sink('http')")
        .expect("resume_sink()");
    wait_passed(&mut client, "http");
    assert_eq!(receiver.ids(), expected(&mut client, "event_type = 'x'"));
    // A wrong token needs somebody; mended, it goes on at once.
    status.store(401, Ordering::SeqCst);
    record(&mut client, "x", 1);
    wait_until("it waits for somebody", LONG, || state(&mut client, "http") == "error");
    let health = "SELECT status || ' ' || detail FROM auditlog.health() WHERE \"check\" = 'sinks'";
    let health = text(&mut client, health);
    assert!(health.starts_with("error ") && health.contains("401"), "{health}");
    status.store(200, Ordering::SeqCst);
    client
        .batch_execute("SELECT auditlog.resume_sink('http')")
        .expect("resume_sink()");
    wait_passed(&mut client, "http");
    assert_eq!(state(&mut client, "http"), "active");
    assert_eq!(receiver.ids(), expected(&mut client, "event_type = 'x'"));
}

#[test]
fn a_sink_that_hangs_delays_nobody() {
    let cluster = super::cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let hangs = Server::start(|_| {
        std::thread::sleep(Duration::from_secs(60));
        (200, "text/plain", Vec::new())
    });
    let receiver = Receiver::start(|_| 200);
    create(&mut client, "hangs", "http", &json!({"url": hangs.url()}), "");
    record(&mut client, "x", 10);
    wait_until("it hangs", LONG, || lag(&mut client, "hangs") > 0);
    create(&mut client, "http", "http", &receiver.config(), "event_type:x");
    let begin = Instant::now();
    record(&mut client, "x", 100);
    wait_passed(&mut client, "http");
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    let begin = Instant::now();
    cluster.stop(auditlog_testkit::Stop::Fast);
    println!(
        "with a receiver that hangs the server has stopped in {:?}",
        begin.elapsed()
    );
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

/// The log is not the one that was sent: nothing more is sent, and the log says so.
#[test]
fn a_log_that_was_forged_is_not_sent_on() {
    let cluster = super::cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let receiver = Receiver::start(|_| 200);
    create(&mut client, "http", "http", &receiver.config(), "event_type:x");
    record(&mut client, "x", 10);
    wait_passed(&mut client, "http");
    client
        .batch_execute("SELECT auditlog.pause_sink('http')")
        .expect("pause_sink()");
    // It is noticed within a second.
    std::thread::sleep(Duration::from_secs(2));
    record(&mut client, "x", 20);
    wait_sealed(&mut client);
    // A superuser may write into the catalogue; a new connection has nothing of it in memory.
    let triggers = "UPDATE pg_trigger SET tgenabled = $ WHERE tgrelid IN (SELECT relid FROM pg_partition_tree('auditlog_data.log'))";
    client
        .batch_execute(&triggers.replace('$', "'D'"))
        .expect("no triggers");
    cluster
        .connect("audited")
        .batch_execute(
            "DELETE FROM auditlog_data.log WHERE log_index = (SELECT max(log_index) - 5 FROM auditlog_data.log)",
        )
        .expect("forgery");
    client.batch_execute(&triggers.replace('$', "'A'")).expect("triggers");
    client
        .batch_execute("SELECT auditlog.resume_sink('http')")
        .expect("resume_sink()");
    wait_until("it is stopped", LONG, || state(&mut client, "http") == "error");
    let reason = text(&mut client, "SELECT reason FROM auditlog.sinks");
    assert!(reason.contains("is not in the log"), "{reason}");
    assert_eq!(receiver.ids().len(), 10);
    wait_sealed(&mut client);
    let told = "SELECT operation || ' ' || severity FROM auditlog.events WHERE event_type = 'auditlog.delivery_failed'";
    assert_eq!(text(&mut client, told), "stop_sink critical");
}
