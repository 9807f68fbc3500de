//! Predicates as expression trees.

use super::functions::Functions;
use super::nodes::{self, Node};
use super::row::Row;
use crate::store::POSTGRES_EPOCH;
use crate::store::columns::{inet, severity, text};
use auditlog_query::predicate::{KEPT_BYTES, On, Op, Operand, Predicate, Value};
use pgrx::pg_sys;
use pgrx::pg_sys::{BOOLOID, Datum, Oid};

/// What all parts of an expression need.
pub struct Builder<'a> {
    /// The functions to call.
    pub functions: Functions,
    /// The row.
    pub row: &'a Row,
    /// The text of the query, for the functions that evaluate a leaf of it.
    pub query: &'a str,
    /// The zone it was checked for.
    pub zone: &'a str,
}

/// Operators of `pg_catalog` (pg_operator.dat; OIDs there never change): = < <= > >=
const TEXT: [u32; 5] = [98, 2314, 2315, 2318, 2317];
/// `=` of texts.
pub const TEXT_EQUAL: u32 = TEXT[Op::Equal as usize];
const TIME: [u32; 5] = [1320, 1322, 1323, 1324, 1325];
const INET: [u32; 5] = [1201, 1203, 1204, 1205, 1206];
const ENUM: [u32; 5] = [3516, 3518, 3520, 3519, 3521];
const INT8: [u32; 5] = [410, 412, 414, 413, 415];
const BYTEA: [u32; 5] = [1955, 1957, 1958, 1959, 1960];
const INT4_AT_LEAST: u32 = 525;
const LIKE: u32 = 1209;
const TIME_PLUS_INTERVAL: u32 = 1327;

impl Builder<'_> {
    /// The expression; `None` when the row lacks a column (a view of an older version).
    pub fn build(&self, predicate: &Predicate) -> Option<Node> {
        Some(match predicate {
            Predicate::True => nodes::boolean(true),
            Predicate::False => nodes::boolean(false),
            Predicate::And(items) => nodes::joined(true, self.all(items)?),
            Predicate::Or(items) => nodes::joined(false, self.all(items)?),
            Predicate::Not(inner) => nodes::negated(self.build(inner)?),
            Predicate::Present(column) => nodes::null_test(self.row.column(column)?.0, false),
            Predicate::Absent(column) => nodes::null_test(self.row.column(column)?.0, true),
            Predicate::Compare(operand, op, value) => self.compare(*operand, *op, value)?,
            Predicate::In(operand, values) => self.any_of(*operand, values)?,
            Predicate::Like(operand, pattern) => {
                let (left, _, collation) = self.operand(*operand)?;
                nodes::operator(LIKE, BOOLOID, collation, left, nodes::text(pattern))
            }
            Predicate::MayBeCut(column) => {
                let length = pg_sys::F_OCTET_LENGTH_TEXT.into();
                let length = nodes::call(length, pg_sys::INT4OID, Oid::INVALID, [self.row.column(column)?.0]);
                nodes::operator(INT4_AT_LEAST, BOOLOID, Oid::INVALID, length, nodes::integer(KEPT_BYTES))
            }
            Predicate::Leaf(number, on) => self.leaf(*number, on)?,
        })
    }

    /// Has the event the words of the query, as far as the word index knows?
    pub fn has_words(&self) -> Option<Node> {
        let arguments = [self.row.column("log_index")?.0, nodes::text(self.query)];
        Some(nodes::call(
            self.functions.word_filter,
            BOOLOID,
            Oid::INVALID,
            arguments,
        ))
    }

    fn all(&self, items: &[Predicate]) -> Option<Vec<Node>> {
        items.iter().map(|item| self.build(item)).collect()
    }

    /// The expression, its type and its collation.
    fn operand(&self, operand: Operand) -> Option<(Node, Oid, Oid)> {
        let (column, kind, collation) = self.row.column(operand.column())?;
        Some(match operand {
            Operand::Column(_) => (column, kind, collation),
            Operand::Folded(_) => {
                let folded = nodes::call(self.functions.fold, pg_sys::TEXTOID, collation, [column]);
                (folded, pg_sys::TEXTOID, collation)
            }
        })
    }

    fn compare(&self, operand: Operand, op: Op, value: &Value) -> Option<Node> {
        let (left, _, collation) = self.operand(operand)?;
        let operator = operators(value)[op as usize];
        Some(nodes::operator(operator, BOOLOID, collation, left, self.value(value)))
    }

    fn any_of(&self, operand: Operand, values: &[Value]) -> Option<Node> {
        let (left, _, collation) = self.operand(operand)?;
        let operator = operators(values.first()?)[Op::Equal as usize];
        let mut items: Vec<Datum> = values.iter().map(datum).collect();
        let array = match values.first()? {
            Value::Severity(_) => {
                let element = self.functions.severity;
                // SAFETY: a catalogue look-up.
                let array = unsafe { pg_sys::get_array_type(element) };
                nodes::array(element, array, 4, true, b'i', &mut items, Oid::INVALID)
            }
            _ => nodes::array(
                pg_sys::TEXTOID,
                pg_sys::TEXTARRAYOID,
                -1,
                false,
                b'i',
                &mut items,
                collation,
            ),
        };
        Some(nodes::any_of(operator, collation, left, array))
    }

    fn value(&self, value: &Value) -> Node {
        match value {
            Value::Text(text) => nodes::text(text),
            Value::Time(_) => nodes::constant(pg_sys::TIMESTAMPTZOID, Oid::INVALID, 8, true, datum(value)),
            Value::Inet(_) => nodes::constant(pg_sys::INETOID, Oid::INVALID, -1, false, datum(value)),
            Value::Severity(_) => nodes::constant(self.functions.severity, Oid::INVALID, 4, true, datum(value)),
            Value::Integer(_) => nodes::constant(pg_sys::INT8OID, Oid::INVALID, 8, true, datum(value)),
            Value::Hash(_) => nodes::constant(pg_sys::BYTEAOID, Oid::INVALID, -1, false, datum(value)),
            Value::Offset(us) => {
                let now = nodes::call(pg_sys::F_NOW.into(), pg_sys::TIMESTAMPTZOID, Oid::INVALID, []);
                let interval = nodes::constant(pg_sys::INTERVALOID, Oid::INVALID, 16, false, interval(*us));
                nodes::operator(TIME_PLUS_INTERVAL, pg_sys::TIMESTAMPTZOID, Oid::INVALID, now, interval)
            }
            Value::Moment(math) => nodes::call(
                self.functions.moment,
                pg_sys::TIMESTAMPTZOID,
                Oid::INVALID,
                [nodes::text(math), nodes::text(self.zone)],
            ),
        }
    }

    fn leaf(&self, number: usize, on: &On) -> Option<Node> {
        let functions = &self.functions;
        let (function, argument) = match on {
            On::Text(column) => (functions.match_text, self.row.column(column)?.0),
            On::List(column) => (functions.match_list, self.row.column(column)?.0),
            On::Json { column, .. } => (functions.match_json, self.row.column(column)?.0),
            On::Row => (functions.match_event, self.row.whole()),
        };
        let mut arguments = vec![argument, nodes::text(self.query), nodes::integer(number)];
        if let On::Json { target, skip, .. } = on {
            arguments.extend([nodes::integer(*target), nodes::integer(*skip)]);
        }
        Some(nodes::call(function, BOOLOID, Oid::INVALID, arguments))
    }
}

