//! A sink as the streamer's main thread has it: how far it is, what is read for it, and what became of that.

use super::off_main::Background;
use super::stream_link::{self, Chunk, Dead, Done, Event, Order};
use crate::api::sink_config::{self, Problem};
use crate::api::{bundle, verify_removed};
use crate::store::head::Head;
use crate::store::sink_state::{self, Report, State};
use crate::store::sinks::SinkRow;
use crate::store::stream::{self, Linked};
use auditlog_core::chain::Hash;
use auditlog_notify::breaker::{Breaker, wait};
use auditlog_stream::{Failure, Limits, Outcome};
use std::time::{Duration, Instant};

/// Orders that a thread has at a time.
const IN_FLIGHT: usize = 2;
/// Most events that are looked at for one order, whatever the batch.
const MOST_ROWS: usize = 100_000;
/// Least events that are looked at, where few match.
const LEAST_ROWS: usize = 2_000;
/// Dead letters that are sent again at a time.
const REDRIVEN: i64 = 500;
/// Time between two looks at a connection that has nothing to do.
const WATCH: Duration = Duration::from_secs(1);
/// Time over which the rate is measured.
const RATE: Duration = Duration::from_secs(1);
/// A failed delivery is told by an event of this type; one that cannot be delivered itself is not told of.
const TELLS: &str = "auditlog.delivery_failed";

/// What is to be written down of a sink.
pub struct Note {
    /// Its number.
    pub sink: i64,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub state: State,
    /// What came of a delivery.
    pub report: Report,
    /// Events that were given up.
    pub dead: Vec<Dead>,
    /// Dead letters that have arrived after all.
    pub redriven: Vec<i64>,
    /// What is to be told by an event: operation, severity and why.
    pub tell: Option<(&'static str, &'static str, String)>,
}

/// A sink that events are sent to.
pub struct Running {
    /// Its configuration.
    pub row: SinkRow,
    /// The log's origin, as the thread knows it.
    pub origin: String,
    /// It is to be given up as soon as nothing is under way: it has changed, or is gone.
    pub stale: bool,
    state: State,
    limits: Limits,
    thread: Background<Order, Option<Done>>,
    /// The next event to be read, and the hash of the one before it.
    read: i64,
    read_hash: Option<Hash>,
    /// So many events before that are read first: what the receiver may have lost.
    rewind: i64,
    generation: u64,
    in_flight: usize,
    /// Since when something waits.
    since: Option<Instant>,
    /// The batch up to here is sent again as it was.
    again_to: Option<i64>,
    watched: Instant,
    counted: (Instant, i64),
}

impl Running {
    /// Reads the configuration and starts the thread.
    ///
    /// # Errors
    /// What is wrong: another version may read the configuration otherwise.
    pub fn open(row: SinkRow, state: State, origin: &str) -> Result<Running, Problem> {
        let parsed = sink_config::parse(&row.kind, &row.config, Some(&row.format), origin)?;
        let window = i64::try_from(parsed.stream.window()).unwrap_or(0);
        let writer = sink_config::writer(parsed.options, origin);
        let limits = parsed.limits;
        Ok(Running {
            origin: origin.to_owned(),
            stale: false,
            rewind: window,
            read: state.position,
            read_hash: state.hash,
            generation: 1,
            in_flight: 0,
            since: None,
            again_to: None,
            watched: Instant::now(),
            counted: (Instant::now(), 0),
            thread: stream_link::start(parsed.stream, writer, limits),
            limits,
            state,
            row,
        })
    }

    /// Is something under way?
    pub fn is_busy(&self) -> bool {
        self.in_flight > 0
    }

