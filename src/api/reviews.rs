//! `auditlog.sign_review`: somebody has looked at the events of a period.

use super::holds::fixed;
use super::own_event::{number, text};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::POSTGRES_EPOCH;
use crate::store::evidence::{self, Review};
use auditlog_core::document::format_timestamp;
use auditlog_core::json::Json;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_sign_review, pg_finfo_auditlog_sign_review, sign);

/// Most characters of a note.
const LONGEST_NOTE: usize = 10_000;

/// `sign_review(since, until, note, query, exceptions)`
fn sign(call: &Call) -> Datum {
    let time = |i: usize| call.int(i).map(|at| at.saturating_add(POSTGRES_EPOCH));
    let (Some(since), Some(until)) = (time(0), time(1)) else {
        wrong(
            "the period of the review has no end or no beginning",
            "It is empty, or open on one side.",
        )
    };
    if since >= until || until > crate::shmem::unix_micros() {
        wrong("nobody can have reviewed this period", "It is empty, or not over yet.");
    }
    let Some(note) = call.text(2).filter(|note| !note.trim().is_empty()) else {
        wrong("a review needs a note", "The note is NULL or empty.")
    };
    if note.chars().count() > LONGEST_NOTE {
        wrong("the note of the review is too long", "It may have 10000 characters.");
    }
    let query = fixed(&call.text(3).unwrap_or_default(), "review");
    let exceptions = call.int(4).unwrap_or_default();
    if exceptions < 0 {
        wrong("the number of exceptions is negative", "0 means that there were none.");
    }
    let reviewer = crate::provenance::session_user();
    let event_id = crate::random::event_id(crate::shmem::unix_micros());
    let review = Review {
        since,
        until,
        query: &query,
        note: &note,
        reviewer: &reviewer,
        events: evidence::in_scope(&query, since, until),
        exceptions,
        event_id: &event_id,
    };
    let id = evidence::add_review(&review);
    super::own_event::record_document(document(&review, id));
    id.into()
}

fn document(review: &Review<'_>, id: i64) -> Json {
    let object = |pairs: Vec<(&str, Json)>| Json::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    object(vec![
        ("event_id", text(review.event_id)),
        ("event_type", text("auditlog.review")),
        ("severity", text("info")),
        (
            "actor",
            object(vec![("type", text("database_role")), ("id", text(review.reviewer))]),
        ),
        (
            "action",
            object(vec![("operation", text("sign_review")), ("status", text("success"))]),
        ),
        (
            "metadata",
            object(vec![
                ("review_id", number(id)),
                ("since", text(&format_timestamp(review.since))),
                ("until", text(&format_timestamp(review.until))),
                ("query", text(review.query)),
                ("note", text(review.note)),
                ("events_in_scope", number(review.events)),
                ("exceptions", number(review.exceptions)),
            ]),
        ),
    ])
}

fn wrong(message: &str, detail: &str) -> ! {
    Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, message.to_owned())
        .detail(detail.to_owned())
        .hint("For example auditlog.sign_review('[2026-03-02,2026-03-09)', 'Nothing unusual.'): a period that is over, and what was found.")
        .raise()
}
