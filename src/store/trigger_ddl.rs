//! Makes and drops the triggers of tracked tables, as CREATE TRIGGER does and with the rights of whoever
//! asks for it. The function is named by its number: its schema is closed to everybody.

use super::tracked;
use crate::compat;
use crate::error::Fault;
use pgrx::pg_sys;
use pgrx::pg_sys::{Node, Oid};
use pgrx::prelude::PgTryBuilder;
use std::ffi::{CStr, CString};
use std::panic::AssertUnwindSafe;

const ROW: i16 = 1;
const BEFORE: i16 = 2;
const INSERT: i16 = 4;
const DELETE: i16 = 8;
const UPDATE: i16 = 16;
const TRUNCATE: i16 = 32;

/// Triggers fire in the order of their names: ours come first, so that the log has the order in which
/// things happened, also where another trigger changes rows again.
const NAMES: [(&CStr, i16); 3] = [
    (c"00_auditlog_insert", INSERT),
    (c"00_auditlog_update", UPDATE),
    (c"00_auditlog_delete", DELETE),
];
const TRUNCATE_NAME: &CStr = c"00_auditlog_truncate";

/// Schema and name of a relation, quoted where they must be; its number when it is gone.
pub fn qualified_name(relation: Oid) -> String {
    // SAFETY: catalogue look-ups inside a transaction; the strings are NUL-terminated.
    unsafe {
        let name = pg_sys::get_rel_name(relation);
        let schema = pg_sys::get_namespace_name(pg_sys::get_rel_namespace(relation));
        if name.is_null() || schema.is_null() {
            return relation.to_u32().to_string();
        }
        CStr::from_ptr(pg_sys::quote_qualified_identifier(schema, name))
            .to_string_lossy()
            .into_owned()
    }
}

/// Makes the triggers of a table and of its partitions.
pub fn create(relation: Oid, condition: Option<&Condition>) {
    let function = tracked::function();
    for (name, event) in NAMES {
        let when = condition.map_or(std::ptr::null_mut(), |c| c.when(event));
        make(relation, function, name, ROW, 0, event, when);
    }
    create_truncate(relation, function);
    for partition in tracked::partitions(relation) {
        create_truncate(partition, function);
    }
}

/// Makes the trigger that PostgreSQL hands to no partition, with the rights of the partition's owner.
pub fn complete_partition(partition: Oid) {
    let function = tracked::function();
    let _owner = super::spi::SetOwner::new(owner(partition));
    create_truncate(partition, function);
}

fn owner(relation: Oid) -> Oid {
    // SAFETY: an existing relation, locked for the moment.
    unsafe {
        let open = pg_sys::relation_open(relation, pg_sys::AccessShareLock as i32);
        let owner = (*(*open).rd_rel).relowner;
        pg_sys::relation_close(open, pg_sys::NoLock as i32);
        owner
    }
}

fn create_truncate(relation: Oid, function: Oid) {
    make(
        relation,
        function,
        TRUNCATE_NAME,
        0,
        BEFORE,
        TRUNCATE,
        std::ptr::null_mut(),
    );
}

fn make(relation: Oid, function: Oid, name: &CStr, row: i16, timing: i16, event: i16, when: *mut Node) {
    // SAFETY: a statement node as the parser would make it; PostgreSQL checks the rights.
    unsafe {
        let statement: *mut pg_sys::CreateTrigStmt = pg_sys::palloc0(size_of::<pg_sys::CreateTrigStmt>()).cast();
        (*statement).type_ = pg_sys::NodeTag::T_CreateTrigStmt;
        (*statement).trigname = pg_sys::pstrdup(name.as_ptr());
        (*statement).row = row == ROW;
        (*statement).timing = timing;
        (*statement).events = event;
        (*statement).whenClause = when;
        pg_sys::CreateTriggerFiringOn(
            statement,
            std::ptr::null(),
            relation,
            Oid::INVALID,
            Oid::INVALID,
            Oid::INVALID,
            function,
            Oid::INVALID,
            std::ptr::null_mut(),
            false,
            false,
            b'A' as _, // ENABLE ALWAYS
        );
        pg_sys::CommandCounterIncrement();
    }
}

/// Drops our triggers of a table and of its partitions.
pub fn drop(relation: Oid) {
    drop_triggers(&tracked::triggers(relation));
}

/// Drops triggers, with the copies that partitions have of them.
pub fn drop_triggers(triggers: &[Oid]) {
    for trigger in triggers {
        let address = pg_sys::ObjectAddress {
            classId: pg_sys::TriggerRelationId,
            objectId: *trigger,
            objectSubId: 0,
        };
        // SAFETY: an existing trigger; nothing depends on it but its copies.
        unsafe {
            pg_sys::performDeletion(&address, pg_sys::DropBehavior::DROP_RESTRICT, 0);
            pg_sys::CommandCounterIncrement();
        }
    }
}

/// A condition on rows, as SQL text that was found to be one expression.
pub struct Condition {
    text: CString,
    /// Whether it names OLD, NEW, or columns of the row without saying which.
    names: Names,
}

#[derive(Default, Clone, Copy)]
struct Names {
    old: bool,
    new: bool,
    bare: bool,
    /// What columns without OLD or NEW get in front; none: they are only looked for.
    image: Option<&'static CStr>,
}

