//! Hands checkpoints out. The network is waited for on threads of its own, outside any transaction; what
//! comes back is written down in the next one.
//!
//! Whoever got checkpoints before is also asked, after each start, whether the last one was of this log: a
//! database that was restored from a backup does not know what it had already signed.

use super::comparison::{after, compare, read_last, rolled_back, unexpected};
use super::external_signer::{self, Question, Reply};
use super::off_main::Background;
use crate::store::checkpoint_sinks::{self as sinks, Due};
use crate::store::head::Head;
use crate::store::{checkpoints, tiles};
use auditlog_sink::{DeliveryError, FailureKind, Message, Receipt, Target};
use auditlog_tlog::proof::consistency;
use auditlog_tlog::witness::{AddCheckpoint, parse_cosignatures};
use auditlog_tlog::{Hash, SignedNote, VerifierKey};
use serde_json::Value;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

/// Deliveries at a time: a sink that does not answer must not keep the others waiting.
const THREADS: usize = 4;
/// Time for one delivery.
const DEADLINE: Duration = Duration::from_secs(20);
/// Time until something that needs somebody's help is tried again.
pub const PROBE: Duration = Duration::from_secs(60);

/// Something to do outside.
struct Job {
    sink: String,
    origin: String,
    attempts: i64,
    task: Task,
}

enum Task {
    /// Have a checkpoint signed.
    Sign(Box<Question>),
    /// Read the last checkpoint of a file.
    ReadLast(PathBuf),
    /// Deliver a checkpoint.
    Deliver {
        target: Box<Target>,
        name: String,
        body: Vec<u8>,
        time: i64,
        size: i64,
        /// The file that the checkpoint is appended to, and size and root of the last one in it.
        after: Option<(PathBuf, u64, Hash)>,
        /// The note and the witness's key, to check what comes back.
        cosigned_by: Option<Box<(SignedNote, VerifierKey)>>,
    },
}

/// What came of a job.
struct Outcome {
    sink: String,
    origin: String,
    attempts: i64,
    by_witness: bool,
    result: Result<Done, DeliveryError>,
}

/// What was done.
pub enum Done {
    /// The last checkpoint of a file was read.
    Last(Option<Vec<u8>>),
    /// A checkpoint of this size has arrived; the lines that a witness added.
    Delivered(i64, Option<String>),
    /// The external signer has answered.
    Answered(Box<Reply>),
}

/// Name of the external signer among the sinks; no sink can be called so.
const SIGNER: &str = "the signer";

/// Deliveries that are under way; none at first. Threads are started when there is something to deliver.
#[derive(Default)]
pub struct Delivery {
    threads: Option<Background<Job, Outcome>>,
    open: HashSet<String>,
    started: bool,
}

impl Delivery {
    /// Writes down what came back and looks for more to do; within a transaction. The jobs it returns are
    /// for [`Delivery::begin`], after the commit.
    pub fn look(&mut self, head: &Head) -> Vec<NewJob> {
        if !self.started {
            self.started = true;
            sinks::compare_again();
        }
        while let Some(outcome) = self.threads.as_ref().and_then(Background::ready) {
            self.open.remove(&outcome.sink);
            note(outcome, head);
        }
        let Some(now) = checkpoints::incarnation().filter(|now| now.is_ours) else {
            return Vec::new();
        };
        let blocked = checkpoints::blocked(&now.origin).is_some();
        sinks::due(&now.origin)
            .into_iter()
            .filter(|due| !blocked && !self.open.contains(&due.name))
            .filter_map(|due| job(&due, &now.origin))
            .map(NewJob)
            .collect()
    }

    /// The job to have a checkpoint signed, unless the signer is being asked already.
    pub fn to_sign(&self, question: Question) -> Option<NewJob> {
        (!self.open.contains(SIGNER)).then(|| {
            NewJob(Job {
                sink: SIGNER.to_owned(),
                origin: String::new(),
                attempts: 0,
                task: Task::Sign(Box::new(question)),
            })
        })
    }

    /// Is anything under way?
    pub fn is_busy(&self) -> bool {
        !self.open.is_empty()
    }

    /// Hands jobs to the threads.
    pub fn begin(&mut self, jobs: Vec<NewJob>) {
        for NewJob(job) in jobs {
            self.open.insert(job.sink.clone());
            self.threads
                .get_or_insert_with(|| Background::start(THREADS, run))
                .give(job);
        }
    }
}

/// A job that waits for the commit.
pub struct NewJob(Job);

fn job(due: &Due, origin: &str) -> Option<Job> {
    let job = |task| Job {
        sink: due.name.clone(),
        origin: origin.to_owned(),
        attempts: due.attempts,
        task,
    };
    if due.kind == "file" && !due.compared {
        return Some(job(Task::ReadLast(PathBuf::from(&due.address))));
    }
    match task(due, origin) {
        Ok(task) => task.map(job),
        Err(message) => {
            sinks::failed(&due.name, &message, PROBE.as_micros() as i64);
            None
        }
    }
}

