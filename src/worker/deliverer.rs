//! The deliverer: one for each database that has channels. It takes what waits in the outbox and hands it to threads, which
//! do the network's work outside of any transaction; what came of it is written down in the next one.
//!
//! A channel has one thread at a time, so that one which does not answer delays no other, and what it gets is in order. A
//! notification that was delivered, but not written down because of a crash, is delivered again with the same key.

use super::off_main::Background;
use super::presence::may_work;
use super::{firing, job, launcher};
use crate::guc;
use crate::shmem::{self, Slot};
use crate::store::outbox::{self, ChannelState, Due, Letter, Report};
use auditlog_notify::breaker::wait;
use auditlog_notify::egress::{self, AllowedHosts};
use auditlog_notify::{Attempt, Channel, Notification, Outcome, Secrets, send};
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Deliveries at a time.
const THREADS: usize = 16;
/// Notifications that a thread delivers one after the other.
const BATCH: i64 = 20;
/// Time for one delivery.
const DEADLINE: Duration = Duration::from_secs(20);
/// After this time a thread gives the rest of its batch back.
const BATCH_TIME: Duration = Duration::from_secs(20);
/// Longest sleep, and while threads are at work.
const NAP: Duration = Duration::from_millis(500);
const SHORT_NAP: Duration = Duration::from_millis(20);
/// Time after which it goes when there is no channel, and seconds after which it looks again.
const IDLE: Duration = Duration::from_secs(10);
const AWAY: i64 = 60;
/// When more than `digest_after` come for a channel within this time, they are told of together.
const FLOOD: Duration = Duration::from_secs(300);
/// So long lie between two digests while it lasts.
const DIGESTS_APART: Duration = Duration::from_secs(60);
/// Most notifications of one digest.
const DIGEST: i64 = 1_000;

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_deliverer_main(argument: pg_sys::Datum) {
    let Some(slot) = super::begin(argument, super::Duty::Deliverer) else {
        return;
    };
    let pause = Deliverer {
        slot,
        threads: Background::start(THREADS, work),
        busy: HashSet::new(),
        needed: Instant::now(),
        failures: 0,
    }
    .run();
    slot.deliverer.unregister(pause);
}

/// What a thread gets.
struct Job {
    channel: Box<Channel>,
    name: String,
    state: ChannelState,
    letters: Vec<(Letter, Notification)>,
    secrets: PathBuf,
    hosts: AllowedHosts,
}

/// What it gives back: what became of each letter that it tried, and of the channel.
struct Done {
    name: String,
    state: ChannelState,
    tried: Vec<(Letter, Notification, Outcome)>,
}

struct Deliverer {
    slot: &'static Slot,
    threads: Background<Job, Done>,
    /// Channels that a thread works for.
    busy: HashSet<String>,
    /// When there was a channel last.
    needed: Instant,
    failures: u32,
}

impl Deliverer {
    /// Works until there is nothing to work for; returns the seconds after which to start again.
    fn run(mut self) -> i64 {
        let mut done = Vec::new();
        loop {
            pgrx::check_for_interrupts!();
            launcher::reload();
            while let Some(one) = self.threads.ready() {
                done.push(one);
            }
            let mut jobs = Vec::new();
            let result = job::attempt(|| {
                if !may_work() {
                    return None;
                }
                done.iter().for_each(write_down);
                let free: HashSet<&str> = done.iter().map(|one| one.name.as_str()).collect();
                let is_busy = |name: &str| self.busy.contains(name) && !free.contains(name);
                jobs = take(is_busy, THREADS.saturating_sub(self.busy.len() - free.len()));
                Some(outbox::is_used())
            });
            match result {
                Ok(None) => return 3,
                Ok(Some(is_used)) => {
                    self.failures = 0;
                    for one in done.drain(..) {
                        self.busy.remove(&one.name);
                    }
                    for job in jobs {
                        self.busy.insert(job.name.clone());
                        self.threads.give(job);
                    }
                    if is_used || !self.busy.is_empty() {
                        self.needed = Instant::now();
                    } else if self.needed.elapsed() > IDLE {
                        return AWAY;
                    }
                }
                Err(failure) => {
                    self.slot.deliverer_errors.set(&failure.message);
                    self.failures += 1;
                }
            }
            let nap = match (self.busy.is_empty(), self.failures) {
                (_, 1..) => NAP * (1 << self.failures.min(5)),
                (true, 0) => NAP,
                (false, 0) => SHORT_NAP,
            };
            if !BackgroundWorker::wait_latch(Some(nap)) {
                return 1;
            }
        }
    }
}

