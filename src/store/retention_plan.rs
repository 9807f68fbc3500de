//! What is due by the retention policy, for each partition of the log.

use super::retention::{self, InForce, Partition};
use super::{archive, certificates, holds, sinks, spi};
use crate::guc;
use auditlog_policy::retention::policy::Class;
use auditlog_policy::retention::requirement;
use auditlog_policy::retention::tier::Tier;
use std::collections::BTreeMap;

/// What is to be done with events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows with few indexes.
    ToWarm,
    /// Rows with all indexes again: the policy has changed.
    ToHot,
    /// Into another class: the policy has changed.
    Reclassify,
    /// Into the archive.
    Archive,
    /// They go.
    Remove,
}

impl Kind {
    /// As in the ledger.
    pub fn label(self) -> &'static str {
        match self {
            Kind::ToWarm => "to_warm",
            Kind::ToHot => "to_hot",
            Kind::Reclassify => "reclassify",
            Kind::Archive => "archive",
            Kind::Remove => "remove",
        }
    }
}

/// One move that is due.
#[derive(Debug, Clone)]
pub struct Move {
    /// Where the events are.
    pub partition: Partition,
    /// What is to be done.
    pub kind: Kind,
    /// The class by which it is decided.
    pub to_class: String,
    /// Since when it is due, microseconds since the Unix epoch.
    pub due_at: Option<i64>,
    /// So many events are moved or removed.
    pub events: i64,
    /// So many stay because of holds.
    pub held: i64,
    /// Their share of the partition's bytes.
    pub bytes: i64,
    /// Why it can't be done.
    pub blocked: Option<String>,
}

/// What there is to do.
#[derive(Debug, Default)]
pub struct Due {
    /// By month, then by class.
    pub moves: Vec<Move>,
    /// Partitions that were looked through, and whose events are all of their class.
    pub pure: Vec<Partition>,
}

/// What is due at a time, in microseconds since the Unix epoch.
pub fn due(at: i64) -> Due {
    let mut due = Due::default();
    let policy = retention::in_force();
    if policy.version == 0 {
        return due;
    }
    let queries: Vec<String> = holds::in_force(at).into_iter().map(|hold| hold.query).collect();
    let behind = sinks::behind();
    // What is certified goes first: it must not be certified twice.
    let going: Vec<String> = certificates::open().into_iter().map(|open| open.relation).collect();
    for partition in retention::partitions() {
        let (_, until) = partition.month.range();
        if until <= at && !going.contains(&partition.relation) {
            of_partition(partition, &policy, (&queries, &behind), at, &mut due);
        }
    }
    due
}