/// The next delivery to a sink, if there is anything to deliver.
fn task(due: &Due, origin: &str) -> Result<Option<Task>, String> {
    let mut options = due.options.clone();
    let key = options.as_object_mut().and_then(|options| options.remove("key"));
    let target = Target::parse(&due.kind, &due.address, &options).map_err(|e| e.to_string())?;
    let time = crate::shmem::unix_micros();
    if due.kind != "witness" {
        let Some(next) = checkpoints::next(origin, due.delivered) else {
            return Ok(None);
        };
        return Ok(Some(Task::Deliver {
            target: Box::new(target),
            name: format!("{origin}/{}", next.size),
            body: next.note.into_bytes(),
            time,
            size: next.size,
            after: after(due),
            cosigned_by: None,
        }));
    }
    // A witness vouches for all that came before: it needs the newest alone. After a start it is asked
    // for the one it has already, to hear whether it has another one.
    let Some(newest) = checkpoints::last(origin, due.delivered.max(1)) else {
        return Ok(None);
    };
    if newest.size == due.delivered && due.compared {
        return Ok(None);
    }
    let key = key.as_ref().and_then(Value::as_str).unwrap_or_default();
    let key = VerifierKey::parse(key).map_err(|e| format!("the option \"key\" is no vkey: {e}"))?;
    let note = SignedNote::parse(&newest.note).map_err(|e| e.to_string())?;
    let proof = match due.delivered {
        0 => Vec::new(),
        old => consistency(old as u64, newest.size as u64, &tiles::Stored).map_err(|e| e.to_string())?,
    };
    let request = AddCheckpoint {
        old_size: due.delivered as u64,
        proof,
        checkpoint: note.clone(),
    };
    Ok(Some(Task::Deliver {
        target: Box::new(target),
        name: format!("{origin}/{}", newest.size),
        body: request.body().into_bytes(),
        time,
        size: newest.size,
        after: None,
        cosigned_by: Some(Box::new((note, key))),
    }))
}

/// On a thread.
fn run(job: Job) -> Outcome {
    let by_witness = matches!(
        &job.task,
        Task::Deliver {
            cosigned_by: Some(_),
            ..
        }
    );
    let result = match &job.task {
        Task::Sign(question) => Ok(Done::Answered(Box::new(external_signer::ask((**question).clone())))),
        Task::ReadLast(path) => read_last(path),
        Task::Deliver {
            target,
            name,
            body,
            time,
            size,
            after,
            cosigned_by,
        } => {
            if let Some(result) = unexpected(after.as_ref(), &job.origin) {
                return Outcome {
                    sink: job.sink,
                    origin: job.origin,
                    attempts: job.attempts,
                    by_witness,
                    result,
                };
            }
            let message = Message {
                name,
                content_type: "text/plain; charset=utf-8",
                body,
                time: *time,
            };
            auditlog_sink::deliver(target, &message, DEADLINE)
                .and_then(|receipt| checked(&receipt, cosigned_by.as_deref()))
                .map(|lines| Done::Delivered(*size, lines))
        }
    };
    Outcome {
        sink: job.sink,
        origin: job.origin,
        attempts: job.attempts,
        by_witness,
        result,
    }
}

/// The lines that a witness has added: only what its key has signed is kept.
fn checked(
    receipt: &Receipt,
    cosigned_by: Option<&(SignedNote, VerifierKey)>,
) -> Result<Option<String>, DeliveryError> {
    let Some((note, key)) = cosigned_by else {
        return Ok(None);
    };
    let keys = std::slice::from_ref(key);
    match parse_cosignatures(&receipt.body, note, keys) {
        Ok(signatures) if signatures.is_empty() => {
            Err(refused("the witness has not signed with the key it should have"))
        }
        Ok(signatures) => Ok(Some(auditlog_tlog::witness::cosignature_body(&signatures))),
        Err(e) => Err(refused(&format!("the witness's answer: {e}"))),
    }
}

/// A failure that needs somebody's help.
pub fn refused(message: &str) -> DeliveryError {
    DeliveryError {
        kind: FailureKind::Permanent,
        message: message.to_owned(),
        status: None,
    }
}

/// Writes down what came of a job.
fn note(outcome: Outcome, head: &Head) {
    let Outcome {
        sink,
        origin,
        attempts,
        by_witness,
        result,
    } = outcome;
    match result {
        Ok(Done::Answered(reply)) => match external_signer::keep(*reply, head) {
            Ok(()) => checkpoints::set_state("ok", ""),
            Err(trouble) => checkpoints::set_state(trouble.state, &trouble.detail),
        },
        Ok(Done::Last(last)) => compare(&sink, &origin, last.as_deref(), head),
        Ok(Done::Delivered(size, lines)) => {
            if let Some(lines) = lines {
                sinks::cosigned(&origin, size, &sink, &lines);
            }
            sinks::delivered(&sink, &origin, size);
        }
        Err(DeliveryError {
            kind: FailureKind::Conflict { size },
            ..
        }) => {
            if size > head.size as u64 {
                rolled_back(&sink, &origin, size, head);
            } else {
                sinks::resume_from(&sink, &origin, size as i64);
            }
        }
        Err(e) => {
            // The witness has seen a log that ours does not continue, or another one of the same size. What
            // other receivers mean by these numbers is their affair.
            if by_witness && matches!(e.status, Some(409 | 422)) {
                let detail = format!("the witness {sink} has cosigned another log of this origin: {e}");
                checkpoints::block(&origin, "forked", &detail);
            }
            let random = f64::from(u32::from_ne_bytes(crate::random::bytes())) / f64::from(u32::MAX);
            let pause = match e.kind {
                FailureKind::Retry { after } => {
                    let own = auditlog_sink::backoff(u32::try_from(attempts).unwrap_or(0) + 1, random);
                    after.map_or(own, |after| after.max(own))
                }
                _ => PROBE,
            };
            sinks::failed(&sink, &e.to_string(), pause.as_micros() as i64);
        }
    }
}
