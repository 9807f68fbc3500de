//! `auditlog_data.is_actor(actor_id, me)`, a user's policy: for the planner the same as `actor_id = me`, but
//! estimated once. A view or search that has that condition as well, so that an index gives the rows in order,
//! would otherwise be expected to find next to nothing, and be planned for that.

use super::expression::TEXT_EQUAL;
use super::nodes;
use crate::fmgr::Call;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_is_actor, pg_finfo_auditlog_is_actor, is_actor);
crate::sql_function!(auditlog_actor_support, pg_finfo_auditlog_actor_support, support);

/// Equality of texts in databases whose default collation is deterministic, as all are.
fn is_actor(call: &Call) -> Datum {
    // SAFETY: declared as text.
    let bytes = |at: usize| call.arg(at).map(|datum| unsafe { crate::store::row::bytes(datum) });
    (bytes(0) == bytes(1)).into()
}

fn support(call: &Call) -> Datum {
    let Some(request) = call.arg(0) else {
        return Datum::null();
    };
    let request: *mut pg_sys::Node = request.cast_mut_ptr();
    // SAFETY: PostgreSQL hands over a request node; its tag says which.
    unsafe {
        match (*request).type_ {
            pg_sys::NodeTag::T_SupportRequestIndexCondition => {
                index_condition(&mut *request.cast()).unwrap_or(Datum::null())
            }
            pg_sys::NodeTag::T_SupportRequestSelectivity => {
                let request: *mut pg_sys::SupportRequestSelectivity = request.cast();
                (*request).selectivity = selectivity(&*request);
                Datum::from(request)
            }
            _ => Datum::null(),
        }
    }
}

/// `actor_id = me`, exactly.
unsafe fn index_condition(request: &mut pg_sys::SupportRequestIndexCondition) -> Option<Datum> {
    /// The operator families of b-trees on texts (pg_opfamily.dat): text_ops and text_pattern_ops.
    const TEXT_OPS: [u32; 2] = [1994, 2095];
    // SAFETY: as the planner fills the request for a call of is_actor.
    unsafe {
        let call: *mut pg_sys::FuncExpr = request.node.cast();
        if request.indexarg != 0
            || !TEXT_OPS.contains(&request.opfamily.to_u32())
            || (*call).xpr.type_ != pg_sys::NodeTag::T_FuncExpr
        {
            return None;
        }
        let [actor, me] = [0, 1].map(|at| nodes::copy(pg_sys::list_nth((*call).args, at).cast()));
        // An index is searched for what does not come from the row.
        if !matches!((*me).type_, pg_sys::NodeTag::T_Param | pg_sys::NodeTag::T_Const) {
            return None;
        }
        request.lossy = false;
        let condition = nodes::operator(TEXT_EQUAL, pg_sys::BOOLOID, (*call).inputcollid, actor, me);
        Some(Datum::from(nodes::list([condition])))
    }
}

/// That of `actor_id = me`; or all rows, where another condition demands the same.
unsafe fn selectivity(request: &pg_sys::SupportRequestSelectivity) -> f64 {
    // SAFETY: as the planner fills the request; relations it plans are in its array.
    unsafe {
        let actor: *mut pg_sys::Var = pg_sys::list_nth(request.args, 0).cast();
        if (*actor).xpr.type_ == pg_sys::NodeTag::T_Var {
            let number = (*actor).varno as i32;
            let relations = (*request.root).simple_rel_array;
            if number > 0 && number < (*request.root).simple_rel_array_size && !relations.is_null() {
                let relation = *relations.add(number as usize);
                if !relation.is_null() && has_equality((*relation).baserestrictinfo, actor) {
                    return 1.0;
                }
            }
        }
        let equal = pg_sys::Oid::from_u32(TEXT_EQUAL);
        pg_sys::restriction_selectivity(request.root, equal, request.args, request.inputcollid, request.varRelid)
    }
}

/// Is there a condition `actor_id = …` among them?
unsafe fn has_equality(conditions: *mut pg_sys::List, actor: *mut pg_sys::Var) -> bool {
    // SAFETY: a list of RestrictInfos of the planner; the tags say what their clauses are.
    unsafe {
        let n = if conditions.is_null() { 0 } else { (*conditions).length };
        (0..n).any(|at| {
            let info: *mut pg_sys::RestrictInfo = pg_sys::list_nth(conditions, at).cast();
            let clause: *mut pg_sys::OpExpr = (*info).clause.cast();
            (*clause).xpr.type_ == pg_sys::NodeTag::T_OpExpr
                && (*clause).opno.to_u32() == TEXT_EQUAL
                && (0..2).any(|side| pg_sys::equal(pg_sys::list_nth((*clause).args, side), actor.cast()))
        })
    }
}
