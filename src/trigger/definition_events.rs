//! Event triggers that record definitions of objects: `auditlog.capture = 'ddl'`.

use crate::api::own_event::text;
use crate::capture::document::{Actor, Draft, Outcome, Statement, write};
use crate::capture::{self, Kind, nodes, record, tags};
use crate::fmgr::Call;
use crate::hooks::utility;
use crate::store::spi::{self, Cell};
use auditlog_core::json::Json;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_capture_ddl, pg_finfo_auditlog_capture_ddl, ddl_end);
crate::sql_function!(auditlog_capture_drop, pg_finfo_auditlog_capture_drop, dropped);

/// What the statement has done. Privileges are left out: the catalogue does not say whose they are, the utility hook
/// does. So are temporary objects, of which nobody else hears, and what a script of an extension makes.
const COMMANDS: &str = "\
SELECT c.command_tag, c.object_type, c.object_identity, \
    CASE WHEN c.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN \
        (SELECT p.prosecdef FROM pg_catalog.pg_proc p WHERE p.oid = c.objid) END, \
    CASE WHEN c.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN \
        (SELECT NOT l.lanpltrusted FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
        WHERE p.oid = c.objid AND l.lanname <> 'sql') END, \
    c.objid \
FROM pg_catalog.pg_event_trigger_ddl_commands() c \
WHERE NOT c.in_extension AND c.schema_name IS DISTINCT FROM 'pg_temp' \
    AND c.command_tag NOT IN ('GRANT', 'REVOKE')";

/// What is gone: what was named, and what went with it and has a name of its own.
const DROPPED: &str = "\
SELECT object_type, object_identity, original FROM pg_catalog.pg_event_trigger_dropped_objects() \
WHERE (original OR normal AND object_type NOT IN ('default value', 'rule')) AND NOT is_temporary";

fn is_grant(tag: pg_sys::CommandTag::Type) -> bool {
    use pg_sys::CommandTag::{CMDTAG_ALTER_DEFAULT_PRIVILEGES, CMDTAG_GRANT, CMDTAG_REVOKE};
    matches!(tag, CMDTAG_GRANT | CMDTAG_REVOKE | CMDTAG_ALTER_DEFAULT_PRIVILEGES)
}

fn is_set(cell: &Cell) -> bool {
    cell.int() == Some(1)
}

fn off() -> bool {
    !capture::is_on(Kind::Ddl) || !record::may_record()
}

/// Records drafts about the running statement.
fn record_all(drafts: Vec<Draft>) {
    if drafts.is_empty() {
        return;
    }
    let actor = Actor::current();
    let statement = utility::statement().unwrap_or_else(|| {
        // SAFETY: PostgreSQL's text of the client's statement, or null.
        Statement::new(&unsafe { nodes::text(pg_sys::debug_query_string) }.unwrap_or_default())
    });
    for draft in drafts {
        record::here(write(draft, &actor, Some(&statement), &Outcome::default()));
    }
}

fn ddl_end(call: &Call) -> Datum {
    let trigger = call.event_trigger();
    if is_grant(trigger.tag) || off() {
        return call.null();
    }
    let mut drafts = Vec::new();
    for row in spi::run(COMMANDS, &[]) {
        let part = |i: usize| row[i].text().unwrap_or_default();
        let (tag, kind, name) = (part(0), part(1), part(2));
        let make =
            |event_type| Draft::new(event_type, "ddl", tag.to_ascii_lowercase()).on(kind.as_str(), name.as_str());
        let (definer, untrusted) = (is_set(&row[3]), is_set(&row[4]));
        // SAFETY: PostgreSQL passes the statement's parse tree.
        for (event_type, detail) in unsafe { types(trigger.parsetree, &tag, row[5].int()) } {
            let mut draft = make(event_type)
                .flag("security_definer", definer)
                .flag("untrusted_language", untrusted);
            draft.metadata.extend(detail.map(|owner| ("new_owner", text(&owner))));
            drafts.push(draft);
        }
        // Code that runs with others' rights, or beyond the database's: events of their own, since they are looked for.
        if definer {
            drafts.push(make("function.security_definer"));
        }
        if untrusted {
            drafts.push(make("function.untrusted"));
        }
    }
    record_all(drafts);
    call.null()
}

