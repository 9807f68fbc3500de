//! Verifies the log in the background, a piece at a time: what is new at once, and everything once more
//! after `auditlog.verify_interval`. What it finds is in `health()`, and told in an event.

use crate::api::own_event::{self, OwnEvent};
use crate::api::verify_removed;
use crate::guc;
use crate::store::columns::{ENTRY_HASH, HASH, LOG_INDEX, PREV_HASH};
use crate::store::evidence;
use crate::store::head::Head;
use crate::store::row::{self, Hasher};
use crate::store::tiles::Leaves;
use crate::store::verified::{self, Verified};
use auditlog_core::chain::{GENESIS, Hash, link_hash};

/// Events that are verified in one transaction: a few tens of milliseconds.
const PIECE: i64 = 5_000;
/// Findings that are described in an event.
const DESCRIBED: usize = 20;

/// Verifies one piece; returns whether there is more to do at once. Within a transaction.
pub fn step(head: &Head) -> bool {
    let interval = i64::from(guc::VERIFY_INTERVAL.get()) * 1_000_000;
    if interval == 0 {
        return false;
    }
    let now = crate::shmem::unix_micros();
    let mut state = verified::state();
    if state.size >= head.size {
        if now - state.begun < interval {
            return false;
        }
        // Once more, from the beginning.
        state = Verified {
            size: 0,
            begun: now,
            ..state
        };
    }
    if state.size == 0 {
        state.begun = now;
        state.findings = 0;
        state.first = None;
    }
    let to = (state.size + PIECE).min(head.size);
    let mut found = check(state.size, to);
    // Once in a pass: what is told of it makes the log longer, which must not be told again.
    if state.size == 0 {
        found.extend(
            verified::outside(head.size)
                .iter()
                .map(|at| format!("extra: event {at}")),
        );
    }
    if !found.is_empty() {
        tell(&found);
        state.findings += found.len() as i64;
        state.first = state.first.or_else(|| found.first().cloned());
    }
    state.size = to;
    verified::keep(&state);
    // A clean pass over an empty log says nothing, and would keep the first one that does from being written down
    // for an hour.
    if to == head.size && (to > 0 || state.findings > 0) {
        evidence::note_verified(state.begun, to, state.findings, state.first.as_deref());
    }
    to < head.size
}

/// What a row says of itself.
struct Seen {
    index: i64,
    prev: Hash,
    entry: Hash,
    hash: Hash,
    fits: bool,
}

/// What does not fit among the events from `from` to before `to`.
fn check(from: i64, to: i64) -> Vec<String> {
    let mut rows = Vec::new();
    let mut hasher = Hasher::default();
    // The one before tells what the first links to.
    verified::rows(from - 1, to, |values, nulls| {
        // SAFETY: the log's columns and types.
        let hash = |at: usize| unsafe { (!nulls[at]).then(|| row::hash(values[at])).flatten() }.unwrap_or([0xff; 32]);
        rows.push(Seen {
            index: values[LOG_INDEX].value() as i64,
            prev: hash(PREV_HASH),
            entry: hash(ENTRY_HASH),
            hash: hash(HASH),
            // SAFETY: the log's columns and types.
            fits: unsafe { hasher.matches(values, nulls) }.unwrap_or(false),
        });
    });
    let mut leaves = Leaves::default();
    let mut found = Vec::new();
    let mut lines = Vec::new();
    let removed = verify_removed::removed(None, &mut lines);
    if from == 0 {
        found.extend(lines.iter().map(|line| format!("{}: {}", line.kind, line.detail)));
    }
    let gone = |from: i64, to: i64| (from..to).all(|place| removed.has(place as u64));
    let mut previous = (from == 0).then_some(GENESIS);
    let mut expected = from;
    for row in &rows {
        if row.index < from {
            previous = Some(row.hash);
            continue;
        }
        if row.index > expected && gone(expected, row.index) {
            // The chain goes on through what retention has removed, as the tree has it.
            previous = (expected..row.index)
                .try_fold(previous, |previous, place| {
                    let leaf = leaves.at(place as u64)?;
                    Some(previous.map(|previous| link_hash(&previous, &leaf, place as u64)))
                })
                .flatten();
        } else if row.index > expected {
            found.push(format!("missing: events {expected} to {}", row.index - 1));
            previous = None;
        }
        let linked = previous.is_none_or(|previous| previous == row.prev)
            && link_hash(&row.prev, &row.entry, row.index as u64) == row.hash;
        if !row.fits || !linked || leaves.at(row.index as u64) != Some(row.entry) {
            found.push(format!("modified: event {}", row.index));
        }
        previous = Some(row.hash);
        expected = row.index + 1;
    }
    if expected < to && !gone(expected, to) {
        found.push(format!("missing: events {expected} to {}", to - 1));
    }
    found
}

fn tell(found: &[String]) {
    let described = found.iter().take(DESCRIBED).map(|one| own_event::text(one)).collect();
    own_event::record(&OwnEvent {
        event_type: "auditlog.verify_failed",
        severity: "critical",
        actor: ("system", "pg_auditlog"),
        operation: "verify",
        metadata: &[
            ("findings", own_event::number(found.len() as i64)),
            ("first", auditlog_core::json::Json::Array(described)),
        ],
    });
}