/// `keeps` are queries of holds, and sinks with the first event that each has not passed.
fn of_partition(partition: Partition, policy: &InForce, keeps: (&[String], &[(String, i64)]), at: i64, due: &mut Due) {
    let (queries, behind) = keeps;
    let archive = !guc::text(&guc::ARCHIVE).is_empty();
    let (from, until) = partition.month.range();
    let wanted = |class: &str| {
        let class = policy.policy.class(class).unwrap_or_else(|| policy.policy.standard());
        (class.tiers.tier(until, at), class)
    };
    // What was sealed under this policy is of its class, and so is what was found to be.
    let is_known = partition.policy == policy.version && policy.policy.class(&partition.class).is_some();
    let stays = match wanted(&partition.class).0 {
        Tier::Cold if !archive => partition.tier == "warm",
        tier => tier.label() == partition.tier,
    };
    if is_known && stays {
        return;
    }
    let mut classes: BTreeMap<String, i64> = BTreeMap::new();
    for (event_type, events) in retention::types(&partition.relation) {
        *classes
            .entry(policy.policy.class_of(&event_type).name.clone())
            .or_default() += events;
    }
    let all: i64 = classes.values().sum();
    for (name, events) in &classes {
        let (tier, class) = wanted(name);
        let kind = match tier {
            _ if *name != partition.class => Kind::Reclassify,
            Tier::Hot if partition.tier == "warm" => Kind::ToHot,
            Tier::Warm if partition.tier == "hot" => Kind::ToWarm,
            // Where there is no archive, rows are the coldest that there is.
            Tier::Cold if !archive && partition.tier == "hot" => Kind::ToWarm,
            Tier::Cold if !archive => continue,
            Tier::Cold => Kind::Archive,
            Tier::Gone => Kind::Remove,
            Tier::Hot | Tier::Warm => continue,
        };
        let held = if tier == Tier::Gone {
            holds::places(queries, &partition.class, from, until).len() as i64
        } else {
            0
        };
        let held = held.min(*events);
        // What is held though its time is up stays in the last tier that its class has.
        let kind = match kind {
            Kind::Remove if held == *events && partition.tier == "hot" && class.tiers.last() != Tier::Hot => {
                Kind::ToWarm
            }
            kind => kind,
        };
        let (held, events) = if kind == Kind::Remove {
            (held, events - held)
        } else {
            (0, *events)
        };
        due.moves.push(Move {
            kind,
            to_class: name.clone(),
            due_at: class.tiers.enters(tier, until),
            events,
            held,
            bytes: (partition.bytes as i128 * i128::from(events) / i128::from(all.max(1))) as i64,
            blocked: match kind {
                // What is of another class may be kept for longer: it has to leave first.
                Kind::Remove | Kind::Archive if classes.len() > 1 => {
                    Some("events of other classes are among them".to_owned())
                }
                Kind::Remove if events == 0 => Some("held".to_owned()),
                Kind::Remove => minimum(class, until, at).or_else(|| unsent(&partition, behind)),
                Kind::Archive => unsent(&partition, behind),
                _ => None,
            },
            partition: partition.clone(),
        });
    }
    // An empty one has nothing to certify.
    if all == 0 && wanted(&partition.class).0 == Tier::Gone {
        due.moves.push(Move {
            kind: Kind::Remove,
            to_class: partition.class.clone(),
            due_at: wanted(&partition.class).1.tiers.enters(Tier::Gone, until),
            events: 0,
            held: 0,
            bytes: partition.bytes,
            blocked: None,
            partition: partition.clone(),
        });
    }
    if classes.keys().all(|name| *name == partition.class) {
        due.pure.push(partition);
    }
}

/// Objects of the archive whose time is up.
pub fn expired(at: i64) -> Vec<archive::Live> {
    let policy = retention::in_force();
    if policy.version == 0 {
        return Vec::new();
    }
    let is_over = |object: &archive::Live| {
        let class = policy
            .policy
            .class(&object.class)
            .unwrap_or_else(|| policy.policy.standard());
        let next = object.day.succ_opt().and_then(|day| day.and_hms_opt(0, 0, 0));
        let until = next.map_or(i64::MAX, |next| next.and_utc().timestamp_micros());
        class.tiers.tier(until, at) == Tier::Gone && minimum(class, until, at).is_none()
    };
    archive::objects(None, None).into_iter().filter(is_over).collect()
}

/// Which requirement that a class names asks for keeping what ended at `until` for longer: such a conflict was told when the policy
/// was set, and is not resolved by removing.
fn minimum(class: &Class, until: i64, at: i64) -> Option<String> {
    const DAY_US: i64 = 86_400_000_000;
    let all = requirement::built_in();
    let named = all
        .iter()
        .filter(|one| class.classification.iter().any(|name| *name == one.id));
    named
        .filter_map(|one| Some((one, one.minimum_days?)))
        .filter(|(_, days)| until.saturating_add(i64::from(*days) * DAY_US) > at)
        .max_by_key(|(_, days)| *days)
        .map(|(one, days)| format!("{} asks for {days} days", one.id))
}

/// Which sink has not passed the last event of a partition: it would never get it.
fn unsent(partition: &Partition, behind: &[(String, i64)]) -> Option<String> {
    let (name, position) = behind.iter().min_by_key(|(_, position)| *position)?;
    let sql = format!(
        "SELECT max(log_index) FROM auditlog_data.{}",
        spi::identifier(&partition.relation)
    );
    let rows = super::catalog::as_owner(|| spi::read_latest(&sql, &[]));
    let last = rows.first()?.first()?.int()?;
    (last >= *position).then(|| format!("sink {name} has not passed it"))
}

/// When the oldest event of a partition happened, microseconds since the Unix epoch.
pub fn first(partition: &Partition) -> Option<i64> {
    let sql = format!(
        "SELECT min(\"timestamp\") FROM auditlog_data.{}",
        spi::identifier(&partition.relation)
    );
    let rows = super::catalog::as_owner(|| spi::read_latest(&sql, &[]));
    rows.first()
        .and_then(|row| row[0].int())
        .map(|us| us + super::POSTGRES_EPOCH)
}
