//! Saved queries: `save_query` and `delete_query`, which check who may and that every saved query
//! keeps being one.

use super::own_event::{self, OwnEvent};
use super::query::{limits, raise, with_options};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::saved_queries;
use auditlog_core::json::Json;
use auditlog_query::{CheckOptions, check, parse};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::cell::Cell;
use std::ffi::CStr;

crate::sql_function!(auditlog_save_query, pg_finfo_auditlog_save_query, save_query);
crate::sql_function!(auditlog_delete_query, pg_finfo_auditlog_delete_query, delete_query);

const LONGEST_NAME: usize = 100;

fn save_query(call: &Call) -> Datum {
    let name = name(call.str(0));
    let Some(text) = call.text(1) else {
        Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "query is missing")
            .detail("The query is NULL.")
            .hint("Write '' for the query that finds everything.")
            .raise()
    };
    let description = call.text(2);
    let user = User::current();
    saved_queries::lock();
    owned(&name, &user);
    let query = parse(&text, &limits()).unwrap_or_else(|e| raise(e));
    // as if it were saved already: so a circle is found wherever it closes
    let lookup = |other: &str| {
        if other == name {
            Some(text.clone())
        } else {
            saved_queries::get(other)
        }
    };
    let checked = with_options(|options| {
        let options = CheckOptions {
            saved: Some(&lookup),
            ..*options
        };
        check(&query, &options)
    });
    for notice in checked.unwrap_or_else(|e| raise(e)).notices {
        Fault::new(Code::ERRCODE_SUCCESSFUL_COMPLETION, notice.message)
            .hint(notice.hint)
            .report(pgrx::PgLogLevel::NOTICE);
    }
    let before = saved_queries::get(&name);
    saved_queries::save(&name, &text, description.as_deref(), &user.name);
    tell("save_query", &name, before.as_deref(), Some(&text));
    Datum::null()
}

/// What a saved query finds decides what others find who use it.
fn tell(operation: &str, name: &str, before: Option<&str>, after: Option<&str>) {
    let side = |query: &str| Json::Object(vec![("query".to_owned(), own_event::text(query))]);
    own_event::record_change(
        &OwnEvent {
            event_type: "auditlog.query_change",
            severity: "info",
            actor: ("database_role", &crate::provenance::session_user()),
            operation,
            metadata: &[("subject", own_event::text(name))],
        },
        None,
        before.map(side),
        after.map(side),
    );
}

fn delete_query(call: &Call) -> Datum {
    let name = name(call.str(0));
    let user = User::current();
    saved_queries::lock();
    if !owned(&name, &user) {
        Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, format!("no saved query «{name}»"))
            .detail("Names are case sensitive.")
            .hint("auditlog.saved_queries lists them.")
            .raise();
    }
    let users: Vec<String> = saved_queries::all(false)
        .into_iter()
        .filter(|(other, text)| *other != name && uses(text, &name))
        .map(|(other, _)| format!("«{other}»"))
        .collect();
    if !users.is_empty() {
        Fault::new(
            Code::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("saved query «{name}» is used by others"),
        )
        .detail(format!("It is used by {}.", users.join(", ")))
        .hint("Change or delete them first.")
        .raise();
    }
    let before = saved_queries::get(&name);
    saved_queries::delete(&name);
    tell("delete_query", &name, before.as_deref(), None);
    Datum::null()
}

/// Does the query name the saved query? Asked of the checker, which looks each name up.
fn uses(text: &str, name: &str) -> bool {
    let Ok(query) = parse(text, &limits()) else {
        return false; // saved with higher limits than these, or by hand
    };
    let found = Cell::new(false);
    let lookup = |other: &str| {
        found.set(found.get() || other == name);
        Some(String::new())
    };
    with_options(|options| {
        let options = CheckOptions {
            saved: Some(&lookup),
            strict: false,
            ..*options
        };
        let _ = check(&query, &options);
    });
    found.get()
}

fn name(given: Option<&str>) -> String {
    let name = given.unwrap_or_default();
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.starts_with(inside) && name.chars().all(|c| inside(c) || c == '.' || c == '-') && name.len() <= LONGEST_NAME
    {
        return name.to_owned();
    }
    let shown: String = name.chars().take(60).flat_map(char::escape_debug).collect();
    Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "not a name of a saved query")
        .detail(match given {
            Some(_) => format!("It is «{shown}»."),
            None => "It is NULL.".to_owned(),
        })
        .hint(format!(
            "Use letters, digits and _ . -, at most {LONGEST_NAME} of them, with . and - not in front."
        ))
        .raise()
}

/// Is there such a query? An error when it is somebody else's.
fn owned(name: &str, user: &User) -> bool {
    let Some(saved_by) = saved_queries::saved_by(name) else {
        return false;
    };
    if saved_by != user.name && !user.administrates {
        Fault::refused(format!("saved query «{name}» is somebody else's"))
            .detail(format!("It was saved by {saved_by}."))
            .hint("Save yours under another name, or ask a member of auditlog_administrator.")
            .raise();
    }
    true
}

/// The role that calls.
struct User {
    name: String,
    administrates: bool,
}

impl User {
    fn current() -> User {
        // SAFETY: catalogue look-ups in a transaction; the name is NUL-terminated.
        unsafe {
            let user = pg_sys::GetUserId();
            let administrator = pg_sys::get_role_oid(c"auditlog_administrator".as_ptr(), true);
            User {
                name: CStr::from_ptr(pg_sys::GetUserNameFromId(user, false))
                    .to_string_lossy()
                    .into_owned(),
                administrates: pg_sys::has_privs_of_role(user, administrator),
            }
        }
    }
}
