//! Tests of a whole column.

use super::time;
use super::translate::KEPT_BYTES;
use super::{On, Op, Operand, Predicate, Value, is_nullable};
use crate::ast::Part;
use crate::dates::TimeRange;
use crate::dates::Zone;
use crate::decimal::Decimal;
use crate::eval::{JsonValue, matches_value};
use crate::fields::{Field, Kind};
use crate::fold::is_caseless;
use crate::node::{End, Equals, Literal, Range, Test};
use crate::pattern::Pattern;
use auditlog_core::event::{Inet, Severity};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which leaf of the query, which of its targets, and how long the target's path is.
pub(super) struct Leaf {
    pub number: usize,
    pub target: usize,
    pub depth: usize,
}

impl Leaf {
    fn on_row(&self) -> Predicate {
        Predicate::Leaf(self.number, On::Row)
    }

    /// The value that stands in `extra` because its column cannot hold it as it came.
    fn displaced(&self) -> Predicate {
        let on = On::Json {
            column: "extra",
            target: self.target,
            skip: 0,
        };
        Predicate::all([Predicate::Present("extra"), Predicate::Leaf(self.number, on)])
    }
}

pub(super) fn atom_on_field(test: &Test, field: &'static Field, leaf: &Leaf) -> Predicate {
    match (test, field.kind) {
        // JSON null leaves the column empty
        (Test::Null, _) if field.in_document => leaf.on_row(),
        (Test::Null, _) => Predicate::False,
        (Test::Exists, Kind::TextList | Kind::Json) => other(test, field, leaf),
        (Test::Exists, Kind::Ip) if field.in_document => {
            Predicate::any([Predicate::Present(field.column), when_absent(field, leaf)])
        }
        // a row has it; no row has nothing
        (Test::Exists, _) => Predicate::Present(field.column),
        _ => other(test, field, leaf),
    }
}

fn other(test: &Test, field: &'static Field, leaf: &Leaf) -> Predicate {
    // A list is an alternative of its items, where it is no list of texts. A leaf that cannot be
    // translated stands for all of them, which adds nothing that the others do not say.
    if let Test::Any(tests) = test
        && matches!(field.kind, Kind::Time | Kind::Ip | Kind::Integer | Kind::Text)
        && (field.kind != Kind::Text || list(tests, field).is_none())
    {
        return one_of(tests.iter().map(|test| atom_on_field(test, field, leaf)));
    }
    match field.kind {
        Kind::Text if is_hash(field) => hash(test, field, leaf),
        Kind::Text => text(test, field, leaf),
        Kind::Time => time_column(test, field, leaf),
        Kind::Severity => severity(test, field),
        Kind::Ip => address(test, field, leaf),
        Kind::TextList => Predicate::any([
            Predicate::Leaf(leaf.number, On::List(field.column)),
            when_absent(field, leaf),
        ]),
        Kind::Integer => integer(test, field, leaf),
        Kind::Json => Predicate::Leaf(
            leaf.number,
            On::Json {
                column: field.column,
                target: leaf.target,
                skip: leaf.depth,
            },
        ),
    }
}

/// Any of them; what several say alike is asked once.
fn one_of(items: impl Iterator<Item = Predicate>) -> Predicate {
    let mut different: Vec<Predicate> = Vec::new();
    for item in items {
        if !different.contains(&item) {
            different.push(item);
        }
    }
    Predicate::any(different)
}

fn when_absent(field: &'static Field, leaf: &Leaf) -> Predicate {
    Predicate::all([Predicate::Absent(field.column), leaf.displaced()])
}

/// A comparison of a column is unknown where the column is NULL; it has to be false.
fn guarded(field: &'static Field, condition: Predicate) -> Predicate {
    if is_nullable(field) && condition != Predicate::False {
        Predicate::all([Predicate::Present(field.column), condition])
    } else {
        condition
    }
}

fn compare(operand: Operand, op: Op, value: Value) -> Predicate {
    Predicate::Compare(operand, op, value)
}

// ---- text ----------------------------------------------------------------------------------------

/// The folded column; the column itself where it holds folded text only.
fn folded(field: &'static Field) -> Operand {
    if field.column == "event_type" {
        Operand::Column(field.column)
    } else {
        Operand::Folded(field.column)
    }
}

/// Is the column's text cut where it is long?
fn is_cut(field: &Field) -> bool {
    matches!(field.column, "actor_id" | "actor_email" | "resource_id")
}

