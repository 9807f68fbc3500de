//! Tokens for programs: `create_token`, `revoke_token`, `token_scopes`. A program that has one speaks for the principal who made it
//! (`authenticate`), as far as its scopes reach. Each change is an event, each use is in the journal.

use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::identity::{self, Subject};
use crate::store::api_tokens::{self, New};
use crate::store::columns::{text, text_list};
use crate::store::{exports, principals};
use auditlog_core::document::format_timestamp;
use auditlog_core::json::Json;
use auditlog_redact::token::{PREFIX, SHOWN};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use sha2::{Digest, Sha256};

crate::sql_function!(auditlog_create_token, pg_finfo_auditlog_create_token, create);
crate::sql_function!(auditlog_revoke_token, pg_finfo_auditlog_revoke_token, revoke);
crate::sql_function!(auditlog_token_scopes, pg_finfo_auditlog_token_scopes, scopes_of_caller);

crate::sql_function!(auditlog_token_used_at, pg_finfo_auditlog_token_used_at, used_at);

/// What a token may be confined to; the server takes care of it.
const SCOPES: [&str; 6] = ["admin", "alerts", "export", "read", "record", "reports"];
/// Longest name, in bytes.
const LONGEST_NAME: usize = 100;
/// Tokens of one owner that are good at a time.
const MOST: i64 = 100;
const MINUTE_US: i64 = 60_000_000;
const DAY_US: i64 = 1_440 * MINUTE_US;
/// Longest life.
const LONGEST_DAYS: i64 = 366;

fn invalid(message: &str, detail: impl Into<String>, hint: impl Into<String>) -> ! {
    Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, message)
        .detail(detail)
        .hint(hint)
        .raise()
}

/// `create_token(name, scopes, expires_in)`: the token, which is shown this once.
fn create(call: &Call) -> Datum {
    let Some(owner) = principals::caller() else {
        Fault::broken("only a principal can have tokens")
            .detail("Nobody has said who the caller is to the log.")
            .hint("An administrator calls auditlog.add_principal().")
            .raise()
    };
    if identity::token().is_some() {
        Fault::refused("a token cannot make tokens")
            .hint("Log in as the person whose token it is to be.")
            .raise();
    }
    let name = call.text(0).unwrap_or_default();
    if name.trim().is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        invalid(
            "this is no name for a token",
            format!("The name is «{}».", name.escape_debug()),
            format!("Use 1 to {LONGEST_NAME} bytes without control characters, such as the program that will have it."),
        );
    }
    let scopes = scopes(call);
    let life = life(call);
    let owner = Subject {
        actor_id: owner.actor_id.clone(),
        tenant: owner.tenant.clone(),
    };
    if api_tokens::count(&owner) >= MOST {
        Fault::new(Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED, "there are too many tokens")
            .detail(format!("{MOST} of them are good at a time."))
            .hint("Take some back with auditlog.revoke_token().")
            .raise();
    }
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(crate::random::bytes::<32>()));
    let who = crate::provenance::session_user();
    let expires_at = crate::shmem::unix_micros().saturating_add(life);
    let id = api_tokens::add(&New {
        name: &name,
        owner: &owner,
        sha256: &Sha256::digest(&token),
        prefix: &token[..SHOWN],
        scopes: scopes.as_deref(),
        expires_at,
        who: &who,
    });
    let list = |items: &[String]| Json::Array(items.iter().map(|item| own_event::text(item)).collect());
    tell(
        "create_token",
        id,
        &who,
        vec![
            ("name", own_event::text(&name)),
            ("owner", own_event::text(&owner.actor_id)),
            ("scopes", scopes.as_deref().map_or(Json::Null, list)),
            ("expires_at", own_event::text(&format_timestamp(expires_at))),
        ],
    );
    text(token.as_bytes())
}

/// The scopes that are asked for, in order.
fn scopes(call: &Call) -> Option<Vec<String>> {
    let mut given: Vec<String> = call.texts(1)?.unwrap_or_default();
    given.sort();
    given.dedup();
    if given.is_empty() || given.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
        invalid(
            "these are no scopes of a token",
            format!("They are «{}».", given.join(", ").escape_debug()),
            format!(
                "There are {}; leave them out for all that you may do yourself.",
                SCOPES.join(", ")
            ),
        );
    }
    Some(given)
}

/// How long it is good, in microseconds.
fn life(call: &Call) -> i64 {
    let life = call.arg(2).map_or(0, |interval| {
        // SAFETY: declared as interval.
        unsafe {
            let interval: *const pg_sys::Interval = interval.cast_mut_ptr();
            let days = i64::from((*interval).day) + 30 * i64::from((*interval).month);
            days.saturating_mul(DAY_US).saturating_add((*interval).time)
        }
    });
    if !(MINUTE_US..=LONGEST_DAYS * DAY_US).contains(&life) {
        invalid(
            "a token cannot be good for such a time",
            "expires_in is NULL, or too short or too long.",
            format!("Choose between a minute and {LONGEST_DAYS} days."),
        );
    }
    life
}

/// `revoke_token(id)`: one's own, or as an administrator anybody's; false when it was not good any more.
fn revoke(call: &Call) -> Datum {
    let id = call.int(0).unwrap_or_default();
    let is_own = |owner: &Subject| {
        principals::caller().is_some_and(|caller| caller.actor_id == owner.actor_id && caller.tenant == owner.tenant)
    };
    let owner = api_tokens::owner(id).filter(|(owner, _)| is_own(owner) || exports::is_administrator());
    let Some((owner, name)) = owner else {
        Fault::new(
            Code::ERRCODE_UNDEFINED_OBJECT,
            "there is no token of yours with this id",
        )
        .detail(format!("The id is {id}."))
        .hint("auditlog.tokens lists them.")
        .raise()
    };
    let who = crate::provenance::session_user();
    let revoked = api_tokens::revoke(id, &who);
    if revoked {
        tell(
            "revoke_token",
            id,
            &who,
            vec![
                ("name", own_event::text(&name)),
                ("owner", own_event::text(&owner.actor_id)),
            ],
        );
    }
    revoked.into()
}

/// `token_scopes()`: of the token by which the caller speaks; NULL without one, and for one without limits.
fn scopes_of_caller(call: &Call) -> Datum {
    match identity::token().as_deref().and_then(|token| token.scopes.as_deref()) {
        Some(scopes) => text_list(scopes.iter().map(String::as_str)),
        None => call.null(),
    }
}

/// `token_used_at(id, owner)`: looked up as ours, for who lists tokens reads no events.
fn used_at(call: &Call) -> Datum {
    let id = call.int(0).unwrap_or_default();
    match api_tokens::used_at(id, &call.text(1).unwrap_or_default()) {
        Some(at) => Datum::from(at),
        None => call.null(),
    }
}

fn tell(operation: &str, id: i64, who: &str, metadata: Vec<(&str, Json)>) {
    own_event::record_change(
        &OwnEvent {
            event_type: "auditlog.principal_change",
            severity: "warning",
            actor: ("database_role", who),
            operation,
            metadata: &metadata,
        },
        Some(("api_token", &id.to_string())),
        None,
        None,
    );
}
