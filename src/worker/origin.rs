//! Where the log begins: a new installation starts at 0; a database that came out of a dump, a copy
//! or an upgrade goes on from the head that it brought along, once its rows are there.

use crate::store::columns::RowBuf;
use crate::store::head::{self, Head, Origin};
use crate::store::inbox;
use auditlog_core::chain::GENESIS;
use auditlog_core::document::{self, Limits};
use auditlog_core::json::Json;

/// The head to seal after, or why there is none yet.
pub fn ready() -> Result<Head, &'static str> {
    let own = head::lock();
    if let Some(head) = own
        && head.size > 0
    {
        return Ok(head);
    }
    match head::origin() {
        Origin::Own => {
            let empty = Head { size: 0, hash: GENESIS };
            if own.is_none() {
                head::start_at(&empty);
            }
            Ok(empty)
        }
        Origin::Arriving => {
            Err("rows of a dump are here, the head of their log is not: waiting for the restore to end")
        }
        Origin::Copy(from) => {
            if !head::is_complete(&from) {
                return Err(
                    "the head of a restored log is here, its last event is not: waiting for the restore to end",
                );
            }
            head::start_at(&from);
            head::forget_origin();
            record_restore(&from);
            Ok(from)
        }
    }
}

/// Is nobody at work in this database who could be loading a dump? psql is never idle for a second then.
pub fn is_quiet() -> bool {
    crate::store::spi::run(
        "SELECT 1 FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database() \
         AND backend_type = 'client backend' \
         AND (state <> 'idle' OR state_change > pg_catalog.clock_timestamp() - interval '1 second') LIMIT 1",
        &[],
    )
    .is_empty()
}

/// Makes the head of a new installation, or takes a restored log over. Returns whether the log has
/// events. Writes nothing when there is nothing to do.
pub fn settle() -> Result<bool, &'static str> {
    match (head::current(), head::origin()) {
        (Some(own), _) if own.size > 0 => Ok(true),
        (Some(_), Origin::Own) => Ok(false),
        _ => ready().map(|head| head.size > 0),
    }
}

/// The takeover is itself an event: who reads the log must see that it went through a copy.
fn record_restore(from: &Head) {
    let text = |s: &str| Json::String(s.to_owned());
    let object = |pairs: Vec<(&str, Json)>| Json::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    let event = object(vec![
        ("event_type", text("auditlog.restore")),
        ("severity", text("warning")),
        (
            "actor",
            object(vec![("type", text("system")), ("id", text("pg_auditlog"))]),
        ),
        (
            "action",
            object(vec![("operation", text("restore")), ("status", text("success"))]),
        ),
        ("metadata", object(vec![("size", Json::Number(from.size.to_string()))])),
    ]);
    let now = crate::provenance::recorded_at();
    let limits = Limits {
        max_bytes: usize::MAX,
        max_depth: 64,
        now_us: now,
        max_clock_skew_us: 0,
    };
    match document::parse(event, &limits) {
        Ok(event) => {
            let mut row = RowBuf::new();
            crate::api::event_rows::fill(&mut row, &event, None, now);
            inbox::complete(&mut row, now);
            inbox::append(&row);
        }
        Err(e) => crate::error::Fault::from(e).raise(),
    }
}
