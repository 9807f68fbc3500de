//! The streamer: one for each database that has sinks. It reads the sealed log by log_index and hands events to threads, one for
//! each sink, which deliver them; what came of that is written down in the next transaction.
//!
//! No transaction is open while somebody waits for the network, and nothing leaves before the WAL with it is on disk: a receiver
//! must never have an event that a crash takes back. After a crash a sink goes on from the position that was written last, so an
//! event may arrive twice, with the same key.

use super::presence::may_work;
use super::stream_sink::{Note, Running};
use super::{job, launcher};
use crate::api::own_event::{self, OwnEvent};
use crate::compat;
use crate::shmem::{self, Slot};
use crate::store::sink_state::{self, Report};
use crate::store::sinks::{self, SinkRow};
use crate::store::{checkpoints, head};
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Longest sleep, and while threads are at work.
const NAP: Duration = Duration::from_millis(500);
const SHORT_NAP: Duration = Duration::from_millis(10);
/// Time between two looks whether sinks have changed, and for dead letters that are to be sent again.
const LOOK: Duration = Duration::from_secs(1);
/// Time after which it goes when there is no sink, and seconds after which it looks again.
const IDLE: Duration = Duration::from_secs(10);
const AWAY: i64 = 60;

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_streamer_main(argument: pg_sys::Datum) {
    let Some(slot) = super::begin(argument, super::Duty::Streamer) else {
        return;
    };
    let pause = Streamer {
        slot,
        sinks: HashMap::new(),
        unreadable: HashMap::new(),
        notes: Vec::new(),
        size: 0,
        next_look: Instant::now(),
        needed: Instant::now(),
        failures: 0,
    }
    .run();
    slot.streamer.unregister(pause);
}

struct Streamer {
    slot: &'static Slot,
    /// By their numbers.
    sinks: HashMap<i64, Running>,
    /// Those whose configuration cannot be read, and its revision.
    unreadable: HashMap<i64, i64>,
    /// What is to be written down.
    notes: Vec<Note>,
    /// Events of the log, as far as it is known.
    size: i64,
    next_look: Instant,
    /// When there was a sink last.
    needed: Instant,
    failures: u32,
}

/// What a look has found.
struct Look {
    size: i64,
    opened: Vec<Running>,
    unreadable: Vec<(i64, i64)>,
    /// Those that are to be there.
    wanted: HashSet<i64>,
    /// Those that are there but have changed.
    changed: Vec<i64>,
}

impl Streamer {
    /// Works until there is nothing to work for; returns the seconds after which to start again.
    fn run(mut self) -> i64 {
        loop {
            pgrx::check_for_interrupts!();
            if launcher::reload() {
                // Limits and hosts may be others now.
                self.sinks.values_mut().for_each(|sink| sink.stale = true);
                self.next_look = Instant::now();
            }
            for sink in self.sinks.values_mut() {
                while let Some(note) = sink.take() {
                    self.notes.push(note);
                }
            }
            let look = Instant::now() >= self.next_look;
            match self.write_and_look(look) {
                Ok(Some(found)) => self.apply(found),
                Ok(None) => {}
                Err(Some(seconds)) => return seconds,
                Err(None) => self.failures += 1,
            }
            if self.failures == 0 {
                self.send(look);
            }
            if self.sinks.is_empty() && self.unreadable.is_empty() && self.needed.elapsed() > IDLE {
                return AWAY;
            }
            let nap = match self.failures {
                0 => self.nap(),
                failures => NAP * (1 << failures.min(5)),
            };
            if !BackgroundWorker::wait_latch(Some(nap)) {
                return 1;
            }
        }
    }

    /// Until when there is nothing to do.
    fn nap(&mut self) -> Duration {
        let now = shmem::unix_micros();
        let size = self.known_size();
        let mut nap = NAP;
        for sink in self.sinks.values_mut() {
            nap = nap.min(match sink.wants(size, now) {
                Ok(()) => SHORT_NAP,
                Err(left) => left.max(SHORT_NAP),
            });
            if sink.is_busy() {
                nap = SHORT_NAP;
            }
        }
        nap
    }

    fn known_size(&self) -> i64 {
        self.size.max(self.slot.log_size.load(Ordering::Acquire))
    }

    /// Writes down what has come back, and looks at the sinks. `Err` has the seconds after which to start again, or nothing when
    /// it has failed.
    fn write_and_look(&mut self, look: bool) -> Result<Option<Look>, Option<i64>> {
        if self.notes.is_empty() && !look {
            return Ok(None);
        }
        let (notes, sinks, unreadable) = (&self.notes, &self.sinks, &self.unreadable);
        let result = job::attempt(|| {
            if !may_work() {
                return None;
            }
            notes.iter().for_each(write_down);
            Some(look.then(|| look_at(sinks, unreadable)))
        });
        match result {
            Ok(None) => Err(Some(3)),
            Ok(Some(found)) => {
                self.failures = 0;
                self.notes.clear();
                Ok(found)
            }
            Err(failure) => {
                self.slot.streamer_errors.set(&failure.message);
                Err(None)
            }
        }
    }

