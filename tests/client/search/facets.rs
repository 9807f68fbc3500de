//! Facets, counts and histograms agree with the query language, and bound what they read.

use crate::query::generator::event;
use auditlog_testkit::Database;
use auditlog_testkit::log::{scalar, wait_sealed};
use auditlog_testkit::random::Random;

const FIELDS: [&str; 16] = [
    "status",
    "user",
    "actor.id",
    "actor.email",
    "actor.ip_address",
    "actor.name",
    "tags",
    "metadata.tags",
    "resource.tags",
    "resource.tags.k",
    "changes.before",
    "changes.before.deep.n",
    "severity",
    "category",
    "event_type",
    "db_session_user",
];

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The count of a value is the number of events that the condition «field is just this» finds.
#[test]
fn a_facet_counts_what_its_condition_finds() {
    let db = Database::new();
    let mut client = db.superuser();
    let mut random = Random::from_clock();
    client
        .batch_execute("SET client_min_messages = error; SET auditlog.max_clock_skew = '3650d'")
        .expect("settings");
    for number in 0..300 {
        let event = event(&mut random, number);
        let _ = client.execute("SELECT auditlog.record($1::text::jsonb)", &[&event]);
    }
    wait_sealed(&mut client);
    let mut compared = 0;
    let mut wrong = Vec::new();
    for field in FIELDS {
        let rows = client
            .query(
                "SELECT value, count FROM auditlog.facets('', $1, \"limit\" => 1000)",
                &[&field],
            )
            .expect("facets()");
        for row in rows {
            let (value, count): (String, i64) = (row.get(0), row.get(1));
            if value.len() > 2000 {
                continue; // may be cut
            }
            if field == "actor.ip_address" && value.contains('/') {
                continue; // as a query it means the addresses in it
            }
            // an address has several spellings; the facet shows one
            let exactly = if field == "actor.ip_address" { ":" } else { ":=" };
            let query = format!("{field}{exactly}{}", quoted(&value));
            let found: i64 = client
                .query_one("SELECT auditlog.count($1)", &[&query])
                .unwrap_or_else(|e| panic!("{query}: {e:?}"))
                .get(0);
            compared += 1;
            if found != count {
                wrong.push(format!("{query}: facet {count}, query {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 100, "only {compared} values");
}

/// Whatever the width and the zone, every event is in one bucket, and the buckets follow each other.
#[test]
fn every_event_is_in_one_bucket() {
    let db = Database::new();
    let mut client = db.superuser();
    client
        .batch_execute(
            "SET client_min_messages = error;
             INSERT INTO auditlog.events (event_type, timestamp)
             SELECT 'a.b', '2024-01-31 23:59:59.999999+00'::timestamptz + i * interval '17 hours 13 minutes' FROM generate_series(1, 1000) i",
        )
        .expect("INSERT");
    wait_sealed(&mut client);
    for zone in [
        "UTC",
        "Europe/Berlin",
        "America/Sao_Paulo",
        "Asia/Kathmandu",
        "+05:45",
        "-12:00",
        "Pacific/Apia",
    ] {
        for width in [
            "6 hours",
            "5 hours 7 minutes",
            "1 day",
            "7 days",
            "36 hours",
            "10 days",
            "1 month",
            "5 months",
            "1 year",
        ] {
            let rows = client
                .query(
                    "WITH h AS (SELECT bucket, count, lead(bucket) OVER (ORDER BY bucket) AS next
                          FROM auditlog.histogram('', $1::text::interval, time_zone => $2))
                        SELECT count, next > bucket IS NOT FALSE AND count = (SELECT count(*) FROM auditlog.events
                          WHERE timestamp >= h.bucket AND timestamp < coalesce(h.next, 'infinity')) FROM h",
                    &[&width, &zone],
                )
                .unwrap_or_else(|e| panic!("{zone} {width}: {e:?}"));
            let sum: i64 = rows.iter().map(|row| row.get::<_, i64>(0)).sum();
            assert_eq!(sum, 1000, "{zone} {width}");
            assert!(rows.iter().all(|row| row.get::<_, bool>(1)), "{zone} {width}");
        }
    }
    assert!(scalar(&mut client, "SELECT auditlog.count(exact => false)") > 100);
}
