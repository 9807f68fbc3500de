//! Who is who: `add_principal`, `alter_principal`, `drop_principal`. Each change is itself an event.

use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::jsonb;
use crate::store::principals::{self, Principal, Taken};
use auditlog_core::json::Json;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::ffi::{CStr, CString};

crate::sql_function!(auditlog_add_principal, pg_finfo_auditlog_add_principal, add);
crate::sql_function!(auditlog_alter_principal, pg_finfo_auditlog_alter_principal, alter);
crate::sql_function!(
    auditlog_drop_principal,
    pg_finfo_auditlog_drop_principal,
    drop_principal
);

/// Bytes of a name of ours: ids longer than this are cut in the log, so that nobody's would be equal to it.
const LONGEST: usize = auditlog_query::predicate::KEPT_BYTES - 1;
/// Teams that one principal may belong to or manage.
const MOST_TEAMS: usize = 1000;

fn invalid(message: &str, detail: impl Into<String>, hint: &str) -> ! {
    Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, message)
        .detail(detail)
        .hint(hint)
        .raise()
}

/// `add_principal(role_name, actor_id, email, teams, tenant, manages)`
fn add(call: &Call) -> Datum {
    let role_name = call.arg(0).map(name);
    let Some(actor_id) = call.text(1).or_else(|| role_name.clone()) else {
        Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "a principal needs a role or an actor id",
        )
        .detail("Both are NULL.")
        .hint("Give role_name for somebody who logs in, actor_id for a user of an application; both when events name the actor by another id.")
        .raise()
    };
    let new = Principal {
        actor_id,
        tenant: call.text(4),
        role_name,
        email: call.text(2),
        teams: list(call.texts(3), "teams").unwrap_or_default(),
        manages: list(call.texts(5), "manages"),
    };
    check(&new);
    principals::lock();
    refuse_taken(principals::taken(&new, None), &new);
    let who = crate::provenance::session_user();
    principals::add(&new, &who);
    tell("add_principal", &who, None, Some(&new));
    call.null()
}

/// `alter_principal(actor_id, changes, tenant)`
fn alter(call: &Call) -> Datum {
    principals::lock();
    let old = existing(call.text(0), call.text(2));
    let Some(Ok(Json::Object(changes))) = call.jsonb(1).map(jsonb::tree) else {
        invalid(
            "the changes must be an object",
            "At $.",
            "Write what is to be another, such as {\"teams\": [\"ops\"], \"email\": null}.",
        )
    };
    let mut new = old.clone();
    for (key, value) in changes {
        let text = || match &value {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            other => invalid(
                "a principal's text must be a text",
                format!("At $.{key}: it is a {}.", other.kind()),
                "Use null to take it away.",
            ),
        };
        match key.as_str() {
            "actor_id" => {
                new.actor_id = text().unwrap_or_else(|| {
                    invalid(
                        "a principal keeps an actor id",
                        "At $.actor_id: it is null.",
                        "auditlog.drop_principal() removes a principal.",
                    )
                });
            }
            "tenant" => new.tenant = text(),
            "role_name" => new.role_name = text(),
            "email" => new.email = text(),
            "teams" => new.teams = json_list(&key, &value).unwrap_or_default(),
            "manages" => new.manages = json_list(&key, &value),
            _ => invalid(
                "a principal has nothing of this name",
                format!("At $.{key}."),
                "Known are actor_id, tenant, role_name, email, teams and manages.",
            ),
        }
    }
    check(&new);
    refuse_taken(principals::taken(&new, Some(&old)), &new);
    if new != old {
        let who = crate::provenance::session_user();
        principals::replace(&old, &new, &who);
        tell("alter_principal", &who, Some(&old), Some(&new));
    }
    call.null()
}

/// `drop_principal(actor_id, tenant)`
fn drop_principal(call: &Call) -> Datum {
    principals::lock();
    let old = existing(call.text(0), call.text(1));
    principals::remove(&old);
    tell("drop_principal", &crate::provenance::session_user(), Some(&old), None);
    call.null()
}

fn existing(actor_id: Option<String>, tenant: Option<String>) -> Principal {
    let actor_id = actor_id.unwrap_or_default();
    principals::get(&actor_id, tenant.as_deref()).unwrap_or_else(|| {
        Fault::new(
            Code::ERRCODE_UNDEFINED_OBJECT,
            "there is no principal with this actor id",
        )
        .detail(match tenant {
            Some(tenant) => format!("The actor id is {actor_id:?}, the tenant {tenant:?}."),
            None => format!("The actor id is {actor_id:?}, without a tenant."),
        })
        .hint("auditlog.principals lists them; one with a tenant is named by both.")
        .raise()
    })
}

