//! The removal of events whose time is up (docs/format.md §15): first it is certified, in an event of the log; once a checkpoint
//! covers that event the publisher signs the certificate; then the rows go, and from the same moment the certificate counts.

use crate::api::own_event;
use crate::shmem;
use crate::store::certificates::{self, Open};
use crate::store::columns::LOG_INDEX;
use crate::store::rebuild;
use crate::store::retention::{self, End, InForce, Partition};
use crate::store::retention_plan::{self, Move};
use crate::store::{archive, checkpoints, holds, spi};
use auditlog_archive::Manifest;
use auditlog_bundle::certificate::{Certificate, Decision, GatherError, Gathering, Range, digest};
use auditlog_core::json::Json;
use pgrx::pg_sys::Datum;
use std::time::Duration;

/// How long a round waits for signatures.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Says in events and certificates what is to go; nothing goes yet. Within a transaction.
pub fn certify(found: &Move) {
    let partition = &found.partition;
    let policy = retention::in_force();
    let Some(incarnation) = checkpoints::incarnation().filter(|now| now.is_ours) else {
        crate::error::Fault::broken("nothing may be removed before a checkpoint was signed")
            .hint("auditlog.health() says why there is none.")
            .raise()
    };
    // Nobody makes a hold between the look and the certificate.
    holds::freeze();
    let now = shmem::unix_micros();
    let queries: Vec<String> = holds::in_force(now).into_iter().map(|hold| hold.query).collect();
    let (from, until) = partition.month.range();
    let held = holds::places(&queries, &partition.class, from, until);
    let id = retention::begin(
        &partition.relation,
        &partition.class,
        "remove",
        "running",
        partition.bytes,
    );
    let types: Vec<String> = retention::types(&partition.relation)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let decision = Decision {
        origin: incarnation.origin,
        policy: format!("retention policy {} ({})", policy.version, policy.fingerprint),
        retention_class: partition.class.clone(),
        event_types: Some(types),
        from: retention_plan::first(partition).unwrap_or(until - 1),
        until,
        holds_checked_at: now,
        actor: retention::made_by(policy.version).unwrap_or_else(|| "pg_auditlog".to_owned()),
    };
    let is_held = |place: i64| held.binary_search(&place).is_ok();
    certify_rows(id, partition, &policy, &decision, "remove", is_held);
}

/// Says that what is in these objects is to go from the log. Within a transaction.
pub fn certify_archived(found: &Move, id: i64, manifests: &[Manifest], erased: i64, url: &str) {
    let partition = &found.partition;
    let policy = retention::in_force();
    let Some(first) = manifests.first() else {
        retention::end(
            id,
            &End {
                state: "done",
                ..End::default()
            },
        );
        return;
    };
    let (_, until) = partition.month.range();
    let decision = Decision {
        origin: first.origin.clone(),
        policy: format!(
            "retention policy {} ({}), archived to {url}",
            policy.version, policy.fingerprint
        ),
        retention_class: partition.class.clone(),
        event_types: None,
        from: retention_plan::first(partition).unwrap_or(until - 1),
        until,
        holds_checked_at: shmem::unix_micros(),
        actor: retention::made_by(policy.version).unwrap_or_else(|| "pg_auditlog".to_owned()),
    };
    // What came meanwhile is in no object.
    let mut ranges: Vec<Range> = manifests
        .iter()
        .flat_map(|manifest| manifest.log_indexes.iter().copied())
        .collect();
    ranges.sort_unstable();
    retention::set_erased(id, erased);
    certify_rows(id, partition, &policy, &decision, "archive", |place| {
        !covers(&ranges, place as u64)
    });
}

/// Is a place in one of these ranges, which ascend?
fn covers(ranges: &[Range], place: u64) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= place);
    after > 0 && ranges[after - 1].1 >= place
}

fn certify_rows(
    id: i64,
    partition: &Partition,
    policy: &InForce,
    decision: &Decision,
    operation: &str,
    stays: impl Fn(i64) -> bool,
) {
    let (mut events, mut kept) = (0, 0);
    let mut gathering = Gathering::default();
    let mut finished = Vec::new();
    let sql = format!(
        "SELECT log_index, entry_hash FROM auditlog_data.{} ORDER BY log_index",
        spi::identifier(&partition.relation)
    );
    spi::stream_rows::<2>(&sql, &[], |values: &[Datum; 2], _| {
        let place = values[0].value() as i64;
        if stays(place) {
            kept += 1;
            return;
        }
        // SAFETY: a bytea column that is never NULL.
        let leaf = unsafe { crate::store::row::hash(values[1]) }.unwrap_or_default();
        if gathering.push(place as u64, &leaf) == Err(GatherError::Full) {
            finished.push(std::mem::take(&mut gathering));
            // The first of a new one always has a place.
            let _ = gathering.push(place as u64, &leaf);
        }
        events += 1;
    });
    finished.push(gathering);
    let mut certificates = 0;
    for gathering in finished {
        match gathering.finish(decision.clone()) {
            Ok(certificate) => {
                tell(id, partition, policy.version, operation, &certificate);
                certificates += 1;
            }
            Err(GatherError::Empty) => {}
            Err(error) => crate::error::Fault::broken("a certificate cannot be made")
                .detail(format!("{error}."))
                .raise(),
        }
    }
    let detail = format!("{certificates} certificates");
    let state = if events == 0 && kept > 0 {
        "withdrawn"
    } else {
        "certified"
    };
    retention::end(
        id,
        &End {
            state,
            events,
            kept,
            bytes: None,
            detail: Some(&detail),
        },
    );
}

