//! The recorder's work on a standby, which cannot write: hands what sessions left in the queue to the primary, which
//! records it (`auditlog.record_standby_reads`, `src/api/standby_reads.rs`).
//!
//! The primary is waited for on a thread of its own. An answer that is lost means that the same entries are sent
//! again; the primary knows them by their event ids.

use super::job;
use super::off_main::Background;
use super::recorder::{AFTER_LEAVING, ATTEMPTS, BATCH_BYTES, BATCH_ENTRIES, LONGEST_PAUSE, NAP, give_up};
use crate::guc;
use crate::queue::Queue;
use crate::store::catalog;
use auditlog_connection::Target;
use auditlog_queue::WIRE_FORMAT;
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use std::time::{Duration, Instant};

/// Time for the primary to take a connection, and to record a batch.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often an answer is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// What is said beside other options of the connection string.
const APPLICATION: &str = "pg_auditlog standby";

/// Entries for the primary.
struct Batch {
    dsn: String,
    database: String,
    entries: Vec<Vec<u8>>,
}

/// For each entry why the primary cannot record it, or an empty text; or why it answered nothing.
type Answer = Result<Vec<String>, Refusal>;

struct Refusal {
    why: String,
    /// It is about what was sent, and not about the primary's state.
    is_entrys_fault: bool,
}

impl Refusal {
    fn of(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_entrys_fault: false,
        }
    }
}

/// Works until the server is no standby any more; returns the seconds after which the recorder is to start.
pub fn run(queue: &'static Queue) -> i64 {
    let thread = Background::start(1, sender());
    let Ok(Some(database)) = job::transaction(database_name) else {
        return AFTER_LEAVING;
    };
    let mut failures: u32 = 0;
    let mut not_before = Instant::now();
    // Where the batch ends that the thread has.
    let mut under_way: Option<(u64, Vec<Vec<u8>>)> = None;
    loop {
        pgrx::check_for_interrupts!();
        super::launcher::reload();
        // SAFETY: reads this server's state.
        if under_way.is_none() && !unsafe { pg_sys::RecoveryInProgress() } {
            return 0;
        }
        if let Some(answer) = thread.ready()
            && let Some((until, entries)) = under_way.take()
        {
            match answer {
                Ok(reasons) => {
                    for (entry, reason) in entries.iter().zip(&reasons) {
                        if !reason.is_empty() {
                            give_up(queue, entry, reason);
                        }
                    }
                    let recorded = reasons.iter().filter(|reason| reason.is_empty()).count();
                    queue.free(until, recorded as u64);
                    failures = 0;
                }
                Err(refusal) => {
                    let why = refusal.why;
                    if failures == 0 {
                        pgrx::log!("pg_auditlog: the primary has not recorded reads of this standby: {why}");
                    }
                    queue.last_error.set(&why);
                    failures += 1;
                    if let [entry] = entries.as_slice()
                        && failures > ATTEMPTS
                        && refusal.is_entrys_fault
                    {
                        give_up(queue, entry, &why);
                        queue.free(until, 0);
                        failures = 0;
                    }
                    not_before = Instant::now() + pause(failures);
                }
            }
        }
        if under_way.is_none() && Instant::now() >= not_before {
            // After a failure one entry at a time, to find the one that cannot be recorded.
            let limit = if failures == 0 { BATCH_ENTRIES } else { 1 };
            let taken = queue.look(limit, BATCH_BYTES);
            if let Some(dsn) = guc::PRIMARY_CONNINFO.get().filter(|dsn| !dsn.is_empty())
                && !taken.entries.is_empty()
            {
                under_way = Some((taken.next, taken.entries.clone()));
                thread.give(Batch {
                    dsn: dsn.to_string_lossy().into_owned(),
                    database: database.clone(),
                    entries: taken.entries,
                });
            } else if taken.damaged && taken.entries.is_empty() {
                let lost = queue.clear();
                pgrx::log!("pg_auditlog: the queue was written over; {lost} bytes of it are lost");
            }
        }
        let nap = if under_way.is_some() { LOOK } else { NAP };
        if !BackgroundWorker::wait_latch(Some(nap)) {
            return 1;
        }
    }
}

fn pause(failures: u32) -> Duration {
    Duration::from_millis(100 << failures.min(7)).min(LONGEST_PAUSE)
}

/// The database's name, if the extension is here.
fn database_name() -> Option<String> {
    catalog::find().map(|_| crate::provenance::database())
}

/// What the thread does: keeps a connection as long as it works.
fn sender() -> impl Fn(Batch) -> Answer + Send + Sync + 'static {
    let kept: std::sync::Mutex<Option<(String, postgres::Client)>> = std::sync::Mutex::default();
    move |batch| {
        let mut kept = kept.lock().unwrap_or_else(|broken| broken.into_inner());
        let client = match kept.take() {
            Some((dsn, client)) if dsn == batch.dsn && !client.is_closed() => client,
            _ => connect(&batch)?,
        };
        let (client, answer) = send(client, &batch);
        if answer.is_ok() {
            *kept = Some((batch.dsn, client));
        }
        answer
    }
}

fn connect(batch: &Batch) -> Result<postgres::Client, Refusal> {
    let mut target = Target::parse(&batch.dsn).map_err(|error| Refusal::of(error.to_string()))?;
    let config = target.config();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    // Positions in the log and events are of this database, whatever the string says.
    config.dbname(&batch.database).application_name(APPLICATION);
    config.tcp_user_timeout(PATIENCE);
    let mut client = target.connect().map_err(|error| Refusal::of(error.to_string()))?;
    let settle = format!("SET statement_timeout = {}", PATIENCE.as_millis());
    client.batch_execute(&settle).map_err(|error| said(&error))?;
    Ok(client)
}

fn send(mut client: postgres::Client, batch: &Batch) -> (postgres::Client, Answer) {
    let sql = "SELECT auditlog.record_standby_reads($1, $2)";
    let answer = client
        .query_one(sql, &[&WIRE_FORMAT, &batch.entries])
        .and_then(|row| row.try_get::<_, Vec<String>>(0))
        .map_err(|error| said(&error));
    (client, answer)
}

/// The server's message rather than «db error».
fn said(error: &postgres::Error) -> Refusal {
    let why = match error.as_db_error() {
        Some(error) => match error.hint() {
            Some(hint) => format!("{} ({hint})", error.message()),
            None => error.message().to_owned(),
        },
        None => auditlog_connection::ConnectError::of(error).to_string(),
    };
    // «data exception», «program limit exceeded»
    let is_entrys_fault = error
        .code()
        .is_some_and(|code| ["22", "54"].iter().any(|class| code.code().starts_with(class)));
    Refusal { why, is_entrys_fault }
}