/// What is due, for as many threads as are free.
fn take(is_busy: impl Fn(&str) -> bool, mut free: usize) -> Vec<Job> {
    let now = shmem::unix_micros();
    let mut jobs = Vec::new();
    for due in outbox::due() {
        if free == 0 {
            break;
        }
        if is_busy(&due.channel.name) || !due.state.breaker.allows(now) {
            continue;
        }
        if let Some(job) = job_for(due, now) {
            free -= 1;
            jobs.push(job);
        }
    }
    jobs
}

fn job_for(due: Due, now: i64) -> Option<Job> {
    let name = due.channel.name;
    let mut state = due.state;
    let config = serde_json::from_str(&due.channel.config).unwrap_or_default();
    let channel = match Channel::parse(&due.channel.kind, &config) {
        Ok(channel) => channel,
        Err(error) => {
            // It was checked when it was made; another version may read it otherwise.
            state.breaker = state.breaker.paused(now);
            pause(&name, &state, &error.message);
            return None;
        }
    };
    let hosts = match AllowedHosts::parse(&setting(guc::ALLOWED_HOSTS.get())) {
        Ok(hosts) => hosts,
        Err(error) => {
            state.breaker = state.breaker.paused(now);
            pause(&name, &state, &format!("auditlog.allowed_hosts: {}", error.message));
            return None;
        }
    };
    let limits = channel.limits();
    let flood = limits.digest_after.map_or((false, false), |most| {
        outbox::flood(&name, i64::from(most), FLOOD, DIGESTS_APART)
    });
    let kinds: &[&str] = match flood {
        (false, _) => &["digest", "fired", "report", "resolved", "test"],
        (true, recently) => {
            if !recently {
                make_digest(&name);
            }
            &["digest", "report", "test"]
        }
    };
    let kinds: Vec<String> = kinds.iter().map(|&kind| kind.to_owned()).collect();
    // After a failure one at a time: the probe.
    let limit = if state.breaker.failures > 0 { 1 } else { BATCH };
    let mut letters = Vec::new();
    for letter in outbox::letters(&name, limit, &kinds) {
        match serde_json::from_str::<Notification>(&letter.body) {
            Ok(notification) => match state.rate.take(now, limits.per_minute) {
                Ok(rate) => {
                    state.rate = rate;
                    letters.push((letter, notification));
                }
                Err(_) => break,
            },
            Err(error) => outbox::died(letter.id, &format!("it cannot be read: {error}")),
        }
    }
    (!letters.is_empty()).then(|| Job {
        channel: Box::new(channel),
        name,
        state,
        letters,
        secrets: secrets_directory(),
        hosts,
    })
}

/// So many firings in so short a time are told of together.
fn make_digest(channel: &str) {
    let kinds = ["fired", "resolved"].map(str::to_owned);
    loop {
        let letters = outbox::letters(channel, DIGEST, &kinds);
        let (ids, all): (Vec<i64>, Vec<Notification>) = letters
            .iter()
            .filter_map(|letter| Some((letter.id, serde_json::from_str(&letter.body).ok()?)))
            .unzip();
        let Some(digest) = Notification::digest(all) else {
            return;
        };
        let Some(id) = firing::add(None, channel, &digest) else {
            return;
        };
        outbox::digested(&ids, id);
        if ids.len() < DIGEST as usize {
            return;
        }
    }
}

/// In a thread: delivers one after the other, until one is not delivered.
fn work(job: Job) -> Done {
    let secrets = Secrets::new(job.secrets);
    let hosts = job.hosts;
    let begin = Instant::now();
    let mut tried = Vec::new();
    for (letter, notification) in job.letters {
        if begin.elapsed() > BATCH_TIME {
            break;
        }
        let outcome = send(
            &job.channel,
            &notification,
            &Attempt {
                secrets: &secrets,
                deadline: DEADLINE,
                now: now_in_thread(),
                allow: &|host, address| egress::allowed(address, host, &hosts),
            },
        );
        let ends = matches!(outcome, Outcome::Retry { .. } | Outcome::Pause { .. });
        tried.push((letter, notification, outcome));
        if ends {
            break;
        }
    }
    Done {
        name: job.name,
        state: job.state,
        tried,
    }
}

