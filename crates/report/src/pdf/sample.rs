//! The sample of a section: how it was drawn, its events, and where their proofs are.

use std::borrow::Cow;

use super::Limits;
use super::blocks::{heading2, note, paragraph};
use super::facts::{exact, fact, facts};
use super::page::Doc;
use super::rows::{MOST_COLUMNS, heads, more_columns, style};
use super::style::{CELL, CELL_CODE};
use super::table::{Cell, Grid, Head, table};
use super::tags::NodeId;
use super::values::{cell as text_of, counted, whole};
use crate::model::{Sample, Section};

use serde_json::Value;

/// Columns of ours before those of the sample.
const OWN: usize = 2;

/// Draws the sample.
pub(crate) fn sample(doc: &mut Doc<'_>, parent: NodeId, section: &Section, sample: &Sample, limits: &Limits) {
    heading2(doc, parent, "Sample for tracing");
    let drawn = counted(sample.items.len() as u64, "event", "events");
    let how = "The events with the lowest SHA-256(seed ‖ “:” ‖ log_index in decimal): whoever has the seed and the log draws \
               the same.";
    paragraph(doc, parent, how);
    let of = format!("{drawn}, from {}", whole(sample.of));
    facts(doc, parent, &[fact("Drawn", of), exact("Seed", sample.seed.as_str())]);
    doc.gap(8.0);
    if sample.items.is_empty() {
        return;
    }
    let mut columns = vec![Head::right("log_index"), Head::left("Entry hash")];
    columns.extend(heads(&sample.columns, |column| {
        sample.items.iter().filter_map(move |item| item.values.get(column))
    }));
    columns.truncate(MOST_COLUMNS);
    let shown = sample.items.len().min(limits.rows);
    let cell = |row: usize, column: usize| {
        let item = &sample.items[row];
        match column {
            0 => Cell {
                text: item.log_index.to_string().into(),
                style: CELL,
            },
            1 => Cell {
                text: short_hash(&item.entry_hash),
                style: CELL_CODE,
            },
            column => Cell {
                text: text_of(item.values.get(column - OWN).unwrap_or(&Value::Null)),
                style: style(&sample.columns[column - OWN].name),
            },
        }
    };
    table(
        doc,
        parent,
        &Grid {
            row_heads: true,
            ..Grid::new(&columns, shown, &cell)
        },
    );
    if shown < sample.items.len() {
        let text = format!(
            "Events {}–{} of the sample are in report.json.",
            whole(shown as u64 + 1),
            sample.items.len()
        );
        note(doc, parent, &text);
    }
    more_columns(doc, parent, sample.columns.len() + OWN);
    let where_to = format!(
        "Whole hashes, records and inclusion proofs: attached report.json, section {}, sample. \
         auditlog verify checks them against the signed checkpoint.",
        section.id
    );
    note(doc, parent, &where_to);
}

/// The first 16 digits of a hash: enough to find it, and told from a whole one by «…».
fn short_hash(hash: &str) -> Cow<'_, str> {
    match super::escape::cut(hash, 16) {
        (whole, 0) => whole.into(),
        (start, _) => format!("{start}…").into(),
    }
}
