//! `test_sink`: sends one event that is marked as a test, and says step by step what comes of it.
//!
//! The event is in no log: it goes out under an origin of its own, so that no receiver takes it for a fork of the log. A thread
//! does the network's work, as in the streamer, so that the call can be cancelled.

use super::own_event::{self, OwnEvent};
use super::{sink_config, sinks as config};
use crate::fmgr::{Call, Rows};
use crate::store::columns::{ENTRY_HASH, text};
use crate::store::row::{self, Hasher};
use crate::store::sinks;
use crate::worker::deliverer::secrets_directory;
use crate::worker::off_main::Background;
use crate::worker::stream_link::{self, Chunk, Done, Event, Order};
use auditlog_bundle::Record;
use auditlog_core::json::Json;
use auditlog_stream::{Outcome, Secrets};
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::time::Instant;

crate::sql_function!(auditlog_test_sink, pg_finfo_auditlog_test_sink, test);

/// Milliseconds between two looks at the thread.
const STEP: i64 = 20;

/// `test_sink(name)`
fn test(call: &Call) -> Datum {
    let name = call.text(0).unwrap_or_default();
    let sink = sinks::get(&name).unwrap_or_else(|| config::unknown(&name));
    let mut rows = Rows::new(call);
    let mut say = |step: &str, result: &str| rows.push(&[Some(text(step.as_bytes())), Some(text(result.as_bytes()))]);
    let origin = format!("{}/test", config::origin());
    let parsed = match sink_config::parse(&sink.kind, &sink.config, Some(&sink.format), &origin) {
        Ok(parsed) => parsed,
        Err(problem) => {
            say(
                "configuration",
                &format!("wrong: {}. {}", problem.message, problem.hint),
            );
            return call.null();
        }
    };
    let stream = parsed.stream;
    say(
        "configuration",
        &format!("{} to {}, as {}", sink.kind, stream, sink.format),
    );
    let secrets = Secrets::new(secrets_directory());
    for name in stream.secrets() {
        match secrets.check(name) {
            Ok(()) => say("secret", &format!("{name} is there")),
            Err(error) => say("secret", &format!("wrong: {}", explained(&error))),
        }
    }
    let hosts = match sink_config::hosts() {
        Ok(hosts) => hosts,
        Err(error) => {
            say("hosts", &format!("wrong: {error}"));
            return call.null();
        }
    };
    if !stream.hosts().is_empty() {
        say("hosts", &stream.hosts().join(", "));
    }
    let (event, records) = made_up(&sink.name);
    say("event", &format!("{} under the origin {origin}", event.event_id));
    let writer = sink_config::writer(parsed.options, &origin);
    let thread = stream_link::start(stream, writer, parsed.limits);
    let begin = Instant::now();
    thread.give(Order::Send(Box::new(Chunk {
        generation: 1,
        end: 1,
        end_hash: Some(event.hash),
        events: vec![event],
        records,
        redrive: false,
        hosts,
        secrets: secrets_directory(),
    })));
    let done = wait(&thread);
    let took = begin.elapsed().as_millis();
    match (done.outcome, done.dead.first()) {
        (Outcome::Delivered, None) => say("delivery", &format!("it has arrived after {took} ms")),
        (Outcome::Delivered, Some(dead)) => say("delivery", &format!("it was refused: {}", dead.error)),
        (Outcome::Pause { error }, _) => say(
            "delivery",
            &format!("somebody has to do something: {}", explained(&error)),
        ),
        // One writes to a file at a time, and that is the streamer.
        (Outcome::Retry { error, .. }, _) if sink.kind == "file" && error.message.contains("has locked") => say(
            "delivery",
            "the streamer has the file open and writes to it; nothing was written beside it",
        ),
        (outcome, _) => {
            let error = outcome.error().map(explained).unwrap_or_default();
            say(
                "delivery",
                &format!("it may pass by itself, and is tried again when it is no test: {error}"),
            );
        }
    }
    if !done.answer.is_empty() {
        say("answer", &done.answer);
    }
    call.null()
}

fn explained(error: &auditlog_stream::Failure) -> String {
    match &error.hint {
        Some(hint) => format!("{error}. {hint}"),
        None => error.to_string(),
    }
}

/// An event that nothing has happened for, and its record.
fn made_up(sink: &str) -> (Event, Vec<u8>) {
    let row = own_event::unrecorded(&OwnEvent {
        event_type: "auditlog.sink_change",
        severity: "info",
        actor: ("database_role", &crate::provenance::session_user()),
        operation: "test_sink",
        metadata: &[("sink", own_event::text(sink)), ("test", Json::Bool(true))],
    });
    let place = auditlog_core::columns::position("event_id").unwrap_or_default();
    let mut records = Vec::new();
    // SAFETY: a row that was just made, with the columns and types of the inbox.
    let (event_id, entry_hash) = unsafe {
        let hash = row::hash(row.values[ENTRY_HASH]).unwrap_or_default();
        let mut hasher = Hasher::default();
        let values = hasher.plain_entry(&row.values, &row.nulls).unwrap_or_default();
        Record {
            log_index: 0,
            sealed_at: stream_link::now(),
            prev_hash: [0; 32],
            entry_hash: hash,
            hash: [0; 32],
            salt: None,
            redacted: None,
            values,
        }
        .write(&mut records);
        (row::text(row.values[place]), hash)
    };
    let event = Event {
        log_index: 0,
        timestamp_us: stream_link::now(),
        hash: entry_hash,
        event_id,
        tells_of_failure: false,
        record: 0..records.len(),
    };
    (event, records)
}

/// What comes back from the thread. It ends by its own deadline; a call that is cancelled leaves it to itself.
fn wait(thread: &Background<Order, Option<Done>>) -> Done {
    loop {
        pgrx::check_for_interrupts!();
        if let Some(Some(done)) = thread.ready() {
            return done;
        }
        let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
        // SAFETY: this process' own latch.
        unsafe {
            pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, STEP as _, pg_sys::PG_WAIT_EXTENSION);
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
    }
}
