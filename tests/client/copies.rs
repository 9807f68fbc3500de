//! Copies of an audited database — by dump, by base backup, by promoting a standby — verify, and go
//! on recording and sealing. Events that were not sealed yet come along.

use auditlog_testkit::log::{assert_intact, count_events, scalar, text, verify};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, LONG, Options, Stop, wait_until};

/// A cluster with an audited database of some events, of every kind of column.
fn source() -> (Cluster, Client) {
    let cluster = Cluster::start(&Options::default().set("max_wal_senders", "4"));
    let mut client = cluster.create_database_with_extension("audited");
    client
        .batch_execute(
            r#"INSERT INTO auditlog.events (event_type, actor_email, actor_ip, before, tags, extra, timestamp, resource_tags)
               SELECT 'a.b', 'x@y.z', '2001:db8::1', '{"n": 12345678901234567890.50}', '{"a b","c\\d",NULL_}', E'{"t": "tab\\tquote\\""}',
                      '2023-12-30'::timestamptz + i * '10 hours'::interval, NULL FROM generate_series(1, 100) i;
               SELECT auditlog.record(event_type => 'a.b', idempotency_key => 'over the copy');
               INSERT INTO auditlog.event_types (event_type, category, description) VALUES ('my.type', 'mine', 'A type of my own.')"#,
        )
        .expect("INSERT");
    assert_intact(&mut client, 101);
    (cluster, client)
}

/// Number of events in the inbox, whoever may look.
const WAITING: &str = "SELECT count(*) FROM auditlog.events WHERE log_index IS NULL";

const TAKEOVERS: &str = "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.restore'";

/// The copy verifies, has the events of the source, and seals new ones behind them. Where the copy is
/// an installation of its own, an event tells of the takeover; `takeovers` counts those of its ancestors
/// too.
fn goes_on(copy: &mut Client, source: &[String], events: i64, takeovers: i64) {
    let takeover = takeovers.min(1);
    assert_eq!(verify(copy), []);
    assert_eq!(hashes(copy)[..source.len()], *source);
    copy.batch_execute("INSERT INTO auditlog.events (event_type) VALUES ('after.copy'), ('my.type')")
        .expect("INSERT");
    wait_until("the takeover is recorded", LONG, || {
        count_events(copy) == events + 2 + takeover
    });
    assert_intact(copy, events + 2 + takeover);
    assert_eq!(hashes(copy)[..source.len()], *source);
    assert_eq!(scalar(copy, TAKEOVERS), takeovers);
    assert_eq!(
        text(
            copy,
            "SELECT DISTINCT category FROM auditlog.events WHERE event_type = 'my.type'"
        ),
        "mine"
    );
    // a retry that reaches the copy is still a retry
    let first = text(
        copy,
        "SELECT event_id FROM auditlog.events WHERE idempotency_key = 'over the copy'",
    );
    let retry = "SELECT auditlog.record(event_type => 'a.b', idempotency_key => 'over the copy')";
    assert_eq!(text(copy, retry), first);
    assert_intact(copy, events + 2 + takeover);
    for sql in [
        "DELETE FROM auditlog_data.log",
        "TRUNCATE auditlog_data.log",
        "DROP TABLE auditlog_data.log_standard_2024_01",
    ] {
        auditlog_testkit::refused::refused_with(copy, "42501", sql);
    }
}

fn hashes(client: &mut Client) -> Vec<String> {
    let sql =
        "SELECT event_id || encode(hash, 'hex') FROM auditlog.events WHERE log_index IS NOT NULL ORDER BY log_index";
    client
        .query(sql, &[])
        .expect("events")
        .iter()
        .map(|row| row.get(0))
        .collect()
}

#[test]
fn a_dump_loads_into_a_new_cluster() {
    let (source, mut client) = source();
    let sealed = hashes(&mut client);
    let target = Cluster::start(&Options::default());
    target
        .connect("postgres")
        .batch_execute("CREATE DATABASE restored")
        .expect("CREATE DATABASE");
    source.dump_into("audited", &target, "restored");
    let mut copy = target.connect("restored");
    goes_on(&mut copy, &sealed, 101, 1);
    // the source is as it was, and a dump of the copy loads too
    assert_intact(&mut client, 101);
    target
        .connect("postgres")
        .batch_execute("CREATE DATABASE again")
        .expect("CREATE DATABASE");
    let sealed = hashes(&mut copy);
    target.dump_into("restored", &target, "again");
    let mut again = target.connect("again");
    goes_on(&mut again, &sealed, 104, 2);
}

