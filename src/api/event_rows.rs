//! Between an [`Event`] and a row's columns.

use crate::error::Fault;
use crate::store::columns::{self, INBOX, RowBuf, at, text_list};
use crate::store::event_types::{self, EventType};
use crate::store::row::{array_items, bytes, text};
use crate::store::{POSTGRES_EPOCH, catalog, jsonb};
use auditlog_core::event::{Event, Inet, Severity};
use auditlog_core::json::Json;
use pgrx::pg_sys::Oid;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The text columns that a caller may set, with the event's fields.
macro_rules! texts {
    ($event:expr) => {
        [
            (at!("tenant"), &$event.tenant),
            (at!("idempotency_key"), &$event.idempotency_key),
            (at!("operation"), &$event.operation),
            (at!("status"), &$event.status),
            (at!("method"), &$event.method),
            (at!("actor_type"), &$event.actor_type),
            (at!("actor_id"), &$event.actor_id),
            (at!("actor_email"), &$event.actor_email),
            (at!("actor_user_agent"), &$event.actor_user_agent),
            (at!("actor_session_id"), &$event.actor_session_id),
            (at!("resource_type"), &$event.resource_type),
            (at!("resource_id"), &$event.resource_id),
            (at!("cloud_provider"), &$event.cloud_provider),
            (at!("account_id"), &$event.account_id),
            (at!("region"), &$event.region),
            (at!("request_id"), &$event.request_id),
        ]
    };
}

fn position(name: &str) -> usize {
    auditlog_core::columns::position(name).expect("a column of ours")
}

/// Sets the columns of an event that came as a document; returns its id.
pub fn fill(row: &mut RowBuf<INBOX>, event: &Event, known: Option<&EventType>, now: i64) -> String {
    for (column, value) in texts!(event) {
        if value.is_some() {
            row.text(column, value.as_deref());
        }
    }
    if let Some(ip) = &event.actor_ip {
        row.inet(at!("actor_ip"), ip);
    }
    if let Some(tags) = &event.tags {
        row.set(at!("tags"), text_list(tags.iter().map(String::as_str)));
    }
    for (column, value) in [
        (at!("resource_tags"), &event.resource_tags),
        (at!("before"), &event.before),
        (at!("after"), &event.after),
        (at!("extra"), &event.extra),
    ] {
        row.json(column, value.as_ref());
    }
    defaults(row, event, known, now)
}

/// Sets what a row that came as columns lacks (defaults, context); returns its id.
pub fn fill_missing(row: &mut RowBuf<INBOX>, event: &Event, known: Option<&EventType>, now: i64) -> String {
    for (column, value) in texts!(event) {
        if row.nulls[column] {
            row.text(column, value.as_deref());
        }
    }
    if let (true, Some(ip)) = (row.nulls[at!("actor_ip")], &event.actor_ip) {
        row.inet(at!("actor_ip"), ip);
    }
    if let (true, Some(tags)) = (row.nulls[at!("tags")], &event.tags) {
        row.set(at!("tags"), text_list(tags.iter().map(String::as_str)));
    }
    if event.extra.is_some() {
        row.json(at!("extra"), event.extra.as_ref());
    }
    if row.nulls[at!("resource_tags")] {
        row.json(at!("resource_tags"), event.resource_tags.as_ref());
    }
    defaults(row, event, known, now)
}

fn defaults(row: &mut RowBuf<INBOX>, event: &Event, known: Option<&EventType>, now: i64) -> String {
    let event_id = event.event_id.clone().unwrap_or_else(|| crate::random::event_id(now));
    let event_type = event.event_type.as_deref().unwrap_or_default();
    row.text(at!("event_id"), Some(&event_id));
    row.text(at!("event_type"), Some(event_type));
    row.time(at!("timestamp"), event.timestamp.unwrap_or(now));
    if let Some(severity) = event.severity {
        row.set(at!("severity"), columns::severity(severity));
    }
    fill_defaults(row, event_type, known, now);
    event_id
}

/// Sets what follows from an event's type and the time, where the row lacks it.
pub fn fill_defaults(row: &mut RowBuf<INBOX>, event_type: &str, known: Option<&EventType>, now: i64) {
    row.text(at!("category"), Some(event_types::category(event_type, known)));
    if row.nulls[at!("event_id")] {
        row.text(at!("event_id"), Some(&crate::random::event_id(now)));
    }
    if row.nulls[at!("timestamp")] {
        row.time(at!("timestamp"), now);
    }
    if row.nulls[at!("severity")] {
        let severity = known.map_or(Severity::Info, |k| k.default_severity);
        row.set(at!("severity"), columns::severity(severity));
    }
}

