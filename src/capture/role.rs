//! Roles and their members. They belong to the whole cluster, so event triggers never hear of them.

use super::document::{Draft, LookUp};
use super::privilege::{self, is_self};
use super::{nodes, setting};
use crate::api::own_event::text;
use crate::compat;
use crate::store::roles;
use auditlog_core::json::Json;
use pgrx::pg_sys;

/// Roles of PostgreSQL whose members reach beyond what they own.
const POWERFUL: [&str; 10] = [
    "pg_checkpoint",
    "pg_create_subscription",
    "pg_database_owner",
    "pg_execute_server_program",
    "pg_maintain",
    "pg_read_all_data",
    "pg_read_server_files",
    "pg_signal_backend",
    "pg_write_all_data",
    "pg_write_server_files",
];

/// Attributes that reach beyond what a role owns.
const POWERS: [&str; 5] = ["superuser", "createrole", "createdb", "replication", "bypassrls"];

/// Has a role rights beyond what it owns?
fn is_privileged(role: &str) -> bool {
    POWERFUL.contains(&role)
        || matches!(role, "auditlog_administrator" | "auditlog_owner")
        || roles::attributes(role).is_some_and(|attributes| {
            POWERS
                .iter()
                .any(|power| attributes.get(power) == Some(&Json::Bool(true)))
        })
}

/// The options of CREATE ROLE and ALTER ROLE.
#[derive(Default)]
struct Options {
    password: bool,
    removes_password: bool,
    /// Attributes given that are rights, `superuser` first.
    powers: Vec<&'static str>,
    others: bool,
    in_roles: Vec<String>,
    members: Vec<String>,
    administrators: Vec<String>,
}

unsafe fn options(list: *const pg_sys::List) -> Options {
    let mut found = Options::default();
    // SAFETY: the options of a live statement.
    unsafe {
        for option in nodes::items::<pg_sys::DefElem>(list) {
            let argument = (*option).arg;
            match nodes::text((*option).defname).as_deref().unwrap_or_default() {
                "password" => {
                    found.password = true;
                    found.removes_password = argument.is_null();
                }
                "addroleto" => found.in_roles = nodes::roles(argument.cast()),
                "rolemembers" => found.members = nodes::roles(argument.cast()),
                "adminmembers" => found.administrators = nodes::roles(argument.cast()),
                name => {
                    found.others = true;
                    let name = if name == "isreplication" { "replication" } else { name };
                    if let Some(power) = POWERS.iter().find(|power| **power == name)
                        && nodes::is_true(option)
                    {
                        found.powers.push(power);
                    }
                }
            }
        }
    }
    found
}

/// How grave it is to give these attributes.
fn weigh(draft: Draft, powers: &[&str]) -> Draft {
    if powers.is_empty() {
        return draft;
    }
    let draft = draft.flag("privileged_grant", true);
    draft.severity(if powers.contains(&"superuser") {
        "critical"
    } else {
        "warning"
    })
}

/// Membership given or taken.
fn membership(grant: bool, role: &str, member: &str, grantor: &str, admin: bool, grant_itself: bool) -> Vec<Draft> {
    let (event_type, of_log, verb) = if grant {
        ("grant.role", "auditlog.role_grant", "grant")
    } else {
        ("revoke.role", "auditlog.role_revoke", "revoke")
    };
    let privileged = is_privileged(role);
    let make = |event_type| {
        let draft = Draft::new(event_type, "role", verb).on("role", role);
        let mut draft = privilege::granted(draft, grantor, member, role, admin)
            .flag("privileged_grant", grant && privileged)
            .flag("option_only", !grant_itself);
        if grant && privileged {
            draft = draft.severity(if is_self(member) { "critical" } else { "warning" });
        }
        draft
    };
    let mut drafts = vec![make(event_type)];
    // The log's own roles also count as changes of who may do what with the log.
    if role.starts_with("auditlog_") {
        drafts.push(make(of_log));
    }
    drafts
}

/// CREATE ROLE, USER, GROUP.
///
/// # Safety
/// A live statement.
pub unsafe fn create(statement: *const pg_sys::CreateRoleStmt) -> Vec<Draft> {
    // SAFETY: as the caller promises.
    let (role, options) = unsafe {
        (
            nodes::text((*statement).role).unwrap_or_default(),
            options((*statement).options),
        )
    };
    let mut draft = Draft::new("role.create", "role", "create role")
        .on("role", role.as_str())
        .flag("password_set", options.password && !options.removes_password);
    draft.look_up = LookUp::Role(role.clone());
    let mut drafts = vec![weigh(draft, &options.powers)];
    let grantor = nodes::role_name(current_user());
    for group in &options.in_roles {
        drafts.extend(membership(true, group, &role, &grantor, false, true));
    }
    for (members, admin) in [(&options.members, false), (&options.administrators, true)] {
        for member in members {
            drafts.extend(membership(true, &role, member, &grantor, admin, true));
        }
    }
    drafts
}

fn current_user() -> pg_sys::Oid {
    // SAFETY: a global of this process.
    unsafe { pg_sys::GetUserId() }
}

