//! Lines over time.

use super::super::page::Doc;
use super::super::shapes;
use super::super::style::WHITE;
use super::axis::{Scale, frame, labels};
use super::{Data, color};

/// Height of lines with their labels.
pub(super) const HEIGHT: f32 = 136.0;
/// Points up to which each is marked.
const MARKED: usize = 45;

/// A line for each series.
pub(super) fn lines(doc: &mut Doc<'_>, data: &Data<'_>, top: f32) {
    let scale = Scale::of(data);
    let plot = frame(doc, &scale, top, HEIGHT, 14.0);
    let slot = plot.width / data.labels.len() as f32;
    for (of, (_, values)) in data.series.iter().enumerate() {
        let points: Vec<(f32, f32)> = values
            .iter()
            .enumerate()
            .map(|(index, value)| (plot.left + slot * (index as f32 + 0.5), plot.y(&scale, *value)))
            .collect();
        if points.len() > 1 {
            doc.stroke(shapes::polyline(&points), color(of), 1.3);
        }
        if points.len() <= MARKED {
            for (x, y) in points {
                doc.fill(shapes::disc(x, y, 2.2), WHITE);
                doc.fill(shapes::disc(x, y, 1.6), color(of));
            }
        }
    }
    labels(doc, &plot, &data.labels);
}