fn text(test: &Test, field: &'static Field, leaf: &Leaf) -> Predicate {
    let short = |text: &str| text.len() < KEPT_BYTES;
    let (condition, needs_whole) = match test {
        Test::Equals(equals) => match equal_operand(equals, field) {
            Some((operand, text)) => {
                let whole = !short(&text);
                (guarded(field, compare(operand, Op::Equal, Value::Text(text))), whole)
            }
            None => (on_text(field, leaf), true),
        },
        Test::Exact(text) => {
            let condition = compare(Operand::Column(field.column), Op::Equal, Value::Text(text.clone()));
            (guarded(field, condition), !short(text))
        }
        Test::Any(tests) => match list(tests, field) {
            Some((operand, values)) => {
                let whole = values.iter().any(|v| matches!(v, Value::Text(text) if !short(text)));
                (guarded(field, Predicate::In(operand, values)), whole)
            }
            None => (on_text(field, leaf), true),
        },
        Test::Pattern(pattern) => (guarded(field, like(pattern, folded(field))), true),
        Test::Range(range) => match bytewise(range, folded(field)) {
            Some(condition) => (guarded(field, condition), true),
            None => (on_text(field, leaf), true),
        },
        Test::Exists | Test::Null | Test::Regex(_) | Test::Network(_) | Test::Time(_) => (on_text(field, leaf), true),
    };
    if needs_whole && is_cut(field) {
        let cut = [
            Predicate::Present(field.column),
            Predicate::MayBeCut(field.column),
            leaf.on_row(),
        ];
        let guarded = match condition {
            // its own guard would come twice otherwise
            Predicate::And(_) => condition,
            condition => guarded(field, condition),
        };
        let short = Predicate::all([guarded, Predicate::MayBeCut(field.column).negated()]);
        return Predicate::any([short, Predicate::all(cut)]);
    }
    condition
}

fn on_text(field: &'static Field, leaf: &Leaf) -> Predicate {
    Predicate::Leaf(leaf.number, On::Text(field.column))
}

/// Equality is a comparison of folded texts, unless the literal has other spellings.
fn equal_operand(equals: &Equals, field: &'static Field) -> Option<(Operand, String)> {
    if equals.address.is_some() || equals.time.is_some() {
        return None;
    }
    // Without letters there is nothing to fold, and the plain column may have an index.
    let operand = if is_caseless(&equals.folded) {
        Operand::Column(field.column)
    } else {
        folded(field)
    };
    Some((operand, equals.folded.clone()))
}

fn list(tests: &[Test], field: &'static Field) -> Option<(Operand, Vec<Value>)> {
    let mut plain = true;
    let mut values = Vec::with_capacity(tests.len());
    for test in tests {
        let Test::Equals(equals) = test else { return None };
        let (operand, text) = equal_operand(equals, field)?;
        plain &= matches!(operand, Operand::Column(_));
        values.push(Value::Text(text));
    }
    let operand = if plain {
        Operand::Column(field.column)
    } else {
        folded(field)
    };
    Some((operand, values))
}

/// A prefix is a range, which an index serves and which may run before a row-level security
/// condition; `LIKE` may not.
fn like(pattern: &Pattern, operand: Operand) -> Predicate {
    if pattern.is_prefix() {
        let prefix = pattern.prefix();
        let low = compare(operand, Op::GreaterOrEqual, Value::Text(prefix.to_owned()));
        let high = after(prefix).map(|end| compare(operand, Op::Less, Value::Text(end)));
        return Predicate::all([Some(low), high].into_iter().flatten());
    }
    let mut text = String::new();
    for part in pattern.parts() {
        match part {
            Part::Many => text.push('%'),
            Part::One => text.push('_'),
            Part::Text(literal) => {
                for c in literal.chars() {
                    if matches!(c, '%' | '_' | '\\') {
                        text.push('\\');
                    }
                    text.push(c);
                }
            }
        }
    }
    Predicate::Like(operand, text)
}

