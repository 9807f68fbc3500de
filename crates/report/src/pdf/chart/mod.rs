//! Charts, drawn as shapes, with a text for whom cannot see them and their numbers in a table.

mod axis;
mod bars;
mod heat;
mod lines;
mod numbers;

use super::blocks::{heading3, note};
use super::escape::label;
use super::page::{Align, Doc};
use super::style::{CHART, INK, LEFT, RIGHT, Rgb, SERIES};
use super::tags::{NodeId, Role};
use super::text::shaped;
use crate::model::{Chart, Form};

/// Points of a series that are drawn.
const POINTS: usize = 400;
/// Series that are drawn.
const MOST_SERIES: usize = 24;
/// Characters of the text for whom cannot see a chart: PDF/A allows 32,767 bytes.
const ALT_LIMIT: usize = 2_000;

/// A chart whose numbers are all there: as many of each series as there are labels, none infinite.
struct Data<'a> {
    labels: Vec<&'a str>,
    series: Vec<(&'a str, Vec<f64>)>,
}

impl<'a> Data<'a> {
    fn of(chart: &'a Chart) -> Self {
        let labels: Vec<&str> = chart.x.iter().take(POINTS).map(String::as_str).collect();
        let series = chart.series.iter().take(MOST_SERIES).map(|series| {
            let values = (0..labels.len()).map(|index| {
                // Values beyond this leave no room for arithmetic in single precision.
                let value = series.values.get(index).copied().unwrap_or(0.0);
                if value.is_finite() {
                    value.clamp(-1e30, 1e30)
                } else {
                    0.0
                }
            });
            (series.name.as_str(), values.collect())
        });
        Self {
            series: series.collect(),
            labels,
        }
    }

    fn largest(&self) -> f64 {
        self.series
            .iter()
            .flat_map(|(_, values)| values)
            .fold(0.0, |largest, value| largest.max(*value))
    }

    fn smallest(&self) -> f64 {
        self.series
            .iter()
            .flat_map(|(_, values)| values)
            .fold(0.0, |smallest, value| smallest.min(*value))
    }
}

/// Draws a chart with its title and its numbers.
pub(crate) fn chart(doc: &mut Doc<'_>, parent: NodeId, chart: &Chart) {
    let data = Data::of(chart);
    let title = match chart.unit.as_str() {
        "" => chart.title.clone(),
        unit => format!("{} ({unit})", chart.title),
    };
    if data.labels.is_empty() || data.series.is_empty() {
        heading3(doc, parent, &title, 50.0);
        note(doc, parent, "There is nothing to draw for this period.");
        return;
    }
    let horizontal = chart.form == Form::Bars && data.series.len() == 1 && data.labels.len() <= 12;
    let height = match chart.form {
        Form::Bars if horizontal => bars::horizontal_height(&data),
        Form::Bars => bars::HEIGHT,
        Form::Lines => lines::HEIGHT,
        Form::Heat => heat::height(&data),
    };
    let legend = if data.series.len() > 1 && chart.form != Form::Heat {
        legend_height(doc, &data)
    } else {
        0.0
    };
    heading3(doc, parent, &title, height + legend + 24.0);
    let alt = if chart.alt.is_empty() { &chart.title } else { &chart.alt };
    let alt = label(
        doc.fonts,
        if alt.is_empty() {
            "A chart; its numbers are below"
        } else {
            alt
        },
        ALT_LIMIT,
    );
    let figure = doc.node(Some(parent), Role::Figure(alt));
    let top = doc.y + 2.0;
    if horizontal {
        bars::horizontal(doc, parent, figure, &data, top);
        doc.y = top + height + 8.0;
        return;
    }
    doc.tagged(figure, |doc| {
        if legend > 0.0 {
            draw_legend(doc, &data, top, true);
        }
        let top = top + legend;
        match chart.form {
            Form::Bars => bars::vertical(doc, &data, top),
            Form::Lines => lines::lines(doc, &data, top),
            Form::Heat => heat::heat(doc, &data, top),
        }
    });
    doc.y = top + legend + height + 6.0;
    numbers::numbers(doc, parent, chart, &data);
    if chart.x.len() > POINTS || chart.series.len() > MOST_SERIES {
        note(
            doc,
            parent,
            "The chart is longer than what is drawn; all of its numbers are in report.json.",
        );
    }
}

/// The colour of a series.
fn color(index: usize) -> Rgb {
    SERIES[index % SERIES.len()]
}

fn legend_height(doc: &mut Doc<'_>, data: &Data<'_>) -> f32 {
    draw_legend(doc, data, 0.0, false)
}

/// Names of the series with their colours, in rows; gives the height.
fn draw_legend(doc: &mut Doc<'_>, data: &Data<'_>, top: f32, draw: bool) -> f32 {
    const ROW: f32 = 12.0;
    let (mut x, mut y) = (LEFT, top);
    for (index, (name, _)) in data.series.iter().enumerate() {
        let name = super::escape::shortened(name, 40);
        let width = shaped(doc.fonts, &CHART, &name).natural_width(CHART.size).min(200.0) + 24.0;
        if x + width > RIGHT && x > LEFT {
            x = LEFT;
            y += ROW;
        }
        if draw {
            doc.fill(super::shapes::rounded(x, y + 1.5, 8.0, 6.0, 1.5), color(index));
            doc.text_in(&name, &CHART.colored(INK), x + 11.0, y, width - 12.0, Align::Left);
        }
        x += width;
    }
    y + ROW + 2.0 - top
}
