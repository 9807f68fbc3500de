//! What the thread of a sink does: it owns the connection, makes events of the sink's format out of records, and delivers them batch
//! by batch. It computes and waits for the network; everything it needs of PostgreSQL comes with its orders.

use super::off_main::Background;
use auditlog_bundle::Record;
use auditlog_core::chain::Hash;
use auditlog_format::{Format, Writer, ocsf_class};
use auditlog_notify::egress::{self, AllowedHosts};
use auditlog_stream::{Attempt, Driver, Failure, Item, Limits, Link, Outcome, Secrets, Stream};
use std::cell::RefCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time for one batch.
const DEADLINE: Duration = Duration::from_secs(30);
/// After this time the thread says how far it is, and leaves the rest of its order.
const PATIENCE: Duration = Duration::from_secs(30);

/// An event of an order.
#[derive(Debug, Clone)]
pub struct Event {
    /// Position in the log.
    pub log_index: i64,
    /// When it happened, microseconds since the Unix epoch.
    pub timestamp_us: i64,
    /// The chain's hash.
    pub hash: Hash,
    /// Its id.
    pub event_id: String,
    /// Does it tell of a failed delivery itself?
    pub tells_of_failure: bool,
    /// Where its record is.
    pub record: Range<usize>,
}

/// Events that are to be sent, in order.
pub struct Chunk {
    /// Another one after each failure: what was ordered before it is not sent.
    pub generation: u64,
    /// The events.
    pub events: Vec<Event>,
    /// Their records.
    pub records: Vec<u8>,
    /// The position behind them, and behind those that do not match.
    pub end: i64,
    /// The chain's hash of the event before that position, when it is known.
    pub end_hash: Option<Hash>,
    /// Are they dead letters that somebody wants to have sent again? They do not move the position.
    pub redrive: bool,
    /// Hosts that may be connected to.
    pub hosts: AllowedHosts,
    /// Where secrets are.
    pub secrets: PathBuf,
}

/// What a thread is told.
pub enum Order {
    /// Send these.
    Send(Box<Chunk>),
    /// There is nothing to send: is the other side still there?
    Watch,
}

/// An event that was given up.
#[derive(Debug, Clone)]
pub struct Dead {
    /// Position in the log.
    pub log_index: i64,
    /// Its id.
    pub event_id: String,
    /// Does it tell of a failed delivery itself?
    pub tells_of_failure: bool,
    /// Why, with the other side's answer.
    pub error: String,
}

/// What came of a chunk.
pub struct Done {
    /// That of the chunk.
    pub generation: u64,
    /// Were they dead letters?
    pub redrive: bool,
    /// Nothing was tried: something before it had failed.
    pub skipped: bool,
    /// The next position.
    pub position: i64,
    /// The chain's hash of the event before it, when it is known.
    pub hash: Option<Hash>,
    /// Positions of events that have arrived.
    pub arrived: Vec<i64>,
    /// Their bytes in the sink's format.
    pub bytes: usize,
    /// Batches that have arrived as a whole.
    pub batches: i64,
    /// Events that were given up.
    pub dead: Vec<Dead>,
    /// What to do now.
    pub outcome: Outcome,
    /// What the other side has said last.
    pub answer: String,
    /// Is the whole chunk done with? Otherwise nothing of its generation is sent any more.
    pub complete: bool,
    /// The position behind the batch that is to be sent again as it was.
    pub again_to: Option<i64>,
}

/// A sink's connection, and the formats of its events.
struct Connection {
    link: Link,
    driver: Driver,
    writer: Writer,
    limits: Limits,
    /// Nothing of this generation is sent any more.
    broken: Option<u64>,
}

