//! Frameworks as data: `add_framework`, `drop_framework`, and those that come with the extension.

use super::definition_error;
use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::store::columns::text;
use crate::store::{columns, jsonb, report_definitions};
use auditlog_report::framework::{Framework, builtin};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_add_framework, pg_finfo_auditlog_add_framework, add);
crate::sql_function!(
    auditlog_drop_framework,
    pg_finfo_auditlog_drop_framework,
    drop_framework
);
crate::sql_function!(
    auditlog_builtin_frameworks,
    pg_finfo_auditlog_builtin_frameworks,
    builtin_frameworks
);

/// The text of a framework: of one that was added, or of one that comes with the extension.
pub(super) fn text_of(id: &str) -> Option<String> {
    report_definitions::framework(id).or_else(|| {
        let known = builtin().iter().find(|framework| framework.id == id)?;
        Some(known.to_json().to_string())
    })
}

/// `builtin_frameworks()`
fn builtin_frameworks(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    for framework in builtin() {
        let canonical = framework.to_json().to_string();
        rows.push(&[
            Some(text(framework.id.as_bytes())),
            Some(text(canonical.as_bytes())),
            Some(columns::jsonb_from_text(canonical.clone())),
            Some(text(framework.sha256().as_bytes())),
        ]);
    }
    call.null()
}

/// `add_framework(definition)`
fn add(call: &Call) -> Datum {
    let Some(definition) = call.text(0).filter(|definition| !definition.trim().is_empty()) else {
        Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "the definition of the framework is missing",
        )
        .detail("It is NULL or empty.")
        .hint("Give it as YAML or JSON; SELECT definition FROM auditlog.frameworks shows how the built-in ones are written.")
        .raise()
    };
    let framework = Framework::parse(&definition).unwrap_or_else(|error| definition_error::raise(&error));
    if builtin().iter().any(|known| known.id == framework.id) {
        Fault::new(
            Code::ERRCODE_DUPLICATE_OBJECT,
            "a framework of this id comes with the extension",
        )
        .detail(format!("The id is «{}».", framework.id))
        .hint("Give yours another id, such as the built-in one with your organisation's name in front.")
        .raise();
    }
    let who = crate::provenance::session_user();
    let canonical = jsonb::from_text(framework.to_json().to_string());
    let before = report_definitions::set_framework(&framework.id, &definition, &canonical, &framework.sha256(), &who);
    tell(
        "add_framework",
        &framework.id,
        &who,
        before.as_deref(),
        Some(&definition),
    );
    text(framework.id.as_bytes())
}

/// `drop_framework(id)`
fn drop_framework(call: &Call) -> Datum {
    let id = call.text(0).unwrap_or_default();
    let Some(before) = report_definitions::drop_framework(&id) else {
        unknown(&id)
    };
    tell(
        "drop_framework",
        &id,
        &crate::provenance::session_user(),
        Some(&before),
        None,
    );
    call.null()
}

/// Raises the error that there is no framework of this id.
pub(super) fn unknown(id: &str) -> ! {
    Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no such framework")
        .detail(format!("The id is «{}».", id.escape_debug()))
        .hint("auditlog.frameworks lists them; those that come with the extension cannot be dropped.")
        .raise()
}

fn tell(operation: &str, id: &str, who: &str, before: Option<&str>, after: Option<&str>) {
    let side = |definition: Option<&str>| {
        definition.map(|definition| {
            auditlog_core::json::Json::Object(vec![("definition".to_owned(), own_event::text(definition))])
        })
    };
    own_event::record_change(
        &OwnEvent {
            event_type: "auditlog.report_change",
            severity: "info",
            actor: ("database_role", who),
            operation,
            metadata: &[],
        },
        Some(("framework", id)),
        side(before),
        side(after),
    );
}