    fn apply(&mut self, found: Look) {
        self.next_look = Instant::now() + LOOK;
        self.size = found.size;
        self.unreadable.retain(|id, _| found.wanted.contains(id));
        self.unreadable.extend(found.unreadable);
        for (id, sink) in &mut self.sinks {
            sink.stale |= !found.wanted.contains(id) || found.changed.contains(id);
        }
        // A thread that is at work ends first: two of them would mix up the order.
        let before = self.sinks.len();
        self.sinks.retain(|_, sink| !sink.stale || sink.is_busy());
        if self.sinks.len() < before {
            self.next_look = Instant::now();
        }
        for sink in found.opened {
            self.sinks.insert(sink.row.id, sink);
        }
        if !self.sinks.is_empty() || !self.unreadable.is_empty() {
            self.needed = Instant::now();
        }
    }

    /// Hands out what there is.
    fn send(&mut self, look: bool) {
        let now = shmem::unix_micros();
        let size = self.known_size();
        for sink in self.sinks.values_mut() {
            let wants = sink.wants(size, now).is_ok();
            if !wants && !look {
                continue;
            }
            let result = job::attempt(|| {
                if !may_work() {
                    return Ok(None);
                }
                if look && let Some(chunk) = sink.redrive(now)? {
                    return Ok(Some(chunk));
                }
                match head::current().filter(|_| wants) {
                    Some(head) => sink.read(&head),
                    None => Ok(None),
                }
            });
            match result {
                Ok(Ok(Some(chunk))) => {
                    compat::flush_wal();
                    sink.give(chunk);
                }
                Ok(Ok(None)) => sink.watch(),
                Ok(Err(why)) => self.notes.push(sink.stop(&why)),
                Err(failure) => {
                    self.slot.streamer_errors.set(&failure.message);
                    self.notes.push(sink.fail(&failure.message));
                }
            }
        }
    }
}

/// Compares what runs with what is configured; opens what may be opened.
fn look_at(running: &HashMap<i64, Running>, unreadable: &HashMap<i64, i64>) -> Look {
    let mut look = Look {
        size: head::current().map_or(0, |head| head.size),
        opened: Vec::new(),
        unreadable: Vec::new(),
        wanted: HashSet::new(),
        changed: Vec::new(),
    };
    // A copy sends nothing under the original's name. Before the first checkpoint the name is known all the same.
    let origin = match checkpoints::incarnation() {
        Some(now) if !now.is_ours => return look,
        Some(now) => now.origin,
        None => checkpoints::default_origin(1),
    };
    let rows = sinks::all();
    sink_state::forget();
    for row in rows.into_iter().filter(|row| row.enabled) {
        look.wanted.insert(row.id);
        match running.get(&row.id) {
            Some(known) if known.row == row && known.origin == origin => continue,
            Some(_) => {
                look.changed.push(row.id);
                continue;
            }
            None if unreadable.get(&row.id) == Some(&row.revision) => continue,
            None => {}
        }
        open(row, &origin, &mut look);
    }
    look
}

fn open(row: SinkRow, origin: &str, look: &mut Look) {
    let known = (row.id, row.revision);
    let (name, state) = (row.name.clone(), sink_state::load(&row));
    match Running::open(row, state, origin) {
        Ok(sink) => look.opened.push(sink),
        Err(problem) => {
            look.unreadable.push(known);
            let error = format!("{}. {}", problem.message, problem.hint);
            write_down(&Note {
                sink: known.0,
                name,
                state: sink_state::State { waits: true, ..state },
                report: Report {
                    error: Some(error.clone()),
                    ..Report::default()
                },
                dead: Vec::new(),
                redriven: Vec::new(),
                tell: Some(("pause_sink", "error", error)),
            });
        }
    }
}

fn write_down(note: &Note) {
    sink_state::report(note.sink, &note.state, &note.report);
    if !note.redriven.is_empty() {
        sink_state::redriven(note.sink, &note.redriven);
    }
    for dead in &note.dead {
        sink_state::died(note.sink, dead.log_index, &dead.event_id, &dead.error);
        // Otherwise a receiver that refuses these would be told of its refusals for ever.
        if !dead.tells_of_failure {
            tell(
                &note.name,
                "deliver",
                "error",
                &dead.error,
                &[
                    ("log_index", own_event::number(dead.log_index)),
                    ("event_id", own_event::text(&dead.event_id)),
                ],
            );
        }
    }
    if let Some((operation, severity, why)) = &note.tell {
        tell(&note.name, operation, severity, why, &[]);
    }
}

fn tell(sink: &str, operation: &str, severity: &str, why: &str, more: &[(&str, auditlog_core::json::Json)]) {
    let mut metadata = vec![("sink", own_event::text(sink)), ("error", own_event::text(why))];
    metadata.extend_from_slice(more);
    own_event::record(&OwnEvent {
        event_type: "auditlog.delivery_failed",
        severity,
        actor: ("system", "pg_auditlog"),
        operation,
        metadata: &metadata,
    });
}
