//! Logins, failed logins and the ends of sessions: `auditlog.capture = 'login'`.
//!
//! A session has begun when the transaction commits in which PostgreSQL sets it up: authentication alone is not
//! enough, because the role may not log in, or not to this database, or there are too many. What ends a process before
//! that is a failed login; PostgreSQL reports it as FATAL ([`super::server_log`]).

use crate::api::own_event::{number, text};
use crate::capture::document::{Failure, object};
use crate::capture::{self, Kind, record};
use crate::client::{self, Rule};
use crate::provenance;
use crate::queue::Provenance;
use crate::shmem::{self, Slot};
use auditlog_core::json::Json;
use pgrx::pg_sys;
use pgrx::pg_sys::libpq::be::Port;
use std::cell::{Cell, RefCell};

/// How far a client's process has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not authenticated, or begun before logins were captured.
    Unknown,
    /// Authenticated; the session is being set up.
    Authenticated,
    /// Refused, and not told of yet.
    Refused,
    /// The login is recorded.
    Begun,
    /// Its failure is recorded.
    Failed,
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Unknown) };
    /// Who it is and how it came in, for the end of the session: by then PostgreSQL has forgotten the rules.
    static WHO: RefCell<Option<(Provenance, Option<Rule>)>> = const { RefCell::new(None) };
    /// What ends the session, when it is not the client.
    static ENDED_BY: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

static mut PREVIOUS: pg_sys::libpq::ClientAuthentication_hook_type = None;

/// Sets the hook; called once by `_PG_init` in the postmaster.
pub fn init() {
    // SAFETY: the postmaster is single-threaded while it loads libraries.
    unsafe {
        PREVIOUS = pg_sys::libpq::ClientAuthentication_hook;
        pg_sys::libpq::ClientAuthentication_hook = Some(authenticated);
    }
}

