//! The scheduler: one for each database that has jobs. It decides what is due, starts a worker for each run, and writes
//! down what came of it. It waits for no run, so that a long one delays no other job; of one job there is one run at a time.

use super::job_run::{Run, Status};
use super::presence::may_work;
use super::{job, launcher};
use crate::guc;
use crate::shmem::{self, Slot};
use crate::store::jobs::{self, JobRow};
use crate::store::roles;
use auditlog_schedule::{Missed, Schedule, Zone};
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Longest sleep: jobs change, and clocks do.
const NAP: Duration = Duration::from_millis(500);
/// While something runs.
const SHORT_NAP: Duration = Duration::from_millis(100);
/// Time after which it goes when there is no job, and seconds after which it looks again.
const IDLE: Duration = Duration::from_secs(10);
const AWAY: i64 = 60;
/// Time between two clean-ups of the history.
const CLEAN: Duration = Duration::from_secs(600);

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_scheduler_main(argument: pg_sys::Datum) {
    let Some(slot) = super::begin(argument, super::Duty::Scheduler) else {
        return;
    };
    let pause = Scheduler {
        slot,
        running: HashMap::new(),
        decided: HashMap::new(),
        newly_decided: Vec::new(),
        next_due: 0,
        has_run: HashSet::new(),
        begun: shmem::unix_micros(),
        is_new: true,
        needed: Instant::now(),
        next_clean: Instant::now(),
        failures: 0,
    }
    .run();
    slot.scheduler.unregister(pause);
}

struct Running {
    run: Run,
    number: i64,
    since: Instant,
    told: Status,
    /// It took too long, and was told to end.
    ended: bool,
}

struct Scheduler {
    slot: &'static Slot,
    /// By the job's number.
    running: HashMap<i64, Running>,
    /// Of each job, the revision that was looked at, and until when it is decided what was due.
    decided: HashMap<i64, (i64, i64)>,
    /// When the next run of any job is due, microseconds since the Unix epoch.
    next_due: i64,
    /// Jobs whose run has ended since the last look.
    has_run: HashSet<i64>,
    /// When this process began, microseconds since the Unix epoch.
    begun: i64,
    /// What the transaction decided that is not committed yet.
    newly_decided: Vec<(i64, (i64, i64))>,
    is_new: bool,
    needed: Instant,
    next_clean: Instant,
    failures: u32,
}

impl Scheduler {
    /// Works until there is nothing to work for; returns the seconds after which to start again.
    fn run(mut self) -> i64 {
        loop {
            pgrx::check_for_interrupts!();
            launcher::reload();
            let mut begun = Vec::new();
            let result = job::attempt(|| {
                if !may_work() {
                    return None;
                }
                if self.is_new {
                    jobs::abandon();
                }
                self.look_at_runs();
                if Instant::now() >= self.next_clean {
                    jobs::purge(i64::from(guc::JOB_HISTORY.get()));
                }
                let all = jobs::active();
                begun = self.due(&all);
                Some(!all.is_empty())
            });
            match result {
                Ok(None) => return 3,
                Ok(Some(any)) => {
                    self.failures = 0;
                    self.is_new = false;
                    self.decided.extend(self.newly_decided.drain(..));
                    if Instant::now() >= self.next_clean {
                        self.next_clean = Instant::now() + CLEAN;
                    }
                    let over = self
                        .running
                        .iter()
                        .filter(|(_, running)| is_over(running))
                        .map(|(id, _)| *id);
                    self.has_run.extend(over);
                    self.running.retain(|_, running| !is_over(running));
                    self.start(begun);
                    if any || !self.running.is_empty() {
                        self.needed = Instant::now();
                    } else if self.needed.elapsed() > IDLE {
                        return AWAY;
                    }
                }
                Err(failure) => {
                    self.slot.scheduler_errors.set(&failure.message);
                    self.failures += 1;
                }
            }
            self.slot
                .jobs_running
                .store(self.running.len() as u64, Ordering::Relaxed);
            let nap = match (self.running.is_empty(), self.failures) {
                (_, 1..) => NAP * (1 << self.failures.min(5)),
                (true, 0) => until(self.next_due).min(NAP),
                (false, 0) => until(self.next_due).min(SHORT_NAP),
            };
            if !BackgroundWorker::wait_latch(Some(nap)) {
                return 1;
            }
        }
    }

