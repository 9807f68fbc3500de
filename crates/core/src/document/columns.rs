//! Checks of an event's columns, however it came: as a document, by INSERT or by COPY.

use super::error::{DocumentError, ErrorKind, quoted, wrong_type};
use super::time::{format_timestamp, is_representable};
use super::{Limits, MAX_INDEXED_BYTES, MAX_NAME_BYTES, extract, scan};
use crate::columns::COLUMNS;
use crate::event::Event;
use crate::json::Json;
use crate::view::View;

pub(super) const EVENT_TYPE_HINT: &str = "Use lower-case names separated by dots, like authentication.login.failed.";

/// The values of an event that have checks of their own, wherever they lie.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)] // the names are those of columns.rs
pub struct Scalars<'a> {
    pub event_id: Option<&'a str>,
    /// Microseconds since the Unix epoch.
    pub timestamp: Option<i64>,
    pub event_type: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
    pub actor_id: Option<&'a str>,
    pub actor_email: Option<&'a str>,
    pub resource_id: Option<&'a str>,
}

impl Scalars<'_> {
    fn of(event: &Event) -> Scalars<'_> {
        Scalars {
            event_id: event.event_id.as_deref(),
            timestamp: event.timestamp,
            event_type: event.event_type.as_deref(),
            idempotency_key: event.idempotency_key.as_deref(),
            actor_id: event.actor_id.as_deref(),
            actor_email: event.actor_email.as_deref(),
            resource_id: event.resource_id.as_deref(),
        }
    }
}

/// Checks the values that need no look into JSON: presence, time, syntax, length.
///
/// # Errors
/// [`DocumentError`]; paths are those of the document.
pub fn check_scalars(given: &Scalars<'_>, limits: &Limits) -> Result<(), DocumentError> {
    check_presence_and_time(given.event_type.is_some(), given.timestamp, limits)?;
    if let Some(text) = given.event_type {
        check_event_type(text)?;
    }
    if let Some(text) = given.event_id {
        check_event_id(text)?;
    }
    const HINT: &str = "Record the event with auditlog.record, which keeps the whole value in extra.";
    for (path, value, hint) in [
        ("$.actor.id", given.actor_id, HINT),
        ("$.actor.email", given.actor_email, HINT),
        ("$.resource.id", given.resource_id, HINT),
        (
            "$.idempotency_key",
            given.idempotency_key,
            "Use a shorter key, like a UUID.",
        ),
    ] {
        if let Some(text) = value {
            check_length(text, path, hint)?;
        }
    }
    Ok(())
}

/// Checks an event given as columns as [`super::parse`] checks a document.
///
/// `extra` must be an object and must not say something else than a column that is set: `to_json`
/// would show the one, filters would find the other.
///
/// # Errors
/// [`DocumentError`]; paths are those of the document.
pub fn check_columns(event: &Event, limits: &Limits) -> Result<(), DocumentError> {
    check_scalars(&Scalars::of(event), limits)?;
    for value in [&event.resource_tags, &event.before, &event.after]
        .into_iter()
        .flatten()
    {
        scan::check(value, limits.max_depth)?;
    }
    match &event.extra {
        None => Ok(()),
        Some(extra) => check_extra(event, extra, limits),
    }
}

fn check_extra(event: &Event, extra: &Json, limits: &Limits) -> Result<(), DocumentError> {
    scan::check(extra, limits.max_depth)?;
    let Json::Object(pairs) = extra else {
        return Err(wrong_type(
            "$.extra",
            "an object",
            extra,
            "Put what has no column under keys of an object.",
        ));
    };
    match contradicting_key(event, pairs) {
        None => Ok(()),
        Some(key) => Err(contradiction(key)),
    }
}

/// Does `extra` say something else than a column that is set?
pub(crate) fn extra_contradicts(event: &Event) -> bool {
    match &event.extra {
        Some(Json::Object(pairs)) => contradicting_key(event, pairs).is_some(),
        _ => false,
    }
}

fn contradicting_key<'a>(event: &Event, extra: &'a [(String, Json)]) -> Option<&'a str> {
    let contradicts = |(key, value): &&(String, Json)| {
        may_speak_of_a_column(key, value)
            && !extract(Json::Object(vec![(key.clone(), value.clone())]))
                .is_ok_and(|said| agrees(event, &said, value, key))
    };
    extra.iter().find(contradicts).map(|(key, _)| key.as_str())
}

/// Is `value`, under `key` in `extra`, or a member of it where a column's value stands in the
/// document? The common event has other keys there only, and is not looked at any further.
pub fn may_speak_of_a_column<'a>(key: &str, value: impl View<'a>) -> bool {
    COLUMNS.iter().any(|column| {
        if column.group.is_empty() {
            !key.is_empty() && column.leaf == key
        } else {
            column.group == key && (value.kind() != "object" || value.get(column.leaf).is_some())
        }
    })
}

#[cold]
fn contradiction(key: &str) -> DocumentError {
    DocumentError::new(
        ErrorKind::BadValue,
        format!("$.{key}"),
        format!("extra says something else about {key} than the columns"),
        format!("The value at $.{key} in extra and the columns of the event do not fit together."),
        "Give each value in its column, and in extra only what has none.",
    )
}

