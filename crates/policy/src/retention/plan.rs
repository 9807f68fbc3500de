//! What is to be done now: which events get another class, move to another tier or go, and what keeps them.
//!
//! A plan says everything that is due, also what is blocked, and by what. It is made from a description of
//! the ranges (partitions and objects of the archive) alone, so it can be made for any time, and shown
//! before anything is done. Carried out in its order it leaves nothing due but what is blocked, and what is
//! due in the range it came into: a day in the archive is older than the month that it was part of.
//!
//! - **Reclassify**: rows whose type is of another class by the policy of today go to the same range of
//!   that class, in the tier where they are. The moves after it are planned as if that were done.
//! - **To warm, to cold, remove**: by [`Tiers::tier`], at once to where the range belongs, whatever it skips.
//! - **Holds** block the removal of what they cover; moves between tiers go on. What is kept though its time
//!   is up goes to the last tier of its class.
//! - **Minimum ages** of the requirements that a class names block removal, too: the conflict was reported
//!   when the policy was set, and is not resolved by removing.
//! - **Sinks** block what takes rows out of the log (to cold, remove), until they have passed them.
//!   Warm rows are rows: a sink still reads them.

use super::age::DAY_US;
use super::hold::Hold;
use super::policy::{Class, RetentionPolicy};
use super::requirement::Requirement;
use super::tier::{Tier, Tiers};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of a range that are alike in what matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Their type.
    pub event_type: String,
    /// Names of the holds that cover them, whatever the state of the holds.
    pub holds: Vec<String>,
    /// How many.
    pub rows: u64,
}

/// A partition of the log, or an object of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionState {
    /// Its name, unique.
    pub name: String,
    /// The class it is for.
    pub class: String,
    /// No event's `timestamp` is before this; none for «since ever».
    pub from: Option<i64>,
    /// Every event's `timestamp` is before this.
    pub until: i64,
    /// Where it is; [`Tier::Gone`] is not planned for.
    pub tier: Tier,
    /// What is in it, all of it. A partition that has a `last_index` but no content is not planned for: what
    /// is not known must not go.
    pub content: Vec<Rows>,
    /// Its size with everything that belongs to it.
    pub bytes: u64,
    /// The highest `log_index` in it; none when it is empty.
    pub last_index: Option<u64>,
}

/// How far a sink has come. Only those that are enabled are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkState {
    /// Its name.
    pub name: String,
    /// All events up to this `log_index` are delivered; none when nothing is.
    pub delivered: Option<u64>,
}

/// What a hold keeps of a range in which it covers something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HoldReach {
    /// The rows that it covers; the others go when they are due.
    #[default]
    Rows,
    /// The whole range.
    Range,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// All partitions and objects.
    pub partitions: &'a [PartitionState],
    /// All holds.
    pub holds: &'a [Hold],
    /// The enabled sinks.
    pub sinks: &'a [SinkState],
    /// The requirements that classifications name.
    pub requirements: &'a [Requirement],
    /// What a hold keeps.
    pub reach: HoldReach,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MoveKind {
    /// Rows get another class, in the same tier.
    Reclassify {
        /// The new class.
        to: String,
    },
    /// From hot.
    ToWarm,
    /// From hot or warm.
    ToCold,
    /// For good.
    Remove,
}

impl MoveKind {
    /// `reclassify`, `to_warm`, `to_cold`, `remove`.
    pub fn label(&self) -> &'static str {
        match self {
            MoveKind::Reclassify { .. } => "reclassify",
            MoveKind::ToWarm => "to_warm",
            MoveKind::ToCold => "to_cold",
            MoveKind::Remove => "remove",
        }
    }
}

/// What keeps a move from being done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Block {
    /// A hold covers the rows.
    Hold(String),
    /// The policy would remove them before a requirement allows it.
    Minimum {
        /// The requirement.
        requirement: String,
        /// From then on it allows it.
        until: i64,
    },
    /// A sink has not passed all of them.
    Sink(String),
}

/// Which rows of a range and class a move is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// All of them; for [`MoveKind::Reclassify`] those of the types that the move names.
    Whole,
    /// Those that no active hold covers.
    Free,
    /// Those that an active hold covers.
    Held,
}

/// Something that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// What.
    pub kind: MoveKind,
    /// The class of the rows (before it, for [`MoveKind::Reclassify`]).
    pub class: String,
    /// The range, as in [`PartitionState`].
    pub from: Option<i64>,
    /// Its end, excluded.
    pub until: i64,
    /// Where they are.
    pub tier: Tier,
    /// The partitions and objects that have them now; their rows may come by a reclassification of this plan.
    pub partitions: Vec<String>,
    /// Which of their rows.
    pub part: Part,
    /// The types of the rows.
    pub event_types: Vec<String>,
    /// How many rows.
    pub rows: u64,
    /// Their share of the bytes.
    pub bytes: u64,
    /// So many rows of the same range stay where they are, or have moves of their own.
    pub others: u64,
    /// Since when it is due; none for a reclassification, which is due at once.
    pub due: Option<i64>,
    /// Why it can't be done yet; empty when it can.
    pub blocked: Vec<Block>,
}

