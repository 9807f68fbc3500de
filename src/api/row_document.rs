//! The document of an event that came as columns, without building it: for checks that look at a few
//! values. Only for events whose `extra` speaks of no column (`as_given` sees to that).

use super::event_rows;
use crate::store::columns::{INBOX, RowBuf, at};
use crate::store::jsonb::{self, Item};
use crate::store::row::{bytes, text};
use crate::store::{POSTGRES_EPOCH, catalog};
use auditlog_core::columns::{COLUMNS, Kind};
use auditlog_core::document::{format_inet, format_timestamp};
use auditlog_core::view::View;
use pgrx::pg_sys::Oid;
use std::borrow::Cow;

/// A value of the document.
#[derive(Clone, Copy)]
pub enum RowDocument<'a> {
    /// The document itself.
    Root(&'a RowBuf<INBOX>),
    /// A group such as `actor`.
    Group(&'a RowBuf<INBOX>, &'static str),
    /// The value of a column that is no JSON.
    Column(&'a RowBuf<INBOX>, usize),
    /// A value in `extra` or another JSON column.
    Json(Item<'a>),
}

use RowDocument as Doc;

impl<'a> Doc<'a> {
    /// The document of a row.
    pub fn of(row: &'a RowBuf<INBOX>) -> Doc<'a> {
        Doc::Root(row)
    }
}

fn json<'a>(row: &'a RowBuf<INBOX>, column: usize) -> Option<Item<'a>> {
    if row.nulls[column] {
        return None;
    }
    // SAFETY: a jsonb column.
    jsonb::root(unsafe { bytes(row.values[column]) }).ok()
}

fn extra<'a>(row: &'a RowBuf<INBOX>) -> Option<Item<'a>> {
    json(row, at!("extra"))
}

/// The columns of a group that are set; those of the document itself with «».
fn members(row: &RowBuf<INBOX>, group: &str) -> impl Iterator<Item = usize> {
    let of_group =
        move |(_, column): &(usize, &auditlog_core::columns::Column)| column.group == group && !column.leaf.is_empty();
    COLUMNS
        .iter()
        .enumerate()
        .filter(of_group)
        .map(|(i, _)| i)
        .filter(|i| !row.nulls[*i])
}

/// The groups of the document.
const GROUPS: [&str; 5] = ["action", "actor", "resource", "changes", "metadata"];

fn column_value<'a>(row: &'a RowBuf<INBOX>, column: usize) -> Option<Doc<'a>> {
    if COLUMNS[column].kind == Kind::Json {
        json(row, column).map(Doc::Json)
    } else {
        Some(Doc::Column(row, column))
    }
}

fn is_group(row: &RowBuf<INBOX>, group: &str) -> bool {
    members(row, group).next().is_some()
}

impl<'a> View<'a> for Doc<'a> {
    fn kind(self) -> &'static str {
        match self {
            Doc::Root(_) | Doc::Group(..) => "object",
            Doc::Column(_, i) if COLUMNS[i].kind == Kind::TextArray => "array",
            Doc::Column(..) => "string",
            Doc::Json(item) => item.kind(),
        }
    }

    fn get(self, key: &str) -> Option<Self> {
        match self {
            Doc::Root(row) => {
                if let Some(group) = GROUPS.into_iter().find(|g| *g == key)
                    && is_group(row, group)
                {
                    return Some(Doc::Group(row, group));
                }
                match members(row, "").find(|i| COLUMNS[*i].leaf == key) {
                    Some(column) => column_value(row, column),
                    None => extra(row)?.get(key).map(Doc::Json),
                }
            }
            Doc::Group(row, group) => match members(row, group).find(|i| COLUMNS[*i].leaf == key) {
                Some(column) => column_value(row, column),
                None => extra(row)?.get(group)?.get(key).map(Doc::Json),
            },
            Doc::Column(..) => None,
            Doc::Json(item) => item.get(key).map(Doc::Json),
        }
    }

    fn members(self) -> usize {
        match self {
            Doc::Root(row) => {
                let of_extra = extra(row).map_or(0, |extra| {
                    let merged = GROUPS
                        .into_iter()
                        .filter(|g| is_group(row, g) && extra.get(g).is_some())
                        .count();
                    extra.members() - merged
                });
                members(row, "").count() + GROUPS.into_iter().filter(|g| is_group(row, g)).count() + of_extra
            }
            Doc::Group(row, group) => {
                let of_extra = extra(row).and_then(|e| e.get(group)).map_or(0, View::members);
                members(row, group).count() + of_extra
            }
            Doc::Column(..) => 0,
            Doc::Json(item) => item.members(),
        }
    }

    fn text(self) -> Option<Cow<'a, str>> {
        let (row, column) = match self {
            Doc::Column(row, column) => (row, column),
            Doc::Json(item) => return item.text(),
            _ => return None,
        };
        let value = row.values[column];
        match COLUMNS[column].kind {
            Kind::Time => Some(format_timestamp(value.value() as i64 + POSTGRES_EPOCH).into()),
            // SAFETY: an inet column.
            Kind::Inet => event_rows::parse_inet(unsafe { bytes(value) }).map(|ip| format_inet(&ip).into()),
            Kind::Text if column == at!("severity") => {
                catalog::severity_label(Oid::from_u32(value.value() as u32)).map(Cow::Borrowed)
            }
            // SAFETY: a text column.
            Kind::Text => Some(unsafe { text(value) }.into()),
            _ => None,
        }
    }

    fn boolean(self) -> Option<bool> {
        match self {
            Doc::Json(item) => item.boolean(),
            _ => None,
        }
    }
}
