//! `auditlog.erase`: the right to be forgotten, without breaking a proof.

use super::own_event::{self, OwnEvent};
use super::query::checked;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::inbox::shared_slot;
use crate::store::{archive, erasure};
use auditlog_core::json::Json;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_erase, pg_finfo_auditlog_erase, erase);

/// Events that are erased, and told of in one event, at a time.
const PIECE: usize = 10_000;

fn erase(call: &Call) -> Datum {
    let query = call.text(0).filter(|query| !query.trim().is_empty());
    let Some(query) = query else {
        Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "an erasure needs a query")
            .detail("An empty query would erase every personal value of the log.")
            .hint("Say whose values, such as actor.email:\"alice@example.com\"; * means all events.")
            .raise()
    };
    let reason = call.text(1).filter(|reason| !reason.trim().is_empty());
    let Some(reason) = reason else {
        Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "an erasure needs a reason")
            .detail("It is sealed with the log, for auditors to read.")
            .hint("Give the legal basis and the case number; not the values that are to be forgotten.")
            .raise()
    };
    checked(&query);
    let waiting = erasure::unsealed(&query);
    if waiting > 0 {
        Fault::broken("some of the events are not sealed yet")
            .detail(format!("{waiting} events that satisfy the query have no log_index."))
            .hint("Call auditlog.erase() again in a moment, in a transaction that has not recorded such events itself.")
            .raise();
    }
    let places = erasure::places(&query);
    let who = crate::provenance::session_user();
    archive::erase(&query, &reason, &who);
    shared_slot().keeper.start_soon();
    for piece in places.chunks(PIECE) {
        let values = erasure::erase(piece);
        // The query is not told: it names what is to be forgotten.
        own_event::record(&OwnEvent {
            event_type: "auditlog.erasure",
            severity: "warning",
            actor: ("database_role", &who),
            operation: "erase",
            metadata: &[
                ("reason", own_event::text(&reason)),
                ("events", own_event::number(piece.len() as i64)),
                ("values", own_event::number(values as i64)),
                ("log_indexes", ranges(piece)),
            ],
        });
    }
    (places.len() as i64).into()
}

/// Ascending places as pairs of first and last.
pub fn ranges(places: &[i64]) -> Json {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for place in places {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *place => *last = *place,
            _ => ranges.push((*place, *place)),
        }
    }
    let pair = |(first, last): (i64, i64)| Json::Array(vec![own_event::number(first), own_event::number(last)]);
    Json::Array(ranges.into_iter().map(pair).collect())
}