/// Does what `extra` says under `key` fit the columns? A column that is NULL fits everything.
fn agrees(event: &Event, said: &Event, value: &Json, key: &str) -> bool {
    // null leaves and null groups would hide the column in to_json
    let hides = |path: &[&str], column_is_set: bool| {
        column_is_set
            && path
                .iter()
                .try_fold(value, |at, step| at.get(step))
                .is_some_and(|v| *v == Json::Null)
    };
    macro_rules! fits {
        ($($group:literal $(. $leaf:literal)? => $column:ident),* $(,)?) => {
            $(
                if key == $group && event.$column.is_some() {
                    if *value == Json::Null || hides(&[$($leaf)?], true) { return false; }
                    if said.$column.is_some() && said.$column != event.$column { return false; }
                }
            )*
        };
    }
    fits!(
        "event_id" => event_id, "timestamp" => timestamp, "event_type" => event_type, "severity" => severity,
        "tenant" => tenant, "idempotency_key" => idempotency_key,
        "actor"."type" => actor_type, "actor"."id" => actor_id, "actor"."email" => actor_email,
        "actor"."ip_address" => actor_ip, "actor"."user_agent" => actor_user_agent,
        "actor"."session_id" => actor_session_id,
        "resource"."type" => resource_type, "resource"."id" => resource_id,
        "resource"."cloud_provider" => cloud_provider, "resource"."account_id" => account_id,
        "resource"."region" => region, "resource"."tags" => resource_tags,
        "action"."operation" => operation, "action"."status" => status, "action"."method" => method,
        "changes"."before" => before, "changes"."after" => after,
        "metadata"."request_id" => request_id, "metadata"."tags" => tags,
    );
    // an address or tag list in extra that its column cannot hold would hide the column as well
    let hidden_ip = key == "actor" && event.actor_ip.is_some() && said.actor_ip.is_none();
    let hidden_tags = key == "metadata" && event.tags.is_some() && said.tags.is_none();
    !(hidden_ip && value.get("ip_address").is_some() || hidden_tags && value.get("tags").is_some())
}

pub(super) fn check_presence_and_time(
    has_type: bool,
    timestamp: Option<i64>,
    limits: &Limits,
) -> Result<(), DocumentError> {
    if !has_type {
        return Err(DocumentError::new(
            ErrorKind::Missing,
            "$.event_type",
            "event_type is missing",
            "There is no value at $.event_type.",
            EVENT_TYPE_HINT,
        ));
    }
    match timestamp {
        Some(us) => check_timestamp(us, limits),
        None => Ok(()),
    }
}

fn check_timestamp(us: i64, limits: &Limits) -> Result<(), DocumentError> {
    if us > limits.now_us.saturating_add(limits.max_clock_skew_us) {
        return Err(DocumentError::new(
            ErrorKind::TooLate,
            "$.timestamp",
            "timestamp lies in the future",
            format!(
                "The value at $.timestamp is {}, the server's clock says {}.",
                format_timestamp(us),
                format_timestamp(limits.now_us)
            ),
            "Fix the clock of the sender, or raise auditlog.max_clock_skew.",
        ));
    }
    if !is_representable(us) {
        return Err(DocumentError::new(
            ErrorKind::BadValue,
            "$.timestamp",
            "timestamp lies outside the years 0000 to 9999",
            format!("The value at $.timestamp is {}.", format_timestamp(us)),
            "Give the time when the event happened, or leave the timestamp out.",
        ));
    }
    Ok(())
}

pub(super) fn check_length(text: &str, path: &str, hint: &str) -> Result<(), DocumentError> {
    if text.len() <= MAX_INDEXED_BYTES {
        return Ok(());
    }
    Err(DocumentError::new(
        ErrorKind::BadValue,
        path,
        format!("{} is longer than {MAX_INDEXED_BYTES} bytes", &path[2..]),
        format!(
            "The value at {path} has {} bytes, too many for its column, which has an index.",
            text.len()
        ),
        hint,
    ))
}

pub(super) fn check_event_id(text: &str) -> Result<(), DocumentError> {
    if (1..=MAX_NAME_BYTES).contains(&text.len()) {
        return Ok(());
    }
    Err(DocumentError::new(
        ErrorKind::BadValue,
        "$.event_id",
        if text.is_empty() {
            "event_id is empty"
        } else {
            "event_id is longer than 200 bytes"
        },
        format!("The value at $.event_id has {} bytes.", text.len()),
        "Leave event_id out to get one, or give a text of at most 200 bytes.",
    ))
}

pub(super) fn check_event_type(text: &str) -> Result<(), DocumentError> {
    if text.len() > MAX_NAME_BYTES {
        return Err(DocumentError::new(
            ErrorKind::BadValue,
            "$.event_type",
            "event_type is longer than 200 bytes",
            format!("The value at $.event_type has {} bytes.", text.len()),
            EVENT_TYPE_HINT,
        ));
    }
    if is_dotted_name(text) {
        return Ok(());
    }
    Err(DocumentError::new(
        ErrorKind::BadValue,
        "$.event_type",
        format!("{} is not an event type", quoted(text)),
        "The value at $.event_type is not a dotted lower-case name.",
        EVENT_TYPE_HINT,
    ))
}

/// `^[a-z0-9_][a-z0-9_-]*(\.[a-z0-9_][a-z0-9_-]*)*$`
fn is_dotted_name(text: &str) -> bool {
    text.split('.').all(|part| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        !part.is_empty() && !part.starts_with('-') && part.bytes().all(inner)
    })
}

/// Does `extra` hold a value at one of `paths`? Then the event's `personal` column must name the
/// paths: with NULL only columns are hidden, never what is inside JSON.
pub fn personal_in_extra<'a>(extra: &Json, paths: impl IntoIterator<Item = &'a str>) -> bool {
    paths
        .into_iter()
        .any(|path| path.split('.').try_fold(extra, |at, step| at.get(step)).is_some())
}
