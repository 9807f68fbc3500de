//! `auditlog.declare_incarnation`: a restored or copied log goes on under a new origin, so that nobody
//! takes two logs that share a beginning for one.

use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::columns::text;
use crate::store::{checkpoint_sinks, checkpoints, head};
use auditlog_core::erase::hex;
use auditlog_core::json::Json;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(
    auditlog_declare_incarnation,
    pg_finfo_auditlog_declare_incarnation,
    declare
);

fn declare(call: &Call) -> Datum {
    let reason = call.text(0).filter(|reason| !reason.trim().is_empty());
    let Some(reason) = reason else {
        Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "an incarnation needs a reason")
            .detail("It is sealed with the log, for auditors to read.")
            .hint("Say what was restored, from when, and who decided it.")
            .raise()
    };
    let Some(now) = checkpoints::incarnation() else {
        Fault::broken("no checkpoint was signed yet")
            .detail("There is nothing that this log could be mistaken for.")
            .hint("The first checkpoint begins the first incarnation by itself.")
            .raise()
    };
    // Also where nothing was noticed: whoever makes a copy of a server knows it, the copy need not.
    let trouble = checkpoints::trouble();
    let head = head::visible().unwrap_or(head::Head::empty());
    let number = now.number + 1;
    let origin = checkpoints::default_origin(number);
    let last = checkpoints::newest(&now.origin, 0);
    let who = crate::provenance::session_user();
    checkpoints::begin(number, &origin, head.size, &who, &reason);
    checkpoint_sinks::try_all_again();
    // Whoever reads the log must see where it begins anew.
    own_event::record(&OwnEvent {
        event_type: "auditlog.incarnation",
        severity: "critical",
        actor: ("database_role", &who),
        operation: "declare_incarnation",
        metadata: &[
            ("origin", own_event::text(&origin)),
            ("previous_origin", own_event::text(&now.origin)),
            ("size", own_event::number(head.size)),
            ("root", own_event::text(&hex(&head.root))),
            (
                "previous_size",
                last.as_ref().map_or(Json::Null, |last| own_event::number(last.size)),
            ),
            (
                "previous_root",
                last.as_ref()
                    .map_or(Json::Null, |last| own_event::text(&hex(&last.root))),
            ),
            (
                "found",
                own_event::text(match &trouble {
                    Some((state, _)) => state.as_str(),
                    None if now.is_ours => "nothing",
                    None => "copied",
                }),
            ),
            ("reason", own_event::text(&reason)),
        ],
    });
    text(origin.as_bytes())
}
