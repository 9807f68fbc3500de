//! What is to be done now: which events get another class, move to another tier or go, and what keeps them.
//!
//! A plan says everything that is due, also what is blocked, and by what. It is made from a description of
//! the ranges (partitions and objects of the archive) alone, so it can be made for any time, and shown
//! before anything is done. Carried out in its order it leaves nothing due but what is blocked, and what is
//! due in the range it came into: a day in the archive is older than the month that it was part of.
//!
//! - **Reclassify**: rows whose type is of another class by the policy of today go to the same range of
//!   that class, in the tier where they are. The moves after it are planned as if that were done.
//! - **To warm, to cold, remove**: by [`super::tier::Tiers::tier`], at once to where the range belongs, whatever it skips.
//! - **Holds** block the removal of what they cover; moves between tiers go on. What is kept though its time
//!   is up goes to the last tier of its class.
//! - **Minimum ages** of the requirements that a class names block removal, too: the conflict was reported
//!   when the policy was set, and is not resolved by removing.
//! - **Sinks** block what takes rows out of the log (to cold, remove), until they have passed them.
//!   Warm rows are rows: a sink still reads them.

mod planner;
mod range;

use super::hold::Hold;
use super::policy::RetentionPolicy;
use super::requirement::Requirement;
use super::tier::Tier;
use planner::Planner;

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
    /// Is there an archive? Without one rows are the coldest that there is: what would be cold is warm.
    pub archive: bool,
    /// Does what is warm get hot again when the policy has changed so? From the archive nothing comes back.
    pub back_to_hot: bool,
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
    /// From warm, because the policy has changed.
    ToHot,
}

impl MoveKind {
    /// `reclassify`, `to_warm`, `to_cold`, `remove`, `to_hot`.
    pub fn label(&self) -> &'static str {
        match self {
            MoveKind::Reclassify { .. } => "reclassify",
            MoveKind::ToWarm => "to_warm",
            MoveKind::ToCold => "to_cold",
            MoveKind::Remove => "remove",
            MoveKind::ToHot => "to_hot",
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
    /// Since when it is due; none for what a change of the policy brings (reclassify, to hot): it is due at once.
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
/// The order: what is reclassified; what goes; what goes to the archive; what gets warm, what
/// gets hot: so no move meets rows
/// that another of the same plan has brought there, which a hold may cover. Then by the time it was due, by
/// class, range and tier, what is free before what is blocked.
pub fn plan(policy: &RetentionPolicy, situation: &Situation<'_>, at: i64) -> Vec<Move> {
    let (mut moves, ranges) = range::reclassified(policy, situation.partitions);
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
            MoveKind::ToHot => 4,
        };
        let key = (one.class.clone(), one.from, one.until, one.tier, one.kind.clone());
        (phase, one.due, key, one.blocked.clone())
    };
    moves.sort_by_cached_key(order);
    moves
}

#[cfg(test)]
mod tests;
