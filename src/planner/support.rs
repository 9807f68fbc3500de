//! The planner support function of `auditlog.matches(auditlog.events, text)` and of `@@@`.

use super::expression::Builder;
use super::row::Row;
use super::{functions, nodes};
use crate::api::candidates;
use crate::api::query::{checked, zone_name};
use crate::fmgr::Call;
use crate::guc;
use crate::store::row::text;
use auditlog_query::predicate::{Op, Operand, Predicate, Value, predicate};
use auditlog_query::wanted::{in_text, wanted};
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_matches_support, pg_finfo_auditlog_matches_support, support);
crate::sql_function!(auditlog_word_support, pg_finfo_auditlog_word_support, word_support);
crate::sql_function!(auditlog_word_filter, pg_finfo_auditlog_word_filter, word_filter);

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
    // SAFETY: a call of a function with two arguments, declared as (auditlog.events, text); the planner's own root.
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
        // What another database's index knows is not known here. There the filter costs nothing where it doesn't help.
        let is_narrowed = if row.is_foreign(request.root) {
            guc::WORD_INDEX.get() && wanted(&checked).is_some()
        } else {
            candidates::narrows(&checked)
        };
        if is_narrowed {
            return Some(Datum::from(nodes::joined(true, [builder.has_words()?, condition])));
        }
        Some(Datum::from(condition))
    }
}

/// `word_filter(log_index, query)` is always true: the query's own conditions judge the row. It exists
/// for the planner, which may take the word index's candidates in its place. As a condition
/// `log_index = ANY (candidates)` would be searched for every row wherever another index is used.
fn word_filter(_call: &Call) -> Datum {
    true.into()
}

/// Cost of a candidate's way through an index, in units of a page that is read in order. The planner
/// takes an array that it does not see for ten items; so the function that makes it costs what its
/// items will.
const CANDIDATE_COST: f64 = 1.0;

/// What the planner may know: of `word_candidates` what it costs, of `word_filter` how many events are
/// candidates, and the condition that an index on `log_index` serves.
fn word_support(call: &Call) -> Datum {
    let Some(request) = call.arg(0) else {
        return Datum::null();
    };
    let request: *mut pg_sys::Node = request.cast_mut_ptr();
    // SAFETY: PostgreSQL hands over a request node; its tag says which.
    unsafe {
        match (*request).type_ {
            pg_sys::NodeTag::T_SupportRequestIndexCondition => {
                index_condition(&*request.cast()).unwrap_or(Datum::null())
            }
            pg_sys::NodeTag::T_SupportRequestCost => {
                let request: *mut pg_sys::SupportRequestCost = request.cast();
                let call: *mut pg_sys::FuncExpr = (*request).node.cast();
                if call.is_null() || (*call).xpr.type_ != pg_sys::NodeTag::T_FuncExpr {
                    return Datum::null();
                }
                match constant_text((*call).args, 0).and_then(|query| candidates::estimate(&checked(&query))) {
                    Some(found) => (*request).per_tuple = found.number * CANDIDATE_COST,
                    None => return Datum::null(),
                }
                Datum::from(request)
            }
            pg_sys::NodeTag::T_SupportRequestSelectivity => {
                let request: *mut pg_sys::SupportRequestSelectivity = request.cast();
                match constant_text((*request).args, 1).and_then(|query| share(&query)) {
                    Some(share) => (*request).selectivity = share,
                    None => return Datum::null(),
                }
                Datum::from(request)
            }
            _ => Datum::null(),
        }
    }
}

/// The share of the events that are candidates, for an estimate that is multiplied by those of the
/// query's other conditions: what they take away is not to be taken twice. Of these PostgreSQL has
/// statistics, of folded texts because of auditlog_data.partition_statistics().
fn share(query: &str) -> Option<f64> {
    let checked = checked(query);
    let all = candidates::estimate(&checked)?.share();
    let conditions = match predicate(&checked) {
        Predicate::And(items) => items,
        one => vec![one],
    };
    let known = |value: &Value| {
        let text = match value {
            Value::Text(text) => text,
            Value::Severity(severity) => severity.label(),
            _ => return 1.0,
        };
        in_text(text).map_or(1.0, |wanted| candidates::share_of(&wanted))
    };
    let has_statistics = |operand: &Operand| matches!(operand, Operand::Folded(_) | Operand::Column("severity"));
    let estimated = conditions.iter().map(|condition| match condition {
        Predicate::Compare(operand, Op::Equal, value) if has_statistics(operand) => known(value),
        Predicate::In(operand, values) if has_statistics(operand) => values.iter().map(known).sum::<f64>().min(1.0),
        _ => 1.0,
    });
    Some((all / estimated.product::<f64>()).min(1.0))
}

unsafe fn constant_text(list: *mut pg_sys::List, at: i32) -> Option<String> {
    // SAFETY: the arguments of a call, a list of expressions.
    unsafe {
        if list.is_null() || (*list).length <= at {
            return None;
        }
        let node: *mut pg_sys::Const = pg_sys::list_nth(list, at).cast();
        let known = (*node).xpr.type_ == pg_sys::NodeTag::T_Const && !(*node).constisnull;
        known.then(|| text((*node).constvalue))
    }
}

unsafe fn index_condition(request: &pg_sys::SupportRequestIndexCondition) -> Option<Datum> {
    /// The operator family of b-trees on whole numbers (pg_opfamily.dat).
    const INTEGER_OPS: u32 = 1976;
    // SAFETY: as the planner fills the request for a call of word_filter.
    unsafe {
        if request.indexarg != 0 || request.opfamily.to_u32() != INTEGER_OPS {
            return None;
        }
        let call: *mut pg_sys::FuncExpr = request.node.cast();
        if (*call).xpr.type_ != pg_sys::NodeTag::T_FuncExpr {
            return None;
        }
        let query = constant_text((*call).args, 1)?;
        let candidates = functions::word_candidates()?;
        let place = nodes::copy(pg_sys::list_nth((*call).args, 0).cast());
        let condition = super::expression::is_candidate(place, candidates, &query);
        Some(Datum::from(nodes::list([condition])))
    }
}