    /// What has come back from the thread, as far as there is something to write down.
    pub fn take(&mut self) -> Option<Note> {
        let done = loop {
            let one = self.thread.ready()?;
            self.in_flight = self.in_flight.saturating_sub(1);
            if let Some(done) = one {
                break done;
            }
        };
        self.watched = Instant::now();
        if done.skipped {
            return None;
        }
        let now = crate::shmem::unix_micros();
        let mut report = Report {
            delivered: done.arrived.len() as i64,
            bytes: done.bytes as i64,
            batches: done.batches,
            rejected: done.dead.len() as i64,
            answer: (!done.answer.is_empty()).then(|| done.answer.clone()),
            ..Report::default()
        };
        if !done.redrive {
            self.advance(&done);
            report.rate = self.rate(report.delivered);
        }
        if report.delivered > 0 {
            // Whatever comes now: the receiver is there.
            self.state.breaker = Breaker::default();
        }
        let mut tell = None;
        match &done.outcome {
            Outcome::Retry { after, error } => {
                let breaker = done.outcome.breaker(self.state.breaker, now);
                let pause = wait(breaker.failures, *after, random());
                self.state.breaker = Breaker {
                    open_until_us: breaker.open_until_us.max(now + pause.as_micros() as i64),
                    ..breaker
                };
                report.retried = 1;
                report.error = Some(explained(error));
            }
            Outcome::Pause { error } => {
                if !self.state.waits {
                    tell = Some(("pause_sink", "error", explained(error)));
                }
                self.state.breaker = done.outcome.breaker(self.state.breaker, now);
                self.state.waits = true;
                report.retried = 1;
                report.error = Some(explained(error));
            }
            Outcome::Rewind { .. } => report.retried = 1,
            _ => {
                self.state.breaker = Breaker::default();
                self.state.waits = false;
            }
        }
        if report.delivered > 0 && !matches!(done.outcome, Outcome::Pause { .. }) {
            self.state.waits = false;
        }
        self.go_back(&done);
        Some(Note {
            sink: self.row.id,
            name: self.row.name.clone(),
            state: self.state,
            report,
            redriven: if done.redrive { done.arrived } else { Vec::new() },
            dead: done.dead,
            tell,
        })
    }

    fn advance(&mut self, done: &Done) {
        if done.hash.is_some() && done.position > self.state.position {
            self.state.position = done.position;
            self.state.hash = done.hash;
        }
    }

    /// After what did not arrive, reading begins there again.
    fn go_back(&mut self, done: &Done) {
        self.again_to = None;
        if done.complete {
            return;
        }
        self.generation += 1;
        let from = if done.redrive {
            self.state.position
        } else {
            done.position
        };
        self.read = from.min(self.state.position);
        self.read_hash = self.state.hash.filter(|_| self.read == self.state.position);
        match done.outcome {
            Outcome::Rewind { events } => self.rewind = i64::try_from(events).unwrap_or(0),
            _ if done.redrive => {}
            _ => self.again_to = done.again_to,
        }
    }

    fn rate(&mut self, delivered: i64) -> Option<i64> {
        self.counted.1 += delivered;
        let elapsed = self.counted.0.elapsed();
        if elapsed < RATE {
            return None;
        }
        let rate = self.counted.1 as f64 / elapsed.as_secs_f64();
        self.counted = (Instant::now(), 0);
        Some(rate as i64)
    }

    /// May an order be given to the thread now?
    fn may_send(&self, now: i64) -> bool {
        if self.stale || self.state.stopped {
            return false;
        }
        // After a failure one at a time: the probe.
        let most = if self.state.breaker.failures > 0 { 1 } else { IN_FLIGHT };
        self.in_flight < most && self.state.breaker.allows(now)
    }

