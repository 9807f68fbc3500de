//! Rows as tables.

use crate::model::{Column, Table};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most rows that a table has; the rows that are exceptions come first.
pub const MAX_ROWS: usize = 500;

/// A row of evidence.
pub trait Row: Serialize {
    /// Name of its table.
    const TABLE: &'static str;
    /// Caption of its table.
    const CAPTION: &'static str;
    /// Columns: name and label. Those that are no field of the row are [`Row::derived`].
    const COLUMNS: &'static [(&'static str, &'static str)];

    /// A column that is computed from others.
    fn derived(&self, _column: &str) -> Value {
        Value::Null
    }
}

/// The rows as a table, those at `exceptions` first; with these columns where the table has some of them, else with all.
pub fn table<R: Row>(rows: &[R], exceptions: &BTreeSet<usize>, fields: &[String]) -> Table {
    let wanted: Vec<_> = fields
        .iter()
        .filter_map(|field| R::COLUMNS.iter().find(|(name, _)| name == field))
        .collect();
    let columns = if wanted.is_empty() {
        R::COLUMNS.iter().collect()
    } else {
        wanted
    };
    let others = (0..rows.len()).filter(|at| !exceptions.contains(at));
    let order = exceptions.iter().copied().chain(others).take(MAX_ROWS);
    let cells = |row: &R| {
        let whole = serde_json::to_value(row).unwrap_or(Value::Null);
        let cell = |name: &str| match whole.get(name) {
            Some(Value::Array(items)) => list(items),
            Some(value) => value.clone(),
            None => row.derived(name),
        };
        columns.iter().map(|(name, _)| cell(name)).collect::<Vec<_>>()
    };
    Table {
        name: R::TABLE.to_owned(),
        caption: R::CAPTION.to_owned(),
        rows: order.filter_map(|at| rows.get(at)).map(cells).collect(),
        columns: columns
            .into_iter()
            .map(|(name, label)| Column {
                name: (*name).to_owned(),
                label: (*label).to_owned(),
            })
            .collect(),
        exceptions: exceptions.len().min(MAX_ROWS) as u64,
        total: rows.len() as u64,
    }
}

/// Lists of texts and numbers are shown as one text.
fn list(items: &[Value]) -> Value {
    let texts = items.iter().map(|item| match item {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    Value::String(texts.collect::<Vec<_>>().join(", "))
}
