//! Axes: round steps, lines across, labels that do not touch.

use super::super::page::{Align, Doc};
use super::super::shapes;
use super::super::style::{CHART, HAIRLINE, LEFT, MUTED, RIGHT};
use super::super::text::shaped;
use super::super::values::number;
use super::Data;

/// The scale from the lowest to the highest value, in round steps.
pub(super) struct Scale {
    pub low: f64,
    pub high: f64,
    step: f64,
}

impl Scale {
    /// A scale that holds zero and all values.
    pub(super) fn of(data: &Data<'_>) -> Self {
        let (low, high) = (data.smallest(), data.largest());
        let span = if high - low > 0.0 { high - low } else { 1.0 };
        let step = round_step(span / 4.0);
        // Of counts there are no halves.
        let whole = data
            .series
            .iter()
            .flat_map(|(_, values)| values)
            .all(|value| value.fract() == 0.0);
        let step = if whole { step.max(1.0) } else { step };
        let high = (high / step).ceil() * step;
        let low = (low / step).floor() * step;
        Self {
            low,
            high: if high > low { high } else { low + step },
            step,
        }
    }

    /// How far up a value is, 0 to 1.
    pub(super) fn share(&self, value: f64) -> f32 {
        (((value - self.low) / (self.high - self.low)) as f32).clamp(0.0, 1.0)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (low, step) = (self.low, self.step);
        let count = ((self.high - low) / step).round().clamp(1.0, 12.0) as u32;
        (0..=count).map(move |index| low + f64::from(index) * step)
    }
}

/// 1, 2, 2.5 or 5 times a power of ten, not less than a number.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= least)
        .unwrap_or(least)
}

/// Where a chart with axes is drawn.
pub(super) struct Plot {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

impl Plot {
    /// The y of a value.
    pub(super) fn y(&self, scale: &Scale, value: f64) -> f32 {
        self.top + self.height * (1.0 - scale.share(value))
    }
}

/// Draws the scale at the left with lines across, and gives the place that is left. `labels` is what labels of x need.
pub(super) fn frame(doc: &mut Doc<'_>, scale: &Scale, top: f32, height: f32, labels: f32) -> Plot {
    let widest = scale
        .ticks()
        .map(|tick| shaped(doc.fonts, &CHART, &number(tick)).natural_width(CHART.size))
        .fold(10.0, f32::max)
        .min(80.0);
    let left = LEFT + widest + 6.0;
    let plot = Plot {
        left,
        top: top + 5.0,
        width: RIGHT - left,
        height: height - labels - 5.0,
    };
    for tick in scale.ticks() {
        let y = plot.y(scale, tick);
        doc.stroke(
            shapes::line(left, y, RIGHT, y),
            if tick == 0.0 { MUTED } else { HAIRLINE },
            0.5,
        );
        doc.text_in(
            &number(tick),
            &CHART,
            LEFT,
            y - CHART.leading / 2.0,
            widest,
            Align::Right,
        );
    }
    plot
}

/// Draws labels below slots of equal width: as many as fit.
pub(super) fn labels(doc: &mut Doc<'_>, plot: &Plot, labels: &[&str]) {
    let slot = plot.width / labels.len().max(1) as f32;
    let widest = labels
        .iter()
        .map(|label| shaped(doc.fonts, &CHART, &super::super::escape::shortened(label, 40)).natural_width(CHART.size))
        .fold(0.0, f32::max)
        .min(110.0);
    let every = ((widest + 5.0) / slot).ceil().max(1.0) as usize;
    for (index, label) in labels.iter().enumerate().step_by(every) {
        let width = (slot * every as f32).min(widest + 5.0).max(slot);
        let center = plot.left + slot * (index as f32 + 0.5);
        // The outermost stay within the text.
        let x = (center - width / 2.0).clamp(LEFT, (RIGHT - width).max(LEFT));
        doc.text_in(label, &CHART, x, plot.top + plot.height + 3.0, width, Align::Center);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!(round_step(3.0), 5.0);
        assert_eq!(round_step(0.21), 0.25);
        assert_eq!(round_step(1000.0), 1000.0);
    }

    #[test]
    fn scales_hold_their_values() {
        for values in [
            vec![0.0],
            vec![3.0, 7.0],
            vec![-5.0, 2.5],
            vec![1e30],
            vec![-1e30, 1e30],
            vec![1e-300],
        ] {
            let scale = Scale::of(&Data {
                labels: vec!["a"; values.len()],
                series: vec![("s", values.clone())],
            });
            assert!(scale.high > scale.low && scale.ticks().count() <= 13, "{values:?}");
            assert!(values.iter().all(|value| (0.0..=1.0).contains(&scale.share(*value))));
        }
    }
}