    /// Writes down what became of what runs, and ends what takes too long.
    fn look_at_runs(&mut self) {
        let longest = guc::JOB_TIMEOUT.get();
        for running in self.running.values_mut() {
            let (status, pid) = running.run.status();
            if longest > 0 && !running.ended && running.since.elapsed() > Duration::from_millis(longest as u64) {
                running.run.terminate();
                running.ended = true;
            }
            if is_over(running) {
                let message = running.run.message();
                let message = match (running.ended, message) {
                    (true, _) if status == Status::Failed => {
                        "canceled: it took longer than auditlog.job_timeout".to_owned()
                    }
                    (_, Some(message)) => message,
                    (_, None) => "the worker ended without a word; see the server's log".to_owned(),
                };
                jobs::progress(running.number, status.label(), pid, Some(&message), true);
            } else if status != running.told {
                jobs::progress(running.number, status.label(), pid, None, false);
                running.told = status;
            }
        }
    }

    /// Jobs whose runs begin now, with the numbers of the runs.
    fn due(&mut self, all: &[JobRow]) -> Vec<(JobRow, i64)> {
        let now = shmem::unix_micros();
        let zone = zone();
        // SAFETY: a variable that is set before any worker starts.
        let started = unsafe { pg_sys::PgStartTime } + crate::store::POSTGRES_EPOCH;
        let policy = match guc::MISSED_RUNS.get() {
            guc::MissedRuns::Skip => Missed::Skip,
            guc::MissedRuns::Once => Missed::RunOnce,
        };
        let (mut begun, mut decided, mut next_due) = (Vec::new(), Vec::new(), i64::MAX);
        for one in all {
            // What is due while a run is under way begins when that is over, once.
            if self.running.get(&one.id).is_some_and(|running| !is_over(running)) {
                continue;
            }
            // It was checked when it was made; another version may read it otherwise.
            let Ok(schedule) = Schedule::parse(&one.schedule) else {
                continue;
            };
            let known = self.decided.get(&one.id).filter(|known| known.0 == one.revision);
            let last = known.map_or(one.looked_at, |known| known.1);
            let due = match known {
                // What was due while its own run was under way is not missed.
                Some(_) if self.has_run.contains(&one.id) => schedule.due(Some(last), now, &zone, Missed::RunOnce),
                Some(_) => schedule.due(Some(last), now, &zone, policy),
                // Nobody has looked since the job was made or the scheduler began: what was due before is let go, or made up for.
                None if policy == Missed::RunOnce || last >= self.begun => schedule.due(Some(last), now, &zone, policy),
                None => schedule.due(None, now, &zone, policy),
            };
            let is_due = !due.runs.is_empty() || schedule.at_start() && last < started;
            if is_due {
                jobs::looked(one.id, now);
                begun.push((one.clone(), jobs::begin(one)));
            } else if due.missed > 0 {
                jobs::looked(one.id, due.last_us);
                self.slot.jobs_skipped.fetch_add(due.missed as u64, Ordering::Relaxed);
            }
            let last = if schedule.at_start() || (is_due && schedule.interval().is_some()) {
                now
            } else {
                due.last_us
            };
            decided.push((one.id, (one.revision, last)));
            next_due = next_due.min(schedule.next(last, &zone).unwrap_or(i64::MAX));
        }
        self.has_run.clear();
        self.newly_decided = decided;
        self.next_due = next_due;
        begun
    }

    fn start(&mut self, begun: Vec<(JobRow, i64)>) {
        for (one, number) in begun {
            let started = job::transaction(|| {
                let Some(database) = roles::database_oid(&one.database) else {
                    jobs::progress(number, "failed", None, Some("there is no such database"), true);
                    return None;
                };
                let Some(role) = roles::role_oid(&one.role) else {
                    jobs::progress(number, "failed", None, Some("there is no such role"), true);
                    return None;
                };
                Some((database, role))
            });
            let Ok(Some((database, role))) = started else { continue };
            match Run::start(database, role, &one.command, one.id) {
                Some(run) => {
                    self.slot.jobs_started.fetch_add(1, Ordering::Relaxed);
                    let running = Running {
                        run,
                        number,
                        since: Instant::now(),
                        told: Status::Starting,
                        ended: false,
                    };
                    self.running.insert(one.id, running);
                }
                None => {
                    let _ = job::transaction(|| {
                        let why = "no background worker is free; raise max_worker_processes";
                        jobs::progress(number, "failed", None, Some(why), true);
                    });
                }
            }
        }
    }
}

fn is_over(running: &Running) -> bool {
    matches!(running.run.status().0, Status::Succeeded | Status::Failed) && running.run.is_gone()
}

/// The zone in which schedules are read; GMT when it is none.
fn zone() -> Zone {
    let name = guc::JOB_TIMEZONE.get();
    let name = name.as_deref().and_then(|name| name.to_str().ok()).unwrap_or("GMT");
    name.parse().unwrap_or_default()
}

/// Time until then, and a moment more; at least a millisecond.
fn until(time: i64) -> Duration {
    let left = time.saturating_sub(shmem::unix_micros());
    Duration::from_micros(left.clamp(0, 3_600_000_000) as u64 + 1_000)
}
