//! The evaluator: one for each database that has alerts. It reads the sealed log by log_index and says when alerts fire.
//!
//! A round is one transaction: what fired, what is to be told, and the position move together, so that whatever
//! crashes, each event counts once. What has been counted is in memory alone; after a restart, and after a transaction
//! that failed, it is counted again from the horizon that was written with the position.

use super::presence::may_work;
use super::{firing, job, launcher};
use crate::api::event_document::EventDocument;
use crate::api::query::with_options;
use crate::guc;
use crate::shmem::{self, Slot};
use crate::store::alerts::{self, Position, State};
use crate::store::head;
use crate::store::{firings, stream};
use auditlog_policy::alert::definition::{Definition, Rule};
use auditlog_policy::alert::engine::{Engine, Horizon, Limits, Part, Seen};
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Longest sleep; the sealer tells of each batch.
const NAP: Duration = Duration::from_millis(500);
/// Events of one round.
const BATCH: i64 = 2_000;
/// Time between two looks whether alerts have changed, and at what is over.
const LOOK: Duration = Duration::from_secs(1);
/// Time after which it goes when there is no alert.
const IDLE: Duration = Duration::from_secs(10);
/// Seconds after which it looks whether there are alerts, unless somebody makes one.
const AWAY: i64 = 60;
/// Time between two times that what alerts remember is stored.
const STORE: Duration = Duration::from_secs(60);
/// An alert that fired is no event for alerts, or it could fire for ever.
const OWN_TYPE: &str = "auditlog.alert";

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_evaluator_main(argument: pg_sys::Datum) {
    let Some(slot) = super::begin(argument, super::Duty::Evaluator) else {
        return;
    };
    let pause = Evaluator {
        slot,
        state: None,
        next_look: Instant::now(),
        needed: Instant::now(),
        failures: 0,
    }
    .run();
    slot.evaluator.unregister(pause);
}

/// An alert that is evaluated.
pub struct Watched {
    /// What it says.
    pub definition: Definition,
    /// Until when nobody is told, microseconds since the Unix epoch.
    pub muted_until: Option<i64>,
}

struct Loaded {
    engine: Engine,
    alerts: HashMap<i64, Watched>,
    fingerprint: String,
    position: i64,
    /// The running round has found something to tell.
    fired: bool,
    /// When what they remember is to be stored.
    next_store: Instant,
}

struct Evaluator {
    slot: &'static Slot,
    /// In memory; `None` before the first round, and after one that failed.
    state: Option<Loaded>,
    next_look: Instant,
    /// When there was an alert last.
    needed: Instant,
    failures: u32,
}

/// What a round found.
enum Round {
    /// There are more events.
    More,
    /// Nothing waits.
    Idle,
    /// There is no alert, or no extension, or somebody wants to drop the database.
    Leave(i64),
}

impl Evaluator {
    /// Works until there is nothing to work for; returns the seconds after which to start again.
    fn run(mut self) -> i64 {
        loop {
            pgrx::check_for_interrupts!();
            launcher::reload();
            let nap = match self.round() {
                Ok(Round::More) => None,
                Ok(Round::Idle) => Some(NAP),
                Ok(Round::Leave(seconds)) => return seconds,
                Err(()) => Some(NAP * (1 << self.failures.min(5))),
            };
            if let Some(nap) = nap
                && !BackgroundWorker::wait_latch(Some(nap))
            {
                return 1;
            }
        }
    }

    fn round(&mut self) -> Result<Round, ()> {
        let look = self.state.is_none() || Instant::now() >= self.next_look;
        let size = self.slot.log_size.load(Ordering::Acquire);
        // Without a look the size in shared memory says whether there is something to do at all.
        if !look && size != 0 && self.state.as_ref().is_some_and(|state| state.position >= size) {
            return Ok(Round::Idle);
        }
        let mut state = self.state.take();
        let result = job::attempt(|| {
            if !may_work() {
                return (Round::Leave(3), None);
            }
            if look && !alerts::any() {
                return (Round::Idle, None);
            }
            let mut state = state.take().unwrap_or_else(Loaded::rebuild);
            // The size is known before alerts are looked at: who has made an alert finds all that is sealed from then on evaluated.
            let size = head::current().map_or(0, |head| head.size);
            if look || size > state.position {
                state.compare();
            }
            let more = state.step(size, look);
            (if more { Round::More } else { Round::Idle }, Some(state))
        });
        match result {
            Ok((round, mut state)) => {
                self.failures = 0;
                if let Some(state) = &mut state
                    && std::mem::take(&mut state.fired)
                {
                    self.slot.deliverer.nudge();
                }
                if look {
                    self.next_look = Instant::now() + LOOK;
                }
                if let Some(state) = &state {
                    self.needed = Instant::now();
                    self.report(state);
                } else if matches!(round, Round::Idle) && self.needed.elapsed() > IDLE {
                    return Ok(Round::Leave(AWAY));
                }
                self.state = state;
                Ok(round)
            }
            Err(failure) => {
                self.slot.evaluator_errors.set(&failure.message);
                self.failures += 1;
                Err(())
            }
        }
    }

