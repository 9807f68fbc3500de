//! The functions that evaluate one leaf of a query on a value: what the conditions that the planner
//! (src/planner) and `explain_query` make of a query call where SQL has no operator of the same meaning.
//! They are false for NULL.

use super::event_document::{EventDocument, RowValue};
use super::query::{checked, now, zone};
use super::query_document::BinaryValue;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::columns::text;
use crate::store::jsonb;
use crate::store::row::{bytes, str};
use crate::store::view::EventRow;
use auditlog_query::dates::parse_interval;
use auditlog_query::eval::{Document, Value, matches_leaf, walk};
use auditlog_query::fold::fold as folded;
use auditlog_query::leaves::{Leaf, leaf as leaf_of};
use auditlog_query::node::{Checked, Target};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_fold, pg_finfo_auditlog_fold, fold);
crate::sql_function!(auditlog_moment, pg_finfo_auditlog_moment, moment);
crate::sql_function!(auditlog_match_text, pg_finfo_auditlog_match_text, match_text);
crate::sql_function!(auditlog_match_list, pg_finfo_auditlog_match_list, match_list);
crate::sql_function!(auditlog_match_json, pg_finfo_auditlog_match_json, match_json);
crate::sql_function!(auditlog_match_event, pg_finfo_auditlog_match_event, match_event);

/// `fold(text)`. Nothing in it fails or tells of its argument: it is declared LEAKPROOF.
fn fold(call: &Call) -> Datum {
    let Some(datum) = call.arg(0) else { return call.null() };
    // SAFETY: declared as text.
    let bytes = unsafe { bytes(datum) };
    match std::str::from_utf8(bytes) {
        Ok(value) => match folded(value) {
            std::borrow::Cow::Borrowed(_) => datum,
            std::borrow::Cow::Owned(value) => text(value.as_bytes()),
        },
        Err(_) => datum,
    }
}

/// `moment(text, text)`
fn moment(call: &Call) -> Datum {
    let (Some(math), Some(name)) = (call.str(0), call.str(1)) else {
        return call.null();
    };
    let zone = zone(name);
    match parse_interval(math, &zone) {
        Ok(interval) => crate::planner::time(interval.low.at(now(), &zone)),
        Err(_) => Fault::new(
            Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
            format!("«{math}» is no date and no date arithmetic"),
        )
        .detail("It is read as in queries.")
        .hint("Write a date such as 2026-11-21, or now-24h, now/d, 2026-01-01||+1M/d.")
        .raise(),
    }
}

/// One value as a document: whatever the leaf asks for is that value, or lies below it.
#[derive(Clone, Copy)]
struct Only<'t, V> {
    value: V,
    /// The target that the value was looked up for, when the leaf may have several.
    target: Option<&'t Target>,
    /// How many segments of the target's path lead to the value.
    skip: usize,
}

impl<'a, V: Value<'a>> Document<'a> for Only<'_, V> {
    type Value = V;

    fn is_event(self) -> bool {
        true
    }

    fn any<F: FnMut(V) -> bool>(self, target: &Target, test: &mut F) -> bool {
        match self.target {
            None => test(self.value),
            // the very one: targets with the same content are the same condition
            Some(wanted) if std::ptr::eq(wanted, target) => {
                walk(self.value, target.path.get(self.skip..).unwrap_or_default(), test)
            }
            Some(_) => false,
        }
    }

    fn any_value<F: FnMut(V) -> bool>(self, test: &mut F) -> bool {
        test(self.value)
    }
}

/// The query of the argument at `at` and what `work` makes of the leaf whose number follows it.
fn with_leaf(call: &Call, work: impl FnOnce(&Checked, Leaf<'_>) -> bool) -> Datum {
    let (Some(query), Some(number)) = (call.str(1), call.int(2)) else {
        return false.into();
    };
    let query = checked(query);
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    match leaf_of(&query.node, number) {
        Some(leaf) => work(&query, leaf).into(),
        None => Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("the query has no leaf {number}"),
        )
        .detail("The functions match_… are called by conditions that pg_auditlog makes.")
        .hint("Use auditlog.matches() or the operator @@@.")
        .raise(),
    }
}

fn match_text(call: &Call) -> Datum {
    // SAFETY: declared as text.
    let Some(value) = call.arg(0).and_then(|datum| unsafe { str(datum) }) else {
        return false.into();
    };
    let value = Only {
        value: RowValue::Text(value),
        target: None,
        skip: 0,
    };
    with_leaf(call, |query, leaf| matches_leaf(query, leaf, value, now()))
}

fn match_list(call: &Call) -> Datum {
    let Some(datum) = call.arg(0) else { return false.into() };
    // SAFETY: declared as text[].
    let value = RowValue::List(unsafe { bytes(datum) });
    let value = Only {
        value,
        target: None,
        skip: 0,
    };
    with_leaf(call, |query, leaf| matches_leaf(query, leaf, value, now()))
}

fn match_json(call: &Call) -> Datum {
    let (Some(data), Some(target), Some(skip)) = (call.jsonb(0), call.int(3), call.int(4)) else {
        return false.into();
    };
    let Ok(root) = jsonb::root(data) else {
        return false.into();
    };
    with_leaf(call, |query, leaf| {
        let Some(target) = usize::try_from(target).ok().and_then(|i| leaf.targets().get(i)) else {
            return false;
        };
        let value = Only {
            value: BinaryValue::Item(root),
            target: Some(target),
            skip: usize::try_from(skip).unwrap_or(0),
        };
        matches_leaf(query, leaf, value, now())
    })
}

fn match_event(call: &Call) -> Datum {
    let Some(event) = call.arg(0) else { return false.into() };
    // SAFETY: declared as auditlog.events.
    let row = unsafe { EventRow::of(event) };
    if row.get("entry_hash").is_none() {
        return false.into();
    }
    with_leaf(call, |query, leaf| {
        matches_leaf(query, leaf, EventDocument::new(&row), now())
    })
}