/// The event types of what a statement did to one object, with the new owner where there is one.
unsafe fn types(tree: *mut pg_sys::Node, tag: &str, object: Option<i64>) -> Vec<(&'static str, Option<String>)> {
    use pg_sys::NodeTag as T;
    let Some(usual) = tags::event_type(tag) else {
        return Vec::new();
    };
    // SAFETY: the tag says what the node is.
    unsafe {
        match nodes::tag(tree) {
            T::T_AlterOwnerStmt => {
                let owner = nodes::role((*tree.cast::<pg_sys::AlterOwnerStmt>()).newowner);
                vec![("owner.change", Some(owner))]
            }
            T::T_CreateFunctionStmt if usual == "function.create" && is_replaced(object) => {
                vec![("function.replace", None)]
            }
            T::T_AlterTableStmt if tag.starts_with("ALTER") => of_table(tree.cast(), usual),
            T::T_AlterEventTrigStmt => {
                let enabled = (*tree.cast::<pg_sys::AlterEventTrigStmt>()).tgenabled;
                let disabled = enabled as u8 == b'D';
                vec![(if disabled { "trigger.disable" } else { usual }, None)]
            }
            _ => vec![(usual, None)],
        }
    }
}

/// ALTER TABLE does many things at once: an event for each kind.
unsafe fn of_table(
    statement: *const pg_sys::AlterTableStmt,
    usual: &'static str,
) -> Vec<(&'static str, Option<String>)> {
    use pg_sys::AlterTableType as A;
    let mut types: Vec<(&'static str, Option<String>)> = Vec::new();
    // SAFETY: a live statement; the list holds AlterTableCmd nodes.
    unsafe {
        for command in nodes::items::<pg_sys::AlterTableCmd>((*statement).cmds) {
            let found = match (*command).subtype {
                A::AT_ChangeOwner => ("owner.change", Some(nodes::role((*command).newowner))),
                A::AT_DisableTrig | A::AT_DisableTrigAll | A::AT_DisableTrigUser | A::AT_DisableRule => {
                    ("trigger.disable", None)
                }
                A::AT_EnableRowSecurity
                | A::AT_DisableRowSecurity
                | A::AT_ForceRowSecurity
                | A::AT_NoForceRowSecurity => ("policy.modify", None),
                _ => (usual, None),
            };
            if !types.contains(&found) {
                types.push(found);
            }
        }
    }
    types
}

/// Has CREATE OR REPLACE found a function to replace? Then its row is the newer version of another one.
fn is_replaced(function: Option<i64>) -> bool {
    const HEAP_UPDATED: u16 = 0x2000;
    let Some(function) = function else { return false };
    // SAFETY: a catalogue look-up inside a transaction.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::PROCOID as i32;
        let tuple = pg_sys::SearchSysCache1(cache, Datum::from(function as u32));
        if tuple.is_null() {
            return false;
        }
        let updated = (*(*tuple).t_data).t_infomask & HEAP_UPDATED != 0;
        pg_sys::ReleaseSysCache(tuple);
        updated
    }
}

fn dropped(call: &Call) -> Datum {
    let trigger = call.event_trigger();
    if off() {
        return call.null();
    }
    // SAFETY: a constant of PostgreSQL's.
    let tag = unsafe { nodes::text(pg_sys::GetCommandTagName(trigger.tag)) }.unwrap_or_default();
    let mut drafts = Vec::new();
    for row in spi::run(DROPPED, &[]) {
        let part = |i: usize| row[i].text().unwrap_or_default();
        let (kind, name) = (part(0), part(1));
        let event_type = match kind.as_str() {
            "extension" => "extension.drop",
            "policy" => "policy.drop",
            _ => "ddl.drop",
        };
        let draft = Draft::new(event_type, "ddl", tag.to_ascii_lowercase()).on(kind, name);
        let cascade = !is_set(&row[2]);
        drafts.push(if cascade {
            draft.with("cascade", Json::Bool(true))
        } else {
            draft
        });
    }
    record_all(drafts);
    call.null()
}
