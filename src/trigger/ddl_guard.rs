//! Event triggers: refuse DDL that would change, weaken or remove the log. What they can't see
//! (ALTER EVENT TRIGGER, direct catalogue writes) is in docs/guarantees.md and shown by `health()`.

use super::log_row::restoring;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::catalog::as_owner;
use crate::store::spi::{self, Cell};
use crate::store::{catalog, head};
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::ffi::CStr;

crate::sql_function!(auditlog_guard_ddl, pg_finfo_auditlog_guard_ddl, ddl_end);
crate::sql_function!(auditlog_guard_drop, pg_finfo_auditlog_guard_drop, dropped);
crate::sql_function!(auditlog_guard_extension, pg_finfo_auditlog_guard_extension, ddl_start);

/// Harmless for the log's content and protection.
const ALLOWED: [&str; 9] = [
    "COMMENT",
    "GRANT",
    "REVOKE",
    "CREATE INDEX",
    "REINDEX",
    "CREATE STATISTICS",
    "ALTER STATISTICS",
    "SECURITY LABEL",
    "CREATE EXTENSION",
];

/// What a dump needs to lay the partitions out again.
const RESTORE: [&str; 5] = [
    "CREATE TABLE",
    "ALTER INDEX",
    "CREATE TRIGGER",
    "CREATE POLICY",
    "ALTER TABLE",
];

const COMMANDS: &str = "\
SELECT c.command_tag, c.object_type, c.schema_name, c.object_identity, \
    EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e \
        ON e.oid = d.refobjid AND e.extname = 'pg_auditlog' \
        WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e' \
        AND d.classid = c.classid AND d.objid = c.objid) \
    OR EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_auditlog' \
        AND c.classid = 'pg_catalog.pg_namespace'::regclass AND e.extnamespace = c.objid) \
    OR EXISTS (SELECT FROM pg_catalog.pg_inherits i \
        WHERE c.classid = 'pg_catalog.pg_class'::regclass AND i.inhrelid = c.objid \
        AND EXISTS (SELECT FROM (SELECT relid FROM pg_catalog.pg_partition_ancestors(i.inhparent) \
            UNION ALL SELECT i.inhparent) a \
            JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = a.relid \
            AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e' \
            JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_auditlog')), \
    EXISTS (SELECT FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class t ON t.oid = x.indrelid \
        WHERE c.classid = 'pg_catalog.pg_class'::regclass AND x.indexrelid = c.objid \
        AND (x.indisunique OR NOT t.relispartition)), \
    CASE WHEN c.object_type IN ('trigger', 'rule', 'policy') \
        THEN (pg_catalog.pg_identify_object_as_address(c.classid, c.objid, c.objsubid)).object_names[1] END, \
    EXISTS (SELECT FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace \
        WHERE c.classid = 'pg_catalog.pg_extension'::regclass AND e.oid = c.objid \
        AND e.extname <> 'pg_auditlog' AND n.nspname IN ('auditlog', 'auditlog_data')) \
FROM pg_catalog.pg_event_trigger_ddl_commands() c WHERE NOT c.in_extension";

fn trusted() -> bool {
    // SAFETY: globals of this process: an extension's script runs, or pg_upgrade lays the catalogue out.
    crate::worker::is_sealer()
        || crate::worker::is_keeper()
        || unsafe { pg_sys::creating_extension || pg_sys::IsBinaryUpgrade }
}

/// Is an object ours by its names? What hangs on a table (a trigger, a rule, a policy) lies in no
/// schema itself: `table_schema` is that of its table.
fn ours(schema: Option<&str>, kind: &str, identity: &str, table_schema: Option<&str>) -> bool {
    let of_ours = |schema| matches!(schema, Some("auditlog" | "auditlog_data"));
    of_ours(schema)
        || of_ours(table_schema)
        || (matches!(kind, "schema") && matches!(identity, "auditlog" | "auditlog_data"))
        || (kind == "extension" && identity == "pg_auditlog")
        || (kind == "event trigger" && identity.starts_with("auditlog_"))
}

fn refuse(what: &str, identity: &str) -> ! {
    Fault::refused(format!("{what} on the audit log is refused"))
        .detail(format!("{identity} belongs to pg_auditlog."))
        .hint("Change pg_auditlog by its functions and settings, or by ALTER EXTENSION pg_auditlog UPDATE.")
        .raise()
}

