//! The keeper: one for each database, while there is something to do. It moves events between tiers and classes, and removes
//! them when their time is up: what `store/retention_plan` says is due, one partition after the other, each in transactions of
//! its own. What a crash interrupts either never happened, or is certified and goes on (worker/removal).

mod cold;
mod rewriting;

use super::archiver;
use super::off_main::Background;
use super::presence::may_work;
use super::removal::{self, Step};
use super::{job, launcher};
use crate::guc;
use crate::shmem::{self, Slot};
use crate::store::checkpoints;
use crate::store::retention::{self, Asked, End};
use crate::store::retention_plan::{self, Due, Kind, Move};
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Sleep between two looks for a round.
const NAP: Duration = Duration::from_millis(250);
/// Time after which it goes when nobody asks for anything, and seconds after which it looks again.
const IDLE: Duration = Duration::from_secs(2);
const AWAY: i64 = 60;

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_keeper_main(argument: pg_sys::Datum) {
    let Some(slot) = super::begin(argument, super::Duty::Keeper) else {
        return;
    };
    super::settle(&[(c"maintenance_work_mem", c"64MB"), (c"work_mem", c"16MB")]);
    let pause = Keeper {
        slot,
        threads: Background::start(1, archiver::work),
        needed: Instant::now(),
        is_new: true,
    }
    .run();
    slot.keeper.unregister(pause);
}

struct Keeper {
    slot: &'static Slot,
    /// Talks to the archive.
    threads: Background<archiver::Job, Result<archiver::Done, String>>,
    needed: Instant,
    is_new: bool,
}

/// Why a round ended early.
enum Stop {
    /// The server stops, or somebody drops the extension.
    Leave,
    /// An error.
    Failed(String),
}

impl Keeper {
    /// Works until there is nothing to do; returns the seconds after which to start again.
    fn run(mut self) -> i64 {
        loop {
            pgrx::check_for_interrupts!();
            launcher::reload();
            let is_new = self.is_new;
            let asked = job::transaction(|| {
                if !may_work() {
                    return None;
                }
                if is_new {
                    retention::abandon();
                }
                ask_when_due();
                Some(retention::next_asked())
            });
            match asked {
                Ok(None) => return 3,
                Ok(Some(asked)) => {
                    self.is_new = false;
                    match self.erase() {
                        Ok(false) => {}
                        Ok(true) => self.needed = Instant::now(),
                        Err(Stop::Leave) => return 1,
                        Err(Stop::Failed(error)) => {
                            self.slot.keeper_errors.set(&error);
                            return AWAY;
                        }
                    }
                    match self.restore() {
                        Ok(false) => {}
                        Ok(true) => self.needed = Instant::now(),
                        Err(Stop::Leave) => return 1,
                        Err(Stop::Failed(error)) => self.slot.keeper_errors.set(&error),
                    }
                    if let Some(asked) = asked {
                        self.needed = Instant::now();
                        match self.round(&asked) {
                            Ok(()) => continue,
                            Err(Stop::Leave) => return 1,
                            Err(Stop::Failed(error)) => self.slot.keeper_errors.set(&error),
                        }
                    }
                }
                Err(error) => self.slot.keeper_errors.set(&error),
            }
            if self.needed.elapsed() > IDLE {
                return AWAY;
            }
            if !BackgroundWorker::wait_latch(Some(NAP)) {
                return 1;
            }
        }
    }

    /// Does what is due, until nothing is.
    fn round(&self, asked: &Asked) -> Result<(), Stop> {
        let at = asked.at.unwrap_or_else(shmem::unix_micros);
        let (mut moves, mut failures) = (0, Vec::new());
        let mut tried: HashSet<(String, String)> = HashSet::new();
        if self.is_copy()? {
            let why = "this database is a copy of another log: auditlog.declare_incarnation() makes it one of its own";
            self.transaction(|| retention::ended(asked.id, 0, Some(why)))?;
            return Err(Stop::Failed(why.to_owned()));
        }
        // What a round before this one has left certified.
        match self.finish_removals() {
            Ok(done) => moves += done,
            Err(Stop::Failed(error)) => failures.push(error),
            Err(Stop::Leave) => return Err(Stop::Leave),
        }
        let result = loop {
            let due = match self.transaction(|| retention_plan::due(at)) {
                Ok(due) => due,
                Err(stop) => break Err(stop),
            };
            if let Err(stop) = self.note_pure(&due) {
                break Err(stop);
            }
            let before = tried.len();
            match self.each(due.moves, &mut tried, &mut failures) {
                Ok(done) => moves += done,
                Err(stop) => break Err(stop),
            }
            if tried.len() > before {
                continue;
            }
            // What is certified goes at the end: so one checkpoint covers all of it.
            match self.finish_removals() {
                Ok(0) => match self.expire(at, failures.is_empty()) {
                    Ok(done) => {
                        moves += done;
                        break Ok(());
                    }
                    Err(Stop::Failed(error)) => {
                        failures.push(error);
                        break Ok(());
                    }
                    Err(stop) => break Err(stop),
                },
                Ok(done) => moves += done,
                Err(Stop::Failed(error)) => {
                    failures.push(error);
                    break Ok(());
                }
                Err(stop) => break Err(stop),
            }
        };
        if let Err(Stop::Failed(error)) = &result {
            failures.push(error.clone());
        }
        let error = (!failures.is_empty()).then(|| failures.join("; "));
        let ended = self.transaction(|| retention::ended(asked.id, moves, error.as_deref()));
        match (result, error) {
            (Err(Stop::Leave), _) => Err(Stop::Leave),
            (_, Some(error)) => Err(Stop::Failed(error)),
            _ => ended,
        }
    }