/// Microseconds since the Unix epoch; PostgreSQL's clock belongs to the main thread.
fn now_in_thread() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as i64)
}

fn write_down(done: &Done) {
    let now = shmem::unix_micros();
    let mut state = done.state;
    let mut report = Report::default();
    for (letter, notification, outcome) in &done.tried {
        state.breaker = state.breaker.after(outcome, now);
        report.error = outcome.error().map(ToString::to_string).or(report.error);
        match outcome {
            Outcome::Delivered { detail } => {
                report.delivered += 1;
                outbox::delivered(letter.id, detail);
            }
            Outcome::Retry { after, error, rest } => {
                report.retried += 1;
                let attempt = u32::try_from(letter.attempts + 1).unwrap_or(u32::MAX);
                let next = now + wait(attempt, *after, random()).as_micros() as i64;
                let rest = rest.as_ref().and_then(|rest| serde_json::to_string(rest).ok());
                outbox::again(letter.id, next, &error.to_string(), rest.as_deref());
            }
            Outcome::Split { error } => {
                let parts = notification.clone().split();
                if parts.is_empty() {
                    report.rejected += 1;
                    give_up(&done.name, letter.id, &error.to_string());
                } else if let [part] = parts.as_slice() {
                    outbox::again(
                        letter.id,
                        now,
                        &error.to_string(),
                        serde_json::to_string(part).ok().as_deref(),
                    );
                } else {
                    let first = parts
                        .iter()
                        .filter_map(|part| firing::add(None, &done.name, part))
                        .min();
                    outbox::digested(&[letter.id], first.unwrap_or(letter.id));
                }
            }
            Outcome::Reject { error } => {
                report.rejected += 1;
                give_up(&done.name, letter.id, &explained(error));
            }
            Outcome::Pause { error } => {
                report.paused = true;
                report.retried += 1;
                let next = now + auditlog_notify::breaker::PROBE_EVERY.as_micros() as i64;
                report.error = Some(explained(error));
                outbox::again(letter.id, next, &explained(error), None);
            }
        }
    }
    outbox::report(&done.name, &state, &report);
}

fn explained(error: &auditlog_notify::Failure) -> String {
    match &error.hint {
        Some(hint) => format!("{error}. {hint}"),
        None => error.to_string(),
    }
}

/// A notification that nobody will get is an event.
fn give_up(channel: &str, id: i64, why: &str) {
    use crate::api::own_event::{self, OwnEvent};
    outbox::died(id, why);
    own_event::record(&OwnEvent {
        event_type: "auditlog.delivery_failed",
        severity: "error",
        actor: ("system", "pg_auditlog"),
        operation: "deliver",
        metadata: &[
            ("channel", own_event::text(channel)),
            ("notification_id", own_event::number(id)),
            ("error", own_event::text(why)),
        ],
    });
}

fn pause(channel: &str, state: &ChannelState, why: &str) {
    let report = Report {
        paused: true,
        error: Some(why.to_owned()),
        ..Report::default()
    };
    outbox::report(channel, state, &report);
}

/// From 0 to 1, so that many databases do not try again at the same moment.
fn random() -> f64 {
    f64::from(u32::from_le_bytes(crate::random::bytes())) / f64::from(u32::MAX)
}

fn setting(value: Option<std::ffi::CString>) -> String {
    value.map_or_else(String::new, |value| value.to_string_lossy().into_owned())
}

/// Where secrets are; relative names begin in the data directory.
pub fn secrets_directory() -> PathBuf {
    let directory = PathBuf::from(setting(guc::SECRETS_DIRECTORY.get()));
    if directory.is_absolute() {
        return directory;
    }
    // SAFETY: a global of this process, NUL-terminated.
    let data = unsafe { std::ffi::CStr::from_ptr(pg_sys::DataDir) };
    PathBuf::from(data.to_string_lossy().into_owned()).join(directory)
}