    /// Is there something to be read, of a log with so many events? Otherwise the time after which to ask again.
    pub fn wants(&mut self, size: i64, now: i64) -> Result<(), Duration> {
        const LONG: Duration = Duration::from_secs(1);
        if !self.may_send(now) {
            return Err(LONG);
        }
        let waiting = size - self.read;
        // A log that is shorter than what was delivered is looked at, too.
        if self.again_to.is_some() || self.rewind > 0 && waiting > 0 || self.state.position > size {
            return Ok(());
        }
        if waiting <= 0 {
            self.since = None;
            return Err(LONG);
        }
        let waited = self.since.get_or_insert_with(Instant::now).elapsed();
        let most = i64::try_from(self.limits.max_events).unwrap_or(i64::MAX);
        match self.limits.max_age.checked_sub(waited) {
            Some(left) if !left.is_zero() && waiting < most => Err(left),
            _ => Ok(()),
        }
    }

    /// Reads what is to be sent next, in the running transaction.
    ///
    /// # Errors
    /// Why the log is not the one that was sent so far.
    pub fn read(&mut self, head: &Head) -> Result<Option<Box<Chunk>>, String> {
        if self.state.position > head.size {
            return Err(format!(
                "the log has {} events, but {} have been delivered",
                head.size, self.state.position
            ));
        }
        let (from, from_hash) = match self.rewind {
            0 => (self.read, self.read_hash),
            events => (stream::before(&self.row.query, self.read, events), None),
        };
        let most = self.limits.max_events;
        let rows = most.clamp(LEAST_ROWS, MOST_ROWS) as i64;
        let again = self.again_to.filter(|to| *to > from);
        let to = again.unwrap_or(from.saturating_add(rows)).min(head.size);
        if to <= from {
            return Ok(None);
        }
        let mut chunk = self.chunk(false)?;
        let (mut next, mut hash) = (from, from_hash);
        let (mut gaps, mut wrong) = (Vec::new(), None);
        let delivered = (self.state.position - 1, self.state.hash);
        let most_bytes = if again.is_some() {
            usize::MAX
        } else {
            self.limits.max_bytes
        };
        let mut whole = true;
        stream::read_linked(&self.row.query, from, to, |event| {
            if event.log_index > next {
                gaps.push((next, event.log_index - 1));
            } else if hash.is_some_and(|hash| hash != event.prev_hash) {
                wrong = Some(format!(
                    "event {} does not follow what was delivered before it",
                    event.log_index
                ));
            }
            if event.log_index == delivered.0 && delivered.1.is_some_and(|hash| hash != event.hash) {
                wrong = Some(format!("event {} is not the one that was delivered", event.log_index));
            }
            (next, hash) = (event.log_index + 1, Some(event.hash));
            if event.matches
                && let Err(why) = add(&mut chunk, &event)
            {
                wrong = Some(format!("event {} cannot be read: {why}", event.log_index));
            }
            whole = chunk.records.len() < most_bytes && (again.is_some() || chunk.events.len() < most);
            wrong.is_none() && whole
        });
        if wrong.is_none() && whole && next < to {
            gaps.push((next, to - 1));
            (next, hash) = (to, None);
        }
        if let Some(why) = wrong.or_else(|| missing(&gaps)) {
            return Err(why);
        }
        (self.read, self.read_hash) = (next, hash);
        (self.rewind, self.again_to) = (0, None);
        if next >= head.size {
            self.since = None;
        }
        (chunk.end, chunk.end_hash) = (next, hash);
        Ok(Some(chunk))
    }

    /// Dead letters that somebody wants to have sent again.
    pub fn redrive(&mut self, now: i64) -> Result<Option<Box<Chunk>>, String> {
        if self.in_flight > 0 || !self.may_send(now) {
            return Ok(None);
        }
        let places = sink_state::to_redrive(self.row.id, REDRIVEN);
        if places.is_empty() {
            return Ok(None);
        }
        let mut chunk = self.chunk(true)?;
        let (most, most_bytes) = (self.limits.max_events, self.limits.max_bytes);
        let mut looked_at = -1;
        stream::read_places(&places, |event| {
            looked_at = event.log_index;
            // What cannot be read stays, and is found by verify().
            let _ = add(&mut chunk, &event);
            chunk.events.len() < most && chunk.records.len() < most_bytes
        });
        let whole = chunk.events.len() < most && chunk.records.len() < most_bytes;
        for place in places.iter().filter(|place| whole || **place < looked_at) {
            if !chunk.events.iter().any(|event| event.log_index == *place) {
                sink_state::died(self.row.id, *place, "", "the event is not in the log any more");
            }
        }
        Ok((!chunk.events.is_empty()).then_some(chunk))
    }

