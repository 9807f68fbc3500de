//! Figures as cards in a row: label, value, note.

use serde_json::Value;

use super::blocks::{backdrop, block};
use super::page::Doc;
use super::style::{FIGURE, H2, LABEL, LEFT, PALE, SMALL, WIDTH};
use super::tags::{NodeId, Role};
use super::values::figure;
use crate::model::Metric;

const COLUMNS: usize = 4;
const GAP: f32 = 8.0;
const PAD: f32 = 8.0;

/// Draws metrics, four in a row.
pub(crate) fn cards(doc: &mut Doc<'_>, parent: NodeId, metrics: &[Metric]) {
    if metrics.is_empty() {
        return;
    }
    let list = doc.node(Some(parent), Role::List);
    let columns = COLUMNS.min(metrics.len()).max(3);
    let width = (WIDTH - GAP * (columns - 1) as f32) / columns as f32;
    for row in metrics.chunks(columns) {
        let height = row
            .iter()
            .map(|metric| card(doc, None, metric, (LEFT, 0.0, width)))
            .fold(0.0, f32::max);
        doc.need(height);
        let top = doc.y;
        for (index, metric) in row.iter().enumerate() {
            let x = LEFT + index as f32 * (width + GAP);
            backdrop(doc, x, top, width, height, PALE);
            let item = doc.node(Some(list), Role::Item);
            card(doc, Some(item), metric, (x, top, width));
        }
        doc.y += height + GAP;
    }
    doc.y += 2.0;
}

/// Draws a card into an item of a list, or only measures it; gives its height.
fn card(doc: &mut Doc<'_>, item: Option<NodeId>, metric: &Metric, (x, top, width): (f32, f32, f32)) -> f32 {
    let inner = (x + PAD, width - PAD * 2.0);
    let value = figure(&metric.value);
    let style = match &metric.value {
        Value::Number(_) => FIGURE,
        _ if value.chars().count() <= 10 => FIGURE,
        _ => H2,
    };
    let label = item.map(|item| doc.node(Some(item), Role::Label));
    let body = item.map(|item| doc.node(Some(item), Role::Body));
    let mut y = top + PAD;
    y += part(doc, label, |doc, draw| {
        block(doc, &metric.label, &LABEL, (inner.0, y, inner.1), 2, draw)
    });
    y += 1.0;
    y += part(doc, body, |doc, draw| {
        block(doc, &value, &style, (inner.0, y, inner.1), 3, draw)
    });
    if let Some(note) = &metric.note {
        y += part(doc, body, |doc, draw| {
            block(doc, note, &SMALL, (inner.0, y, inner.1), 4, draw)
        });
    }
    y + PAD - 1.0 - top
}

fn part(doc: &mut Doc<'_>, node: Option<NodeId>, draw: impl Fn(&mut Doc<'_>, bool) -> f32) -> f32 {
    match node {
        None => draw(doc, false),
        Some(node) => {
            let mut height = 0.0;
            doc.tagged(node, |doc| height = draw(doc, true));
            height
        }
    }
}
