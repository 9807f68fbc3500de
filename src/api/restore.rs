//! Events back from the archive: `restore`, `drop_restored`.

use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::guc;
use crate::hooks::access;
use crate::store::inbox::shared_slot;
use crate::store::{POSTGRES_EPOCH, archive};
use auditlog_core::json::Json;
use auditlog_query::{CheckOptions, check, parse};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_restore, pg_finfo_auditlog_restore, restore);
crate::sql_function!(auditlog_drop_restored, pg_finfo_auditlog_drop_restored, drop_restored);

/// `restore(since, until, query)`
fn restore(call: &Call) -> Datum {
    let time = |at: usize| call.int(at).map(|us| us.saturating_add(POSTGRES_EPOCH));
    let (since, until) = (time(0), time(1));
    let query = call.text(2).unwrap_or_default();
    if guc::text(&guc::ARCHIVE).is_empty() {
        Fault::new(Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "there is no archive")
            .detail("auditlog.archive is empty.")
            .hint("Set auditlog.archive to the URL of the archive.")
            .raise();
    }
    // Judged by the archive's thread, which knows no saved queries.
    let options = CheckOptions::default();
    if let Err(error) = parse(&query, &options.limits).and_then(|query| check(&query, &options)) {
        Fault::new(Code::ERRCODE_SYNTAX_ERROR, error.message.clone())
            .detail(error.detail.clone())
            .hint(error.hint)
            .raise();
    }
    let who = crate::provenance::session_user();
    let time = |us: Option<i64>| {
        us.map_or(Json::Null, |us| {
            own_event::text(&auditlog_core::document::format_timestamp(us))
        })
    };
    let arguments = Json::Object(vec![
        ("since".to_owned(), time(since)),
        ("until".to_owned(), time(until)),
        ("query".to_owned(), own_event::text(&query)),
    ]);
    access::note(access::Kind::Export, "restore", arguments);
    let id = archive::ask(since, until, &query, &who);
    own_event::record(&OwnEvent {
        event_type: "auditlog.retention_change",
        severity: "notice",
        actor: ("database_role", &who),
        operation: "restore",
        metadata: &[
            ("restore", own_event::number(id)),
            ("query", own_event::text(&query)),
            ("since", time(since)),
            ("until", time(until)),
        ],
    });
    shared_slot().keeper.start_soon();
    id.into()
}

/// `drop_restored(id)`
fn drop_restored(call: &Call) -> Datum {
    archive::forget(call.int(0).unwrap_or_default()).into()
}