unsafe extern "C-unwind" fn authenticated(port: *mut Port, status: i32) {
    // Who hangs up when asked for a password has not tried one: psql does so before it asks its user, the server to see that it is asked.
    let has_tried = status != pg_sys::STATUS_EOF;
    if has_tried && capture::is_on(Kind::Login) {
        // SAFETY: plain calls; the frame holds nothing that must be dropped.
        unsafe { prepare(status) }
    }
    // SAFETY: the hook that was there before.
    if let Some(previous) = unsafe { PREVIOUS } {
        // SAFETY: PostgreSQL's own arguments.
        unsafe { previous(port, status) }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn prepare(status: i32) {
    STATE.set(match status as u32 {
        pg_sys::STATUS_OK => State::Authenticated,
        _ => State::Refused,
    });
    // SAFETY: plain functions that live as long as the process. The second one runs while locks may be taken.
    unsafe {
        pg_sys::RegisterXactCallback(Some(at_commit), std::ptr::null_mut());
        pg_sys::before_shmem_exit(Some(at_exit), pg_sys::Datum::null());
    }
}

/// The first transaction of a client's process sets its session up. Called for every transaction, so the guard is
/// further down.
unsafe extern "C-unwind" fn at_commit(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    if STATE.get() == State::Authenticated && event == pg_sys::XactEvent::XACT_EVENT_PRE_COMMIT {
        // SAFETY: a plain call; this frame holds nothing that must be dropped.
        unsafe { begun() }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn begun() {
    STATE.set(State::Begun);
    let who = provenance::capture();
    // SAFETY: a look-up inside a transaction.
    let privileged = unsafe { pg_sys::superuser() };
    let rule = client::rule();
    let details = vec![("privileged", Some(Json::Bool(privileged)))];
    tell("authentication.login", None, &who, rule.as_ref(), details);
    WHO.set(Some((who, rule)));
}

/// The process ends.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_exit(_code: i32, _argument: pg_sys::Datum) {
    match STATE.replace(State::Failed) {
        State::Begun => {
            let Some((who, rule)) = WHO.take() else { return };
            let cause = ENDED_BY.take();
            // SAFETY: when the process began, and the clock.
            let duration = unsafe { pg_sys::GetCurrentTimestamp() - pg_sys::MyStartTimestamp } / 1000;
            let expired = cause.as_ref().and_then(|c| c.sqlstate.as_deref());
            let expired = matches!(expired, Some("25P03" | "57P05" | "25P04"));
            let event_type = if expired {
                "authentication.session_expired"
            } else {
                "authentication.logout"
            };
            let reason = match &cause {
                None => text("disconnected"),
                Some(cause) => text(cause.message.as_deref().unwrap_or("ended by the server")),
            };
            let sqlstate = cause.and_then(|c| c.sqlstate).map(|state| text(&state));
            let details = vec![
                ("duration_ms", Some(number(duration.max(0)))),
                ("reason", Some(reason)),
                ("sqlstate", sqlstate),
            ];
            tell(event_type, None, &who, rule.as_ref(), details);
        }
        // Where the server does not log FATAL errors, nobody has told of it yet.
        State::Refused => failed(
            &Failure {
                sqlstate: None,
                message: None,
            },
            None,
        ),
        _ => {}
    }
}

/// A client's process ends before its session has begun.
pub fn failed(error: &Failure, detail: Option<String>) {
    if matches!(STATE.replace(State::Failed), State::Begun | State::Failed) || client::user().is_none() {
        return;
    }
    let rule = client::rule();
    let rejected = rule.as_ref().is_some_and(|rule| rule.method.ends_with("reject"));
    let reason = match error.sqlstate.as_deref() {
        _ if rejected => "rejected by pg_hba.conf",
        Some("28P01") => "invalid password",
        Some("28000") => "not allowed to log in",
        Some("3D000") => "no such database",
        Some("42501") => "no right to connect to the database",
        Some("53300") => "too many connections",
        Some("08P01") => "protocol violation",
        _ => "authentication failed",
    };
    let event_type = if rejected {
        "authentication.hba_rejected"
    } else {
        "authentication.login"
    };
    let details = vec![
        ("reason", Some(text(reason))),
        ("sqlstate", error.sqlstate.as_deref().map(text)),
        ("error", error.message.as_deref().map(text)),
        ("detail", detail.as_deref().map(text)),
    ];
    tell(
        event_type,
        Some("warning"),
        &provenance::known(),
        rule.as_ref(),
        details,
    );
}

/// What ends a session that has begun.
pub fn ends_by(error: Failure) {
    ENDED_BY.with_borrow_mut(|cause| *cause = Some(error));
}

/// The log that takes events of the database that the client asked for.
fn slot() -> Option<&'static Slot> {
    // SAFETY: a global of this process; invalid before it is connected to a database.
    let own = shmem::known_slot(unsafe { pg_sys::MyDatabaseId });
    own.or_else(|| shmem::slot_named(&client::database()?))
        .or_else(record::fallback)
}

fn tell(
    event_type: &str,
    severity: Option<&str>,
    who: &Provenance,
    rule: Option<&Rule>,
    details: Vec<(&'static str, Option<Json>)>,
) {
    let Some(slot) = slot() else { return };
    let failed = severity.is_some();
    let operation = if event_type.starts_with("authentication.login") || failed {
        "login"
    } else {
        "logout"
    };
    let application = client::application().or_else(|| {
        who.application
            .as_deref()
            .map(|name| String::from_utf8_lossy(name).into_owned())
    });
    let mut metadata = vec![
        ("database", client::database().as_deref().map(text)),
        ("application", application.as_deref().map(text)),
        ("auth_method", rule.map(|rule| text(&rule.method))),
        (
            "hba_line",
            rule.filter(|rule| rule.line > 0)
                .map(|rule| number(i64::from(rule.line))),
        ),
        ("encrypted", Some(Json::Bool(client::is_encrypted()))),
        ("client_port", client::port_number().as_deref().map(text)),
    ];
    metadata.extend(details);
    let document = object([
        ("event_type", Some(text(event_type))),
        ("severity", severity.map(text)),
        (
            "actor",
            Some(object([
                ("type", Some(text("user"))),
                (
                    "ip_address",
                    client::address().map(|address| text(&address.to_string())),
                ),
                ("session_id", Some(text(&client::session_id()))),
            ])),
        ),
        (
            "action",
            Some(object([
                ("operation", Some(text(operation))),
                ("status", Some(text(if failed { "failed" } else { "success" }))),
            ])),
        ),
        ("metadata", Some(object(metadata))),
    ]);
    record::aside(slot, document, who);
}
