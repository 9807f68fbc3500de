//! How a captured event is written down.

use super::nodes;
use crate::api::own_event::text;
use auditlog_core::context::Context;
use auditlog_core::json::Json;
use auditlog_redact::Strings;
use pgrx::pg_sys;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Bytes kept of a statement's text; its digest is of the whole.
const MAX_STATEMENT: usize = 8 * 1024;

/// An event in the making: what is known of it beside the session and the statement.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The event type.
    pub event_type: &'static str,
    /// A severity other than the catalogue's.
    pub severity: Option<&'static str>,
    /// What kind of statement or object, for refused changes: `ddl`, `role`, `config`.
    pub object_kind: &'static str,
    /// What was done.
    pub operation: String,
    /// Type and name of the object.
    pub resource: Option<(String, String)>,
    /// The state before.
    pub before: Option<Json>,
    /// The state after.
    pub after: Option<Json>,
    /// More.
    pub metadata: Vec<(&'static str, Json)>,
    /// What is to be looked up when the statement has succeeded, to compare with `before`.
    pub look_up: LookUp,
}

/// A state that a statement changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LookUp {
    /// None that can be looked up.
    #[default]
    Nothing,
    /// The attributes of a role.
    Role(String),
    /// The settings of a role (`""`: of all) in a database (`""`: in all).
    Settings {
        /// The role.
        role: String,
        /// The database.
        database: String,
    },
}

impl Draft {
    /// A draft without details.
    pub fn new(event_type: &'static str, object_kind: &'static str, operation: impl Into<String>) -> Draft {
        Draft {
            event_type,
            severity: None,
            object_kind,
            operation: operation.into(),
            resource: None,
            before: None,
            after: None,
            metadata: Vec::new(),
            look_up: LookUp::Nothing,
        }
    }

    /// Names the object.
    #[must_use]
    pub fn on(mut self, kind: impl Into<String>, name: impl Into<String>) -> Draft {
        self.resource = Some((kind.into(), name.into()));
        self
    }

    /// Adds to the metadata.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: Json) -> Draft {
        self.metadata.push((key, value));
        self
    }

    /// Adds a flag to the metadata when it is true.
    #[must_use]
    pub fn flag(self, key: &'static str, value: bool) -> Draft {
        if value { self.with(key, Json::Bool(true)) } else { self }
    }

    /// Sets the severity, unless it is more severe already.
    #[must_use]
    pub fn severity(mut self, severity: &'static str) -> Draft {
        if self.severity != Some("critical") {
            self.severity = Some(severity);
        }
        self
    }
}

/// The text of a statement, without its secrets.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The text, cut when it is very long.
    pub text: String,
    /// SHA-256 of the whole text without its secrets: that of the text with them would help to guess them.
    pub digest: String,
}

impl Statement {
    /// Takes the secrets out of a statement.
    pub fn new(sql: &str) -> Statement {
        // SAFETY: a setting of this process.
        let standard = unsafe { pg_sys::standard_conforming_strings };
        let strings = if standard {
            Strings::Standard
        } else {
            Strings::Backslash
        };
        let mut text = auditlog_redact::sql(sql.trim(), strings).replace('\0', "");
        let digest = Sha256::digest(text.as_bytes())
            .iter()
            .fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
        if text.len() > MAX_STATEMENT {
            let mut end = MAX_STATEMENT;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            text.push('…');
        }
        Statement { text, digest }
    }

    /// One statement out of a text with several.
    ///
    /// # Safety
    /// `sql` ends with NUL; place and length are those that PostgreSQL gives with it.
    pub unsafe fn of(sql: *const std::ffi::c_char, location: i32, length: i32) -> Statement {
        // SAFETY: as the caller promises.
        let all = unsafe { nodes::text(sql) }.unwrap_or_default();
        let from = usize::try_from(location).unwrap_or(0);
        let part = match usize::try_from(length) {
            Ok(length) if length > 0 => all.get(from..from + length),
            _ => all.get(from..),
        };
        Statement::new(part.unwrap_or(&all))
    }
}

/// An object of the pairs that have a value.
pub fn object(pairs: impl IntoIterator<Item = (&'static str, Option<Json>)>) -> Json {
    let pairs = pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Json::Object(pairs.collect())
}

/// How it ended.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The error, when it failed.
    pub error: Option<Failure>,
}

