//! Searching where nothing can be written: a hot standby, and a transaction that is READ ONLY.

use auditlog_testkit::log::{scalar, text, wait_indexed, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};

/// What each function of the language answers, as one text.
const ANSWERS: &str = "SELECT concat_ws(' ',
    (SELECT count(*) FROM auditlog.events e WHERE e @@@ 'zanzibar'),
    (SELECT count(*) FROM auditlog.events e WHERE e @@@ 'zanzibar OR actor.id:person-3'),
    (SELECT string_agg(event_id, ',') FROM auditlog.search('zanzibar note', \"limit\" => 7)),
    (SELECT auditlog.cursor(e) FROM auditlog.search('_saved_:found', \"limit\" => 3) e ORDER BY log_index LIMIT 1),
    auditlog.count('severity:info'),
    (SELECT count(*) FROM auditlog.facets('zanzibar', 'actor.id')),
    (SELECT sum(count) FROM auditlog.histogram('zanzibar', '1 month')),
    (SELECT string_agg(suggestion, ',') FROM auditlog.suggest('actor.id:person-29')),
    auditlog.matches('{\"a\": 1}'::jsonb, 'a:1'))";

fn answers(client: &mut Client) -> String {
    text(client, ANSWERS)
}

#[test]
fn a_standby_searches_as_the_primary_does() {
    let source = Cluster::start(&Options::default().set("max_wal_senders", "4"));
    let mut client = source.create_database_with_extension("audited");
    client
        .batch_execute(
            "SELECT auditlog.record_batch(jsonb_agg(jsonb_build_object('event_type', 'a.b', 'actor', jsonb_build_object('id', 'Person-' || i),
                 'metadata', jsonb_build_object('note', 'note ' || CASE WHEN i % 300 = 7 THEN 'Zanzibar' ELSE 'nothing' END))))
             FROM generate_series(1, 6000) i;
             SELECT auditlog.save_query('found', 'zanzibar')",
        )
        .expect("events");
    wait_sealed(&mut client);
    wait_indexed(&mut client);
    client.batch_execute("ANALYZE").expect("ANALYZE");
    let there = answers(&mut client);
    // that a query was saved is an event, too, with its text
    assert!(there.starts_with("21 22 evt_"), "{there}");
    client
        .batch_execute("BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY")
        .expect("BEGIN");
    assert_eq!(answers(&mut client), there, "in a READ ONLY transaction");
    client.batch_execute("COMMIT").expect("COMMIT");
    let standby = Cluster::from_base_backup(&source, true);
    let mut copy = standby.connect("audited");
    // what comes by streaming is indexed as well
    client
        .batch_execute("SELECT auditlog.record('{\"event_type\": \"a.b\", \"metadata\": {\"note\": \"zanzibar once more\"}}'::jsonb)")
        .expect("record()");
    wait_sealed(&mut client);
    wait_indexed(&mut client);
    let there = answers(&mut client);
    assert!(there.starts_with("22 23 evt_"), "{there}");
    wait_until("the standby has it", LONG, || {
        scalar(
            &mut copy,
            "SELECT coalesce(max(end_index), 0) FROM auditlog_data.word_run",
        ) == 6002
    });
    assert_eq!(answers(&mut copy), there, "on the standby");
}
