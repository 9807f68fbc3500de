//! Keeps the word index behind the log: collects words of sealed events, writes runs, merges them. In
//! small pieces, each a transaction of its own, between the sealer's batches, so that a merge of
//! millions of postings never keeps events waiting.

use super::job;
use crate::api::words::take_collected;
use crate::shmem::Slot;
use crate::store::words::Stored;
use crate::store::{head, words};
use auditlog_index::chunk::Corrupt;
use auditlog_index::{Builder, Merge, next_merge};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Events whose words are collected in one piece of work.
const PIECE: u64 = 1024;
/// Events of a new run. A search reads those that wait for their run one by one.
const RUN: u64 = 2048;
/// A run with fewer events is written when nothing came for this long.
const IDLE: Duration = Duration::from_secs(2);
/// Time that one piece of a merge may take.
const MERGE_PIECE: Duration = Duration::from_millis(20);
/// After an error, time before the next attempt.
const AFTER_ERROR: Duration = Duration::from_secs(10);

/// State of the index's maintenance.
#[derive(Default)]
pub struct Indexer {
    /// What is in the tables; `None` before they were read.
    state: Option<State>,
    not_before: Option<Instant>,
}

struct State {
    /// The log's table that this belongs to.
    log: pgrx::pg_sys::Oid,
    runs: Vec<Stored>,
    last_run: i64,
    builder: Option<Building>,
    merging: Option<Merging>,
    /// Runs that readers see no more, whose chunks are to be deleted.
    retired: Vec<i64>,
}

struct Building {
    builder: Builder,
    next: u64,
    since: Instant,
}

struct Merging {
    merge: Merge,
    inputs: Vec<Stored>,
    run: i64,
    next: u32,
}

/// Why a merge stops.
enum Broken {
    Corrupt,
}

impl From<Corrupt> for Broken {
    fn from(_: Corrupt) -> Broken {
        Broken::Corrupt
    }
}

impl Indexer {
    /// One piece of work; returns whether there is more to do at once. `may_work` takes the locks that
    /// keep the extension from being dropped meanwhile.
    pub fn step(&mut self, slot: &Slot, idle: bool, may_work: impl FnOnce() -> bool) -> bool {
        if self.not_before.is_some_and(|time| Instant::now() < time) {
            return false;
        }
        let mut state = self.state.take();
        let result = job::transaction(|| {
            let objects = may_work().then(crate::store::catalog::find).flatten()?;
            if state.as_ref().is_some_and(|state| state.log != objects.log) {
                state = None;
            }
            let mut now = state.take().unwrap_or_else(|| State::read(objects.log));
            if slot.rebuild_words.swap(false, Ordering::AcqRel) {
                now.start_over();
            }
            let more = now.work(idle);
            Some((now, more))
        });
        match result {
            Ok(Some((state, more))) => {
                self.state = Some(state);
                self.not_before = None;
                more
            }
            Ok(None) => false,
            // the transaction is gone, and with it what the state may say was written
            Err(_) => {
                take_collected();
                self.not_before = Some(Instant::now() + AFTER_ERROR);
                false
            }
        }
    }
}

impl State {
    fn read(log: pgrx::pg_sys::Oid) -> State {
        take_collected();
        State {
            log,
            last_run: words::clean_up(),
            runs: words::runs(),
            builder: None,
            merging: None,
            retired: Vec::new(),
        }
    }

    fn work(&mut self, idle: bool) -> bool {
        let size = head::current().map_or(0, |head| head.size as u64);
        let next = self.builder.as_ref().map_or_else(|| self.indexed(), |b| b.next);
        if next < size && (idle || size - next >= PIECE) {
            self.collect(next, size);
            return true;
        }
        let waited = |b: &Building| idle && b.since.elapsed() >= IDLE;
        if self.builder.as_ref().is_some_and(waited) {
            self.write_run();
            return true;
        }
        self.merge() || self.delete_retired()
    }

    fn indexed(&self) -> u64 {
        self.runs.last().map_or(0, |run| run.head.end)
    }

    fn collect(&mut self, from: u64, size: u64) {
        let to = size.min(from + PIECE);
        words::collect(from, to);
        let building = self.builder.get_or_insert_with(|| Building {
            builder: Builder::new(from),
            next: from,
            since: Instant::now(),
        });
        for (place, term) in take_collected() {
            // Only places that were asked for come back.
            let _ = building.builder.add(place, term);
        }
        building.next = to;
        building.since = Instant::now();
        if to - self.indexed() >= RUN {
            self.write_run();
        }
    }

    fn write_run(&mut self) {
        let Some(building) = self.builder.take() else { return };
        let Ok(run) = building.builder.finish(building.next) else {
            return;
        };
        self.last_run += 1;
        for (bucket, data) in run.chunks.iter().enumerate() {
            words::write_chunk(self.last_run, bucket as u32, data);
        }
        let head = run.head();
        words::publish(self.last_run, &head, &[]);
        self.runs.push(Stored {
            run: self.last_run,
            head,
        });
    }

    /// One piece of the next merge.
    fn merge(&mut self) -> bool {
        if self.merging.is_none() {
            let heads: Vec<_> = self.runs.iter().map(|run| run.head).collect();
            let Some(range) = next_merge(&heads) else { return false };
            let inputs = self.runs[range.clone()].to_vec();
            let Ok(merge) = Merge::new(&heads[range]) else {
                self.start_over();
                return true;
            };
            self.last_run += 1;
            self.merging = Some(Merging {
                merge,
                inputs,
                run: self.last_run,
                next: 0,
            });
        }
        let Some(mut merging) = self.merging.take() else {
            return false;
        };
        let begun = Instant::now();
        let out = merging.merge.out_head();
        while merging.next < out.chunks() {
            if begun.elapsed() >= MERGE_PIECE {
                self.merging = Some(merging);
                return true;
            }
            let inputs = &merging.inputs;
            let mut read = |place: usize, bucket: u32| words::chunk(inputs[place].run, bucket).ok_or(Broken::Corrupt);
            let Ok(data) = merging.merge.chunk(merging.next, &mut read) else {
                self.start_over();
                return true;
            };
            words::write_chunk(merging.run, merging.next, &data);
            merging.next += 1;
        }
        let old: Vec<i64> = merging.inputs.iter().map(|input| input.run).collect();
        words::publish(merging.run, &out, &old);
        self.runs.retain(|run| !old.contains(&run.run));
        self.runs.push(Stored {
            run: merging.run,
            head: out,
        });
        self.runs.sort_by_key(|run| run.head.first);
        self.retired.extend(old);
        true
    }

    fn delete_retired(&mut self) -> bool {
        let Some(run) = self.retired.pop() else { return false };
        words::delete_chunks(run);
        true
    }

    /// Makes the index anew: it holds nothing that the log does not.
    fn start_over(&mut self) {
        pgrx::log!("pg_auditlog: the word index is made anew");
        words::forget();
        self.last_run = words::clean_up().max(self.last_run);
        self.runs.clear();
        self.builder = None;
        self.merging = None;
        self.retired.clear();
    }
}
