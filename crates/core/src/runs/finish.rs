//! From runs and broken rows to findings.

use super::displaced::{Home, moved_payloads, moved_rows};
use super::segments::{Segment, Spare, covers, follow_back};
use super::{Expect, Finding, Kind, Row, Run, text};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A longer stretch of missing or extra rows is one finding.
const LONGEST_LISTED: u64 = 10_000;

pub(super) fn findings(runs: Vec<Run>, broken: Vec<Row>, changed: Vec<Row>, expect: &Expect) -> Vec<Finding> {
    let homes = moved_rows(&broken, &runs, expect);
    let (segments, spares) = follow_back(runs, expect);
    let mut work = Work::new(expect, &broken, segments);
    work.place(homes);
    let open: Vec<usize> = (0..broken.len())
        .filter(|at| !work.settled.contains(at) && broken[*at].content_ok && !covers(&work.segments, broken[*at].index))
        .collect();
    work.place(moved_payloads(&broken, &open));
    let standing = work.broken_rows();
    work.missing_rows(&standing);
    work.spare_and_changed_rows(spares, changed);
    work.links();
    work.findings.sort_by_key(|finding| (finding.log_index, finding.kind));
    work.findings
}

struct Work<'a> {
    expect: &'a Expect,
    broken: &'a [Row],
    segments: Vec<Segment>,
    findings: Vec<Finding>,
    /// Broken rows (by position) that are explained as moved.
    settled: HashSet<usize>,
    /// Broken rows (by position) that stand where the chain expects them, with another payload.
    stand_ins: HashSet<usize>,
    /// Places with a finding: a link that breaks beside one needs no other reason.
    touched: HashSet<u64>,
}