/// The event in a row that came as columns.
pub fn read<const N: usize>(row: &RowBuf<N>) -> Result<Event, Fault> {
    // SAFETY: text columns.
    let string = |i: usize| (!row.nulls[i]).then(|| unsafe { text(row.values[i]) });
    let json = |name: &str| -> Result<Option<Json>, Fault> {
        let i = position(name);
        if row.nulls[i] {
            return Ok(None);
        }
        // SAFETY: jsonb columns.
        let data = unsafe { bytes(row.values[i]) };
        jsonb::tree(data).map(Some).map_err(|_| {
            Fault::new(
                pgrx::PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
                format!("column {name} cannot be read"),
            )
        })
    };
    let mut event = Event {
        event_id: string(at!("event_id")),
        event_type: string(at!("event_type")),
        resource_tags: json("resource_tags")?,
        before: json("before")?,
        after: json("after")?,
        extra: json("extra")?,
        ..Event::default()
    };
    let Event {
        tenant,
        idempotency_key,
        operation,
        status,
        method,
        actor_type,
        actor_id,
        actor_email,
        actor_user_agent,
        actor_session_id,
        resource_type,
        resource_id,
        cloud_provider,
        account_id,
        region,
        request_id,
        ..
    } = &mut event;
    for (column, field) in [
        (at!("tenant"), tenant),
        (at!("idempotency_key"), idempotency_key),
        (at!("operation"), operation),
        (at!("status"), status),
        (at!("method"), method),
        (at!("actor_type"), actor_type),
        (at!("actor_id"), actor_id),
        (at!("actor_email"), actor_email),
        (at!("actor_user_agent"), actor_user_agent),
        (at!("actor_session_id"), actor_session_id),
        (at!("resource_type"), resource_type),
        (at!("resource_id"), resource_id),
        (at!("cloud_provider"), cloud_provider),
        (at!("account_id"), account_id),
        (at!("region"), region),
        (at!("request_id"), request_id),
    ] {
        *field = string(column);
    }
    if !row.nulls[at!("timestamp")] {
        let time = row.values[at!("timestamp")].value() as i64;
        if time == i64::MAX || time == i64::MIN {
            return Err(Fault::new(
                pgrx::PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
                "timestamp must be finite",
            )
            .detail("$.timestamp is infinity or -infinity.")
            .hint("Give the time at which it happened."));
        }
        event.timestamp = Some(time + POSTGRES_EPOCH);
    }
    if !row.nulls[at!("severity")] {
        let oid = Oid::from_u32(row.values[at!("severity")].value() as u32);
        event.severity = catalog::severity_label(oid).and_then(Severity::from_label);
    }
    if !row.nulls[at!("actor_ip")] {
        // SAFETY: an inet column.
        event.actor_ip = parse_inet(unsafe { bytes(row.values[at!("actor_ip")]) });
    }
    if !row.nulls[at!("tags")] {
        // SAFETY: a text[] column.
        let items = array_items(unsafe { bytes(row.values[at!("tags")]) }).ok_or_else(|| {
            Fault::new(
                pgrx::PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "tags must be a plain list",
            )
            .detail("$.metadata.tags has NULLs or more than one dimension.")
            .hint("Give a one-dimensional text[] without NULLs.")
        })?;
        event.tags = Some(
            items
                .into_iter()
                .map(|i| String::from_utf8_lossy(i).into_owned())
                .collect(),
        );
    }
    Ok(event)
}

/// The address in the bytes of an `inet`.
pub fn parse_inet(raw: &[u8]) -> Option<Inet> {
    match raw {
        [2, bits, address @ ..] => {
            let octets: [u8; 4] = address.get(..4)?.try_into().ok()?;
            Some(Inet {
                address: Ipv4Addr::from(octets).into(),
                bits: *bits,
            })
        }
        [3, bits, address @ ..] => {
            let octets: [u8; 16] = address.get(..16)?.try_into().ok()?;
            Some(Inet {
                address: Ipv6Addr::from(octets).into(),
                bits: *bits,
            })
        }
        _ => None,
    }
}

/// The error for an event that is nested too deeply.
pub fn too_deep(path: &str, limit: usize) -> Fault {
    Fault::new(
        pgrx::PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        "event is nested too deeply",
    )
    .detail(format!(
        "{path} makes the event deeper than auditlog.max_json_depth, which is {limit}."
    ))
    .hint("Flatten the value, or raise auditlog.max_json_depth.")
}

/// Bytes of all variable-length columns of a row, for the size limit.
pub fn payload_bytes(row: &RowBuf<INBOX>) -> usize {
    auditlog_core::columns::COLUMNS
        .iter()
        .enumerate()
        .filter(|(i, c)| {
            !row.nulls[*i]
                && *i != at!("severity")
                && !matches!(
                    c.kind,
                    auditlog_core::columns::Kind::Int | auditlog_core::columns::Kind::Time
                )
        })
        // SAFETY: varlena columns.
        .map(|(i, _)| unsafe { bytes(row.values[i]) }.len())
        .sum()
}