fn ddl_end(call: &Call) -> Datum {
    let trigger = call.event_trigger();
    if trusted() {
        return call.null();
    }
    // Asked by object, because the name may just have been changed; from the catalogues only, because
    // this runs for every role's DDL, and most may not look into our schema.
    let commands = spi::run(COMMANDS, &[]);
    for command in &commands {
        let text = |i: usize| command[i].text().unwrap_or_default();
        let (tag, kind, identity) = (text(0), text(1), text(3));
        let member = matches!(command[4], Cell::Int(1));
        // DROP EXTENSION of a stranger among us would be refused for ever.
        if matches!(command[7], Cell::Int(1)) {
            refuse(
                &format!("{tag} into the schema"),
                &format!("the schema of extension {identity}"),
            );
        }
        let (schema, table_schema) = (command[2].text(), command[6].text());
        if !member && !ours(schema.as_deref(), &kind, &identity, table_schema.as_deref()) {
            continue;
        }
        // Inbox tables have no index, because nothing would maintain it; a unique one on the log
        // could stop the sealer.
        let harmful = tag == "CREATE INDEX" && matches!(command[5], Cell::Int(1)) && !restoring();
        if !harmful && ALLOWED.contains(&tag.as_str()) || updates_extension(trigger) {
            continue;
        }
        if RESTORE.contains(&tag.as_str()) && lays_out_partition(trigger) && restoring() {
            continue;
        }
        refuse(&tag, &identity);
    }
    super::tracking::after_ddl(trigger);
    call.null()
}

/// What the command is called, such as ALTER TABLE.
pub fn command_tag(trigger: &pg_sys::EventTriggerData) -> String {
    // SAFETY: a constant string for each tag.
    unsafe { CStr::from_ptr(pg_sys::GetCommandTagName(trigger.tag)) }
        .to_string_lossy()
        .into_owned()
}

fn node_tag(trigger: &pg_sys::EventTriggerData) -> pg_sys::NodeTag {
    // SAFETY: PostgreSQL passes the statement's parse tree.
    unsafe {
        if trigger.parsetree.is_null() {
            pg_sys::NodeTag::T_Invalid
        } else {
            (*trigger.parsetree).type_
        }
    }
}

fn updates_extension(trigger: &pg_sys::EventTriggerData) -> bool {
    node_tag(trigger) == pg_sys::NodeTag::T_AlterExtensionStmt
}

/// ALTER TABLE is allowed in a restore for what pg_dump writes for a partition, nothing else.
fn lays_out_partition(trigger: &pg_sys::EventTriggerData) -> bool {
    use pg_sys::AlterTableType as A;
    match node_tag(trigger) {
        pg_sys::NodeTag::T_IndexStmt | pg_sys::NodeTag::T_CreateTrigStmt | pg_sys::NodeTag::T_CreatePolicyStmt => {
            return true;
        }
        pg_sys::NodeTag::T_CreateStmt => {
            let statement: *const pg_sys::CreateStmt = trigger.parsetree.cast();
            // SAFETY: the tag says what the node is. A child by inheritance is no partition.
            return unsafe { (*statement).inhRelations.is_null() || !(*statement).partbound.is_null() };
        }
        pg_sys::NodeTag::T_AlterTableStmt => {}
        _ => return false,
    }
    // SAFETY: the tag says what the node is; the list holds AlterTableCmd nodes.
    unsafe {
        let statement: *const pg_sys::AlterTableStmt = trigger.parsetree.cast();
        let commands = (*statement).cmds;
        let n = if commands.is_null() { 0 } else { (*commands).length };
        (0..n).all(|i| {
            let command: *const pg_sys::AlterTableCmd = pg_sys::list_nth(commands, i).cast();
            matches!(
                (*command).subtype,
                A::AT_AttachPartition
                    | A::AT_ChangeOwner
                    | A::AT_EnableAlwaysTrig
                    | A::AT_EnableRowSecurity
                    | A::AT_ForceRowSecurity
                    | A::AT_SetStatistics
                    | A::AT_SetRelOptions
                    | A::AT_SetStorage
                    | A::AT_ClusterOn
            )
        })
    }
}