    fn report(&self, state: &Loaded) {
        let (mut lost, mut dropped) = (0, 0);
        for stats in state.alerts.keys().filter_map(|id| state.engine.stats(*id)) {
            lost += stats.lost_groups;
            dropped += stats.dropped_entries;
        }
        let slot = self.slot;
        slot.alert_groups.store(state.engine.groups() as u64, Ordering::Relaxed);
        slot.alert_lost_groups.store(lost, Ordering::Relaxed);
        slot.alert_dropped_entries.store(dropped, Ordering::Relaxed);
        slot.evaluated.store(state.position as u64, Ordering::Relaxed);
    }
}

/// Is there an alert that has been evaluated as it is now?
fn goes_on() -> bool {
    let states = alerts::states();
    let known = |id: i64, revision: i64| states.iter().any(|state| state.id == id && state.revision == revision);
    alerts::all()
        .iter()
        .any(|row| row.enabled && known(row.id, row.revision))
}

impl Loaded {
    /// Reads alerts, and counts again what the log has from the horizon on.
    fn rebuild() -> Loaded {
        let written = alerts::position();
        let size = head::current().map_or(0, |head| head.size);
        // While nothing was evaluated nobody moved the position: whoever begins now begins where the first of the alerts was made.
        let written = written.filter(|_| goes_on());
        let begin = alerts::all()
            .iter()
            .filter(|row| row.enabled)
            .map(|row| row.from_index)
            .min();
        let position = written.map_or(begin.unwrap_or(size), |written| written.next).min(size);
        let mut state = Loaded {
            engine: Engine::new(Limits {
                max_groups: guc::ALERT_MAX_GROUPS.get() as usize,
                lateness_us: i64::from(guc::ALERT_LATENESS.get()) * 1_000_000,
                ..Limits::default()
            }),
            alerts: HashMap::new(),
            fingerprint: String::new(),
            position,
            fired: false,
            next_store: Instant::now() + STORE,
        };
        let mut horizon = written.and_then(|written| written.horizon);
        state.load();
        for (id, watched) in &state.alerts {
            let reach = watched.definition.quiet().map_or(0, |quiet| quiet.us());
            let since = shmem::unix_micros() - reach - i64::from(guc::ALERT_LATENESS.get()) * 1_000_000;
            for firing in firings::remembered(*id, since) {
                state.engine.restore_firing(&firing);
            }
        }
        let memory = written.and_then(|_| alerts::memory());
        let stored = horizon.map(|(log_index, clock_us)| Horizon { log_index, clock_us });
        if let Some(memory) = memory.and_then(|memory| serde_json::from_str(&memory).ok()) {
            match state.engine.restore_state(&memory, stored) {
                Ok(from) => horizon = Some((from.log_index, from.clock_us)),
                Err(error) => pgrx::log!("pg_auditlog: {error}; what alerts compare with is learned again"),
            }
        }
        if let Some((log_index, clock_us)) = horizon {
            state.engine.start(Horizon { log_index, clock_us });
        }
        let mut from = horizon.map_or(position, |(log_index, _)| log_index.min(position));
        while from < position {
            let to = position.min(from + BATCH);
            // What fires again has been told of.
            state.observe(from, to, true);
            from = to;
            pgrx::check_for_interrupts!();
        }
        if written.is_none() {
            alerts::set_position(Position {
                next: position,
                horizon: None,
            });
        }
        state
    }

    /// Takes changed alerts over.
    fn compare(&mut self) {
        if self.fingerprint != alerts::fingerprint() {
            self.load();
        }
    }

