//! A checked query as a condition on the columns of `auditlog.events`: what the planner's expression
//! and the SQL text are made from, so that the two cannot differ.
//!
//! Each predicate is true or false for each row, never unknown, like the query itself: a comparison
//! of a column that may be NULL is guarded by [`Predicate::Present`]. So `NOT` is plain `NOT`, and no
//! positive condition is wrapped in anything that would hide it from an index
//! (reference/query-language.md §2.2).
//!
//! What columns cannot say is left to a function that evaluates one leaf of the query, see [`On`].

mod columns;
mod sql;
mod time;
mod translate;

pub use sql::{Parameter, Statement, to_sql};
pub use translate::{KEPT_BYTES, predicate};

use crate::fields::Field;
use auditlog_core::event::{Inet, Severity};

/// A condition on a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicate {
    /// Every row.
    True,
    /// No row.
    False,
    /// All of them.
    And(Vec<Predicate>),
    /// Any of them.
    Or(Vec<Predicate>),
    /// The opposite.
    Not(Box<Predicate>),
    /// `column IS NOT NULL`
    Present(&'static str),
    /// `column IS NULL`
    Absent(&'static str),
    /// `operand op value`
    Compare(Operand, Op, Value),
    /// `operand = ANY (values)`; at least two values.
    In(Operand, Vec<Value>),
    /// `operand LIKE pattern`
    Like(Operand, String),
    /// The text of the column may be the beginning of a longer one: `octet_length(column) >= …`.
    MayBeCut(&'static str),
    /// The leaf of the query with this number (depth first), evaluated by a function.
    Leaf(usize, On),
}

/// What a leaf is evaluated on. All of them are false for NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// The value of a text column.
    Text(&'static str),
    /// The list of a `text[]` column.
    List(&'static str),
    /// A JSON column: the leaf's target with this number, less its first `skip` segments.
    Json {
        /// The column.
        column: &'static str,
        /// Number of the target among the leaf's.
        target: usize,
        /// Segments of the target's path that lead to the column.
        skip: usize,
    },
    /// The whole row.
    Row,
}

/// The left side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// A column.
    Column(&'static str),
    /// A text column, case folded: `auditlog.fold(column)`.
    Folded(&'static str),
}

impl Operand {
    /// The column.
    pub fn column(self) -> &'static str {
        match self {
            Operand::Column(column) | Operand::Folded(column) => column,
        }
    }
}

/// A comparison. Texts are ordered by code points, whatever the database's collation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// Microseconds since the Unix epoch.
    Time(i64),
    /// `now()` and this many microseconds.
    Offset(i64),
    /// Date arithmetic that needs a calendar: `auditlog.moment(text, zone)`.
    Moment(String),
    /// An address or network.
    Inet(Inet),
    /// A severity.
    Severity(Severity),
    /// A whole number.
    Integer(i64),
    /// 32 bytes.
    Hash([u8; 32]),
}

impl Predicate {
    /// All of them, flattened.
    pub fn all(items: impl IntoIterator<Item = Predicate>) -> Predicate {
        let mut flat = Vec::new();
        for item in items {
            match item {
                Predicate::True => {}
                Predicate::False => return Predicate::False,
                Predicate::And(inner) => flat.extend(inner),
                item => flat.push(item),
            }
        }
        match flat.len() {
            0 => Predicate::True,
            1 => flat.remove(0),
            _ => Predicate::And(flat),
        }
    }

    /// Any of them, flattened.
    pub fn any(items: impl IntoIterator<Item = Predicate>) -> Predicate {
        let mut flat = Vec::new();
        for item in items {
            match item {
                Predicate::False => {}
                Predicate::True => return Predicate::True,
                Predicate::Or(inner) => flat.extend(inner),
                item => flat.push(item),
            }
        }
        match flat.len() {
            0 => Predicate::False,
            1 => flat.remove(0),
            _ => Predicate::Or(flat),
        }
    }

    /// The opposite.
    pub fn negated(self) -> Predicate {
        match self {
            Predicate::True => Predicate::False,
            Predicate::False => Predicate::True,
            Predicate::Not(inner) => *inner,
            Predicate::Present(column) => Predicate::Absent(column),
            Predicate::Absent(column) => Predicate::Present(column),
            other => Predicate::Not(Box::new(other)),
        }
    }

    /// Is it true where all columns are NULL, as in the missing side of an outer join?
    fn holds_for_nothing(&self) -> bool {
        match self {
            Predicate::True | Predicate::Absent(_) => true,
            Predicate::And(items) => items.iter().all(Predicate::holds_for_nothing),
            Predicate::Or(items) => items.iter().any(Predicate::holds_for_nothing),
            Predicate::Not(inner) => !inner.holds_for_nothing(),
            _ => false,
        }
    }
}

/// May the column be NULL in a row of the view?
fn is_nullable(field: &Field) -> bool {
    !matches!(
        field.column,
        "timestamp"
            | "event_id"
            | "event_type"
            | "category"
            | "severity"
            | "recorded_at"
            | "db_session_user"
            | "db_current_user"
            | "db_xid"
            | "entry_hash"
    )
}