impl Condition {
    /// Takes the text of an expression.
    pub fn new(text: &str) -> Condition {
        // The line break ends a comment.
        let sql = CString::new(format!("SELECT WHERE ({text}\n)")).unwrap_or_default();
        let mut condition = Condition {
            text: sql,
            names: Names::default(),
        };
        let mut names = Names::default();
        // SAFETY: walks the tree that was just parsed.
        unsafe { walk(condition.parse(), (&raw mut names).cast()) };
        condition.names = names;
        condition
    }

    /// The expression's tree, made anew, before any name is looked up.
    fn parse(&self) -> *mut Node {
        let refuse = |detail: String| -> ! {
            Fault::new(pgrx::PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, "only_if must be one SQL expression")
                .detail(detail)
                .hint("Give a condition as in a trigger's WHEN, such as amount > 1000, or OLD.status IS DISTINCT FROM NEW.status.")
                .raise()
        };
        // An error's position would be that in our text, not in the caller's.
        let list = PgTryBuilder::new(AssertUnwindSafe(|| {
            // SAFETY: a NUL-terminated text; the parser looks nothing up.
            unsafe { pg_sys::raw_parser(self.text.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT) }
        }))
        .catch_others(|error| {
            use pgrx::pg_sys::panic::CaughtError as E;
            let why = match &error {
                E::PostgresError(report) | E::ErrorReport(report) => report.message().to_owned(),
                E::RustPanic { ereport, .. } => ereport.message().to_owned(),
            };
            refuse(format!("The parser says: {why}."))
        })
        .execute();
        // SAFETY: a list of RawStmt; tags say what the nodes are.
        unsafe {
            let one = (!list.is_null() && (*list).length == 1).then(|| {
                let raw: *mut pg_sys::RawStmt = pg_sys::list_nth(list, 0).cast();
                (*raw).stmt
            });
            match one {
                Some(node) if (*node).type_ == pg_sys::NodeTag::T_SelectStmt => {
                    let select: *mut pg_sys::SelectStmt = node.cast();
                    let nothing_else = (*select).op == pg_sys::SetOperation::SETOP_NONE
                        && (*select).fromClause.is_null()
                        && (*select).groupClause.is_null()
                        && (*select).havingClause.is_null()
                        && (*select).windowClause.is_null()
                        && (*select).sortClause.is_null()
                        && (*select).limitCount.is_null()
                        && (*select).limitOffset.is_null()
                        && (*select).lockingClause.is_null();
                    if !(*select).whereClause.is_null() && nothing_else {
                        return (*select).whereClause;
                    }
                }
                _ => {}
            }
        }
        refuse("It goes on after an expression's end.".to_owned())
    }

    /// The condition of the trigger for one kind of change; null where it can't be asked: everything is
    /// recorded there. Columns without OLD or NEW are those of the row, for UPDATE those before or after it.
    fn when(&self, event: i16) -> *mut Node {
        match event {
            INSERT if self.names.old => std::ptr::null_mut(),
            DELETE if self.names.new => std::ptr::null_mut(),
            INSERT => self.with_image(c"new"),
            DELETE => self.with_image(c"old"),
            _ if self.names.bare => {
                let (new, old) = (self.with_image(c"new"), self.with_image(c"old"));
                // SAFETY: makes nodes of two trees.
                unsafe {
                    let both = pg_sys::lappend(pg_sys::lappend(std::ptr::null_mut(), new.cast()), old.cast());
                    pg_sys::makeBoolExpr(pg_sys::BoolExprType::OR_EXPR, both, -1).cast()
                }
            }
            _ => self.parse(),
        }
    }

    fn with_image(&self, image: &'static CStr) -> *mut Node {
        let tree = self.parse();
        let mut names = Names {
            image: Some(image),
            ..Names::default()
        };
        // SAFETY: walks the tree that was just parsed.
        unsafe { walk(tree, (&raw mut names).cast()) };
        tree
    }
}

/// Looks for names of columns, and puts OLD or NEW in front of those that lack it.
unsafe extern "C-unwind" fn walk(node: *mut Node, context: *mut std::ffi::c_void) -> bool {
    // SAFETY: PostgreSQL's walker hands over nodes of the tree, and the context that it was given.
    unsafe {
        if node.is_null() {
            return false;
        }
        if (*node).type_ != pg_sys::NodeTag::T_ColumnRef {
            return compat::walk_raw_expression(node, walk, context);
        }
        let names = &mut *context.cast::<Names>();
        let fields = (*node.cast::<pg_sys::ColumnRef>()).fields;
        let first: *mut pg_sys::String = pg_sys::list_nth(fields, 0).cast();
        if (*first).type_ != pg_sys::NodeTag::T_String {
            return false;
        }
        match CStr::from_ptr((*first).sval).to_bytes() {
            b"old" => names.old = true,
            b"new" => names.new = true,
            _ => {
                names.bare = true;
                if let Some(image) = names.image {
                    let qualifier = pg_sys::makeString(pg_sys::pstrdup(image.as_ptr()));
                    (*node.cast::<pg_sys::ColumnRef>()).fields = pg_sys::lcons(qualifier.cast(), fields);
                }
            }
        }
        false
    }
}
