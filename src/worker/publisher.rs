//! The publisher: one for each database. It signs checkpoints of what is sealed.
//!
//! A checkpoint is kept in the database before anybody sees it: the commit of its row waits until the
//! WAL is flushed, and on the synchronous standbys, so that no failover can take back what was signed.

use super::delivery::Delivery;
use super::presence::{database_is_being_dropped, extension_stays};
use super::{checkpoint, job, launcher, origin, verification};
use crate::api::own_event::{self, OwnEvent};
use crate::guc;
use crate::shmem::Slot;
use crate::store::{catalog, checkpoint_sinks, checkpoints, evidence, head};
use auditlog_core::json::Json;
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Longest sleep: somebody may want to drop the database.
const NAP: Duration = Duration::from_millis(500);
/// Sleep while an answer is awaited.
const SHORT_NAP: Duration = Duration::from_millis(20);
/// Seconds after which it is started again when the database could not be dropped after all.
const AFTER_DROP: i64 = 3;
/// Time between two looks whether a sample of health is due.
const LOOK_FOR_SAMPLE: Duration = Duration::from_secs(10);
/// After this time a copy that lacks nothing is taken for whole, although somebody is always at work in it.
const LOADED_BY_NOW: Duration = Duration::from_secs(600);

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_publisher_main(argument: pg_sys::Datum) {
    let Some(slot) = super::begin(argument, super::Duty::Publisher) else {
        return;
    };
    super::settle(&[(c"synchronous_commit", c"on")]);
    let pause = Publisher {
        slot,
        next: None,
        delivery: Delivery::default(),
        verifying: false,
        next_sample: Instant::now(),
        watching_since: None,
    }
    .run();
    slot.publisher.unregister(pause);
}

struct Publisher {
    slot: &'static Slot,
    /// When the next checkpoint is due.
    next: Option<Instant>,
    delivery: Delivery,
    /// More of the log is to be verified at once.
    verifying: bool,
    /// When to look whether a sample of health is due.
    next_sample: Instant,
    /// When the log's protection was first looked at.
    watching_since: Option<Instant>,
}

/// What a round found.
enum Round {
    /// Nothing is left to do until the next checkpoint.
    Idle,
    /// Somebody wants to drop the database, or the extension is not here.
    Leave(i64),
}

impl Publisher {
    /// Works until there is nothing to work for; returns the seconds after which to start again.
    fn run(mut self) -> i64 {
        loop {
            pgrx::check_for_interrupts!();
            launcher::reload();
            match self.round() {
                Round::Idle => {}
                Round::Leave(seconds) => return seconds,
            }
            let nap = if self.delivery.is_busy() || self.verifying {
                SHORT_NAP
            } else {
                NAP
            };
            if !BackgroundWorker::wait_latch(Some(nap)) {
                return 1;
            }
        }
    }

    fn round(&mut self) -> Round {
        let interval = Duration::from_secs(guc::CHECKPOINT_INTERVAL.get() as u64);
        // Taken before the look: whoever asks from now on wakes us again.
        let wanted = self.slot.checkpoint_wanted.swap(false, Ordering::AcqRel);
        let due = self.next.is_none_or(|next| Instant::now() >= next);
        let (mut jobs, mut postponed) = (Vec::new(), false);
        let result = job::transaction(|| {
            if database_is_being_dropped() {
                return Round::Leave(AFTER_DROP);
            }
            if catalog::find().is_none() {
                return Round::Leave(60);
            }
            if !extension_stays() {
                return Round::Idle;
            }
            // First what others say of the log, then what is said of it.
            if let Some(head) = head::visible().filter(|head| head.size > 0) {
                jobs = self.delivery.look(&head);
            }
            postponed = checkpoints::incarnation().is_some() && checkpoint_sinks::waits_for_comparison();
            if (wanted || due) && !postponed {
                // While a dump is being loaded, the protection arrives piece by piece.
                if due && head::visible().is_some_and(|head| head.size > 0) {
                    watch_protection(*self.watching_since.get_or_insert_with(Instant::now));
                }
                match checkpoint::make() {
                    Ok(None) => checkpoints::set_state("ok", ""),
                    // Its answer says how things are.
                    Ok(Some(question)) => jobs.extend(self.delivery.to_sign(question)),
                    Err(trouble) => checkpoints::set_state(trouble.state, &trouble.detail),
                }
            }
            if let Err(trouble) = checkpoint::sign_certificates() {
                checkpoints::set_state(trouble.state, &trouble.detail);
            }
            Round::Idle
        });
        if (wanted || due) && !postponed {
            self.slot.checkpoint_attempts.fetch_add(1, Ordering::AcqRel);
        }
        if let Ok(Round::Idle) = result {
            self.verify();
            self.take_sample();
        }
        if result.is_ok() {
            self.delivery.begin(jobs);
        }
        if due && !postponed {
            self.next = Some(Instant::now() + interval);
        }
        result.unwrap_or(Round::Idle)
    }
}

impl Publisher {
    /// A piece of verification, in a transaction of its own: checkpoints come first.
    fn verify(&mut self) {
        let more = job::transaction(|| {
            if database_is_being_dropped() || catalog::find().is_none() || !extension_stays() {
                return false;
            }
            head::visible().is_some_and(|head| verification::step(&head))
        });
        self.verifying = more.unwrap_or(false);
    }

    /// A sample of health for whoever asks later, once an hour. One that fails is tried again in a while: the clock and the
    /// disk are looked at, and neither may hold up checkpoints.
    fn take_sample(&mut self) {
        let interval = i64::from(guc::SAMPLE_INTERVAL.get());
        if interval == 0 || Instant::now() < self.next_sample {
            return;
        }
        self.next_sample = Instant::now() + LOOK_FOR_SAMPLE.min(Duration::from_secs(interval as u64));
        let _ = job::transaction(|| {
            let may = !database_is_being_dropped() && catalog::find().is_some() && extension_stays();
            if !may || !evidence::sample_is_due(interval) {
                return;
            }
            if let Some(sha256) = evidence::take_sample() {
                own_event::record(&OwnEvent {
                    event_type: "auditlog.access_snapshot",
                    severity: "info",
                    actor: ("system", "pg_auditlog"),
                    operation: "access_snapshot",
                    metadata: &[("sha256", own_event::text(&sha256))],
                });
            }
        });
    }
}

/// Whoever switches protection off leaves a trace: an event, sealed with the log. A dump brings triggers, policies and rights
/// after the rows: what is there before its end is no protection that anybody could have changed. It is over when nobody is at
/// work; where somebody always is, and nothing is missing, after a while.
fn watch_protection(since: Instant) {
    let is_final = |complete| origin::is_quiet() || complete && since.elapsed() >= LOADED_BY_NOW;
    let Some(change) = checkpoints::protection_change(is_final) else {
        return;
    };
    let list = |items: &[String]| Json::Array(items.iter().map(|item| own_event::text(item)).collect());
    let (event_type, severity) = if change.faults.is_empty() {
        ("auditlog.policy_change", "warning")
    } else {
        ("auditlog.tamper_attempt", "critical")
    };
    own_event::record(&OwnEvent {
        event_type,
        severity,
        actor: ("system", "pg_auditlog"),
        operation: "protection_change",
        metadata: &[("changed", list(&change.kinds)), ("missing", list(&change.faults))],
    });
}
