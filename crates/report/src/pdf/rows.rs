//! Tables of a section: exceptions first and marked, the first rows, and where the others are.

use super::Limits;
use super::blocks::{heading2, note};
use super::columns::NARROWEST;
use super::page::Doc;
use super::style::{CELL, CELL_CODE, Type, WIDTH};
use super::table::{Cell, Grid, Head, table};
use super::tags::NodeId;
use super::values::{cell as text_of, counted, whole};
use crate::model::{Column, Table};

use serde_json::Value;

/// Columns that are drawn: as many as have room for a few characters.
pub(crate) const MOST_COLUMNS: usize = (WIDTH / NARROWEST) as usize;

/// Draws a table of a section.
pub(crate) fn rows(doc: &mut Doc<'_>, parent: NodeId, of: &Table, limits: &Limits) {
    heading2(doc, parent, if of.caption.is_empty() { &of.name } else { &of.caption });
    let held = of.rows.len();
    let shown = held.min(limits.rows);
    let exceptions = usize::try_from(of.exceptions).unwrap_or(usize::MAX).min(shown);
    note(doc, parent, &summary(of, shown));
    if shown == 0 {
        return;
    }
    let columns = heads(&of.columns, |column| {
        of.rows.iter().take(100).filter_map(move |row| row.get(column))
    });
    let cell = |row: usize, column: usize| {
        let value = of.rows[row].get(column).unwrap_or(&Value::Null);
        Cell {
            text: text_of(value),
            style: style(&of.columns[column].name),
        }
    };
    table(
        doc,
        parent,
        &Grid {
            exceptions,
            ..Grid::new(&columns, shown, &cell)
        },
    );
    if shown < held {
        let text = format!(
            "Rows {}–{} are in report.csv.",
            whole(shown as u64 + 1),
            whole(held as u64)
        );
        note(doc, parent, &text);
    }
    if (held as u64) < of.total {
        let more = counted(of.total - held as u64, "further row is", "further rows are");
        note(doc, parent, &format!("{more} counted, but not listed in this report."));
    }
    more_columns(doc, parent, of.columns.len());
}

/// What is drawn of how many rows.
fn summary(of: &Table, shown: usize) -> String {
    let mut text = if shown == 0 {
        "No rows.".to_owned()
    } else if (shown as u64) < of.total {
        format!(
            "{} of {} are shown.",
            whole(shown as u64),
            counted(of.total, "row", "rows")
        )
    } else {
        format!("{}.", counted(of.total.max(shown as u64), "row", "rows"))
    };
    if of.exceptions > 0 {
        text.push_str(" Exceptions come first and are marked.");
    }
    text
}

/// Says that not all columns have room.
pub(crate) fn more_columns(doc: &mut Doc<'_>, parent: NodeId, columns: usize) {
    if columns > MOST_COLUMNS {
        let text = format!(
            "Columns {}–{columns} have no room on the page; they are in report.csv.",
            MOST_COLUMNS + 1
        );
        note(doc, parent, &text);
    }
}

/// The heads of columns; numbers are aligned at the right.
pub(crate) fn heads<'a, V: Iterator<Item = &'a Value>>(columns: &[Column], values: impl Fn(usize) -> V) -> Vec<Head> {
    let head = |(index, column): (usize, &Column)| {
        let mut known = values(index).filter(|value| !value.is_null()).peekable();
        let numbers = known.peek().is_some() && known.all(Value::is_number);
        let label = if column.label.is_empty() {
            &column.name
        } else {
            &column.label
        };
        if numbers {
            Head::right(label.as_str())
        } else {
            Head::left(label.as_str())
        }
    };
    columns.iter().take(MOST_COLUMNS).enumerate().map(head).collect()
}

/// Hashes, identifiers, addresses and statements are set in the mono face.
pub(crate) fn style(name: &str) -> Type {
    let last = name.rsplit(['.', '_']).next().unwrap_or(name);
    match last {
        "hash" | "sha256" | "ip" | "address" | "statement" | "sql" | "query" | "session" | "fingerprint" => CELL_CODE,
        _ => CELL,
    }
}