/// The first text after all that begin with the prefix, in the order of code points.
fn after(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = if last == '\u{d7ff}' {
            Some('\u{e000}')
        } else {
            char::from_u32(u32::from(last) + 1)
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

fn bytewise(range: &Range, operand: Operand) -> Option<Predicate> {
    let end = |end: &Option<End>, strict: Op, inclusive: Op| match end {
        None => Some(Predicate::True),
        Some(End {
            inclusive: with,
            literal: Literal::Text(text),
        }) => Some(compare(
            operand,
            if *with { inclusive } else { strict },
            Value::Text(text.clone()),
        )),
        Some(_) => None,
    };
    let low = end(&range.low, Op::Greater, Op::GreaterOrEqual)?;
    let high = end(&range.high, Op::Less, Op::LessOrEqual)?;
    Some(Predicate::all([low, high]))
}

// ---- hashes --------------------------------------------------------------------------------------

fn is_hash(field: &Field) -> bool {
    matches!(field.column, "entry_hash" | "hash")
}

fn hash(test: &Test, field: &'static Field, leaf: &Leaf) -> Predicate {
    let Test::Equals(equals) = test else {
        return leaf.on_row();
    };
    match parse_hash(&equals.folded) {
        Some(hash) => guarded(
            field,
            compare(Operand::Column(field.column), Op::Equal, Value::Hash(hash)),
        ),
        None => leaf.on_row(),
    }
}

fn parse_hash(text: &str) -> Option<[u8; 32]> {
    auditlog_core::encode::parse_hex(text)
}

// ---- time ----------------------------------------------------------------------------------------

fn time_column(test: &Test, field: &'static Field, leaf: &Leaf) -> Predicate {
    match test {
        Test::Time(range) => guarded(field, within(range, field)),
        // the text of a moment equals a date only by being inside of it
        Test::Equals(Equals { time: Some(range), .. }) => guarded(field, within(range, field)),
        _ => leaf.on_row(),
    }
}

fn within(range: &TimeRange, field: &'static Field) -> Predicate {
    let operand = Operand::Column(field.column);
    let low = range.low.as_ref().map(|end| {
        let op = if end.inclusive { Op::GreaterOrEqual } else { Op::Greater };
        compare(operand, op, time::value(&end.instant))
    });
    let high = range.high.as_ref().map(|end| {
        let op = if end.inclusive { Op::LessOrEqual } else { Op::Less };
        compare(operand, op, time::value(&end.instant))
    });
    Predicate::all([low, high].into_iter().flatten())
}

// ---- severity ------------------------------------------------------------------------------------

/// There are six values, so every test is a list of them.
fn severity(test: &Test, field: &'static Field) -> Predicate {
    let matching: Vec<Severity> = Severity::ALL
        .into_iter()
        .filter(|s| matches_value(test, JsonValue::Text(s.label()), 0, &Zone::Utc))
        .collect();
    let operand = Operand::Column(field.column);
    match matching.as_slice() {
        [] => Predicate::False,
        all if all.len() == Severity::ALL.len() => Predicate::Present(field.column),
        [one] => compare(operand, Op::Equal, Value::Severity(*one)),
        [first, .., last] if *last == Severity::Critical && Severity::ALL.ends_with(&matching) => {
            compare(operand, Op::GreaterOrEqual, Value::Severity(*first))
        }
        [.., last] if Severity::ALL.starts_with(&matching) => compare(operand, Op::LessOrEqual, Value::Severity(*last)),
        several => Predicate::In(operand, several.iter().map(|s| Value::Severity(*s)).collect()),
    }
}

// ---- addresses -----------------------------------------------------------------------------------

fn address(test: &Test, field: &'static Field, leaf: &Leaf) -> Predicate {
    let operand = Operand::Column(field.column);
    match test {
        Test::Network(network) => {
            let (low, high) = ends(network);
            let low = compare(operand, Op::GreaterOrEqual, Value::Inet(low));
            let high = compare(operand, Op::LessOrEqual, Value::Inet(high));
            guarded(field, Predicate::all([low, high]))
        }
        Test::Equals(Equals {
            address: Some(address), ..
        }) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            let inet = Inet {
                address: *address,
                bits,
            };
            guarded(field, compare(operand, Op::Equal, Value::Inet(inet)))
        }
        // a host name: no address is written so
        Test::Equals(_) if field.in_document => when_absent(field, leaf),
        _ => leaf.on_row(),
    }
}

/// The least and the greatest value inside of a network, in the order of `inet`.
fn ends(network: &Inet) -> (Inet, Inet) {
    let bits = u32::from(network.bits);
    match network.address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            let low = Ipv4Addr::from(u32::from(address) & mask);
            let high = Ipv4Addr::from(u32::from(address) | !mask);
            (inet(low.into(), network.bits), inet(high.into(), 32))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            let low = Ipv6Addr::from(u128::from(address) & mask);
            let high = Ipv6Addr::from(u128::from(address) | !mask);
            (inet(low.into(), network.bits), inet(high.into(), 128))
        }
    }
}

fn inet(address: IpAddr, bits: u8) -> Inet {
    Inet { address, bits }
}

// ---- numbers -------------------------------------------------------------------------------------

fn integer(test: &Test, field: &'static Field, leaf: &Leaf) -> Predicate {
    let operand = Operand::Column(field.column);
    let condition = match test {
        Test::Equals(equals) if equals.is_number => match whole(&equals.text) {
            Some(number) => compare(operand, Op::Equal, Value::Integer(number)),
            None => return leaf.on_row(),
        },
        Test::Range(Range { low, high }) => {
            let end = |end: &Option<End>, strict, inclusive| match end {
                None => Some(Predicate::True),
                Some(End {
                    inclusive: with,
                    literal: Literal::Number(text),
                }) => {
                    let op = if *with { inclusive } else { strict };
                    Some(compare(operand, op, Value::Integer(whole(text)?)))
                }
                Some(_) => None,
            };
            match (
                end(low, Op::Greater, Op::GreaterOrEqual),
                end(high, Op::Less, Op::LessOrEqual),
            ) {
                (Some(low), Some(high)) => Predicate::all([low, high]),
                _ => return leaf.on_row(),
            }
        }
        _ => return leaf.on_row(),
    };
    guarded(field, condition)
}

/// A literal that is a whole number written as such.
fn whole(text: &str) -> Option<i64> {
    Decimal::parse(text)?;
    text.parse().ok()
}