impl Move {
    /// Can it be done?
    pub fn is_free(&self) -> bool {
        self.blocked.is_empty()
    }
}

/// Everything that is due at a time.
///
/// The order: what is reclassified; what goes; what goes to the archive; what gets warm: so no move meets rows
/// that another of the same plan has brought there, which a hold may cover. Then by the time it was due, by
/// class, range and tier, what is free before what is blocked.
pub fn plan(policy: &RetentionPolicy, situation: &Situation<'_>, at: i64) -> Vec<Move> {
    let (mut moves, ranges) = reclassified(policy, situation.partitions);
    for (key, range) in &ranges {
        // a class that the policy has no more, and nothing in it
        let class = policy.class(&key.class).unwrap_or(policy.standard());
        Planner {
            class,
            key,
            range,
            situation,
            at,
        }
        .plan(&mut moves);
    }
    let order = |one: &Move| {
        let phase = match one.kind {
            MoveKind::Reclassify { .. } => 0,
            MoveKind::Remove => 1,
            MoveKind::ToCold => 2,
            MoveKind::ToWarm => 3,
        };
        let key = (one.class.clone(), one.from, one.until, one.tier, one.kind.clone());
        (phase, one.due, key, one.blocked.clone())
    };
    moves.sort_by_cached_key(order);
    moves
}

/// What has the same moves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    class: String,
    from: Option<i64>,
    until: i64,
    tier: Tier,
}

#[derive(Debug, Default)]
struct Range<'a> {
    partitions: BTreeSet<&'a str>,
    content: Vec<Share<'a>>,
    last_index: Option<u64>,
}

/// Rows with their share of the bytes of a partition.
#[derive(Debug, Clone, Copy)]
struct Share<'a> {
    rows: &'a Rows,
    bytes: u64,
}

/// Shares of the bytes by rows; together exactly the bytes of the partition.
fn shares(partition: &PartitionState) -> Vec<Share<'_>> {
    let all: u128 = partition.content.iter().map(|rows| u128::from(rows.rows)).sum();
    let mut before: u128 = 0;
    let share = |rows: u128| (u128::from(partition.bytes) * rows).checked_div(all).unwrap_or(0);
    let found = partition.content.iter().map(|rows| {
        let begin = share(before);
        before += u128::from(rows.rows);
        let bytes = u64::try_from(share(before) - begin).unwrap_or(u64::MAX);
        Share { rows, bytes }
    });
    found.collect()
}

/// The reclassifications, and the ranges as they are after them.
fn reclassified<'a>(
    policy: &RetentionPolicy,
    partitions: &'a [PartitionState],
) -> (Vec<Move>, BTreeMap<Key, Range<'a>>) {
    let mut moves = Vec::new();
    let mut ranges: BTreeMap<Key, Range<'a>> = BTreeMap::new();
    let mut sorted: Vec<&PartitionState> = partitions.iter().filter(|one| one.tier != Tier::Gone).collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    for partition in sorted {
        let key = |class: &str| Key {
            class: class.to_owned(),
            from: partition.from,
            until: partition.until,
            tier: partition.tier,
        };
        let mut by_class: BTreeMap<&str, Vec<Share<'a>>> = BTreeMap::new();
        for share in shares(partition).into_iter().filter(|share| share.rows.rows > 0) {
            let class = policy.class_of(&share.rows.event_type).name.as_str();
            by_class.entry(class).or_default().push(share);
        }
        if by_class.is_empty() {
            if partition.last_index.is_some() {
                continue;
            }
            // nothing to be classified
            ranges
                .entry(key(&partition.class))
                .or_default()
                .partitions
                .insert(&partition.name);
        }
        let all: u64 = partition.content.iter().map(|rows| rows.rows).sum();
        for (class, content) in by_class {
            if class != partition.class {
                let kind = MoveKind::Reclassify { to: class.to_owned() };
                let names = vec![partition.name.clone()];
                moves.push(a_move(kind, &key(&partition.class), names, &content, all, None));
            }
            let range = ranges.entry(key(class)).or_default();
            range.partitions.insert(&partition.name);
            range.content.extend(content);
            range.last_index = range.last_index.max(partition.last_index);
        }
    }
    (moves, ranges)
}

