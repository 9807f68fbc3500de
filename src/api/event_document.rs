//! A row of `auditlog.events` as the document that it came as, for the query language's evaluator:
//! columns are read where they lie, nothing is built.

use crate::store::columns::at;
use crate::store::jsonb::{self, Item};
use crate::store::row::{array_items, bytes};
use crate::store::view::EventRow;
use crate::store::{POSTGRES_EPOCH, catalog};
use auditlog_core::columns::{COLUMNS, Column, Kind as Stored};
use auditlog_core::event::Inet;
use auditlog_core::view::View as Look;
use auditlog_query::eval::{Document, Value, View, walk};
use auditlog_query::fields::Kind;
use auditlog_query::node::Target;
use pgrx::pg_sys::{Datum, Oid};
use std::borrow::Cow;
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The document of a row.
#[derive(Clone, Copy)]
pub struct EventDocument<'a>(&'a EventRow);

impl<'a> EventDocument<'a> {
    /// The document of a row.
    pub fn new(row: &'a EventRow) -> EventDocument<'a> {
        EventDocument(row)
    }
}

/// A value of the document.
#[derive(Clone, Copy)]
pub enum RowValue<'a> {
    /// The document itself.
    Root(&'a EventRow),
    /// A group such as `actor`.
    Group(&'a EventRow, &'static str),
    /// A value in `extra` or another JSON column.
    Item(Item<'a>),
    /// A text.
    Text(&'a str),
    /// A moment, in microseconds since the Unix epoch.
    Time(i64),
    /// An address.
    Address(Inet),
    /// A `text[]` after its header.
    List(&'a [u8]),
    /// A whole number.
    Number(i64),
    /// A hash.
    Hash(&'a [u8]),
}

fn extra(row: &EventRow) -> Option<Item<'_>> {
    // SAFETY: a jsonb column.
    row.hashed(at!("extra"))
        .and_then(|datum| jsonb::root(unsafe { bytes(datum) }).ok())
}

/// What stands in `extra` at the path of a column is the value as it came.
fn displaced<'a>(row: &'a EventRow, column: &Column) -> Option<Item<'a>> {
    let extra = extra(row)?;
    if column.group.is_empty() {
        Look::get(extra, column.leaf)
    } else {
        Look::get(Look::get(extra, column.group)?, column.leaf)
    }
}

fn member_column(group: &str, leaf: &str) -> Option<&'static Column> {
    COLUMNS
        .iter()
        .find(|c| c.group == group && c.leaf == leaf && !c.path.is_empty())
}

fn column_value<'a>(row: &'a EventRow, column: &'static Column) -> Option<RowValue<'a>> {
    if let Some(item) = displaced(row, column) {
        return Some(RowValue::Item(item));
    }
    let datum = row.hashed(position(column))?;
    let kind = match column.kind {
        Stored::Text if column.id == SEVERITY => Kind::Severity,
        Stored::Text => Kind::Text,
        Stored::Time => Kind::Time,
        Stored::Int => Kind::Integer,
        Stored::Inet => Kind::Ip,
        Stored::TextArray => Kind::TextList,
        Stored::Json => Kind::Json,
    };
    value(kind, column.name, datum)
}

const SEVERITY: u8 = COLUMNS[at!("severity")].id;

/// Columns are numbered as they stand: looked up for each value of each row.
fn position(column: &Column) -> usize {
    usize::from(column.id) - 1
}

const _: () = {
    let mut i = 0;
    while i < COLUMNS.len() {
        assert!(COLUMNS[i].id as usize == i + 1);
        i += 1;
    }
};

/// A column's datum as a value.
fn value<'a>(kind: Kind, column: &str, datum: Datum) -> Option<RowValue<'a>> {
    // SAFETY: the types are those of the view's columns; a row outlives its evaluation.
    unsafe {
        Some(match kind {
            Kind::Text if matches!(column, "entry_hash" | "hash") => RowValue::Hash(bytes(datum)),
            Kind::Text => RowValue::Text(std::str::from_utf8(bytes(datum)).ok()?),
            Kind::Time => RowValue::Time((datum.value() as i64).saturating_add(POSTGRES_EPOCH)),
            Kind::Severity => RowValue::Text(catalog::severity_label(Oid::from_u32(datum.value() as u32))?),
            Kind::Ip => RowValue::Address(inet(bytes(datum))?),
            Kind::TextList => RowValue::List(bytes(datum)),
            Kind::Integer => RowValue::Number(datum.value() as i64),
            Kind::Json => RowValue::Item(jsonb::root(bytes(datum)).ok()?),
        })
    }
}

fn inet(data: &[u8]) -> Option<Inet> {
    match data {
        [2, bits, a @ ..] => Some(Inet {
            address: Ipv4Addr::from(<[u8; 4]>::try_from(a.get(..4)?).ok()?).into(),
            bits: *bits,
        }),
        [3, bits, a @ ..] => Some(Inet {
            address: Ipv6Addr::from(<[u8; 16]>::try_from(a.get(..16)?).ok()?).into(),
            bits: *bits,
        }),
        _ => None,
    }
}

impl<'a> Document<'a> for EventDocument<'a> {
    type Value = RowValue<'a>;