impl<'a> Work<'a> {
    fn new(expect: &'a Expect, broken: &'a [Row], segments: Vec<Segment>) -> Work<'a> {
        Work {
            expect,
            broken,
            segments,
            findings: Vec::new(),
            settled: HashSet::new(),
            stand_ins: HashSet::new(),
            touched: HashSet::new(),
        }
    }

    fn add(&mut self, log_index: u64, kind: Kind, detail: impl Into<String>, event_id: &[u8]) {
        if kind != Kind::Extra {
            self.touched.insert(log_index);
        }
        self.findings.push(Finding {
            log_index,
            kind,
            detail: detail.into(),
            event_id: text(event_id),
        });
    }

    fn in_range(&self, log_index: u64) -> bool {
        (self.expect.first..self.expect.size).contains(&log_index)
    }

    /// Reports moved rows and closes the gaps that they left.
    fn place(&mut self, homes: Vec<Home>) {
        let mut placed: BTreeMap<u64, Segment> = BTreeMap::new();
        for home in homes {
            let taken = covers(&self.segments, home.belongs_at) || placed.contains_key(&home.belongs_at);
            // a row whose place is taken is a copy, not moved
            if taken || !self.in_range(home.belongs_at) || self.settled.contains(&home.row) {
                continue;
            }
            self.settled.insert(home.row);
            self.stand_ins.extend(home.stand_in);
            self.touched.insert(home.belongs_at);
            let row = &self.broken[home.row];
            let what = if home.stand_in.is_some() {
                "the values of this row belong"
            } else {
                "this row belongs"
            };
            let also = if row.content_ok {
                ""
            } else {
                ", and its values were changed"
            };
            self.add(
                row.index,
                Kind::Reordered,
                format!("{what} at log_index {}{also}", home.belongs_at),
                &row.event_id,
            );
            let (first_prev, last_hash) = (home.link.0, Some(home.link.1));
            let place = home.belongs_at;
            let (first_id, last_id) = (row.event_id.clone(), row.event_id.clone());
            placed.insert(
                place,
                Segment {
                    first: place,
                    first_prev,
                    first_id,
                    last: place,
                    last_hash,
                    last_id,
                },
            );
        }
        self.segments.extend(placed.into_values());
        self.segments.sort_by_key(|segment| segment.first);
    }

    /// Reports broken rows that were not moved; returns the places where one stands.
    fn broken_rows(&mut self) -> BTreeSet<u64> {
        let mut by_index: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (at, row) in self.broken.iter().enumerate() {
            if !self.settled.contains(&at) && row.index >= self.expect.first {
                by_index.entry(row.index).or_default().push(at);
            }
        }
        let mut standing = BTreeSet::new();
        for (index, mut rows) in by_index {
            let mut genuine = rows.iter().position(|at| self.stand_ins.contains(at));
            if genuine.is_none() && self.in_range(index) && !covers(&self.segments, index) {
                genuine = (0..rows.len()).max_by_key(|&k| self.likeness(&self.broken[rows[k]]));
            }
            if let Some(genuine) = genuine {
                let row = &self.broken[rows.swap_remove(genuine)];
                let detail = if row.content_ok {
                    "hash does not fit prev_hash, entry_hash and log_index"
                } else {
                    "the values do not give entry_hash, nor does hash fit prev_hash, entry_hash and log_index"
                };
                self.add(index, Kind::Modified, detail, &row.event_id);
                standing.insert(index);
            }
            for at in rows {
                self.add(index, Kind::Extra, self.extra_detail(index), &self.broken[at].event_id);
            }
        }
        standing
    }

    /// How much of a broken row fits its neighbours: tells the log's row from one put in beside it.
    fn likeness(&self, row: &Row) -> u8 {
        let after = self.segments.partition_point(|segment| segment.first <= row.index);
        let links_back = after > 0 && {
            let before = &self.segments[after - 1];
            before.last.checked_add(1) == Some(row.index) && before.last_hash == Some(row.prev)
        };
        let links_on = self
            .segments
            .get(after)
            .is_some_and(|next| Some(next.first) == row.index.checked_add(1) && next.first_prev == row.hash);
        u8::from(links_back) + 2 * u8::from(links_on) + u8::from(row.content_ok)
    }

    fn extra_detail(&self, index: u64) -> String {
        if index >= self.expect.size {
            format!("the log ends before log_index {}", self.expect.size)
        } else {
            "another row has this log_index and the chain leads through that one".to_owned()
        }
    }

    fn missing_rows(&mut self, standing: &BTreeSet<u64>) {
        let mut gaps = Vec::new();
        let mut next = self.expect.first;
        for segment in &self.segments {
            gaps.push((next, segment.first));
            next = next.max(segment.last.saturating_add(1));
        }
        gaps.push((next, self.expect.size));
        for (mut from, end) in gaps {
            while from < end {
                // up to the next row that stands in the gap, if there is one
                let to = standing.range(from..end).next().copied().unwrap_or(end);
                if to - from > LONGEST_LISTED {
                    let detail = format!("no row has a log_index from {from} to {} ({} rows)", to - 1, to - from);
                    self.add(from, Kind::Missing, detail, b"");
                    self.touched.insert(to - 1);
                } else {
                    for index in from..to {
                        self.add(index, Kind::Missing, "no row has this log_index", b"");
                    }
                }
                from = to.saturating_add(1);
            }
        }
    }

    fn spare_and_changed_rows(&mut self, spares: Vec<Spare>, changed: Vec<Row>) {
        let mut changed_at: HashMap<u64, Vec<Row>> = HashMap::new();
        for row in changed {
            changed_at.entry(row.index).or_default().push(row);
        }
        for spare in spares {
            let first = spare.first.max(self.expect.first);
            if spare.last < first {
                continue;
            }
            if spare.last - first >= LONGEST_LISTED {
                let detail = format!("{} (up to log_index {})", self.extra_detail(first), spare.last);
                self.add(first, Kind::Extra, detail, b"");
                continue;
            }
            for index in first..=spare.last {
                // of two rows with the same hashes the one with other values is the one put in
                let rows = changed_at.get_mut(&index);
                let changed = rows.and_then(|rows| {
                    let at = rows
                        .iter()
                        .position(|row| spare.hash.is_none_or(|hash| hash == row.hash))?;
                    Some(rows.swap_remove(at))
                });
                let own: &[u8] = if index == spare.last { &spare.event_id } else { b"" };
                let event_id = changed.as_ref().map_or(own, |row| row.event_id.as_slice());
                self.add(index, Kind::Extra, self.extra_detail(index), event_id);
            }
        }
        for row in changed_at
            .into_values()
            .flatten()
            .filter(|row| self.expect.first <= row.index)
        {
            self.add(
                row.index,
                Kind::Modified,
                "the values do not give entry_hash",
                &row.event_id,
            );
        }
    }

    /// Reports breaks between rows that are each in order: one of the two was made anew.
    fn links(&mut self) {
        let segments = std::mem::take(&mut self.segments);
        let count = segments.len();
        // known[k] says whether the link before segment k holds; the last one is that to the head
        let known: Vec<Option<bool>> = (0..=count).map(|k| self.link_holds(&segments, k)).collect();
        for k in (0..=count).filter(|&k| known[k] == Some(false)) {
            let left = k.checked_sub(1).map(|k| &segments[k]);
            if left.is_some_and(|left| self.touched.contains(&left.last)) {
                continue;
            }
            match (left, segments.get(k)) {
                (Some(left), None) => {
                    self.add(
                        left.last,
                        Kind::Modified,
                        "hash is not the one of the head",
                        &left.last_id,
                    );
                }
                (Some(left), Some(right)) => {
                    let alone = right.first == right.last;
                    let right_touched = self.touched.contains(&right.first);
                    if alone && known[k + 1] == Some(false) {
                        // both of its links are broken: that is one row, not its two neighbours
                        if !right_touched {
                            let detail = "neither does prev_hash fit the row before, nor hash what comes after";
                            self.add(right.first, Kind::Modified, detail, &right.first_id);
                        }
                    } else if !right_touched || !alone || known[k + 1] == Some(true) {
                        // what the rows after it point to is genuine, so it is the row before
                        let detail = "hash is not the prev_hash of the row after it";
                        self.add(left.last, Kind::Modified, detail, &left.last_id);
                    }
                }
                (None, Some(right)) if !self.touched.contains(&right.first) => {
                    let detail = "prev_hash is not the hash before it";
                    self.add(right.first, Kind::Modified, detail, &right.first_id);
                }
                (None, _) => {}
            }
        }
    }

    /// Does the link before segment `k` hold? `None` when one side of it is not known.
    fn link_holds(&self, segments: &[Segment], k: usize) -> Option<bool> {
        let before = match k.checked_sub(1).map(|k| &segments[k]) {
            None => (self.expect.first, self.expect.start_prev?),
            Some(left) => (left.last.checked_add(1)?, left.last_hash?),
        };
        let after = match segments.get(k) {
            Some(right) => (right.first, right.first_prev),
            None if k == 0 => return None,
            None => (self.expect.size, self.expect.head_hash?),
        };
        (before.0 == after.0).then_some(before.1 == after.1)
    }
}
