//! The row on the left of `@@@`, as the expressions of its columns.

use super::nodes::{Node, copy};
use crate::compat::attribute;
use crate::store::view;
use pgrx::pg_sys;
use pgrx::pg_sys::Oid;
use std::rc::Rc;

/// A row whose columns can be named.
pub struct Row {
    whole: Node,
    kind: Kind,
    desc: pg_sys::TupleDesc,
    numbers: Rc<view::Numbers>,
}

enum Kind {
    /// A whole-row variable.
    Variable(*mut pg_sys::Var),
    /// `ROW(…)` of the view's type: what a whole row becomes when a view around ours is expanded.
    Built(*mut pg_sys::RowExpr),
}

impl Row {
    /// The row, when its columns can be named without evaluating it more than once.
    ///
    /// # Safety
    /// `whole` is an expression of the type `events`.
    pub unsafe fn of(whole: Node, events: Oid) -> Option<Row> {
        // SAFETY: the tags say what the nodes are.
        unsafe {
            let kind = match (*whole).type_ {
                pg_sys::NodeTag::T_Var => {
                    let var: *mut pg_sys::Var = whole.cast();
                    ((*var).varattno == 0 && (*var).vartype == events).then_some(Kind::Variable(var))?
                }
                pg_sys::NodeTag::T_RowExpr => {
                    let row: *mut pg_sys::RowExpr = whole.cast();
                    let fits = (*row).row_typeid == events && !pg_sys::contain_volatile_functions(whole);
                    fits.then_some(Kind::Built(row))?
                }
                _ => return None,
            };
            // The type's cache keeps it for as long as the view is not changed, and nobody may change it.
            let desc = pg_sys::lookup_rowtype_tupdesc_copy(events, -1);
            let numbers = view::numbers(desc);
            Some(Row {
                whole,
                kind,
                desc,
                numbers,
            })
        }
    }

    /// A new expression of the whole row.
    pub fn whole(&self) -> Node {
        copy(self.whole)
    }

    /// A new expression of a column, and its type and collation.
    pub fn column(&self, name: &str) -> Option<(Node, Oid, Oid)> {
        let at = *self.numbers.by_name.get(name)?;
        // SAFETY: the descriptor is that of the row's type; lists hold as many items as it has columns,
        // which is checked.
        unsafe {
            let attr = attribute(self.desc, at);
            let (kind, collation) = (attr.atttypid, attr.attcollation);
            let node = match self.kind {
                Kind::Variable(var) => {
                    // A copy keeps what newer versions note about outer joins.
                    let column: *mut pg_sys::Var = copy(var.cast()).cast();
                    (*column).varattno = at as i16 + 1;
                    (*column).varattnosyn = if (*column).varnosyn == 0 { 0 } else { at as i16 + 1 };
                    (*column).vartype = kind;
                    (*column).vartypmod = attr.atttypmod;
                    (*column).varcollid = collation;
                    column.cast()
                }
                Kind::Built(row) => {
                    let args = (*row).args;
                    if args.is_null() || at >= (*args).length as usize {
                        return None;
                    }
                    copy(pg_sys::list_nth(args, at as i32).cast())
                }
            };
            Some((node, kind, collation))
        }
    }

    /// Is it a row of a foreign table: of another database's log?
    ///
    /// # Safety
    /// `root` is what the planner gave along with the row, or null.
    pub unsafe fn is_foreign(&self, root: *mut pg_sys::PlannerInfo) -> bool {
        let Some((place, ..)) = self.column("log_index") else {
            return false;
        };
        // SAFETY: variables of this level name entries of the query's range table, counted from 1.
        unsafe {
            if root.is_null() || (*place).type_ != pg_sys::NodeTag::T_Var {
                return false;
            }
            let var: *mut pg_sys::Var = place.cast();
            let tables = (*(*root).parse).rtable;
            let number = (*var).varno;
            if (*var).varlevelsup != 0 || tables.is_null() || number < 1 || number > (*tables).length {
                return false;
            }
            let table: *mut pg_sys::RangeTblEntry = pg_sys::list_nth(tables, number - 1).cast();
            (*table).rtekind == pg_sys::RTEKind::RTE_RELATION && (*table).relkind as u8 == pg_sys::RELKIND_FOREIGN_TABLE
        }
    }
}
