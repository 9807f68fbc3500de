//! A window in which the log was not protected is itself in the log.

use auditlog_testkit::log::{scalar, text, verify, wait_sealed};
use auditlog_testkit::{Cluster, LONG, Options, wait_until};

#[test]
fn switching_protection_off_and_on_is_told_of() {
    let cluster = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "1"));
    let mut client = cluster.create_database_with_extension("audited");
    client
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, timestamp) VALUES ('a.b', '2023-05-05'), ('a.b', now())",
        )
        .expect("record()");
    wait_sealed(&mut client);
    wait_until("the protection is known", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog_data.publisher WHERE protection IS NOT NULL",
        ) == 1
    });
    let told = "SELECT count(*) FROM auditlog.events WHERE operation = 'protection_change'";
    // partitions and events are no changes
    client
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, timestamp) VALUES ('a.b', '2022-05-05'), ('a.b', now())",
        )
        .expect("record()");
    wait_sealed(&mut client);
    text(&mut client, "SELECT auditlog.checkpoint()");
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(scalar(&mut client, told), 0);
    let last = "SELECT concat_ws(' ', event_type, extra #>> '{metadata,changed}', extra #>> '{metadata,missing}')
        FROM auditlog.events WHERE operation = 'protection_change' ORDER BY recorded_at DESC LIMIT 1";
    // missing
    client
        .batch_execute("ALTER EVENT TRIGGER auditlog_guard_drop DISABLE")
        .expect("a superuser may");
    wait_until("it is told of", LONG, || scalar(&mut client, told) == 1);
    assert_eq!(
        text(&mut client, last),
        "auditlog.tamper_attempt [\"event triggers\"] [\"event trigger auditlog_guard_drop is not ENABLE ALWAYS\"]"
    );
    client
        .batch_execute("ALTER EVENT TRIGGER auditlog_guard_drop ENABLE ALWAYS")
        .expect("a superuser may");
    wait_until("it is told of", LONG, || scalar(&mut client, told) == 2);
    assert_eq!(
        text(&mut client, last),
        "auditlog.policy_change [\"event triggers\"] []"
    );
    // off and on again between two looks
    let partition = "tgrelid = 'auditlog_data.log_standard_2023_05'::regclass AND tgname = 'auditlog_no_change'";
    // (three connections: each knows the triggers as they were when it began)
    for sql in [
        format!("UPDATE pg_trigger SET tgenabled = 'D' WHERE {partition}"),
        "DELETE FROM auditlog_data.log_standard_2023_05".to_owned(),
        format!("UPDATE pg_trigger SET tgenabled = 'A' WHERE {partition}"),
    ] {
        cluster.connect("audited").batch_execute(&sql).expect("a superuser may");
    }
    let told_of =
        format!("SELECT count(*) FROM ({last}) AS l WHERE concat_ws = 'auditlog.policy_change [\"triggers\"] []'");
    wait_until("it is told of", LONG, || {
        scalar(&mut client, told) >= 3 && scalar(&mut client, &told_of) == 1
    });
    wait_sealed(&mut client);
    let kinds: Vec<String> = verify(&mut client).into_iter().map(|f| f.kind).collect();
    assert_eq!(kinds, ["missing"]);
}
