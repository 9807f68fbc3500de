//! Three years, month by month, beside a model that knows no partitions.

use super::{SEED, record_days, run, set};
use crate::offline::{Folder, bundle, dsn, said};
use crate::program::Program;
use auditlog_policy::retention::hold::Hold;
use auditlog_policy::retention::model::{Change, Event, Model, Snapshot};
use auditlog_policy::retention::plan::HoldReach;
use auditlog_policy::retention::policy::RetentionPolicy;
use auditlog_policy::retention::requirement::built_in;
use auditlog_policy::retention::tier::Tier;
use auditlog_query::CheckOptions;
use auditlog_testkit::Database;
use auditlog_testkit::log::{scalar, text, verify, wait_sealed};
use auditlog_testkit::postgres::Client;
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 86_400_000_000;
/// 2021-01-01 00:00:00 UTC.
const START: i64 = 1_609_459_200_000_000;
const DAYS: i32 = 3 * 365;

/// The seed's, but for views, which stay for a shorter time, and changes of resources, which nobody has named before.
const LATER: &str = "retention_policies:
  - event_types: [authentication.*]
    hot_days: 60
    warm_days: 200
    cold_years: 0
  - event_types: [resource.delete, policy.modify]
    hot_days: 180
    warm_days: 730
    cold_years: 10
  - event_types: [resource.view, resource.modify]
    hot_days: 0
    warm_days: 31
    cold_years: 0
";

fn policy(text: &str) -> RetentionPolicy {
    RetentionPolicy::parse(text).expect("a policy").0
}

fn month(number: i64) -> (String, i64) {
    let (year, month) = (2021 + number / 12, 1 + number % 12);
    let days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before: i64 = (0..number).map(|n| days[(n % 12) as usize]).sum();
    (format!("{year}-{month:02}-01 00:00:00+00"), START + before * DAY)
}

/// Ids of the events in each tier, as far as they had happened by then. There is no archive here, so what belongs there is warm.
fn found(client: &mut Client, at: &str) -> BTreeMap<Tier, BTreeSet<u64>> {
    let rows = client
        .query(
            &format!(
                "SELECT (l.extra->>'n')::bigint, COALESCE(t.tier, 'hot') FROM auditlog_data.log AS l
                 LEFT JOIN auditlog_data.partition_tier AS t ON 'auditlog_data.' || t.relation = l.tableoid::regclass::text
                 WHERE l.extra ? 'n' AND l.\"timestamp\" <= '{at}'"
            ),
            &[],
        )
        .expect("the log");
    let mut tiers: BTreeMap<Tier, BTreeSet<u64>> = BTreeMap::new();
    for row in rows {
        let tier = Tier::from_label(row.get(1)).expect("a tier");
        tiers.entry(tier).or_default().insert(row.get::<_, i64>(0) as u64);
    }
    tiers
}

fn wanted(snapshot: &Snapshot) -> BTreeMap<Tier, BTreeSet<u64>> {
    let mut tiers: BTreeMap<Tier, BTreeSet<u64>> = BTreeMap::new();
    for (tier, ids) in &snapshot.tiers {
        let tier = match tier {
            Tier::Gone => continue,
            Tier::Cold => Tier::Warm,
            tier => *tier,
        };
        tiers.entry(tier).or_default().extend(ids);
    }
    tiers.retain(|_, ids| !ids.is_empty());
    tiers
}

fn hold(name: &str, query: &str, at: i64) -> Hold {
    Hold::place(name, query, None, "a test", "admin", at, &CheckOptions::default()).expect("a hold")
}

