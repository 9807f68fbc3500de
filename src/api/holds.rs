//! Legal holds: `hold`, `release_hold`.

use super::own_event::{self, OwnEvent};
use super::query::with_options;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::guc;
use crate::shmem;
use crate::store::inbox::shared_slot;
use crate::store::{POSTGRES_EPOCH, certificates, holds};
use auditlog_core::json::Json;
use auditlog_query::{CheckOptions, check, parse};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_hold, pg_finfo_auditlog_hold, hold);
crate::sql_function!(auditlog_release_hold, pg_finfo_auditlog_release_hold, release);

/// Most characters of a name and of a reason.
const LONGEST_NAME: usize = 200;
const LONGEST_REASON: usize = 2_000;

/// `hold(name, query, until, reason)`
fn hold(call: &Call) -> Datum {
    let name = given(call.text(0), "name", LONGEST_NAME);
    let query = call.text(1).unwrap_or_else(|| missing("query"));
    let until = call.int(2).map(|us| us.saturating_add(POSTGRES_EPOCH));
    let reason = given(call.text(3), "reason", LONGEST_REASON);
    if until.is_some_and(|until| until <= shmem::unix_micros()) {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "the hold would be over already")
            .detail("until lies in the past.")
            .hint("Give a time in the future, or NULL: then it holds until it is released.")
            .raise();
    }
    let query = fixed(&query, "hold");
    holds::freeze();
    if holds::lock(&name).is_some() {
        Fault::new(Code::ERRCODE_DUPLICATE_OBJECT, "there is a hold of this name already")
            .detail(format!("The name is «{}».", name.escape_debug()))
            .hint("Take another name, or release it first.")
            .raise();
    }
    let who = crate::provenance::session_user();
    holds::add(&name, &query, until, &reason, &who);
    // What is about to go may be held now: it is decided once more.
    certificates::withdraw_open();
    let events = holds::matching(&query);
    tell(
        "hold",
        &name,
        &who,
        &[
            ("query", own_event::text(&query)),
            (
                "until",
                until.map_or(Json::Null, |until| {
                    own_event::text(&auditlog_core::document::format_timestamp(until))
                }),
            ),
            ("reason", own_event::text(&reason)),
            ("events", own_event::number(events)),
        ],
    );
    events.into()
}

/// `release_hold(name, reason)`
fn release(call: &Call) -> Datum {
    let name = call.text(0).unwrap_or_default();
    let reason = given(call.text(1), "reason", LONGEST_REASON);
    holds::freeze();
    let hold = holds::lock(&name).unwrap_or_else(|| {
        Fault::new(
            Code::ERRCODE_UNDEFINED_OBJECT,
            "there is no hold of this name that is not released",
        )
        .detail(format!("The name is «{}».", name.escape_debug()))
        .hint("auditlog.holds lists them; names are case sensitive.")
        .raise()
    });
    let who = crate::provenance::session_user();
    let second = hold.wanted_by.as_deref().filter(|first| *first != who);
    if guc::HOLD_FOUR_EYES.get() && second.is_none() {
        if hold.wanted_by.is_some() {
            Fault::new(
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                "a second person must release this hold",
            )
            .detail(format!("{who} has asked for its release already."))
            .hint("Somebody else who may release holds calls auditlog.release_hold() with the same name.")
            .raise();
        }
        holds::want(hold.id, &who);
        tell(
            "ask_to_release_hold",
            &name,
            &who,
            &[("reason", own_event::text(&reason))],
        );
        return false.into();
    }
    holds::release(hold.id, &reason, &who);
    let first = second.map_or(Json::Null, own_event::text);
    tell(
        "release_hold",
        &name,
        &who,
        &[("reason", own_event::text(&reason)), ("asked_for_by", first)],
    );
    shared_slot().keeper.start_soon();
    true.into()
}

fn tell(operation: &str, name: &str, who: &str, more: &[(&str, Json)]) {
    let mut metadata = vec![("hold", own_event::text(name))];
    metadata.extend_from_slice(more);
    own_event::record(&OwnEvent {
        event_type: "auditlog.legal_hold",
        severity: "warning",
        actor: ("database_role", who),
        operation,
        metadata: &metadata,
    });
}

/// The query, which must mean the same as long as what it is of («hold», «sink») lasts: no saved query, which somebody may change.
pub(super) fn fixed(query: &str, what: &str) -> String {
    let wrong = with_options(|options| {
        let options = CheckOptions {
            saved: None,
            ..*options
        };
        parse(query, &options.limits)
            .and_then(|parsed| check(&parsed, &options))
            .err()
    });
    if let Some(error) = wrong {
        Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("the query of the {what} is wrong: {error}"),
        )
        .detail(format!(
            "It must mean the same as long as the {what} lasts, so it names no saved query."
        ))
        .hint(error.hint)
        .raise();
    }
    query.to_owned()
}

fn missing(what: &str) -> ! {
    Fault::new(
        Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        format!("the {what} of the hold is missing"),
    )
    .detail("It is NULL or empty.")
    .hint("Call auditlog.hold(name, query, until, reason); release it with auditlog.release_hold(name, reason).")
    .raise()
}

fn given(value: Option<String>, what: &str, longest: usize) -> String {
    let value = value
        .filter(|value| !value.trim().is_empty())
        .unwrap_or_else(|| missing(what));
    let length = value.chars().count();
    if length > longest {
        Fault::new(
            Code::ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
            format!("the {what} of the hold is too long"),
        )
        .detail(format!("It has {length} characters; {longest} are allowed."))
        .hint("Say it in fewer words.")
        .raise();
    }
    value
}
