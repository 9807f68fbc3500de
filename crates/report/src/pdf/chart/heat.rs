//! Heat maps: a row for each series, a column for each label; the more, the darker.

use super::super::page::{Align, Doc};
use super::super::shapes;
use super::super::style::{ACCENT, CHART, INK, LEFT, PALE, RIGHT, Rgb};
use super::super::text::shaped;
use super::super::values::number;
use super::Data;

const ROW: f32 = 15.0;
const LABELS: f32 = 13.0;
const LEGEND: f32 = 16.0;

/// Height of a heat map with labels and legend.
pub(super) fn height(data: &Data<'_>) -> f32 {
    data.series.len() as f32 * ROW + LABELS + LEGEND
}

/// A field for each value.
pub(super) fn heat(doc: &mut Doc<'_>, data: &Data<'_>, top: f32) {
    let style = CHART.colored(INK);
    let widest = data
        .series
        .iter()
        .map(|(name, _)| {
            shaped(doc.fonts, &style, &super::super::escape::shortened(name, 40)).natural_width(style.size)
        })
        .fold(10.0, f32::max)
        .min(110.0);
    let left = LEFT + widest + 6.0;
    let slot = (RIGHT - left) / data.labels.len() as f32;
    let gap = if slot > 6.0 { 1.2 } else { 0.0 };
    let (low, high) = (data.smallest(), data.largest());
    let span = if high > low { high - low } else { 1.0 };
    for (row, (name, values)) in data.series.iter().enumerate() {
        let y = top + row as f32 * ROW;
        doc.text_in(name, &style, LEFT, y + 2.5, widest, Align::Right);
        for (column, value) in values.iter().enumerate() {
            let x = left + column as f32 * slot;
            let share = ((value - low) / span) as f32;
            doc.fill(shapes::rect(x, y, slot - gap, ROW - 1.2), shade(share));
        }
    }
    let bottom = top + data.series.len() as f32 * ROW;
    let plot = super::axis::Plot {
        left,
        top,
        width: RIGHT - left,
        height: bottom - top,
    };
    super::axis::labels(doc, &plot, &data.labels);
    legend(doc, low, high, bottom + LABELS);
}

fn legend(doc: &mut Doc<'_>, low: f64, high: f64, top: f32) {
    const STEPS: usize = 6;
    let x = RIGHT - 150.0;
    doc.text_in(&number(low), &CHART, x - 64.0, top + 3.0, 60.0, Align::Right);
    for step in 0..STEPS {
        let share = step as f32 / (STEPS - 1) as f32;
        doc.fill(shapes::rect(x + step as f32 * 14.0, top + 4.0, 13.0, 7.0), shade(share));
    }
    doc.text_in(
        &number(high),
        &CHART,
        x + STEPS as f32 * 14.0 + 4.0,
        top + 3.0,
        60.0,
        Align::Left,
    );
}

/// From the pale colour to the accent; small values are told from none.
fn shade(share: f32) -> Rgb {
    if share <= 0.0 {
        return PALE;
    }
    let share = 0.12 + 0.88 * share.min(1.0);
    let mix = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * share).round() as u8;
    Rgb(mix(PALE.0, ACCENT.0), mix(PALE.1, ACCENT.1), mix(PALE.2, ACCENT.2))
}