/// ALTER ROLE, and ALTER GROUP … ADD or DROP USER.
///
/// # Safety
/// A live statement.
pub unsafe fn alter(statement: *const pg_sys::AlterRoleStmt) -> Vec<Draft> {
    // SAFETY: as the caller promises.
    let (role, options, adds) = unsafe {
        (
            nodes::role((*statement).role),
            options((*statement).options),
            (*statement).action > 0,
        )
    };
    let mut drafts = Vec::new();
    let own = is_self(&role);
    if options.password {
        drafts.push(
            Draft::new("authentication.password_change", "role", "alter role")
                .on("role", role.as_str())
                .flag("self", own)
                .flag("password_removed", options.removes_password),
        );
    }
    if options.others {
        let mut draft = Draft::new("role.alter", "role", "alter role")
            .on("role", role.as_str())
            .flag("self", own);
        draft.before = roles::attributes(&role);
        draft.look_up = LookUp::Role(role.clone());
        drafts.push(weigh(draft, &options.powers));
    }
    let grantor = nodes::role_name(current_user());
    for member in &options.members {
        drafts.extend(membership(adds, &role, member, &grantor, false, true));
    }
    drafts
}

/// DROP ROLE.
///
/// # Safety
/// A live statement.
pub unsafe fn drop(statement: *const pg_sys::DropRoleStmt) -> Vec<Draft> {
    // SAFETY: as the caller promises.
    let (names, missing_ok) = unsafe { (nodes::roles((*statement).roles), (*statement).missing_ok) };
    let mut drafts = Vec::new();
    for name in names {
        let before = roles::attributes(&name);
        // IF EXISTS: nothing is dropped.
        if before.is_some() || !missing_ok {
            let mut draft = Draft::new("role.drop", "role", "drop role").on("role", name);
            draft.before = before;
            drafts.push(draft);
        }
    }
    drafts
}

/// ALTER ROLE … RENAME.
pub fn rename(from: &str, to: &str) -> Vec<Draft> {
    let mut draft = Draft::new("role.rename", "role", "alter role").on("role", from);
    draft.before = Some(Json::Object(vec![("name".to_owned(), text(from))]));
    draft.after = Some(Json::Object(vec![("name".to_owned(), text(to))]));
    vec![draft]
}

/// GRANT and REVOKE of roles.
///
/// # Safety
/// A live statement.
pub unsafe fn grant(statement: *const pg_sys::GrantRoleStmt) -> Vec<Draft> {
    // SAFETY: as the caller promises.
    unsafe {
        let s = &*statement;
        let admin = compat::admin_option(s);
        // REVOKE ADMIN OPTION FOR leaves the membership.
        let whole = s.is_grant || !admin;
        let grantor = nodes::role(s.grantor);
        let mut drafts = Vec::new();
        for role in nodes::items::<pg_sys::AccessPriv>(s.granted_roles) {
            let role = nodes::text((*role).priv_name).unwrap_or_default();
            for member in nodes::roles(s.grantee_roles) {
                drafts.extend(membership(s.is_grant, &role, &member, &grantor, admin, whole));
            }
        }
        drafts
    }
}

/// REASSIGN OWNED.
///
/// # Safety
/// A live statement.
pub unsafe fn reassign(statement: *const pg_sys::ReassignOwnedStmt) -> Vec<Draft> {
    // SAFETY: as the caller promises.
    let (from, to) = unsafe { (nodes::roles((*statement).roles), nodes::role((*statement).newrole)) };
    from.into_iter()
        .map(|role| {
            Draft::new("owner.change", "role", "reassign owned")
                .on("role", role)
                .with("new_owner", text(&to))
                .severity("warning")
        })
        .collect()
}

/// DROP OWNED: its objects are dropped, of which event triggers hear, and its privileges taken away.
///
/// # Safety
/// A live statement.
pub unsafe fn drop_owned(statement: *const pg_sys::DropOwnedStmt) -> Vec<Draft> {
    // SAFETY: as the caller promises.
    let (names, cascade) = unsafe {
        (
            nodes::roles((*statement).roles),
            (*statement).behavior == pg_sys::DropBehavior::DROP_CASCADE,
        )
    };
    names
        .into_iter()
        .map(|role| {
            Draft::new("revoke.privilege", "role", "drop owned")
                .on("role", role.as_str())
                .with("grantee", text(&role))
                .with("privilege", text("ALL"))
                .flag("cascade", cascade)
                .severity("warning")
        })
        .collect()
}

/// SET SESSION AUTHORIZATION, and SET ROLE to a role with rights beyond what it owns.
///
/// # Safety
/// A live statement.
pub unsafe fn identity(statement: *mut pg_sys::VariableSetStmt) -> Option<Draft> {
    // SAFETY: as the caller promises.
    let name = unsafe { nodes::text((*statement).name) }?;
    // SAFETY: as above.
    let target = unsafe { setting::value(statement) };
    if let Some(role) = &target {
        // Should it be refused something, its name can't be looked up then.
        crate::provenance::learn(role);
    }
    match (name.as_str(), target) {
        ("session_authorization", target) => Some(
            Draft::new("session.set_authorization", "role", "set session authorization")
                .on("role", target.as_deref().unwrap_or("default")),
        ),
        ("role", Some(role)) if role != "none" && is_privileged(&role) => {
            Some(Draft::new("session.set_role", "role", "set role").on("role", role))
        }
        _ => None,
    }
}
