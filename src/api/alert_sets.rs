//! Alerts that others have written: the built-in ones, and Sigma rules.

use super::alerts::{add, read, replace};
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::store::alerts;
use crate::store::columns::{text, text_list, write_json};
use crate::store::jsonb;
use auditlog_policy::alert::builtin::{BUILTIN, Builtin};
use auditlog_policy::alert::definition::{Definition, Notification};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_builtin_alerts, pg_finfo_auditlog_builtin_alerts, builtin);
crate::sql_function!(auditlog_install_alerts, pg_finfo_auditlog_install_alerts, install);
crate::sql_function!(auditlog_import_sigma, pg_finfo_auditlog_import_sigma, import_sigma);

/// Longest text of Sigma rules, in bytes.
const LONGEST: usize = 1024 * 1024;

fn parsed(builtin: &Builtin) -> Definition {
    builtin
        .definition()
        .unwrap_or_else(|error| Fault::broken(error.to_string()).raise())
}

/// `builtin_alerts()`
fn builtin(call: &Call) -> Datum {
    let names: Vec<String> = alerts::all().into_iter().map(|row| row.name).collect();
    let mut rows = Rows::new(call);
    for one in BUILTIN {
        let definition = parsed(one);
        rows.push(&[
            Some(text(one.key.as_bytes())),
            Some(text(definition.name.as_bytes())),
            definition
                .description
                .as_ref()
                .map(|description| text(description.as_bytes())),
            Some(text(one.text.as_bytes())),
            Some(names.contains(&definition.name).into()),
        ]);
    }
    call.null()
}

/// `install_alerts(keys, channels, recipients)`
fn install(call: &Call) -> Datum {
    let list = |i: usize, what: &str| match call.texts(i) {
        None => None,
        Some(Some(list)) => Some(list),
        Some(None) => Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("{what} must be a list without NULLs"),
        )
        .detail("It is nested, or has a NULL in it.")
        .hint("Write it as ARRAY['a', 'b'].")
        .raise(),
    };
    let wanted: Vec<&Builtin> = match list(0, "keys") {
        None => BUILTIN.iter().collect(),
        Some(keys) => keys.iter().map(|key| known(key)).collect(),
    };
    let (channels, recipients) = (
        list(1, "channels").unwrap_or_default(),
        list(2, "recipients").unwrap_or_default(),
    );
    let mut added = 0i64;
    for one in wanted {
        let mut definition = parsed(one);
        let mut source = one.text.to_owned();
        if !channels.is_empty() {
            let notification = definition.notification.get_or_insert_with(Notification::default);
            notification.channels.clone_from(&channels);
            notification.recipients.clone_from(&recipients);
            source = definition.to_json().to_string();
        }
        let definition = read(&source);
        added += i64::from(add(&definition, &source).is_some());
    }
    added.into()
}

fn known(key: &str) -> &'static Builtin {
    Builtin::find(key).unwrap_or_else(|| {
        Fault::new(
            Code::ERRCODE_UNDEFINED_OBJECT,
            "there is no built-in alert of this name",
        )
        .detail(format!("The key is «{}».", key.escape_debug()))
        .hint("auditlog.builtin_alerts() lists them.")
        .raise()
    })
}

/// `import_sigma(rule, field_map)`
fn import_sigma(call: &Call) -> Datum {
    let rule = match call.text(0) {
        None => Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "the Sigma rule is missing")
            .detail("The rule is NULL.")
            .hint("Give its YAML.")
            .raise(),
        Some(rule) if rule.len() > LONGEST => {
            Fault::new(Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED, "the Sigma rules are too long")
                .detail(format!("They have {} bytes; {LONGEST} are allowed.", rule.len()))
                .hint("Import them one by one.")
                .raise()
        }
        Some(rule) => rule,
    };
    let map = call.jsonb(1).map(|data| {
        let mut text = String::new();
        if let Ok(json) = jsonb::tree(data) {
            write_json(&json, &mut text);
        }
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default()
    });
    let imported = auditlog_sigma::import(&rule, map.as_ref()).unwrap_or_else(|error| {
        let code = if error.unsupported {
            Code::ERRCODE_FEATURE_NOT_SUPPORTED
        } else {
            Code::ERRCODE_INVALID_PARAMETER_VALUE
        };
        Fault::new(code, error.message.clone())
            .detail(format!("At line {}, column {} of the rule.", error.line, error.column))
            .hint(error.hint.clone())
            .raise()
    });
    let mut rows = Rows::new(call);
    for one in imported {
        let source = one.definition.to_json().to_string();
        let definition = read(&source);
        let id = match alerts::lock(&definition.name) {
            Some(before) => {
                replace(&before, &definition, &source);
                before.id
            }
            None => add(&definition, &source).unwrap_or_default(),
        };
        rows.push(&[
            Some(id.into()),
            Some(text(definition.name.as_bytes())),
            Some(text_list(one.notes.iter().map(String::as_str))),
        ]);
    }
    call.null()
}
