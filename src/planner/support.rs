//! The planner support function of `auditlog.matches(auditlog.events, text)` and of `@@@`.

use super::expression::Builder;
use super::row::Row;
use super::{functions, nodes};
use crate::api::query::{checked, zone_name};
use crate::api::words::narrows;
use crate::fmgr::Call;
use crate::store::row::text;
use auditlog_query::predicate::predicate;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_matches_support, pg_finfo_auditlog_matches_support, support);

/// Share of the events that a query whose text is not known while planning is expected to find.
const UNKNOWN_QUERY: f64 = 0.01;

fn support(call: &Call) -> Datum {
    let Some(request) = call.arg(0) else {
        return Datum::null();
    };
    let request: *mut pg_sys::Node = request.cast_mut_ptr();
    // SAFETY: PostgreSQL hands over a request node; its tag says which.
    unsafe {
        match (*request).type_ {
            pg_sys::NodeTag::T_SupportRequestSimplify => simplified(&*request.cast()).unwrap_or(Datum::null()),
            pg_sys::NodeTag::T_SupportRequestSelectivity => {
                let request: *mut pg_sys::SupportRequestSelectivity = request.cast();
                (*request).selectivity = UNKNOWN_QUERY;
                Datum::from(request)
            }
            _ => Datum::null(),
        }
    }
}

/// The conditions that mean the same; nothing when the query's text is not known yet or the row's
/// columns cannot be named: then the function itself judges each row.
unsafe fn simplified(request: &pg_sys::SupportRequestSimplify) -> Option<Datum> {
    // SAFETY: a call of a function with two arguments, declared as (auditlog.events, text).
    unsafe {
        let arguments = (*request.fcall).args;
        if arguments.is_null() || (*arguments).length != 2 {
            return None;
        }
        let row: *mut pg_sys::Node = pg_sys::list_nth(arguments, 0).cast();
        let query: *mut pg_sys::Const = pg_sys::list_nth(arguments, 1).cast();
        if (*query).xpr.type_ != pg_sys::NodeTag::T_Const || (*query).constisnull {
            return None;
        }
        let events = pg_sys::exprType(row);
        let functions = functions::beside((*request.fcall).funcid, events)?;
        let row = Row::of(row, events)?;
        let query = text((*query).constvalue);
        let builder = Builder {
            functions,
            row: &row,
            query: &query,
            zone: &zone_name(),
        };
        let checked = checked(&query);
        let condition = builder.build(&predicate(&checked))?;
        if narrows(&query, &checked) {
            return Some(Datum::from(nodes::joined(true, [builder.candidate()?, condition])));
        }
        Some(Datum::from(condition))
    }
}