fn tell(id: i64, partition: &Partition, version: i64, operation: &str, certificate: &Certificate) {
    let text = match certificate.text() {
        Ok(text) => text,
        Err(error) => crate::error::Fault::broken("a certificate cannot be written")
            .detail(format!("{error}."))
            .raise(),
    };
    let event_id = crate::random::event_id(shmem::unix_micros());
    let object = |pairs: Vec<(&str, Json)>| {
        Json::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    };
    let words = own_event::text;
    own_event::record_document(object(vec![
        ("event_id", words(&event_id)),
        ("event_type", words(auditlog_bundle::certificate::EVENT_TYPE)),
        ("severity", words("notice")),
        (
            "actor",
            object(vec![("type", words("system")), ("id", words("pg_auditlog"))]),
        ),
        (
            "action",
            object(vec![("operation", words(operation)), ("status", words("success"))]),
        ),
        (
            "metadata",
            object(vec![
                ("certificate", words(&auditlog_core::erase::hex(&digest(&text)))),
                ("events", own_event::number(certificate.events as i64)),
                ("policy", own_event::number(version)),
                ("retention_class", words(&partition.class)),
                ("relation", words(&partition.relation)),
            ]),
        ),
    ]));
    certificates::keep(id, &event_id, &text);
}

/// What became of an attempt.
pub enum Step {
    /// The rows are gone.
    Done,
    /// A signature is missing.
    Wait,
    /// A hold came: nothing goes.
    Withdrawn,
}

/// The rows go, if all certificates of the move are signed. Within a transaction.
pub fn finish(open: &Open) -> Step {
    let certified = certificates::of_move(open.id);
    if certified.iter().any(|one| one.state == "withdrawn") {
        return Step::Withdrawn;
    }
    if certified.iter().any(|one| one.state != "signed") {
        return Step::Wait;
    }
    let Some(partition) = retention::partitions()
        .into_iter()
        .find(|one| one.relation == open.relation)
    else {
        crate::error::Fault::broken("a partition that is to be removed is not there")
            .detail(format!("It is {}.", open.relation))
            .hint("Run auditlog.verify().")
            .raise()
    };
    let mut ranges: Vec<Range> = Vec::new();
    for one in &certified {
        match Certificate::parse(&one.text) {
            Ok(certificate) => ranges.extend(certificate.log_indexes),
            Err(error) => crate::error::Fault::broken("a certificate cannot be read")
                .detail(format!("{error}."))
                .hint("Run auditlog.verify(); somebody changed auditlog_data.certificate.")
                .raise(),
        }
    }
    ranges.sort_unstable();
    // What was erased since it was archived must not stay in the archive: it is written anew.
    if open
        .erased
        .is_some_and(|erased| erased != archive::erased_and_last(&open.relation).0)
    {
        certificates::withdraw(open.id);
        return Step::Withdrawn;
    }
    let own: std::rc::Rc<str> = partition.class.as_str().into();
    let tier = if partition.tier == "warm" { "warm" } else { "hot" };
    let outcome = rebuild::replace(
        std::slice::from_ref(&partition),
        partition.policy,
        &|_| tier,
        &mut |row| (!covers(&ranges, row.int(LOG_INDEX) as u64)).then(|| own.clone()),
    );
    let outcome = outcome.unwrap_or_else(|busy| {
        crate::error::Fault::new(pgrx::PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, busy.to_string())
            .hint("It is tried again in the next round.")
            .raise()
    });
    let wanted: u64 = ranges.iter().map(|(first, last)| last - first + 1).sum();
    if outcome.dropped as u64 != wanted {
        crate::error::Fault::broken("a partition has not the events that its certificates name")
            .detail(format!("{} of {wanted} are there.", outcome.dropped))
            .hint("Run auditlog.verify().")
            .raise();
    }
    certificates::done(open.id);
    archive::live(open.id);
    let bytes = if outcome.kept == 0 {
        0
    } else {
        rebuild::size(&open.relation).unwrap_or(0)
    };
    retention::end(
        open.id,
        &End {
            state: "done",
            events: outcome.dropped,
            kept: outcome.kept,
            bytes: Some(bytes),
            detail: None,
        },
    );
    Step::Done
}

/// Says that an object of the archive goes, before it does: its time is up. Within a transaction.
pub fn tell_expired(object: &archive::Live) {
    own_event::record(&own_event::OwnEvent {
        event_type: auditlog_bundle::certificate::EVENT_TYPE,
        severity: "notice",
        actor: ("system", "pg_auditlog"),
        operation: "expire",
        metadata: &[
            ("object", own_event::text(&object.name)),
            ("archive", own_event::text(&object.url)),
            ("events", own_event::number(object.events)),
            ("retention_class", own_event::text(&object.class)),
            ("manifest", own_event::text(object.manifest.trim_end())),
        ],
    });
}

/// Says that personal values of archived events were erased. Within a transaction.
pub fn tell_erased(erasure: &archive::Erasure, places: &[i64], values: usize) {
    own_event::record(&own_event::OwnEvent {
        event_type: "auditlog.erasure",
        severity: "warning",
        actor: ("database_role", &erasure.who),
        operation: "erase",
        metadata: &[
            ("reason", own_event::text(&erasure.reason)),
            ("events", own_event::number(places.len() as i64)),
            ("values", own_event::number(values as i64)),
            ("log_indexes", crate::api::erase::ranges(places)),
            ("archive", Json::Bool(true)),
        ],
    });
}
