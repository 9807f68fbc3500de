//! One read of the audit log, until it is told of.

use super::event::{ARGUMENT_BYTES, Reader, event, number, object, query, shortened, text, written};
use super::frames::{Root, Statement};
use super::refusal;
use crate::error::Fault;
use crate::provenance;
use crate::queue::{self, Entry, Provenance, Reservation};
use crate::shmem;
use crate::store::inbox::shared_slot;
use auditlog_core::json::Json;
use pgrx::pg_sys;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Calls that are named; the number of further ones is told.
const CALLS: usize = 4;
/// Relations that are named.
const RELATIONS: usize = 16;
/// Bytes of JSON around an item of a list, keys included, at most.
const LIST_BYTES: usize = 120;
/// Bytes that a byte of text takes in JSON, at most.
const ESCAPED: usize = 6;

/// What kind of read it is; a statement that does several counts as the last in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The log was checked; nothing of it was shown.
    Verify,
    /// Events were looked at.
    View,
    /// Events were searched or counted.
    Search,
    /// Events were copied out.
    Export,
}

/// What a statement is found to read.
pub struct What<'a> {
    /// How.
    pub kind: Kind,
    /// Relations by name.
    pub relations: &'a [Rc<str>],
    /// A function and its arguments.
    pub call: Option<(&'a str, Json)>,
}

/// How a statement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Success,
    /// By an error, or by being cancelled.
    Failed,
}

/// A read that is going on, or has ended in a transaction that has not.
pub struct Read {
    pub root: Root,
    /// Nesting of transactions in which the statement began.
    pub nesting: i32,
    /// Where the statement begins in its string.
    pub location: i32,
    pub ending: Option<Ending>,
    /// Its savepoint was rolled back.
    pub rolled_back: bool,
    pub rows: Option<u64>,
    /// Findings of a verification that has come to its end.
    pub verified: Option<u64>,
    pub state: *mut pg_sys::EState,
    pub is_watched: bool,
    kind: Kind,
    reservation: Reservation,
    provenance: Provenance,
    /// The principal who reads, where the role or a token says who that is.
    reader: Option<String>,
    event_id: String,
    at: i64,
    operation: String,
    query: Json,
    relations: Vec<Rc<str>>,
    calls: Vec<(String, Json)>,
    further_calls: u64,
    read_only: bool,
    since: Option<Instant>,
    busy: Duration,
    refusal: Option<refusal::Refusal>,
}

impl Read {
    /// A read begins; comes back when there is room to tell of it.
    pub fn begin(root: Root, statement: Option<Statement>, nesting: i32, what: What<'_>) -> Result<Read, Fault> {
        let at = shmem::unix_micros();
        let text = statement.map_or_else(String::new, |statement| statement.text());
        let copies = statement.is_some_and(|statement| statement.copies_out());
        let mut read = Read {
            root,
            nesting,
            location: statement.map_or(0, |statement| statement.location),
            ending: None,
            rolled_back: false,
            rows: None,
            verified: None,
            state: std::ptr::null_mut(),
            is_watched: false,
            kind: if copies { Kind::Export } else { what.kind },
            reservation: queue::reserve(shared_slot(), 0)?,
            provenance: provenance::capture(),
            reader: crate::store::principals::caller().map(|principal| principal.actor_id.clone()),
            event_id: crate::random::event_id(at),
            at,
            operation: statement.map_or_else(|| "call".to_owned(), |statement| statement.operation()),
            query: query(&text),
            relations: Vec::new(),
            calls: Vec::new(),
            further_calls: 0,
            // SAFETY: a setting of this process.
            read_only: unsafe { pg_sys::XactReadOnly },
            since: Some(Instant::now()),
            busy: Duration::ZERO,
            refusal: None,
        };
        read.name(what);
        let longest = read.document("rolled_back", true).len();
        let size = Entry::size(&read.provenance, longest);
        read.reservation.grow(size)?;
        Ok(read)
    }

    /// Bytes by which the event grows when the statement reads this as well; `None` when that is nothing new.
    pub fn more(&mut self, what: &What<'_>) -> Option<usize> {
        self.kind = self.kind.max(what.kind);
        let room = RELATIONS.saturating_sub(self.relations.len());
        let new = what
            .relations
            .iter()
            .filter(|name| !self.relations.contains(*name))
            .take(room);
        let mut bytes: usize = new.map(|name| LIST_BYTES + ESCAPED * name.len()).sum();
        if let Some((name, arguments)) = &what.call {
            let known = self.calls.iter().any(|(n, a)| n == name && a == arguments);
            if self.calls.len() < CALLS && !known {
                bytes += 2 * LIST_BYTES + name.len() + written(arguments).len().min(ARGUMENT_BYTES);
            } else if !known {
                self.further_calls += 1;
            }
        }
        (bytes > 0).then_some(bytes)
    }

