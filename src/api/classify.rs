//! `auditlog.classify`: what the rows of a table are to whoever asks, such as personal data.

use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::classified;
use crate::store::trigger_ddl::qualified_name;
use auditlog_core::json::Json;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid};

crate::sql_function!(auditlog_classify, pg_finfo_auditlog_classify, classify);

/// The labels that frameworks ask for (`crates/report/frameworks`).
const LABELS: [&str; 7] = ["pii", "special", "phi", "chd", "sad", "confidential", "restricted"];

/// `classify(target, classification)`
fn classify(call: &Call) -> Datum {
    let (Some(target), Some(Some(mut labels))) = (call.arg(0), call.texts(1)) else {
        Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "a table and its labels are needed",
        )
        .detail("target or classification is NULL, or has a NULL in it.")
        .hint("For example auditlog.classify('app.patient', '{pii,phi}'); '{}' takes it back.")
        .raise()
    };
    labels.sort();
    labels.dedup();
    if let Some(unknown) = labels.iter().find(|label| !LABELS.contains(&label.as_str())) {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "this is no classification")
            .detail(format!("It is «{}».", unknown.escape_debug()))
            .hint(format!("Those that reports ask for are {}.", LABELS.join(", ")))
            .raise();
    }
    let table = Oid::from_u32(target.value() as u32);
    // SAFETY: looks the catalogue up.
    let kind = unsafe { pg_sys::get_rel_relkind(table) } as u8;
    if !matches!(kind, b'r' | b'p' | b'v' | b'm' | b'f') {
        Fault::new(
            Code::ERRCODE_WRONG_OBJECT_TYPE,
            "only tables and views have rows to classify",
        )
        .detail("target is something else.")
        .hint("Name a table or a view.")
        .raise();
    }
    let (name, who) = (qualified_name(table), crate::provenance::session_user());
    let before = classified::of(table);
    if before == labels {
        return call.null();
    }
    classified::set(table, &labels, &who);
    let list = |labels: &[String]| {
        let items = labels.iter().map(|label| own_event::text(label)).collect();
        (!labels.is_empty()).then(|| Json::Object(vec![("classification".to_owned(), Json::Array(items))]))
    };
    own_event::record_change(
        &OwnEvent {
            event_type: "auditlog.policy_change",
            severity: "warning",
            actor: ("database_role", &who),
            operation: "classify",
            metadata: &[],
        },
        Some(("table", &name)),
        list(&before),
        list(&labels),
    );
    call.null()
}