    fn is_event(self) -> bool {
        true
    }

    fn any<F: FnMut(RowValue<'a>) -> bool>(self, target: &Target, test: &mut F) -> bool {
        let Some(field) = target.field else {
            return walk(RowValue::Root(self.0), &target.path, test);
        };
        if field.in_document {
            let Some(column) = COLUMNS.iter().find(|c| c.name == field.column) else {
                return false;
            };
            return column_value(self.0, column).is_some_and(|value| walk(value, target.below(), test));
        }
        let found = self
            .0
            .get(field.column)
            .and_then(|datum| value(field.kind, field.column, datum));
        found.is_some_and(test)
    }

    fn any_value<F: FnMut(RowValue<'a>) -> bool>(self, test: &mut F) -> bool {
        test(RowValue::Root(self.0))
    }
}

impl<'a> Value<'a> for RowValue<'a> {
    fn view(self) -> View<'a> {
        match self {
            RowValue::Root(_) | RowValue::Group(..) => View::Object,
            RowValue::Item(item) => super::query_document::BinaryValue::Item(item).view(),
            RowValue::Text(text) => View::Text(Cow::Borrowed(text)),
            RowValue::Time(us) => View::Time(us),
            RowValue::Address(inet) => View::Address(inet),
            RowValue::List(_) => View::Array,
            RowValue::Number(number) => View::Number(number.to_string().into()),
            RowValue::Hash(hash) => View::Text(hex(hash).into()),
        }
    }

    fn member(self, key: &str) -> Option<Self> {
        match self {
            RowValue::Root(row) => {
                if let Some(column) = member_column("", key) {
                    return column_value(row, column);
                }
                match GROUPS.into_iter().find(|group| *group == key) {
                    Some(group) => group_value(row, group),
                    None => Look::get(extra(row)?, key).map(RowValue::Item),
                }
            }
            RowValue::Group(row, group) => match member_column(group, key) {
                Some(column) => column_value(row, column),
                None => Look::get(Look::get(extra(row)?, group)?, key).map(RowValue::Item),
            },
            RowValue::Item(item) => Look::get(item, key).map(RowValue::Item),
            _ => None,
        }
    }

    fn any_element(self, test: &mut dyn FnMut(Self) -> bool) -> bool {
        match self {
            RowValue::List(data) => array_items(data).is_some_and(|items| {
                items
                    .into_iter()
                    .filter_map(|item| std::str::from_utf8(item).ok())
                    .any(|item| test(RowValue::Text(item)))
            }),
            RowValue::Item(item) => item
                .items()
                .is_some_and(|items| items.map_while(Result::ok).any(|item| test(RowValue::Item(item)))),
            _ => false,
        }
    }

    fn any_member(self, test: &mut dyn FnMut(Self) -> bool) -> bool {
        let (row, group) = match self {
            RowValue::Root(row) => (row, ""),
            RowValue::Group(row, group) => (row, group),
            RowValue::Item(item) => {
                return item.pairs().is_some_and(|pairs| {
                    pairs
                        .map_while(Result::ok)
                        .any(|(_, value)| test(RowValue::Item(value)))
                });
            }
            _ => return false,
        };
        let mut columns = COLUMNS.iter().filter(|c| c.group == group && !c.path.is_empty());
        if columns.any(|column| column_value(row, column).is_some_and(&mut *test)) {
            return true;
        }
        if group.is_empty()
            && GROUPS
                .into_iter()
                .any(|group| group_value(row, group).is_some_and(&mut *test))
        {
            return true;
        }
        // the rest of `extra`: what has no column
        let rest = match group {
            "" => extra(row),
            group => extra(row).and_then(|extra| Look::get(extra, group)),
        };
        rest.and_then(Item::pairs).is_some_and(|pairs| {
            pairs.map_while(Result::ok).any(|(key, value)| {
                let Ok(key) = std::str::from_utf8(key) else {
                    return false;
                };
                let known = member_column(group, key).is_some() || (group.is_empty() && GROUPS.contains(&key));
                !known && test(RowValue::Item(value))
            })
        })
    }
}

/// The groups of the document.
const GROUPS: [&str; 5] = auditlog_query::fields::GROUPS;

/// A group that has something in it; what is no object there stands in `extra`.
fn group_value<'a>(row: &'a EventRow, group: &'static str) -> Option<RowValue<'a>> {
    let in_extra = extra(row).and_then(|extra| Look::get(extra, group));
    let column = COLUMNS
        .iter()
        .any(|c| c.group == group && row.hashed(position(c)).is_some());
    match in_extra {
        Some(item) if item.pairs().is_none() => Some(RowValue::Item(item)),
        None if !column => None,
        _ => Some(RowValue::Group(row, group)),
    }
}

fn hex(hash: &[u8]) -> String {
    hash.iter()
        .fold(String::with_capacity(hash.len() * 2), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
