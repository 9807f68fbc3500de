//! Predicates as SQL text with parameters, for people and for EXPLAIN.

use super::{On, Op, Operand, Predicate, Value};
use auditlog_core::document::{format_inet, format_timestamp};
use std::fmt::Write;

/// A condition and the values of its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The condition on `e`, a row of `auditlog.events`.
    pub condition: String,
    /// The values of `$1`, `$2` …
    pub parameters: Vec<Parameter>,
}

/// A parameter of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its SQL type.
    pub kind: &'static str,
    /// Its value in the type's text form.
    pub value: String,
}

/// The condition as SQL; every literal of the query is a parameter, so that no text of the query
/// becomes SQL. `query` is handed to the functions that evaluate a leaf, `zone` to date arithmetic.
pub fn to_sql(predicate: &Predicate, query: &str, zone: &str) -> Statement {
    let mut writer = Writer {
        sql: String::new(),
        parameters: Vec::new(),
        query,
        zone,
    };
    writer.predicate(predicate);
    Statement {
        condition: writer.sql,
        parameters: writer.parameters,
    }
}

struct Writer<'a> {
    sql: String,
    parameters: Vec<Parameter>,
    query: &'a str,
    zone: &'a str,
}

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    /// A parameter; equal ones are one.
    fn parameter(&mut self, kind: &'static str, value: String) {
        let parameter = Parameter { kind, value };
        let number = match self.parameters.iter().position(|p| *p == parameter) {
            Some(known) => known + 1,
            None => {
                self.parameters.push(parameter);
                self.parameters.len()
            }
        };
        let _ = write!(self.sql, "${number}");
    }

    fn column(&mut self, column: &str) {
        self.put("e.");
        if column == "timestamp" {
            self.put("\"timestamp\"");
        } else {
            self.put(column);
        }
    }

    fn operand(&mut self, operand: Operand) {
        match operand {
            Operand::Column(column) => self.column(column),
            Operand::Folded(column) => {
                self.put("auditlog.fold(");
                self.column(column);
                self.put(")");
            }
        }
    }

    fn predicate(&mut self, predicate: &Predicate) {
        match predicate {
            Predicate::True => self.put("true"),
            Predicate::False => self.put("false"),
            Predicate::And(items) => self.joined(items, " AND "),
            Predicate::Or(items) => self.joined(items, " OR "),
            Predicate::Not(inner) => {
                self.put("NOT (");
                self.predicate(inner);
                self.put(")");
            }
            Predicate::Present(column) => {
                self.column(column);
                self.put(" IS NOT NULL");
            }
            Predicate::Absent(column) => {
                self.column(column);
                self.put(" IS NULL");
            }
            Predicate::Compare(operand, op, value) => {
                self.operand(*operand);
                self.put(symbol(*op, matches!(value, Value::Text(_))));
                self.value(value);
            }
            Predicate::In(operand, values) => {
                self.operand(*operand);
                self.put(" IN (");
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        self.put(", ");
                    }
                    self.value(value);
                }
                self.put(")");
            }
            Predicate::Like(operand, pattern) => {
                self.operand(*operand);
                self.put(" LIKE ");
                self.parameter("text", pattern.clone());
            }
            Predicate::MayBeCut(column) => {
                self.put("octet_length(");
                self.column(column);
                let _ = write!(self.sql, ") >= {}", super::KEPT_BYTES);
            }
            Predicate::Leaf(number, on) => self.leaf(*number, on),
        }
    }

    fn joined(&mut self, items: &[Predicate], between: &str) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.put(between);
            }
            let nested = matches!(item, Predicate::And(_) | Predicate::Or(_));
            if nested {
                self.put("(");
            }
            self.predicate(item);
            if nested {
                self.put(")");
            }
        }
    }

    fn leaf(&mut self, number: usize, on: &On) {
        let (function, argument) = match on {
            On::Text(column) => ("match_text", Some(*column)),
            On::List(column) => ("match_list", Some(*column)),
            On::Json { column, .. } => ("match_json", Some(*column)),
            On::Row => ("match_event", None),
        };
        self.put("auditlog.");
        self.put(function);
        self.put("(");
        match argument {
            Some(column) => self.column(column),
            None => self.put("e"),
        }
        self.put(", ");
        self.parameter("text", self.query.to_owned());
        let _ = write!(self.sql, ", {number}");
        if let On::Json { target, skip, .. } = on {
            let _ = write!(self.sql, ", {target}, {skip}");
        }
        self.put(")");
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.parameter("text", text.clone()),
            Value::Time(us) => self.parameter("timestamptz", timestamp(*us)),
            Value::Offset(us) => {
                self.put("now() + ");
                self.parameter("interval", seconds(*us));
            }
            Value::Moment(math) => {
                self.put("auditlog.moment(");
                self.parameter("text", math.clone());
                self.put(", ");
                self.parameter("text", self.zone.to_owned());
                self.put(")");
            }
            Value::Inet(inet) => self.parameter("inet", format_inet(inet)),
            Value::Severity(severity) => self.parameter("auditlog.severity", severity.label().to_owned()),
            Value::Integer(number) => self.parameter("bigint", number.to_string()),
            Value::Hash(hash) => {
                let hex = hash.iter().fold("\\x".to_owned(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                });
                self.parameter("bytea", hex);
            }
        }
    }
}

/// Moments that no timestamp can hold are the ends of time.
fn timestamp(us: i64) -> String {
    const YEAR_1: i64 = -62_135_596_800_000_000;
    const YEAR_10000: i64 = 253_402_300_800_000_000;
    if us < YEAR_1 {
        "-infinity".to_owned()
    } else if us >= YEAR_10000 {
        "infinity".to_owned()
    } else {
        format_timestamp(us)
    }
}

fn seconds(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    let us = us.unsigned_abs();
    match us % 1_000_000 {
        0 => format!("{sign}{} seconds", us / 1_000_000),
        rest => format!("{sign}{}.{rest:06} seconds", us / 1_000_000),
    }
}

/// Texts are compared by code points: `~<~` and its like do that in every collation.
fn symbol(op: Op, text: bool) -> &'static str {
    match (op, text) {
        (Op::Equal, _) => " = ",
        (Op::Less, false) => " < ",
        (Op::LessOrEqual, false) => " <= ",
        (Op::Greater, false) => " > ",
        (Op::GreaterOrEqual, false) => " >= ",
        (Op::Less, true) => " ~<~ ",
        (Op::LessOrEqual, true) => " ~<=~ ",
        (Op::Greater, true) => " ~>~ ",
        (Op::GreaterOrEqual, true) => " ~>=~ ",
    }
}
