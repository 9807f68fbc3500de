//! Errors that end reads, and refusals of reads that never began. Told by the hook of the server's log, which is
//! asked for messages that go there: `log_min_messages` must let errors through.

use super::event::{Reader, event, query};
use super::{frames, reads};
use crate::provenance;
use crate::queue::{self, Entry};
use crate::shmem;
use auditlog_core::json::Json;
use pgrx::pg_sys;
use std::cell::RefCell;
use std::ffi::{CStr, c_char};

/// Bytes of an error's message that are kept.
const MESSAGE_BYTES: usize = 300;
/// What a statement that is about the audit log names.
const OURS: &str = "auditlog";

static mut PREVIOUS: pg_sys::emit_log_hook_type = None;

thread_local! {
    static LAST: RefCell<Option<Refusal>> = const { RefCell::new(None) };
}

/// An error that ended a statement.
#[derive(Debug, Clone)]
pub struct Refusal {
    code: [u8; 5],
    message: String,
}

impl Refusal {
    /// Was it for lack of a right?
    pub fn is_denial(&self) -> bool {
        &self.code == b"42501"
    }

    /// For an event.
    pub fn json(&self) -> Json {
        let code = String::from_utf8_lossy(&self.code).into_owned();
        Json::Object(vec![
            ("sqlstate".to_owned(), Json::String(code)),
            ("message".to_owned(), Json::String(self.message.clone())),
        ])
    }
}

/// The longest that an error may be in an event, with every character escaped.
pub fn longest() -> Json {
    let message = "\u{1}".repeat(MESSAGE_BYTES);
    Refusal {
        code: *b"00000",
        message,
    }
    .json()
}

/// Sets the hook; called once by `_PG_init` in the postmaster.
pub fn init() {
    // SAFETY: the postmaster is single-threaded while it loads libraries.
    unsafe {
        PREVIOUS = pg_sys::emit_log_hook;
        pg_sys::emit_log_hook = Some(emit);
    }
}

/// The error that ended the statement that has just failed, when the server's log was told of it.
pub fn last() -> Option<Refusal> {
    LAST.with_borrow(Clone::clone)
}

/// Another statement begins: errors of the one before are not its own.
pub fn forget() {
    LAST.set(None);
}

unsafe extern "C-unwind" fn emit(error: *mut pg_sys::ErrorData) {
    // SAFETY: the argument is PostgreSQL's own. Signal handlers come here too, with less than an error.
    unsafe {
        if ((*error).elevel == pgrx::PgLogLevel::ERROR as i32 || (*error).elevel == pgrx::PgLogLevel::FATAL as i32)
            && pg_sys::MyDatabaseId != pg_sys::Oid::INVALID
        {
            failed(&*error);
        }
        if let Some(previous) = PREVIOUS {
            previous(error);
        }
    }
}

fn failed(error: &pg_sys::ErrorData) {
    if !reads::is_on() {
        return;
    }
    let message = text(error.message);
    let mut end = message.len().min(MESSAGE_BYTES);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let refusal = Refusal {
        code: sqlstate(error.sqlerrcode),
        message: message[..end].to_owned(),
    };
    if refusal.is_denial() && !reads::is_marked() {
        deny(error, &refusal);
    }
    LAST.set(Some(refusal));
}

/// Tells of a refused statement that is about the audit log. It has happened already, so that nobody can wait for
/// room.
fn deny(error: &pg_sys::ErrorData, refusal: &Refusal) {
    let (_, statement, _) = frames::root();
    // SAFETY: globals of this process, NUL-terminated or null; nobody changes them meanwhile.
    let (sent, path) = unsafe { (text(pg_sys::debug_query_string), text(pg_sys::namespace_search_path)) };
    let statement = statement.map_or(sent, |statement| statement.text());
    // Who has our schema in the path need not name it.
    let kind = text(error.message_id);
    let named = contains(&statement) || contains(&refusal.message);
    let in_path = contains(&path) && ["function", "view", "table"].iter().any(|word| kind.contains(word));
    if !named && !in_path {
        return;
    }
    let at = shmem::unix_micros();
    let who = provenance::without_catalogue();
    let metadata = vec![("query", query(&statement)), ("error", refusal.json())];
    let id = crate::random::event_id(at);
    let named = crate::identity::current();
    let document = event(
        &id,
        at,
        "auditlog.access_denied",
        (
            &who,
            named
                .as_deref()
                .map_or(Reader::Login, |subject| Reader::Actor(&subject.actor_id)),
        ),
        "access",
        "denied",
        metadata,
    );
    let entry = Entry {
        provenance: who,
        document,
    };
    // SAFETY: a global of this process.
    queue::try_push(unsafe { pg_sys::MyDatabaseId }, &entry);
}

fn contains(text: &str) -> bool {
    text.to_ascii_lowercase().contains(OURS)
}

fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: NUL-terminated, and not null.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// The five characters of a packed SQLSTATE (`MAKE_SQLSTATE`).
fn sqlstate(packed: i32) -> [u8; 5] {
    std::array::from_fn(|i| (packed >> (6 * i) & 0x3F) as u8 + b'0')
}