#[test]
fn a_dump_takes_unsealed_events_along() {
    let (source, mut client) = source();
    // another session holds the log's lock, as a long-running sealer would: events wait in the inbox
    let mut holder = source.connect("audited");
    holder
        .batch_execute("BEGIN; LOCK TABLE auditlog_data.head IN SHARE ROW EXCLUSIVE MODE")
        .expect("LOCK");
    client
        .batch_execute("INSERT INTO auditlog.events (event_type) SELECT 'still.waiting' FROM generate_series(1, 7)")
        .expect("INSERT");
    assert_eq!(scalar(&mut client, WAITING), 7);
    let target = Cluster::start(&Options::default());
    target
        .connect("postgres")
        .batch_execute("CREATE DATABASE restored")
        .expect("CREATE DATABASE");
    source.dump_into("audited", &target, "restored");
    holder.batch_execute("ROLLBACK").expect("ROLLBACK");
    let mut copy = target.connect("restored");
    wait_until("the takeover is recorded", LONG, || count_events(&mut copy) == 109);
    assert_intact(&mut copy, 109);
    assert_eq!(
        scalar(
            &mut copy,
            "SELECT count(*) FROM auditlog.events WHERE event_type = 'still.waiting'"
        ),
        7
    );
    assert_intact(&mut client, 108);
}

#[test]
fn a_dump_with_a_changed_row_verifies_as_changed() {
    let (source, _client) = source();
    let target = Cluster::start(&Options::default());
    target
        .connect("postgres")
        .batch_execute("CREATE DATABASE restored")
        .expect("CREATE DATABASE");
    let file = source.dir().join("changed.sql");
    auditlog_testkit::command::run(source.client_program("pg_dump", "audited").arg("-f").arg(&file));
    let dump = std::fs::read_to_string(&file).expect("the dump");
    std::fs::write(&file, dump.replacen("x@y.z", "q@y.z", 1)).expect("the dump");
    // refusing to load it is as good as naming the row afterwards
    if target.psql_file("restored", &[], &file).is_ok() {
        let findings = verify(&mut target.connect("restored"));
        assert_eq!(
            findings.iter().map(|f| f.kind.as_str()).collect::<Vec<_>>(),
            ["modified"],
            "{findings:#?}"
        );
    }
}

#[test]
fn a_base_backup_goes_on_where_the_source_was() {
    let (source, mut client) = source();
    let mut holder = source.connect("audited");
    holder
        .batch_execute("BEGIN; LOCK TABLE auditlog_data.head IN SHARE ROW EXCLUSIVE MODE")
        .expect("LOCK");
    client
        .batch_execute("INSERT INTO auditlog.events (event_type) SELECT 'still.waiting' FROM generate_series(1, 7)")
        .expect("INSERT");
    let copy = Cluster::from_base_backup(&source, false);
    holder.batch_execute("ROLLBACK").expect("ROLLBACK");
    let sealed = hashes(&mut client);
    assert_intact(&mut client, 108);
    goes_on(&mut copy.connect("audited"), &sealed[..101], 108, 0);
}

#[test]
fn a_standby_reads_and_verifies_and_once_promoted_goes_on() {
    let (source, mut client) = source();
    let standby = Cluster::from_base_backup(&source, true);
    let mut copy = standby.connect("audited");
    client
        .batch_execute("INSERT INTO auditlog.events (event_type) SELECT 'streamed.one' FROM generate_series(1, 50)")
        .expect("INSERT");
    assert_intact(&mut client, 151);
    wait_until("the standby has all", LONG, || {
        count_events(&mut copy) == 151 && scalar(&mut copy, WAITING) == 0
    });
    assert_eq!(verify(&mut copy), [], "verify() on the standby");
    let error = auditlog_testkit::refused::refused(&mut copy, "SELECT auditlog.record(event_type => 'a.b')");
    assert_eq!(error.code().code(), "25006", "a standby is read-only: {error:?}");
    let workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_auditlog sealer%'";
    assert_eq!(scalar(&mut copy, workers), 0, "sealers on the standby");

    let sealed = hashes(&mut client);
    drop(client);
    source.stop(Stop::Fast);
    copy.batch_execute("SELECT pg_promote()").expect("pg_promote()");
    goes_on(&mut copy, &sealed, 151, 0);
}
