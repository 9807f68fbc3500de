//! Builds expression nodes. All of them live in the current memory context, the planner's.

use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid};

/// Any node.
pub type Node = *mut pg_sys::Node;

/// A copy of an expression.
pub fn copy(node: Node) -> Node {
    // SAFETY: copies whatever node it is.
    unsafe { pg_sys::copyObjectImpl(node.cast()).cast() }
}

/// A list of nodes.
pub fn list(nodes: impl IntoIterator<Item = Node>) -> *mut pg_sys::List {
    nodes.into_iter().fold(std::ptr::null_mut(), |list, node| {
        // SAFETY: NULL is the empty list.
        unsafe { pg_sys::lappend(list, node.cast()) }
    })
}

/// A constant that is no NULL.
pub fn constant(kind: Oid, collation: Oid, length: i16, by_value: bool, value: Datum) -> Node {
    // SAFETY: the caller's type, length and value belong together.
    unsafe { pg_sys::makeConst(kind, -1, collation, i32::from(length), value, false, by_value).cast() }
}

/// A text constant.
pub fn text(value: &str) -> Node {
    let datum = crate::store::columns::text(value.as_bytes());
    constant(pg_sys::TEXTOID, pg_sys::DEFAULT_COLLATION_OID, -1, false, datum)
}

/// An `integer` constant.
pub fn integer(value: usize) -> Node {
    constant(pg_sys::INT4OID, Oid::INVALID, 4, true, Datum::from(value as i32))
}

/// `true` or `false`
pub fn boolean(value: bool) -> Node {
    // SAFETY: allocates a node.
    unsafe { pg_sys::makeBoolConst(value, false) }
}

/// A call of a function.
pub fn call(function: Oid, result: Oid, collation: Oid, arguments: impl IntoIterator<Item = Node>) -> Node {
    let form = pg_sys::CoercionForm::COERCE_EXPLICIT_CALL;
    // SAFETY: allocates a node.
    unsafe { pg_sys::makeFuncExpr(function, result, list(arguments), collation, collation, form).cast() }
}

/// A binary operator of `pg_catalog`.
pub fn operator(operator: u32, result: Oid, collation: Oid, left: Node, right: Node) -> Node {
    // SAFETY: allocates a node; the operator's function is looked up by its OID, never by a name.
    unsafe {
        let operator = Oid::from_u32(operator);
        let node = pg_sys::make_opclause(
            operator,
            result,
            false,
            left.cast(),
            right.cast(),
            Oid::INVALID,
            collation,
        );
        pg_sys::set_opfuncid(node.cast());
        node.cast()
    }
}

/// `left operator ANY (array)`
pub fn any_of(operator: u32, collation: Oid, left: Node, array: Node) -> Node {
    // SAFETY: a node of the right size and tag; the other fields are zero, as makeNode leaves them.
    unsafe {
        let node: *mut pg_sys::ScalarArrayOpExpr = pg_sys::palloc0(size_of::<pg_sys::ScalarArrayOpExpr>()).cast();
        (*node).xpr.type_ = pg_sys::NodeTag::T_ScalarArrayOpExpr;
        (*node).opno = Oid::from_u32(operator);
        (*node).opfuncid = pg_sys::get_opcode(Oid::from_u32(operator));
        (*node).useOr = true;
        (*node).inputcollid = collation;
        (*node).args = list([left, array]);
        (*node).location = -1;
        node.cast()
    }
}

/// AND or OR of at least two expressions.
pub fn joined(and: bool, items: impl IntoIterator<Item = Node>) -> Node {
    let kind = if and {
        pg_sys::BoolExprType::AND_EXPR
    } else {
        pg_sys::BoolExprType::OR_EXPR
    };
    // SAFETY: allocates a node.
    unsafe { pg_sys::makeBoolExpr(kind, list(items), -1).cast() }
}

/// `NOT (…)`, pushed down to the leaves, as the planner does with its own.
pub fn negated(node: Node) -> Node {
    // SAFETY: builds a new tree over the old one's leaves.
    unsafe { pg_sys::negate_clause(node) }
}

/// `expression IS NULL` or `IS NOT NULL`
pub fn null_test(node: Node, is_null: bool) -> Node {
    // SAFETY: a node of the right size and tag; the other fields are zero, as makeNode leaves them.
    unsafe {
        let test: *mut pg_sys::NullTest = pg_sys::palloc0(size_of::<pg_sys::NullTest>()).cast();
        (*test).xpr.type_ = pg_sys::NodeTag::T_NullTest;
        (*test).arg = node.cast();
        (*test).nulltesttype = if is_null {
            pg_sys::NullTestType::IS_NULL
        } else {
            pg_sys::NullTestType::IS_NOT_NULL
        };
        (*test).location = -1;
        test.cast()
    }
}

/// A constant array.
pub fn array(
    element: Oid,
    array: Oid,
    length: i16,
    by_value: bool,
    align: u8,
    items: &mut [Datum],
    collation: Oid,
) -> Node {
    // SAFETY: the caller's element type, length and items belong together.
    unsafe {
        let datum = pg_sys::construct_array(
            items.as_mut_ptr(),
            items.len() as i32,
            element,
            i32::from(length),
            by_value,
            align as _,
        );
        constant(array, collation, -1, false, datum.into())
    }
}