    fn load(&mut self) {
        let fingerprint = alerts::fingerprint();
        let states = alerts::states();
        // An alert that was brought here from another log must not wait until this one is as long.
        let size = head::current().map_or(0, |head| head.size);
        let mut alerts = HashMap::new();
        for row in alerts::all() {
            let known = states
                .iter()
                .find(|state| state.id == row.id && state.revision == row.revision);
            if known.is_none() && states.iter().any(|state| state.id == row.id) {
                firings::close(row.id);
            }
            let state = known.cloned().unwrap_or(State {
                id: row.id,
                revision: row.revision,
                since: self.position.max(row.from_index.min(size)),
            });
            let set = with_options(|options| {
                let mut definition =
                    Definition::parse_with(&row.definition, options).map_err(|error| error.to_string())?;
                definition.enabled = row.enabled;
                self.engine
                    .set_alert(row.id, &definition, options, state.since)
                    .map_err(|error| error.to_string())?;
                Ok::<_, String>(definition)
            });
            alerts::set_state(&state, set.as_ref().err().map(String::as_str));
            match set {
                Ok(definition) if definition.enabled => {
                    alerts.insert(
                        row.id,
                        Watched {
                            definition,
                            muted_until: row.muted_until,
                        },
                    );
                }
                Ok(_) => {}
                // A saved query that it uses is gone: what it was before counts no more.
                Err(_) => {
                    self.engine.remove_alert(row.id);
                }
            }
        }
        for id in self.alerts.keys().filter(|id| !alerts.contains_key(id)) {
            self.engine.remove_alert(*id);
            firings::close(*id);
        }
        alerts::forget_states();
        self.alerts = alerts;
        self.fingerprint = fingerprint;
    }

    /// Evaluates a piece of the log, which has `size` events; returns whether there is more.
    fn step(&mut self, size: i64, look: bool) -> bool {
        let to = size.min(self.position + BATCH);
        let moved = to > self.position;
        if moved {
            let fired = self.observe(self.position, to, false);
            let samples: Vec<i64> = fired.iter().flat_map(|firing| firing.samples.iter().copied()).collect();
            let ids = if samples.is_empty() {
                HashMap::new()
            } else {
                stream::event_ids(&samples)
            };
            let mut times: HashMap<i64, i64> = HashMap::new();
            for one in &fired {
                if let Some(watched) = self.alerts.get(&one.alert)
                    && firing::fired(one, watched, &ids)
                {
                    *times.entry(one.alert).or_default() += 1;
                }
            }
            self.fired |= !times.is_empty();
            for (alert, times) in times {
                firings::count(alert, times);
            }
            self.position = to;
        }
        if moved || look {
            let mut updates = Vec::new();
            self.engine.updates(&mut updates);
            updates.iter().for_each(firings::update);
        }
        if look {
            let mut resolved = Vec::new();
            self.engine.tick(shmem::unix_micros(), &mut resolved);
            for one in &resolved {
                if let Some(watched) = self.alerts.get(&one.alert) {
                    firing::resolved(one, watched);
                    self.fired = true;
                }
            }
        }
        if moved {
            alerts::set_position(Position {
                next: self.position,
                horizon: self
                    .engine
                    .horizon()
                    .map(|horizon| (horizon.log_index, horizon.clock_us)),
            });
        }
        if moved && Instant::now() >= self.next_store {
            self.next_store = Instant::now() + STORE;
            if self
                .alerts
                .values()
                .any(|watched| matches!(watched.definition.rule, Rule::Unusual(_)))
            {
                alerts::set_memory(&self.engine.state_json(Part::Unusual).to_string());
            }
        }
        to < size
    }

    fn observe(&mut self, from: i64, to: i64, replay: bool) -> Vec<auditlog_policy::alert::engine::Firing> {
        let mut fired = Vec::new();
        let engine = &mut self.engine;
        stream::read(from, to, |event| {
            if event.event_type != OWN_TYPE {
                let seen = Seen {
                    log_index: event.log_index,
                    timestamp_us: event.timestamp,
                    arrived_us: event.sealed_at,
                    replay,
                };
                engine.observe(seen, EventDocument::new(event.row), &mut fired);
            }
        });
        if replay {
            fired.clear();
        }
        fired
    }
}
