//! GRANT and REVOKE on objects, and default privileges.

use super::document::Draft;
use super::nodes;
use crate::api::own_event::text;
use auditlog_core::json::Json;
use pgrx::pg_sys;

/// What an object is called in event triggers.
fn object_type(kind: pg_sys::ObjectType::Type) -> &'static str {
    use pg_sys::ObjectType as O;
    match kind {
        O::OBJECT_TABLE => "table",
        O::OBJECT_SEQUENCE => "sequence",
        O::OBJECT_FUNCTION => "function",
        O::OBJECT_PROCEDURE => "procedure",
        O::OBJECT_ROUTINE => "routine",
        O::OBJECT_SCHEMA => "schema",
        O::OBJECT_DATABASE => "database",
        O::OBJECT_LANGUAGE => "language",
        O::OBJECT_FDW => "foreign-data wrapper",
        O::OBJECT_FOREIGN_SERVER => "foreign server",
        O::OBJECT_DOMAIN => "domain",
        O::OBJECT_TYPE => "type",
        O::OBJECT_TABLESPACE => "tablespace",
        O::OBJECT_LARGEOBJECT => "large object",
        O::OBJECT_PARAMETER_ACL => "parameter",
        _ => "object",
    }
}

/// The name of one object of a GRANT.
unsafe fn object_name(node: *mut pg_sys::Node) -> String {
    use pg_sys::NodeTag as T;
    // SAFETY: a node of a live statement; its tag says what it is.
    unsafe {
        match nodes::tag(node) {
            T::T_RangeVar => nodes::relation(node.cast()),
            T::T_String => nodes::text((*node.cast::<pg_sys::String>()).sval).unwrap_or_default(),
            T::T_List => nodes::qualified(node.cast()),
            T::T_ObjectWithArgs => {
                let function = node.cast::<pg_sys::ObjectWithArgs>();
                let name = nodes::qualified((*function).objname);
                if (*function).args_unspecified {
                    return name;
                }
                let types: Vec<String> = nodes::items::<pg_sys::TypeName>((*function).objargs)
                    .into_iter()
                    .map(|name| type_name(name))
                    .collect();
                format!("{name}({})", types.join(", "))
            }
            T::T_TypeName => type_name(node.cast()),
            T::T_Integer => (*node.cast::<pg_sys::Integer>()).ival.to_string(),
            T::T_Float => nodes::text((*node.cast::<pg_sys::Float>()).fval).unwrap_or_default(),
            _ => String::new(),
        }
    }
}

unsafe fn type_name(name: *const pg_sys::TypeName) -> String {
    if name.is_null() {
        return String::new();
    }
    // SAFETY: a node of a live statement.
    unsafe {
        let array = if (*name).arrayBounds.is_null() { "" } else { "[]" };
        format!("{}{array}", nodes::qualified((*name).names))
    }
}

/// The privileges, as they are written.
unsafe fn privileges(list: *const pg_sys::List) -> String {
    // SAFETY: a list of a live statement.
    let all: Vec<String> = unsafe {
        nodes::items::<pg_sys::AccessPriv>(list)
            .into_iter()
            .map(|privilege| {
                let name = nodes::text((*privilege).priv_name).map_or_else(|| "ALL".to_owned(), |p| p.to_uppercase());
                let columns = nodes::items::<pg_sys::String>((*privilege).cols);
                if columns.is_empty() {
                    return name;
                }
                let columns: Vec<String> = columns.into_iter().filter_map(|c| nodes::text((*c).sval)).collect();
                format!("{name} ({})", columns.join(", "))
            })
            .collect()
    };
    if all.is_empty() {
        "ALL".to_owned()
    } else {
        all.join(", ")
    }
}

/// The roles of this session: who grants something to one of them grants it to himself.
pub fn is_self(role: &str) -> bool {
    // SAFETY: globals of this process.
    let (session, current) = unsafe { (pg_sys::GetSessionUserId(), pg_sys::GetUserId()) };
    nodes::role_name(session) == role || nodes::role_name(current) == role
}

/// Adds what every grant says.
pub fn granted(draft: Draft, grantor: &str, grantee: &str, privilege: &str, admin_option: bool) -> Draft {
    let own = is_self(grantee);
    let draft = draft
        .with("grantor", text(grantor))
        .with("grantee", text(grantee))
        .with("privilege", text(privilege))
        .with("admin_option", Json::Bool(admin_option))
        .flag("self_grant", own)
        .flag("self_approved", own);
    if own || grantee == "public" {
        draft.severity("warning")
    } else {
        draft
    }
}

/// GRANT or REVOKE on objects: an event for each object and each role.
///
/// # Safety
/// A live statement.
pub unsafe fn grant(statement: *const pg_sys::GrantStmt) -> Vec<Draft> {
    // SAFETY: as the caller promises.
    unsafe {
        let s = &*statement;
        let (event_type, verb) = verb(s.is_grant);
        let kind = object_type(s.objtype);
        let grantor = nodes::role(s.grantor);
        let privilege = privileges(s.privileges);
        let in_schema = s.targtype == pg_sys::GrantTargetType::ACL_TARGET_ALL_IN_SCHEMA;
        let cascade = !s.is_grant && s.behavior == pg_sys::DropBehavior::DROP_CASCADE;
        let mut drafts = Vec::new();
        for node in nodes::items::<pg_sys::Node>(s.objects) {
            let name = object_name(node);
            for grantee in nodes::roles(s.grantees) {
                let draft = if in_schema {
                    Draft::new(event_type, "role", verb)
                        .on("schema", name.clone())
                        .with("all_objects", text(kind))
                } else {
                    Draft::new(event_type, "role", verb).on(kind, name.clone())
                };
                let draft = granted(draft, &grantor, &grantee, &privilege, s.grant_option);
                drafts.push(draft.flag("cascade", cascade));
            }
        }
        drafts
    }
}

fn verb(is_grant: bool) -> (&'static str, &'static str) {
    if is_grant {
        ("grant.privilege", "grant")
    } else {
        ("revoke.privilege", "revoke")
    }
}

/// ALTER DEFAULT PRIVILEGES: an event for each role that gets or loses rights.
///
/// # Safety
/// A live statement.
pub unsafe fn defaults(statement: *const pg_sys::AlterDefaultPrivilegesStmt) -> Vec<Draft> {
    // SAFETY: as the caller promises.
    unsafe {
        let action = &*(*statement).action;
        let (mut schemas, mut owners) = (Vec::new(), Vec::new());
        for option in nodes::items::<pg_sys::DefElem>((*statement).options) {
            match nodes::text((*option).defname).as_deref() {
                Some("schemas") => {
                    let names = nodes::items::<pg_sys::String>((*option).arg.cast());
                    schemas.extend(names.into_iter().filter_map(|name| nodes::text((*name).sval)));
                }
                Some("roles") => owners.extend(nodes::roles((*option).arg.cast())),
                _ => {}
            }
        }
        let list = |names: &[String]| Json::Array(names.iter().map(|name| text(name)).collect());
        let (_, verb) = verb(action.is_grant);
        let (kind, privilege) = (object_type(action.objtype), privileges(action.privileges));
        let grantor = nodes::role(std::ptr::null());
        nodes::roles(action.grantees)
            .iter()
            .map(|grantee| {
                let draft = Draft::new("default_privileges.alter", "role", verb)
                    .on(kind, "default privileges")
                    .with("of_roles", list(&owners))
                    .with("in_schemas", list(&schemas));
                granted(draft, &grantor, grantee, &privilege, action.grant_option)
            })
            .collect()
    }
}