#[test]
fn each_month_each_tier_has_what_the_model_says() {
    let db = Database::new();
    let mut client = db.superuser();
    record_days(&mut client, DAYS);
    let events: Vec<Event> = (0..u64::try_from(DAYS).unwrap_or(0) * 4)
        .map(|id| {
            let timestamp = START + 1_000_000 + (id as i64 / 4) * DAY;
            let types = [
                "authentication.login",
                "resource.delete",
                "resource.view",
                "resource.modify",
            ];
            Event {
                id,
                event_type: types[(id % 4) as usize].to_owned(),
                timestamp,
                sealed_at: timestamp,
            }
        })
        .collect();
    let erased: BTreeSet<u64> = (0..events.len() as u64).filter(|id| id % 10 == 5).collect();
    let model = Model {
        events,
        changes: vec![
            (month(1).1 - DAY, Change::Policy(policy(SEED))),
            (
                month(6).1 - DAY,
                Change::Place(
                    hold("three", "actor.id:u3", month(6).1),
                    Box::new(|event: &Event| event.id % 10 == 3),
                ),
            ),
            (
                month(10).1 - DAY,
                Change::Place(
                    hold("views", "resource.id:r2 AND event_type:resource.view", month(10).1),
                    Box::new(|event: &Event| event.id % 7 == 2 && event.id % 4 == 2),
                ),
            ),
            (month(12).1 - DAY, Change::Erase(erased)),
            (month(18).1 - DAY, Change::Policy(policy(LATER))),
            (
                month(24).1 - DAY,
                Change::Release {
                    hold: "three".to_owned(),
                    by: "admin".to_owned(),
                    four_eyes: false,
                },
            ),
        ],
        requirements: built_in(),
        reach: HoldReach::Rows,
        archive: None,
        back_to_hot: true,
    };
    // Every month takes minutes: the short form has those in which something happens.
    let every = std::env::var_os("AUDITLOG_SOAK").is_some();
    let numbers: Vec<i64> = (1..=36)
        .filter(|number| every || number % 6 == 0 || [1, 10].contains(number))
        .collect();
    let months: Vec<(String, i64)> = numbers.iter().map(|number| month(*number)).collect();
    let times: Vec<i64> = months.iter().map(|(_, at)| *at).collect();
    let snapshots = model.run(&times).expect("the model");
    for ((number, (at, _)), snapshot) in numbers.iter().zip(&months).zip(&snapshots) {
        match number {
            1 => drop(set(&mut client, SEED)),
            6 => drop(scalar(
                &mut client,
                "SELECT auditlog.hold('three', 'actor.id:u3', NULL, 'a test')",
            )),
            10 => drop(scalar(
                &mut client,
                "SELECT auditlog.hold('views', 'resource.id:r2 AND event_type:resource.view', NULL, 'a test')",
            )),
            12 => {
                client
                    .batch_execute("SELECT auditlog.erase('actor.id:u5', 'GDPR')")
                    .expect("erase()");
                wait_sealed(&mut client);
            }
            18 => drop(set(&mut client, LATER)),
            24 => client
                .batch_execute("SELECT auditlog.release_hold('three', 'closed')")
                .expect("release_hold()"),
            _ => {}
        }
        run(&mut client, at);
        let found = found(&mut client, at);
        let wanted = wanted(snapshot);
        for tier in [Tier::Hot, Tier::Warm] {
            let (found, wanted) = (found.get(&tier), wanted.get(&tier));
            let (found, wanted) = (found.cloned().unwrap_or_default(), wanted.cloned().unwrap_or_default());
            let more: Vec<_> = found.difference(&wanted).collect();
            let fewer: Vec<_> = wanted.difference(&found).collect();
            assert!(
                more.is_empty() && fewer.is_empty(),
                "the {tier} tier at {at}: too much {more:?}, missing {fewer:?}"
            );
        }
        if number % 6 == 0 {
            assert_eq!(verify(&mut client), [], "verify() at {at}");
        }
        // Nothing is due any more.
        let due = format!("SELECT count(*) FROM auditlog.plan_retention('{at}') WHERE detail IS NULL");
        assert_eq!(scalar(&mut client, &due), 0, "what is left to do at {at}");
    }
    let gone = snapshots[snapshots.len() - 1].tier(Tier::Gone).len();
    assert!(gone > 1_000, "{gone} events were removed");
    assert_eq!(
        scalar(
            &mut client,
            "SELECT sum(events)::bigint FROM auditlog.retention_moves WHERE kind = 'remove' AND state = 'done'"
        ),
        gone as i64
    );
    // To every query the rest is there, with and without the word index.
    let left = scalar(&mut client, "SELECT count(*) FROM auditlog.events WHERE extra ? 'n'");
    assert_eq!(left, i64::from(DAYS) * 4 - gone as i64);
    offline(&db, &mut client, gone);
}

/// Whoever has the bundle and the key finds nothing, and reads how many events were removed.
fn offline(db: &Database, client: &mut Client, gone: usize) {
    let program = Program::ours();
    let folder = Folder::new();
    let to = folder.path("bundle");
    let key = text(client, "SELECT auditlog.public_key()");
    let made = bundle(&program, &dsn(auditlog_testkit::shared().dir(), db.name()), &to, &[]);
    assert!(made.status.success(), "{}", said(&made));
    let checked = program.output(&["verify", &to.display().to_string(), "--key", &key]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    assert!(said(&checked).contains(&format!("{gone} events")), "{}", said(&checked));
}