fn a_move(
    kind: MoveKind,
    key: &Key,
    partitions: Vec<String>,
    content: &[Share<'_>],
    all: u64,
    due: Option<i64>,
) -> Move {
    let rows = content.iter().map(|share| share.rows.rows).sum();
    let types: BTreeSet<&str> = content.iter().map(|share| share.rows.event_type.as_str()).collect();
    Move {
        kind,
        class: key.class.clone(),
        from: key.from,
        until: key.until,
        tier: key.tier,
        partitions,
        part: Part::Whole,
        event_types: types.into_iter().map(str::to_owned).collect(),
        rows,
        bytes: content.iter().map(|share| share.bytes).sum(),
        others: all - rows,
        due,
        blocked: Vec::new(),
    }
}

/// The moves of a range between tiers.
struct Planner<'a> {
    class: &'a Class,
    key: &'a Key,
    range: &'a Range<'a>,
    situation: &'a Situation<'a>,
    at: i64,
}

impl Planner<'_> {
    fn plan(&self, out: &mut Vec<Move>) {
        let tier = self.tiers().tier(self.key.until, self.at);
        if tier <= self.key.tier {
            return;
        }
        if tier != Tier::Gone {
            self.push(out, (tier, Part::Whole), &self.range.content, Vec::new());
            return;
        }
        let mut common = self.minimums();
        common.extend(self.sinks());
        let any_held = self.range.content.iter().any(|share| self.is_held(share));
        let whole = self.situation.reach == HoldReach::Range && any_held;
        let (held, free): (Vec<Share<'_>>, Vec<Share<'_>>) = self
            .range
            .content
            .iter()
            .partition(|share| whole || self.is_held(share));
        let part = |part| {
            if free.is_empty() || held.is_empty() {
                Part::Whole
            } else {
                part
            }
        };
        if !free.is_empty() || held.is_empty() {
            self.push(out, (Tier::Gone, part(Part::Free)), &free, common.clone());
        }
        if !held.is_empty() {
            let mut blocked = self.holds(&held);
            blocked.extend(common);
            self.push(out, (Tier::Gone, part(Part::Held)), &held, blocked);
        }
        // what stays beyond its time waits where that costs least
        let last = self.tiers().last();
        if last > self.key.tier {
            if self.minimums().is_empty() {
                self.push(out, (last, part(Part::Held)), &held, Vec::new());
            } else {
                self.push(out, (last, Part::Whole), &self.range.content, Vec::new());
            }
        }
    }

    fn tiers(&self) -> &Tiers {
        &self.class.tiers
    }

    fn push(&self, out: &mut Vec<Move>, (to, part): (Tier, Part), content: &[Share<'_>], mut blocked: Vec<Block>) {
        let kind = match to {
            Tier::Hot | Tier::Warm => MoveKind::ToWarm,
            Tier::Cold => MoveKind::ToCold,
            Tier::Gone => MoveKind::Remove,
        };
        // an empty partition is not worth a move, but goes in the end
        if content.is_empty() && kind != MoveKind::Remove {
            return;
        }
        if kind == MoveKind::ToCold {
            blocked.extend(self.sinks());
        }
        blocked.sort();
        let names = self.range.partitions.iter().map(|name| (*name).to_owned()).collect();
        let all = self.range.content.iter().map(|share| share.rows.rows).sum();
        let due = self.tiers().enters(to, self.key.until);
        let found = a_move(kind, self.key, names, content, all, due);
        out.push(Move { part, blocked, ..found });
    }

    /// The holds that keep these rows now.
    fn active<'s>(&'s self, share: &Share<'s>) -> impl Iterator<Item = &'s str> {
        let named = |name: &&String| {
            let hold = self.situation.holds.iter().find(|hold| hold.name == **name);
            // a hold that is not known keeps what it covers: better a question than a loss
            hold.is_none_or(|hold| hold.holds(self.at))
        };
        share.rows.holds.iter().filter(named).map(String::as_str)
    }

    fn is_held(&self, share: &Share<'_>) -> bool {
        self.active(share).next().is_some()
    }

    fn holds(&self, held: &[Share<'_>]) -> Vec<Block> {
        let names: BTreeSet<&str> = held.iter().flat_map(|share| self.active(share)).collect();
        names.into_iter().map(|name| Block::Hold(name.to_owned())).collect()
    }

    fn minimums(&self) -> Vec<Block> {
        let named = |requirement: &&Requirement| self.class.classification.iter().any(|id| requirement.id == *id);
        let block = |requirement: &Requirement| {
            let us = i64::from(requirement.minimum_days?) * DAY_US;
            let until = self.key.until.saturating_add(us);
            (self.at < until).then(|| Block::Minimum {
                requirement: requirement.id.to_string(),
                until,
            })
        };
        self.situation
            .requirements
            .iter()
            .filter(named)
            .filter_map(block)
            .collect()
    }

    fn sinks(&self) -> Vec<Block> {
        let behind = |sink: &&SinkState| {
            self.range
                .last_index
                .is_some_and(|last| sink.delivered.is_none_or(|at| at < last))
        };
        // what is in the archive has left the log: whether it was delivered was asked then
        let asked = if self.key.tier == Tier::Cold {
            &[]
        } else {
            self.situation.sinks
        };
        asked
            .iter()
            .filter(behind)
            .map(|sink| Block::Sink(sink.name.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests;