/// `log_index = ANY (auditlog_data.word_candidates('query'))`
pub fn is_candidate(place: Node, word_candidates: Oid, query: &str) -> Node {
    let found = nodes::call(
        word_candidates,
        pg_sys::INT8ARRAYOID,
        Oid::INVALID,
        [nodes::text(query)],
    );
    nodes::any_of(INT8[Op::Equal as usize], Oid::INVALID, place, found)
}

fn operators(value: &Value) -> [u32; 5] {
    match value {
        Value::Text(_) => TEXT,
        Value::Time(_) | Value::Offset(_) | Value::Moment(_) => TIME,
        Value::Inet(_) => INET,
        Value::Severity(_) => ENUM,
        Value::Integer(_) => INT8,
        Value::Hash(_) => BYTEA,
    }
}

/// The datum of a value that is a constant.
fn datum(value: &Value) -> Datum {
    match value {
        Value::Text(value) => text(value.as_bytes()),
        Value::Time(us) => time(*us),
        Value::Inet(value) => inet(value),
        Value::Severity(value) => severity(*value),
        Value::Integer(value) => Datum::from(*value),
        Value::Hash(value) => text(value),
        Value::Offset(_) | Value::Moment(_) => Datum::null(),
    }
}

/// A `timestamptz`; what PostgreSQL's calendar does not hold is an end of time.
pub fn time(us: i64) -> Datum {
    // utils/timestamp.h: MIN_TIMESTAMP and END_TIMESTAMP, in microseconds from 2000
    const MIN: i64 = -211_813_488_000_000_000;
    const END: i64 = 9_223_371_331_200_000_000;
    let us = us.saturating_sub(POSTGRES_EPOCH);
    Datum::from(match us {
        us if us < MIN => i64::MIN,
        us if us >= END => i64::MAX,
        us => us,
    })
}

fn interval(us: i64) -> Datum {
    // SAFETY: memory for one interval, filled completely.
    unsafe {
        let interval: *mut pg_sys::Interval = pg_sys::palloc0(size_of::<pg_sys::Interval>()).cast();
        (*interval).time = us;
        Datum::from(interval)
    }
}