/// An error.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Its SQLSTATE, where it is known.
    pub sqlstate: Option<String>,
    /// Its message, without secrets.
    pub message: Option<String>,
}

impl Failure {
    /// Is it a lack of privileges?
    pub fn is_refusal(&self) -> bool {
        self.sqlstate.as_deref() == Some("42501")
    }
}

/// Who acts, and what is known of the session.
#[derive(Debug, Clone, Default)]
pub struct Actor {
    /// `user`, or `service` for a background process.
    pub kind: &'static str,
    /// Whom a token has named; `None`: whoever has logged in ([`super::person`]).
    pub id: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// The session, as `log_line_prefix`'s `%c` writes it.
    pub session: String,
    /// The role in effect.
    pub role: String,
    /// Has that one a superuser's rights?
    pub privileged: bool,
    /// The person for whom the application says that it acts.
    pub end_user: Option<String>,
    /// The approved change that it says it carries out.
    pub change_ref: Option<String>,
}

impl Actor {
    /// The actor of the running transaction.
    pub fn current() -> Actor {
        // SAFETY: globals and look-ups of this process, inside a transaction.
        let (current, privileged) = unsafe { (pg_sys::GetUserId(), pg_sys::superuser()) };
        let context = crate::api::context::current();
        let of_context = |get: fn(&Context) -> Option<&str>| {
            let context = context.as_deref()?;
            get(context).map(str::to_owned)
        };
        Actor {
            kind: if crate::client::is_client() { "user" } else { "service" },
            id: crate::identity::current().map(|subject| subject.actor_id.clone()),
            address: crate::client::address().map(|address| address.to_string()),
            session: crate::client::session_id(),
            role: nodes::role_name(current),
            privileged,
            end_user: of_context(Context::actor_id),
            change_ref: of_context(Context::change_ref),
        }
    }

    /// As in a document.
    pub fn json(&self) -> Json {
        object([
            ("type", Some(text(self.kind))),
            ("id", self.id.as_deref().map(text)),
            ("ip_address", self.address.as_deref().map(text)),
            ("session_id", Some(text(&self.session))),
        ])
    }
}

/// The document of an event.
pub fn write(draft: Draft, actor: &Actor, statement: Option<&Statement>, outcome: &Outcome) -> Json {
    let error = outcome.error.as_ref();
    let status = match error {
        None => "success",
        Some(error) if error.is_refusal() => "denied",
        Some(_) => "failed",
    };
    let severity = match (draft.severity, error) {
        (Some(severity), _) => Some(severity),
        (None, Some(_)) => Some("warning"),
        (None, None) => None,
    };
    let mut metadata = vec![
        ("actor_role".to_owned(), text(&actor.role)),
        ("privileged".to_owned(), Json::Bool(actor.privileged)),
        ("object_kind".to_owned(), text(draft.object_kind)),
    ];
    metadata.extend(draft.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)));
    let mut add = |key: &str, value: Option<&str>| metadata.extend(value.map(|value| (key.to_owned(), text(value))));
    add("end_user", actor.end_user.as_deref());
    add("change_ref", actor.change_ref.as_deref());
    add("statement", statement.map(|s| s.text.as_str()));
    add("statement_digest", statement.map(|s| s.digest.as_str()));
    add("sqlstate", error.and_then(|e| e.sqlstate.as_deref()));
    add("error", error.and_then(|e| e.message.as_deref()));
    let changes = object([("before", draft.before), ("after", draft.after)]);
    object([
        ("event_type", Some(text(draft.event_type))),
        ("severity", severity.map(text)),
        ("actor", Some(actor.json())),
        (
            "resource",
            draft
                .resource
                .map(|(kind, name)| object([("type", Some(text(&kind))), ("id", Some(text(&name)))])),
        ),
        (
            "action",
            Some(object([
                ("operation", Some(text(&draft.operation))),
                ("status", Some(text(status))),
            ])),
        ),
        ("changes", Some(changes).filter(|c| *c != Json::Object(Vec::new()))),
        ("metadata", Some(Json::Object(metadata))),
    ])
}
