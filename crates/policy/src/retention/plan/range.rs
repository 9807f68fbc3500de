//! Ranges of rows that have the same moves, as they are once all rows are of their class.

use super::{Move, MoveKind, Part, PartitionState, Rows};
use crate::retention::policy::RetentionPolicy;
use crate::retention::tier::Tier;
use std::collections::{BTreeMap, BTreeSet};

/// What has the same moves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub class: String,
    pub from: Option<i64>,
    pub until: i64,
    pub tier: Tier,
}

#[derive(Debug, Default)]
pub(super) struct Range<'a> {
    pub partitions: BTreeSet<&'a str>,
    pub content: Vec<Share<'a>>,
    pub last_index: Option<u64>,
}

/// Rows with their share of the bytes of a partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share<'a> {
    pub rows: &'a Rows,
    pub bytes: u64,
}

/// Shares of the bytes by rows; together exactly the bytes of the partition.
pub(super) fn shares(partition: &PartitionState) -> Vec<Share<'_>> {
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
pub(super) fn reclassified<'a>(
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

pub(super) fn a_move(
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