/// A `name` argument.
fn name(datum: Datum) -> String {
    // SAFETY: declared as name: NUL-terminated, of a fixed length.
    let name = unsafe { CStr::from_ptr(datum.cast_mut_ptr()) };
    name.to_string_lossy().into_owned()
}

fn list(given: Option<Option<Vec<String>>>, what: &str) -> Option<Vec<String>> {
    given.map(|items| {
        items.unwrap_or_else(|| {
            invalid(
                "teams are a plain list of names",
                format!("{what} is nested or has a NULL in it."),
                "Write ARRAY['name', 'name'].",
            )
        })
    })
}

fn json_list(key: &str, value: &Json) -> Option<Vec<String>> {
    let names = match value {
        Json::Null => return None,
        Json::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    names.or_else(|| {
        invalid(
            "teams are a plain list of names",
            format!("At $.{key}."),
            "Write [\"name\", \"name\"].",
        )
    })
}

fn check(principal: &Principal) {
    let names = [
        ("actor_id", Some(&principal.actor_id)),
        ("tenant", principal.tenant.as_ref()),
        ("email", principal.email.as_ref()),
    ];
    let teams = principal.teams.iter().map(|team| ("teams", Some(team)));
    let managed = principal.manages.iter().flatten().map(|team| ("manages", Some(team)));
    for (what, text) in names.into_iter().chain(teams).chain(managed) {
        let Some(text) = text else { continue };
        if text.trim().is_empty() || text.len() > LONGEST {
            invalid(
                "a principal's names must be neither empty nor long",
                format!("{what} has {} bytes.", text.len()),
                &format!("Use 1 to {LONGEST} bytes that are not all white space, or NULL where there is none."),
            );
        }
    }
    if principal
        .teams
        .len()
        .max(principal.manages.as_ref().map_or(0, Vec::len))
        > MOST_TEAMS
    {
        invalid(
            "a principal has too many teams",
            format!("Up to {MOST_TEAMS} are possible."),
            "Make larger teams.",
        );
    }
    if let Some(role) = &principal.role_name {
        // Whoever says SET ROLE to a group would be that principal.
        if role.starts_with("auditlog_") || role.starts_with("pg_") {
            invalid(
                "a principal is a person or a service, not a group of rights",
                format!("The role is {role:?}."),
                "Give the login role, and GRANT it the group.",
            );
        }
        let known = CString::new(role.as_str()).is_ok_and(|role| {
            // SAFETY: a catalogue look-up with a NUL-terminated name.
            unsafe { pg_sys::get_role_oid(role.as_ptr(), true) != pg_sys::Oid::INVALID }
        });
        if !known {
            Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, format!("role {role:?} does not exist"))
                .detail("A principal's role_name is a login role of this cluster.")
                .hint("Make it with CREATE ROLE, or leave role_name NULL for a user of an application.")
                .raise();
        }
    }
}

fn refuse_taken(taken: Option<Taken>, new: &Principal) {
    let detail = match taken {
        None => return,
        Some(Taken::Actor) => format!("The actor {:?} is a principal already.", new.actor_id),
        Some(Taken::Role) => format!(
            "The role {:?} belongs to another principal.",
            new.role_name.as_deref().unwrap_or_default()
        ),
    };
    Fault::new(Code::ERRCODE_DUPLICATE_OBJECT, "there is such a principal already")
        .detail(detail)
        .hint("Change it with auditlog.alter_principal(), or drop it first.")
        .raise();
}

fn tell(operation: &str, who: &str, before: Option<&Principal>, after: Option<&Principal>) {
    let Some(subject) = after.or(before) else { return };
    let mut metadata = Vec::new();
    // Its value stays out: it is personal, and what stands under «changes» is never erased.
    if let (Some(before), Some(after)) = (before, after)
        && before.email != after.email
    {
        metadata.push(("email_changed", Json::Bool(true)));
    }
    own_event::record_change(
        &OwnEvent {
            event_type: "auditlog.principal_change",
            severity: "warning",
            actor: ("database_role", who),
            operation,
            metadata: &metadata,
        },
        Some(("principal", &subject.actor_id)),
        before.map(document),
        after.map(document),
    );
}

fn document(principal: &Principal) -> Json {
    let texts = |items: &[String]| Json::Array(items.iter().map(|item| own_event::text(item)).collect());
    let text = |text: &Option<String>| text.as_deref().map_or(Json::Null, own_event::text);
    Json::Object(
        [
            ("actor_id", own_event::text(&principal.actor_id)),
            ("tenant", text(&principal.tenant)),
            ("role_name", text(&principal.role_name)),
            ("teams", texts(&principal.teams)),
            ("manages", principal.manages.as_deref().map_or(Json::Null, texts)),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect(),
    )
}