thread_local! {
    /// Each sink has a thread of its own, and a connection stays on it.
    static CONNECTION: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

/// Starts the thread of a sink.
pub fn start(stream: Stream, writer: Writer, limits: Limits) -> Background<Order, Option<Done>> {
    let connect = move || Connection {
        link: Link::new(stream.clone()),
        driver: Driver::default(),
        writer: writer.clone(),
        limits,
        broken: None,
    };
    Background::start(1, move |order| {
        CONNECTION.with_borrow_mut(|connection| serve(connection.get_or_insert_with(&connect), order))
    })
}

fn serve(connection: &mut Connection, order: Order) -> Option<Done> {
    match order {
        Order::Watch => {
            // A panic in it must not end the thread.
            let _ = catch_unwind(AssertUnwindSafe(|| connection.link.watch(now())));
            None
        }
        Order::Send(chunk) => {
            let (generation, redrive) = (chunk.generation, chunk.redrive);
            let first = chunk.events.first().map_or(chunk.end, |event| event.log_index);
            let done = catch_unwind(AssertUnwindSafe(|| connection.send(&chunk)));
            Some(done.unwrap_or_else(|_| {
                connection.broken = Some(generation);
                Done::nothing(
                    generation,
                    redrive,
                    first,
                    Outcome::Retry {
                        after: None,
                        error: Failure::new("internal error in the thread of the sink"),
                    },
                )
            }))
        }
    }
}

impl Done {
    fn nothing(generation: u64, redrive: bool, position: i64, outcome: Outcome) -> Done {
        Done {
            generation,
            redrive,
            skipped: false,
            position,
            hash: None,
            arrived: Vec::new(),
            bytes: 0,
            batches: 0,
            dead: Vec::new(),
            answer: outcome.error().map(ToString::to_string).unwrap_or_default(),
            outcome,
            complete: false,
            again_to: None,
        }
    }
}

/// An event as it is sent.
struct Written {
    event: usize,
    body: Range<usize>,
    entry_hash: Hash,
    class: u32,
}

impl Connection {
    fn send(&mut self, chunk: &Chunk) -> Done {
        let first = chunk.events.first().map_or(chunk.end, |event| event.log_index);
        let mut done = Done::nothing(chunk.generation, chunk.redrive, first, Outcome::Delivered);
        if self.broken == Some(chunk.generation) {
            done.skipped = true;
            return done;
        }
        let (bodies, written) = self.write(chunk, &mut done);
        let items: Vec<Item<'_>> = written
            .iter()
            .map(|one| Item {
                log_index: chunk.events[one.event].log_index as u64,
                entry_hash: one.entry_hash,
                timestamp_us: chunk.events[one.event].timestamp_us,
                class: one.class,
                body: &bodies[one.body.clone()],
            })
            .collect();
        let secrets = Secrets::new(chunk.secrets.clone());
        let begin = Instant::now();
        let mut at = 0;
        while at < items.len() {
            if begin.elapsed() > PATIENCE {
                break;
            }
            let end = self.batch_end(&items, at);
            let sent = self.driver.deliver(
                &mut self.link,
                &items[at..end],
                &Attempt {
                    secrets: &secrets,
                    deadline: DEADLINE,
                    now: now(),
                    allow: &|host, address| egress::allowed(address, host, &chunk.hosts),
                },
            );
            let rejected: Vec<usize> = sent.rejected.iter().map(|one| at + one.index).collect();
            for one in sent.rejected {
                done.dead
                    .push(chunk.events[written[at + one.index].event].dead(one.reason));
            }
            for i in (at..at + sent.delivered).filter(|i| !rejected.contains(i)) {
                done.arrived.push(items[i].log_index as i64);
                done.bytes += items[i].body.len();
            }
            if !sent.answer.is_empty() {
                done.answer = sent.answer;
            }
            at += sent.delivered;
            if sent.outcome != Outcome::Delivered {
                done.outcome = sent.outcome;
                done.again_to = items.get(end - 1).map(|item| item.log_index as i64 + 1);
                break;
            }
            done.batches += 1;
        }
        if at < items.len() {
            // What is queued behind it must not overtake it.
            self.broken = Some(chunk.generation);
            done.position = items[at].log_index as i64;
            let before = chunk.events[..written[at].event].last();
            done.hash = before
                .filter(|event| event.log_index + 1 == done.position)
                .map(|event| event.hash);
            if let (None, Some(before)) = (done.hash, before) {
                // Events that do not match lie between: it begins behind the last one that is done with.
                done.position = before.log_index + 1;
                done.hash = Some(before.hash);
            }
            // Those behind it come again.
            let position = items[at].log_index as i64;
            done.dead.retain(|dead| dead.log_index < position);
        } else {
            done.complete = true;
            done.position = chunk.end;
            done.hash = chunk.end_hash;
        }
        done
    }

    /// Makes events of the sink's format. One that cannot be written is given up.
    fn write(&self, chunk: &Chunk, done: &mut Done) -> (Vec<u8>, Vec<Written>) {
        let mut bodies = Vec::with_capacity(chunk.records.len() * 2);
        let mut written = Vec::with_capacity(chunk.events.len());
        for (i, event) in chunk.events.iter().enumerate() {
            let start = bodies.len();
            let record = Record::parse(&chunk.records[event.record.clone()]).map_err(|error| error.to_string());
            let made = record.and_then(|record| {
                let class = match self.writer.format() {
                    Format::Ocsf => ocsf_class(&record).map_err(|error| error.to_string())?,
                    _ => 0,
                };
                self.writer
                    .event(&record, &mut bodies)
                    .map_err(|error| error.to_string())?;
                Ok((record.entry_hash, class))
            });
            match made {
                Ok((entry_hash, class)) => written.push(Written {
                    event: i,
                    body: start..bodies.len(),
                    entry_hash,
                    class,
                }),
                Err(error) => done.dead.push(event.dead(format!("it cannot be written: {error}"))),
            }
        }
        (bodies, written)
    }

    /// Where the batch ends that begins here.
    fn batch_end(&self, items: &[Item<'_>], begin: usize) -> usize {
        let (mut end, mut bytes) = (begin, 0);
        while end < items.len() && end - begin < self.limits.max_events {
            bytes += self.link.stream().weight(&items[end]);
            if bytes > self.limits.max_bytes && end > begin {
                break;
            }
            end += 1;
        }
        end.max(begin + 1)
    }
}

impl Event {
    fn dead(&self, error: String) -> Dead {
        Dead {
            log_index: self.log_index,
            event_id: self.event_id.clone(),
            tells_of_failure: self.tells_of_failure,
            error,
        }
    }
}

/// Microseconds since the Unix epoch; PostgreSQL's clock belongs to the main thread.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as i64)
}