    fn chunk(&self, redrive: bool) -> Result<Box<Chunk>, String> {
        Ok(Box::new(Chunk {
            generation: self.generation,
            events: Vec::new(),
            records: Vec::new(),
            end: self.read,
            end_hash: self.read_hash,
            redrive,
            hosts: sink_config::hosts()?,
            secrets: super::deliverer::secrets_directory(),
        }))
    }

    /// Hands an order over. What it has must be on disk by now.
    pub fn give(&mut self, chunk: Box<Chunk>) {
        if self.in_flight == 0 && self.counted.1 == 0 {
            self.counted.0 = Instant::now();
        }
        self.in_flight += 1;
        self.thread.give(Order::Send(chunk));
    }

    /// Has the thread look at its connection while there is nothing to do.
    pub fn watch(&mut self) {
        if self.in_flight == 0 && !self.stale && self.watched.elapsed() >= WATCH {
            self.watched = Instant::now();
            self.in_flight += 1;
            self.thread.give(Order::Watch);
        }
    }

    /// Reading has failed; it is tried again later.
    pub fn fail(&mut self, why: &str) -> Note {
        let now = crate::shmem::unix_micros();
        let breaker = self.state.breaker.failed(now, None);
        let pause = wait(breaker.failures, None, random());
        self.state.breaker = Breaker {
            open_until_us: breaker.open_until_us.max(now + pause.as_micros() as i64),
            ..breaker
        };
        self.note(why, None)
    }

    /// The log is not the one that was sent so far: nothing is sent until somebody has looked.
    pub fn stop(&mut self, why: &str) -> Note {
        self.state.stopped = true;
        self.note(why, Some(("stop_sink", "critical", why.to_owned())))
    }

    fn note(&self, why: &str, tell: Option<(&'static str, &'static str, String)>) -> Note {
        Note {
            sink: self.row.id,
            name: self.row.name.clone(),
            state: self.state,
            report: Report {
                error: Some(why.to_owned()),
                ..Report::default()
            },
            dead: Vec::new(),
            redriven: Vec::new(),
            tell,
        }
    }
}

fn add(chunk: &mut Chunk, event: &Linked<'_>) -> Result<(), String> {
    let start = chunk.records.len();
    // SAFETY: a row of the view.
    unsafe { bundle::append_record(event.row, &mut chunk.records)? };
    chunk.events.push(Event {
        log_index: event.log_index,
        timestamp_us: event.timestamp,
        hash: event.hash,
        event_id: event.event_id.to_owned(),
        tells_of_failure: event.event_type == TELLS,
        record: start..chunk.records.len(),
    });
    Ok(())
}

/// Which of these places no certificate of retention covers.
fn missing(gaps: &[(i64, i64)]) -> Option<String> {
    if gaps.is_empty() {
        return None;
    }
    let removed = verify_removed::removed(None, &mut Vec::new());
    let mut places = gaps.iter().flat_map(|(first, last)| *first..=*last);
    let place = places.find(|place| !removed.has(*place as u64))?;
    Some(format!(
        "event {place} is not in the log, and no certificate of retention says why"
    ))
}

fn explained(error: &Failure) -> String {
    match &error.hint {
        Some(hint) => format!("{error}. {hint}"),
        None => error.to_string(),
    }
}

/// From 0 to 1, so that many databases do not try again at the same moment.
fn random() -> f64 {
    f64::from(u32::from_le_bytes(crate::random::bytes())) / f64::from(u32::MAX)
}
