//! The part of `verify()` that knows what retention has removed: certificates count when the log tells of them and they fit the
//! Merkle tree (docs/format.md §15).

use super::verify::Line;
use crate::store::certificates::{self, Counting};
use crate::store::tiles::Leaves;
use auditlog_bundle::certificate::{Certificate, Range, digest, place_leaf};
use auditlog_tlog::Frontier;

/// Places that need no row.
#[derive(Debug, Default)]
pub struct Removed {
    /// Ascending, with a place between two of them.
    pub ranges: Vec<Range>,
}

impl Removed {
    /// Has retention removed the row at this place?
    pub fn has(&self, place: u64) -> bool {
        self.of(place).is_some()
    }

    /// The range that a place is in.
    pub fn of(&self, place: u64) -> Option<Range> {
        let after = self.ranges.partition_point(|(first, _)| *first <= place);
        after
            .checked_sub(1)
            .map(|at| self.ranges[at])
            .filter(|(_, last)| *last >= place)
    }
}

/// What the certificates cover that count, and what is wrong with the others. With `leaves` each is compared with the tree.
pub fn removed(mut leaves: Option<&mut Leaves>, lines: &mut Vec<Line>) -> Removed {
    let mut all: Vec<Range> = Vec::new();
    for counting in certificates::counting() {
        let place = counting.place;
        match judge(&counting, leaves.as_deref_mut()) {
            Ok(ranges) => all.extend(ranges),
            Err(why) => lines.push(Line {
                log_index: Some(place),
                kind: "modified".to_owned(),
                detail: format!("the certificate of retention that is told of here {why}"),
                event_id: None,
            }),
        }
    }
    all.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for (first, last) in all {
        match merged.last_mut() {
            Some(before) if before.1 >= first => {
                lines.push(Line {
                    log_index: Some(first as i64),
                    kind: "modified".to_owned(),
                    detail: "two certificates of retention cover this event".to_owned(),
                    event_id: None,
                });
                before.1 = before.1.max(last);
            }
            Some(before) if before.1 + 1 == first => before.1 = last,
            _ => merged.push((first, last)),
        }
    }
    Removed { ranges: merged }
}

fn judge(counting: &Counting, leaves: Option<&mut Leaves>) -> Result<Vec<Range>, String> {
    let told = auditlog_core::erase::hex(&digest(&counting.text));
    if counting.told.as_deref() != Some(&told) {
        return Err("is not the one that the event names".to_owned());
    }
    let certificate = Certificate::parse(&counting.text).map_err(|error| format!("cannot be read: {error}"))?;
    if certificate
        .log_indexes
        .last()
        .is_some_and(|(_, last)| *last >= counting.place as u64)
    {
        return Err("covers events that come after it".to_owned());
    }
    if certificate.places() != certificate.events {
        return Err("names another number of events than it covers".to_owned());
    }
    if let Some(leaves) = leaves {
        let mut root = Frontier::new();
        for (first, last) in &certificate.log_indexes {
            for place in *first..=*last {
                let leaf = leaves
                    .at(place)
                    .ok_or("covers events that the Merkle tree does not have")?;
                root.push(place_leaf(place, &leaf));
            }
            pgrx::check_for_interrupts!();
        }
        if root.root() != certificate.root {
            return Err("does not fit the Merkle tree".to_owned());
        }
    }
    Ok(certificate.log_indexes)
}
