//! Finds where moved rows belong.

use super::{Expect, Row, Run};
use crate::chain::{Hash, link_hash};
use std::collections::{HashMap, VecDeque};

/// With more broken rows than this, exchanged payloads are reported as modified: each pair must be
/// tried.
const MAX_PAIRS_OF: usize = 2000;

/// A broken row and where it belongs.
pub(super) struct Home {
    /// Position in the list of broken rows.
    pub row: usize,
    /// Its own `log_index`.
    pub belongs_at: u64,
    /// `prev_hash` and `hash` of the row that stood at `belongs_at`.
    pub link: (Hash, Hash),
    /// The broken row that stands at `belongs_at` and has that link.
    pub stand_in: Option<usize>,
}

/// Rows that fit the chain at another `log_index`, found from the ends of the intact runs and from
/// each other, so that any permutation is resolved.
pub(super) fn moved_rows(broken: &[Row], runs: &[Run], expect: &Expect) -> Vec<Home> {
    let mut by_prev: HashMap<Hash, Vec<usize>> = HashMap::new();
    let mut by_hash: HashMap<Hash, Vec<usize>> = HashMap::new();
    for (at, row) in broken.iter().enumerate() {
        by_prev.entry(row.prev).or_default().push(at);
        by_hash.entry(row.hash).or_default().push(at);
    }
    // hashes and the log_index of the row that follows them
    let mut known: VecDeque<(Hash, u64)> = VecDeque::new();
    known.extend(expect.start_prev.map(|hash| (hash, expect.first)));
    known.extend(expect.head_hash.map(|hash| (hash, expect.size)));
    for run in runs {
        known.push_back((run.first_prev, run.first));
        known.extend(run.last.checked_add(1).map(|next| (run.last_hash, next)));
    }
    let mut homes: Vec<Home> = Vec::new();
    let mut is_home = vec![false; broken.len()];
    while let Some((hash, next)) = known.pop_front() {
        let after = by_prev
            .get(&hash)
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .map(|&at| (at, Some(next)));
        let before = by_hash
            .get(&hash)
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .map(|&at| (at, next.checked_sub(1)));
        for (at, place) in after.chain(before) {
            let (row, Some(place)) = (&broken[at], place) else {
                continue;
            };
            if is_home[at] || link_hash(&row.prev, &row.entry, place) != row.hash {
                continue;
            }
            is_home[at] = true;
            homes.push(Home {
                row: at,
                belongs_at: place,
                link: (row.prev, row.hash),
                stand_in: None,
            });
            known.push_back((row.prev, place));
            known.extend(place.checked_add(1).map(|next| (row.hash, next)));
        }
    }
    homes
}

/// Rows whose payload and `entry_hash` belong to another of these rows, while `log_index`,
/// `prev_hash` and `hash` stayed.
pub(super) fn moved_payloads(broken: &[Row], candidates: &[usize]) -> Vec<Home> {
    let mut homes = Vec::new();
    if candidates.len() > MAX_PAIRS_OF {
        return homes;
    }
    for &place in candidates {
        let stands = &broken[place];
        let fits = |&&other: &&usize| {
            let row = &broken[other];
            row.entry != stands.entry && link_hash(&stands.prev, &row.entry, stands.index) == stands.hash
        };
        if let Some(&row) = candidates.iter().find(fits) {
            let link = (stands.prev, stands.hash);
            homes.push(Home {
                row,
                belongs_at: stands.index,
                link,
                stand_in: Some(place),
            });
        }
    }
    homes
}
