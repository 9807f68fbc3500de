//! Who the caller is to the log: for people (`whoami`), and for the policies of row-level security.

use crate::fmgr::{Call, Rows};
use crate::identity;
use crate::provenance::role_name;
use crate::store::columns::{text, text_list};
use crate::store::principals::{caller, has_tenants, of_actor, reader, team_of};
use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid};
use std::ffi::{CStr, CString};

crate::sql_function!(auditlog_whoami, pg_finfo_auditlog_whoami, whoami);
crate::sql_function!(auditlog_acting_role, pg_finfo_auditlog_acting_role, acting_role);
crate::sql_function!(auditlog_my_actor_id, pg_finfo_auditlog_my_actor_id, my_actor_id);
crate::sql_function!(auditlog_my_tenant, pg_finfo_auditlog_my_tenant, my_tenant);
crate::sql_function!(auditlog_my_team, pg_finfo_auditlog_my_team, my_team);
crate::sql_function!(auditlog_my_reader_id, pg_finfo_auditlog_my_reader_id, my_reader_id);
crate::sql_function!(
    auditlog_has_no_tenants,
    pg_finfo_auditlog_has_no_tenants,
    has_no_tenants
);

/// Which events the policies show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Team,
    Own,
    Nothing,
}

impl Scope {
    fn label(self) -> &'static str {
        match self {
            Scope::All => "all",
            Scope::Team => "team",
            Scope::Own => "own",
            Scope::Nothing => "nothing",
        }
    }

    /// As PostgreSQL chooses policies: by what the current role has the privileges of.
    fn of(role: Oid) -> Scope {
        let has = |group: &CStr| {
            // SAFETY: catalogue look-ups in a transaction, with a NUL-terminated name.
            unsafe {
                let group = pg_sys::get_role_oid(group.as_ptr(), true);
                group != Oid::INVALID && pg_sys::has_privs_of_role(role, group)
            }
        };
        // SAFETY: a catalogue look-up in a transaction; superusers have it.
        let bypasses = unsafe { pg_sys::has_bypassrls_privilege(role) };
        let all = [
            c"auditlog_administrator",
            c"auditlog_analyst",
            c"auditlog_compliance",
            c"auditlog_owner",
        ];
        if bypasses || all.into_iter().any(has) {
            Scope::All
        } else if has(c"auditlog_manager") {
            Scope::Team
        } else if has(c"auditlog_user") {
            Scope::Own
        } else {
            Scope::Nothing
        }
    }
}

/// `whoami()`
fn whoami(call: &Call) -> Datum {
    // SAFETY: a global of this process.
    let role = unsafe { pg_sys::GetUserId() };
    let principal = caller();
    let scope = match (Scope::of(role), &principal) {
        (Scope::Team | Scope::Own, None) => Scope::Nothing,
        (scope, _) => scope,
    };
    let datum = |value: &str| text(value.as_bytes());
    let list = |items: &[String]| text_list(items.iter().map(String::as_str));
    let named_by = if identity::current().is_some() { "token" } else { "role" };
    let principal = principal.as_deref();
    Rows::new(call).push(&[
        Some(datum(&role_name(role))),
        principal.map(|p| datum(&p.actor_id)),
        principal.and_then(|p| p.email.as_deref()).map(datum),
        principal.map(|p| list(&p.teams)),
        principal.and_then(|p| p.tenant.as_deref()).map(datum),
        principal.map(|p| list(p.manages.as_deref().unwrap_or(&p.teams))),
        Some(datum(scope.label())),
        principal.map(|_| datum(named_by)),
    ]);
    call.null()
}

/// `acting_role(manager)`: in which role a login that speaks for many acts for whom a token has named. NULL: in the one that it has.
fn acting_role(call: &Call) -> Datum {
    let Some(principal) = identity::current().and_then(|subject| of_actor(&subject)) else {
        return call.null();
    };
    if let Some(name) = &principal.role_name
        && let Ok(role) = CString::new(name.as_str())
    {
        // SAFETY: catalogue look-ups in a transaction, with a NUL-terminated name.
        let is_ours = unsafe {
            let role = pg_sys::get_role_oid(role.as_ptr(), true);
            role != Oid::INVALID && pg_sys::is_member_of_role(pg_sys::GetSessionUserId(), role)
        };
        if is_ours {
            return text(name.as_bytes());
        }
    }
    let manages = principal.manages.as_deref().is_some_and(|teams| !teams.is_empty());
    match call.str(0).filter(|_| manages) {
        Some(manager) => text(manager.as_bytes()),
        None => call.null(),
    }
}

/// `my_actor_id()`: NULL for who is no principal.
fn my_actor_id(call: &Call) -> Datum {
    match caller() {
        Some(principal) => text(principal.actor_id.as_bytes()),
        None => call.null(),
    }
}

/// `my_tenant()`: NULL for who has none.
fn my_tenant(call: &Call) -> Datum {
    match caller().and_then(|principal| principal.tenant.clone()) {
        Some(tenant) => text(tenant.as_bytes()),
        None => call.null(),
    }
}

/// `my_team()`: nobody, for who is no principal.
fn my_team(_call: &Call) -> Datum {
    match caller() {
        Some(principal) => text_list(team_of(&principal).iter().map(String::as_str)),
        None => text_list(std::iter::empty()),
    }
}

/// `my_reader_id()`: the actor as which the caller's own reads are recorded.
fn my_reader_id(_call: &Call) -> Datum {
    text(reader().1.as_bytes())
}

/// `has_no_tenants()`: asked while a query is planned, so that its policies need not look at the tenant of
/// each row. When that changes, plans are made again (store/principals.rs).
fn has_no_tenants(_call: &Call) -> Datum {
    (!has_tenants()).into()
}
