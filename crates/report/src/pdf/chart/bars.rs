//! Bars: horizontal when there are few, vertical when there are many or several series.

use super::super::page::{Align, Doc};
use super::super::shapes;
use super::super::style::{ACCENT, CHART, HAIRLINE, INK, LEFT, PALE, RIGHT, WIDTH};
use super::super::tags::{NodeId, Role};
use super::super::text::shaped;
use super::super::values::number;
use super::axis::{Scale, frame, labels};
use super::{Data, color};

/// Height of vertical bars with their labels.
pub(super) const HEIGHT: f32 = 136.0;
const ROW: f32 = 17.0;

/// Height of horizontal bars.
pub(super) fn horizontal_height(data: &Data<'_>) -> f32 {
    data.labels.len() as f32 * ROW + 2.0
}

/// A bar to the right for each label. The labels and the numbers beside the bars are a table of their own for whom cannot see them.
pub(super) fn horizontal(doc: &mut Doc<'_>, parent: NodeId, figure: NodeId, data: &Data<'_>, top: f32) {
    let style = CHART.colored(INK);
    let widest = data
        .labels
        .iter()
        .map(|label| shaped(doc.fonts, &style, &super::super::escape::shortened(label, 60)).natural_width(style.size))
        .fold(20.0, f32::max)
        .min(WIDTH * 0.34);
    let values = &data.series[0].1;
    let largest = values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    let left = LEFT + widest + 8.0;
    let room = RIGHT - left - 60.0;
    doc.tagged(figure, |doc| {
        for (index, value) in values.iter().enumerate() {
            let y = top + index as f32 * ROW;
            doc.fill(shapes::rect(left, y + 2.0, room, ROW - 6.0), PALE);
            let share = if largest > 0.0 {
                (value.abs() / largest) as f32
            } else {
                0.0
            };
            doc.fill(shapes::rect(left, y + 2.0, room * share, ROW - 6.0), ACCENT);
        }
        let bottom = top + data.labels.len() as f32 * ROW;
        doc.stroke(shapes::line(left, top, left, bottom), HAIRLINE, 0.8);
    });
    let table = doc.node(Some(parent), Role::Table);
    for (index, (label, value)) in data.labels.iter().zip(values).enumerate() {
        let y = top + index as f32 * ROW + 3.0;
        let row = doc.node(Some(table), Role::Row);
        let head = doc.node(Some(row), Role::RowHead);
        let cell = doc.node(Some(row), Role::Cell);
        doc.tagged(head, |doc| {
            doc.text_in(label, &style, LEFT, y, widest, Align::Right);
        });
        doc.tagged(cell, |doc| {
            doc.text_in(&number(*value), &style, left + room + 6.0, y, 54.0, Align::Left);
        });
    }
}

/// A group of upright bars for each label.
pub(super) fn vertical(doc: &mut Doc<'_>, data: &Data<'_>, top: f32) {
    let scale = Scale::of(data);
    let plot = frame(doc, &scale, top, HEIGHT, 14.0);
    let slot = plot.width / data.labels.len() as f32;
    let bar = slot * 0.72 / data.series.len() as f32;
    let zero = plot.y(&scale, 0.0);
    for (of, (_, values)) in data.series.iter().enumerate() {
        for (index, value) in values.iter().enumerate() {
            let x = plot.left + slot * (index as f32 + 0.14) + bar * of as f32;
            let y = plot.y(&scale, *value);
            doc.fill(shapes::rect(x, y.min(zero), bar, (zero - y).abs()), color(of));
        }
    }
    labels(doc, &plot, &data.labels);
}