fn dropped(call: &Call) -> Datum {
    call.event_trigger();
    if trusted() {
        return call.null();
    }
    let objects = spi::run(
        "SELECT object_type, schema_name, object_identity, \
            CASE WHEN object_type IN ('trigger', 'rule', 'policy') THEN address_names[1] END \
        FROM pg_catalog.pg_event_trigger_dropped_objects()",
        &[],
    );
    for object in &objects {
        let kind = object[0].text().unwrap_or_default();
        let identity = object[2].text().unwrap_or_default();
        let (schema, table_schema) = (object[1].text(), object[3].text());
        if ours(schema.as_deref(), &kind, &identity, table_schema.as_deref()) {
            refuse("DROP", &format!("{kind} {identity}"));
        }
    }
    super::tracking::after_drop();
    call.null()
}

/// DROP EXTENSION without CASCADE is refused while the log holds events.
fn ddl_start(call: &Call) -> Datum {
    let trigger = call.event_trigger();
    match node_tag(trigger) {
        pg_sys::NodeTag::T_DropStmt if drops_our_schema(trigger) => {
            refuse("DROP SCHEMA", "schema auditlog or auditlog_data")
        }
        pg_sys::NodeTag::T_DropOwnedStmt if names_our_owner(trigger) => refuse("DROP OWNED", "role auditlog_owner"),
        _ => {}
    }
    if node_tag(trigger) == pg_sys::NodeTag::T_DropStmt && drops_us(trigger) && catalog::find().is_some() {
        let sealed = head::visible().map_or(0, |h| h.size);
        let waiting = as_owner(|| spi::read("SELECT EXISTS (SELECT FROM auditlog_data.inbox)", &[]));
        let waiting = matches!(waiting.first().and_then(|r| r.first()), Some(Cell::Int(1)));
        if sealed > 0 || waiting {
            Fault::new(
                pgrx::PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                "extension pg_auditlog holds audit events",
            )
            .detail(format!("{sealed} sealed events would be lost."))
            .hint("Export them first; DROP EXTENSION pg_auditlog CASCADE drops them with it.")
            .raise();
        }
    }
    call.null()
}

fn drops_our_schema(trigger: &pg_sys::EventTriggerData) -> bool {
    let names = dropped_names(trigger, pg_sys::ObjectType::OBJECT_SCHEMA);
    names.iter().any(|n| matches!(n.as_str(), "auditlog" | "auditlog_data"))
}

/// Without CASCADE only: with it, the events go knowingly.
fn drops_us(trigger: &pg_sys::EventTriggerData) -> bool {
    // SAFETY: called for a DropStmt.
    let behavior = unsafe { (*trigger.parsetree.cast::<pg_sys::DropStmt>()).behavior };
    behavior != pg_sys::DropBehavior::DROP_CASCADE
        && dropped_names(trigger, pg_sys::ObjectType::OBJECT_EXTENSION)
            .iter()
            .any(|n| n == "pg_auditlog")
}

/// The names in a DROP of this kind of object; schemas and extensions are plain String nodes.
fn dropped_names(trigger: &pg_sys::EventTriggerData, kind: pg_sys::ObjectType::Type) -> Vec<String> {
    // SAFETY: called for a DropStmt.
    unsafe {
        let statement: *const pg_sys::DropStmt = trigger.parsetree.cast();
        if (*statement).removeType != kind || (*statement).objects.is_null() {
            return Vec::new();
        }
        (0..(*(*statement).objects).length)
            .map(|i| {
                let name: *const pg_sys::String = pg_sys::list_nth((*statement).objects, i).cast();
                CStr::from_ptr((*name).sval).to_string_lossy().into_owned()
            })
            .collect()
    }
}

/// Does DROP OWNED name our owner role? (REASSIGN OWNED fires no event trigger; `health()` shows it.)
fn names_our_owner(trigger: &pg_sys::EventTriggerData) -> bool {
    // SAFETY: called for this statement only; roles are RoleSpec nodes.
    unsafe {
        let roles = (*trigger.parsetree.cast::<pg_sys::DropOwnedStmt>()).roles;
        let n = if roles.is_null() { 0 } else { (*roles).length };
        (0..n).any(|i| {
            let role: *const pg_sys::RoleSpec = pg_sys::list_nth(roles, i).cast();
            !(*role).rolename.is_null() && CStr::from_ptr((*role).rolename).to_bytes() == b"auditlog_owner"
        })
    }
}