    /// Adds what else the statement reads, and the room for it.
    pub fn add(&mut self, what: What<'_>, room: Reservation) {
        self.kind = self.kind.max(what.kind);
        self.reservation.absorb(room);
        self.name(what);
    }

    fn name(&mut self, what: What<'_>) {
        for relation in what.relations {
            if self.relations.len() < RELATIONS && !self.relations.contains(relation) {
                self.relations.push(relation.clone());
            }
        }
        if let Some((name, arguments)) = what.call
            && self.calls.len() < CALLS
            && !self.calls.iter().any(|(n, a)| n == name && *a == arguments)
        {
            self.calls.push((name.to_owned(), shortened(arguments)));
        }
    }

    /// Something inside of the statement copies rows out.
    pub fn exports(&mut self) {
        self.kind = Kind::Export;
    }

    /// Gives back what is not needed any more.
    pub fn shrink(&mut self) {
        let longest = self.document("rolled_back", false).len();
        self.reservation.shrink(Entry::size(&self.provenance, longest));
    }

    /// Its statement runs.
    pub fn go_on(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// Its statement has run, and made so many rows.
    pub fn pause(&mut self, rows: u64) {
        if let Some(since) = self.since.take() {
            self.busy += since.elapsed();
        }
        self.rows = Some(self.rows.unwrap_or(0) + rows);
    }

    /// Its statement has ended, unless it had before.
    pub fn end(&mut self, ending: Ending) {
        if self.ending.is_none() {
            self.ending = Some(ending);
            if let Some(since) = self.since.take() {
                self.busy += since.elapsed();
            }
            if ending == Ending::Failed {
                self.refusal = refusal::last();
            }
        }
    }

    /// Hands it to the recorder. Neither waits nor fails.
    pub fn push(self, transaction: &str) {
        let transaction = if self.rolled_back { "rolled_back" } else { transaction };
        let document = self.document(transaction, false);
        let provenance = self.provenance;
        self.reservation.push(&Entry { provenance, document });
    }

    fn event_type(&self) -> &'static str {
        match (self.kind, self.verified) {
            _ if self.refusal.as_ref().is_some_and(|refusal| refusal.is_denial()) => "auditlog.access_denied",
            (Kind::Export, _) => "auditlog.export",
            (Kind::Search, _) => "auditlog.search",
            (Kind::Verify, Some(0)) => "auditlog.verify_ok",
            (Kind::Verify, Some(_)) => "auditlog.verify_failed",
            _ => "auditlog.view",
        }
    }

    /// The event; with `longest`, one that is at least as long as whatever it will be.
    fn document(&self, transaction: &str, longest: bool) -> String {
        let mut metadata = vec![("query", self.query.clone())];
        if !self.relations.is_empty() {
            metadata.push((
                "relations",
                Json::Array(self.relations.iter().map(|r| text(r)).collect()),
            ));
        }
        if !self.calls.is_empty() {
            let call = |(name, arguments): &(String, Json)| {
                object(vec![("name", text(name)), ("arguments", arguments.clone())])
            };
            metadata.push(("calls", Json::Array(self.calls.iter().map(call).collect())));
        }
        if self.further_calls > 0 || longest {
            metadata.push((
                "further_calls",
                number(if longest { u64::MAX } else { self.further_calls }),
            ));
        }
        if let Some(rows) = self.rows.or(longest.then_some(u64::MAX)) {
            metadata.push(("rows", number(rows)));
        }
        if let Some(findings) = self.verified.or(longest.then_some(u64::MAX)) {
            metadata.push(("findings", number(findings)));
        }
        let micros = if longest { u128::MAX } else { self.busy.as_micros() };
        metadata.push((
            "duration_ms",
            Json::Number(format!("{}.{:03}", micros / 1000, micros % 1000)),
        ));
        metadata.push(("transaction", text(transaction)));
        metadata.push(("read_only", Json::Bool(self.read_only)));
        if longest {
            metadata.push(("error", refusal::longest()));
        } else if let Some(refusal) = &self.refusal {
            metadata.push(("error", refusal.json()));
        }
        let status = match (self.ending, &self.refusal) {
            (_, Some(refusal)) if refusal.is_denial() => "denied",
            (Some(Ending::Failed), _) => "failed",
            _ => "success",
        };
        let event_type = if longest {
            "auditlog.access_denied"
        } else {
            self.event_type()
        };
        let operation = self.calls.first().map_or(self.operation.as_str(), |(name, _)| name);
        event(
            &self.event_id,
            self.at,
            event_type,
            (
                &self.provenance,
                self.reader.as_deref().map_or(Reader::Role, Reader::Actor),
            ),
            operation,
            status,
            metadata,
        )
    }
}
