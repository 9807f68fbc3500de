//! Filters on `timestamp`.

use super::{FilterError, error, field_expr, path_of};
use crate::ast::{Bound, Expr, Order, Scalar, ValueKind};
use crate::dates::{Zone, parse_interval};
use crate::error::quoted;
use crate::span::Span;
use auditlog_core::json::Json;

const HINT: &str = "Write «Last 7 days», «Today», «2026-03-01 to 2026-03-10», or {\"from\": …, \"to\": …}.";

/// Which end a key speaks of.
#[derive(Clone, Copy)]
pub(super) enum Which {
    Range,
    From,
    To,
}

pub(super) fn key(name: &str) -> Option<Which> {
    match name.to_lowercase().as_str() {
        "time_range" | "timestamp" | "time" => Some(Which::Range),
        "start_time" | "since" | "from" => Some(Which::From),
        "end_time" | "until" | "to" => Some(Which::To),
        _ => None,
    }
}

pub(super) fn conditions(which: Which, value: &Json, place: &str) -> Result<Vec<Expr>, FilterError> {
    match (which, value) {
        (Which::Range, Json::String(text)) => range(text.trim(), place),
        (Which::Range, Json::Object(pairs)) => {
            let mut ends = Vec::new();
            for (name, value) in pairs {
                let place = format!("{place}.{name}");
                match key(name) {
                    Some(which @ (Which::From | Which::To)) => ends.extend(conditions(which, value, &place)?),
                    _ => {
                        return Err(error(
                            place,
                            format!("unknown end {} of a time range", quoted(name)),
                            HINT,
                        ));
                    }
                }
            }
            Ok(ends)
        }
        (Which::From, Json::String(text)) => Ok(vec![compare(Order::GreaterOrEqual, date(text, place)?)]),
        (Which::To, Json::String(text)) => Ok(vec![compare(Order::LessOrEqual, date(text, place)?)]),
        (_, other) => {
            let message = format!("a time must be a text, not a value of type {}", other.kind());
            Err(error(place.to_owned(), message, HINT))
        }
    }
}

fn range(text: &str, place: &str) -> Result<Vec<Expr>, FilterError> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let equals = |math: &str| Ok(vec![timestamp(ValueKind::Equals(literal(math)))]);
    match words.as_slice() {
        ["all", "time"] | ["any", "time"] | ["all"] => return Ok(Vec::new()),
        ["today"] => return equals("now/d"),
        ["yesterday"] => return equals("now-1d/d"),
        ["this", name] => {
            if let Some(unit) = unit(name) {
                return equals(&format!("now/{unit}"));
            }
        }
        ["last" | "past", name] => {
            if let Some(unit) = unit(name) {
                return Ok(vec![since(&format!("1{unit}"))]);
            }
        }
        ["last" | "past", count, name] => {
            if let Some(unit) = unit(name).filter(|_| is_count(count)) {
                return Ok(vec![since(&format!("{count}{unit}"))]);
            }
        }
        [_, "to", _] => {
            // the words of the text itself: T and Z are upper case there
            let mut ends = text.split_whitespace();
            let (low, high) = (ends.next().unwrap_or(""), ends.nth(1).unwrap_or(""));
            let bound = |value: &str| {
                let value = (value != "*").then(|| date(value, place)).transpose()?;
                Ok(Bound { inclusive: true, value })
            };
            return Ok(vec![timestamp(ValueKind::Range(bound(low)?, bound(high)?))]);
        }
        [one] if parse_interval(&format!("now-{one}"), &Zone::Utc).is_ok() => {
            // 7d, 24h
            return Ok(vec![since(text)]);
        }
        _ => {}
    }
    Ok(vec![timestamp(ValueKind::Equals(date(text, place)?))])
}

fn is_count(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn unit(name: &str) -> Option<char> {
    match name.strip_suffix('s').unwrap_or(name) {
        "second" => Some('s'),
        "minute" | "min" => Some('m'),
        "hour" => Some('h'),
        "day" => Some('d'),
        "week" => Some('w'),
        "month" => Some('M'),
        "year" => Some('y'),
        _ => None,
    }
}

fn since(length: &str) -> Expr {
    compare(Order::GreaterOrEqual, literal(&format!("now-{length}")))
}

fn date(text: &str, place: &str) -> Result<Scalar, FilterError> {
    let text = text.trim();
    match parse_interval(text, &Zone::Utc) {
        Ok(_) => Ok(literal(text)),
        Err(_) => Err(error(place.to_owned(), format!("{} is not a time", quoted(text)), HINT)),
    }
}

fn literal(text: &str) -> Scalar {
    Scalar {
        quoted: text.contains(' '),
        ..Scalar::quoted(text, Span::default())
    }
}

fn compare(order: Order, scalar: Scalar) -> Expr {
    timestamp(ValueKind::Compare(order, scalar))
}

fn timestamp(kind: ValueKind) -> Expr {
    field_expr(path_of(std::iter::once("timestamp")), kind)
}
