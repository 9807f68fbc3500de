//! Tests of single values.

use super::Context;
use super::value::{Value, View};
use crate::dates::parse_value;
use crate::decimal::{Decimal, shortest};
use crate::fold;
use crate::node::{End, Equals, Literal, Range, Test};
use auditlog_core::document::{format_inet, format_timestamp, parse_inet};
use auditlog_core::event::{Inet, Severity};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

/// How a value is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub context: Context<'a>,
    /// Are numbers and booleans their text, as it is spelled? A text column holds them so. Asked only
    /// when there is one.
    pub as_text: &'a dyn Fn() -> bool,
}

impl Reading<'_> {
    fn view<'a>(self, value: impl Value<'a>) -> View<'a> {
        match value.view() {
            View::Number(number) if (self.as_text)() => View::Text(number),
            View::Bool(b) if (self.as_text)() => View::Text(Cow::Borrowed(scalar(b))),
            view => view,
        }
    }
}

/// Does the value, or any element of the array, pass the test?
pub(super) fn passes<'a, V: Value<'a>>(test: &Test, value: V, reading: Reading<'_>) -> bool {
    let view = reading.view(value);
    match (test, &view) {
        // an array exists by itself when it has elements, whatever they are
        (Test::Exists, View::Array) => value.any_element(&mut |_| true),
        (Test::Exists, View::Object) => value.any_member(&mut |_| true),
        (_, View::Array) => value.any_element(&mut |item| passes(test, item, reading)),
        (Test::Any(tests), _) => tests.iter().any(|test| passes(test, value, reading)),
        (Test::Null, View::Null) => true,
        (_, View::Null | View::Object) => false,
        (Test::Null, _) => false,
        (Test::Exists, _) => true,
        _ => scalar_passes(test, &view, reading.context),
    }
}

fn scalar_passes(test: &Test, view: &View<'_>, context: Context<'_>) -> bool {
    match test {
        Test::Equals(equals) => is_equal(equals, view, context),
        Test::Exact(text) => with_text(view, |value| value == text),
        Test::Pattern(pattern) => with_text(view, |value| pattern.matches(value)),
        Test::Regex(regex) => with_text(view, |value| regex.is_match(value)),
        Test::Network(network) => address(view).is_some_and(|inet| contains(network, &inet)),
        Test::Range(range) => in_range(range, view),
        Test::Time(range) => moment(view).is_some_and(|us| range.contains(us, context.now_us, context.zone)),
        Test::Exists | Test::Null | Test::Any(_) => false,
    }
}

/// The text of a boolean.
pub(super) fn scalar(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn with_text(view: &View<'_>, test: impl Fn(&str) -> bool) -> bool {
    match view {
        View::Bool(b) => test(scalar(*b)),
        View::Number(number) => test(shortest(number)),
        View::Text(text) => test(text),
        View::Time(us) => test(&format_timestamp(*us)),
        View::Address(inet) => test(&format_inet(inet)),
        View::Null | View::Array | View::Object => false,
    }
}

fn is_equal(equals: &Equals, view: &View<'_>, context: Context<'_>) -> bool {
    match view {
        View::Number(number) => equals.is_number && compare_numbers(number, &equals.text) == Some(Ordering::Equal),
        _ => {
            with_text(view, |text| fold::equals(text, &equals.folded))
                || (equals.address.is_some() && equals.address == single_address(view))
                || equals.time.as_ref().is_some_and(|range| {
                    moment(view).is_some_and(|us| range.contains(us, context.now_us, context.zone))
                })
        }
    }
}

fn compare_numbers(a: &str, b: &str) -> Option<Ordering> {
    Some(Decimal::parse(a)?.compare(&Decimal::parse(b)?))
}

fn in_range(range: &Range, view: &View<'_>) -> bool {
    let above = |end: &End, wanted: Ordering| {
        order(view, &end.literal).is_some_and(|order| order == wanted || (end.inclusive && order == Ordering::Equal))
    };
    range.low.as_ref().is_none_or(|end| above(end, Ordering::Greater))
        && range.high.as_ref().is_none_or(|end| above(end, Ordering::Less))
}

/// The order of a value and a literal, when they are of one type.
fn order(view: &View<'_>, literal: &Literal) -> Option<Ordering> {
    match (literal, view) {
        (Literal::Number(number), View::Number(text)) => compare_numbers(text, number),
        (Literal::Number(number), View::Text(text)) => compare_numbers(text, number),
        (Literal::Address(address), _) => {
            let value = single_address(view)?;
            (value.is_ipv4() == address.is_ipv4()).then(|| value.cmp(address))
        }
        (Literal::Severity(severity), View::Text(text)) => {
            let value = Severity::ALL.into_iter().find(|s| fold::equals(text, s.label()))?;
            Some(value.cmp(severity))
        }
        (Literal::Text(folded), View::Text(text)) => Some(fold::compare(text, folded)),
        _ => None,
    }
}

fn address(view: &View<'_>) -> Option<Inet> {
    match view {
        View::Text(text) => parse_inet(text),
        View::Address(inet) => Some(*inet),
        _ => None,
    }
}

/// An address that is not a network.
fn single_address(view: &View<'_>) -> Option<IpAddr> {
    let inet = address(view)?;
    let full = if inet.address.is_ipv4() { 32 } else { 128 };
    (inet.bits == full).then_some(inet.address)
}

fn contains(network: &Inet, inet: &Inet) -> bool {
    if inet.bits < network.bits {
        return false;
    }
    let bits = u32::from(network.bits);
    match (network.address, inet.address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)).checked_shr(32 - bits).unwrap_or(0) == 0,
        (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)).checked_shr(128 - bits).unwrap_or(0) == 0,
        _ => false,
    }
}

fn moment(view: &View<'_>) -> Option<i64> {
    match view {
        View::Text(text) => parse_value(text),
        View::Time(us) => Some(*us),
        _ => None,
    }
}