    /// Does what was not tried in this round; returns how many moves were made.
    fn each(
        &self,
        moves: Vec<Move>,
        tried: &mut HashSet<(String, String)>,
        failures: &mut Vec<String>,
    ) -> Result<i64, Stop> {
        let mut done = 0;
        // What gets another class comes first: nothing is certified of a partition that is to get more rows.
        let (first, rest): (Vec<Move>, Vec<Move>) = moves.into_iter().partition(|found| found.kind == Kind::Reclassify);
        for found in first.into_iter().chain(rest) {
            let name = format!("{} {} {}", found.kind.label(), found.to_class, found.partition.tier);
            if found.blocked.is_some() || !tried.insert((found.partition.relation.clone(), name)) {
                continue;
            }
            match self.perform(&found) {
                Ok(is_done) => done += i64::from(is_done),
                Err(Stop::Failed(error)) => failures.push(format!("{}: {error}", found.partition.relation)),
                Err(stop) => return Err(stop),
            }
            if found.kind == Kind::Reclassify {
                // All its classes went at once, and partitions beside it were rewritten: the plan is another one.
                break;
            }
        }
        Ok(done)
    }

    fn note_pure(&self, due: &Due) -> Result<(), Stop> {
        if due.pure.is_empty() {
            return Ok(());
        }
        self.transaction(|| {
            let version = retention::in_force().version;
            for partition in &due.pure {
                retention::note(&partition.relation, &partition.tier, version);
            }
        })
    }

    /// Whether something was done.
    fn perform(&self, found: &Move) -> Result<bool, Stop> {
        match found.kind {
            Kind::ToWarm | Kind::ToHot | Kind::Reclassify => self.rewrite(found).map(|()| true),
            Kind::Remove => {
                self.await_checkpoint()?;
                self.transaction(|| removal::certify(found))?;
                // It goes on with what is certified.
                Ok(false)
            }
            Kind::Archive => self.archive(found).map(|()| false),
        }
    }

    /// A copy has no say in an archive that is the original's.
    fn is_copy(&self) -> Result<bool, Stop> {
        self.transaction(|| checkpoints::incarnation().is_some_and(|now| !now.is_ours))
    }

    /// A certificate names the log as its checkpoints do, so there must have been one.
    fn await_checkpoint(&self) -> Result<(), Stop> {
        let until = Instant::now() + removal::PATIENCE;
        loop {
            let named = self.transaction(|| checkpoints::incarnation().is_some_and(|now| now.is_ours))?;
            if named || Instant::now() > until {
                return Ok(());
            }
            self.nudge_publisher()?;
        }
    }

    /// Has the publisher make a checkpoint, and sleeps for a moment.
    fn nudge_publisher(&self) -> Result<(), Stop> {
        self.slot.checkpoint_wanted.store(true, Ordering::Release);
        self.slot.publisher.wake();
        if BackgroundWorker::wait_latch(Some(NAP)) {
            Ok(())
        } else {
            Err(Stop::Leave)
        }
    }

    /// What is certified goes, once the certificates are signed; returns how many moves were ended.
    fn finish_removals(&self) -> Result<i64, Stop> {
        let mut done = 0;
        for open in self.transaction(crate::store::certificates::open)? {
            let until = Instant::now() + removal::PATIENCE;
            loop {
                match self.transaction(|| removal::finish(&open)) {
                    Ok(Step::Done) => {
                        done += 1;
                        self.slot.rebuild_words.store(true, Ordering::Release);
                        self.slot.wake();
                    }
                    Ok(Step::Wait) if Instant::now() < until => {
                        self.nudge_publisher()?;
                        continue;
                    }
                    Ok(Step::Wait) => {
                        return Err(Stop::Failed(format!(
                            "{}: its certificate is not signed: auditlog.health() says why no checkpoint is",
                            open.relation
                        )));
                    }
                    Ok(Step::Withdrawn) => {}
                    Err(stop) => return Err(stop),
                }
                break;
            }
        }
        Ok(done)
    }

    fn or_failed(&self, begun: i64, result: Result<(), Stop>) -> Result<(), Stop> {
        if let Err(Stop::Failed(error)) = &result {
            self.transaction(|| {
                let end = End {
                    state: "failed",
                    detail: Some(error),
                    ..End::default()
                };
                retention::end(begun, &end);
            })?;
        }
        result
    }

    /// Runs a piece in a transaction of its own.
    fn transaction<R>(&self, work: impl FnOnce() -> R) -> Result<R, Stop> {
        pgrx::check_for_interrupts!();
        launcher::reload();
        let result = job::transaction(|| may_work().then(work));
        match result {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err(Stop::Leave),
            Err(error) => Err(Stop::Failed(error)),
        }
    }
}

/// Asks for a round when the last one is long enough ago and there is a policy.
fn ask_when_due() {
    let interval = i64::from(guc::RETENTION_INTERVAL.get());
    if interval > 0 && retention::in_force().version > 0 && retention::is_due(interval) {
        retention::ask(None, "pg_auditlog");
    }
}
