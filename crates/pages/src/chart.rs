//! Charts in SVG, each with its numbers as a table beside it. No style attributes: the policy of the pages forbids them.

use chrono::TimeDelta;
use maud::{Markup, html};

use crate::format;
use crate::time::{self, Moment};

/// How many events fall into one bucket of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Where it begins.
    pub start: Moment,
    /// Events in it.
    pub count: u64,
}

/// Events over time.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// Buckets of one width, without gaps.
    pub buckets: Vec<Bucket>,
    /// Their width.
    pub seconds: i64,
}

/// Widths that buckets may have, and their names for `auditlog.histogram()`.
const WIDTHS: [(i64, &str); 13] = [
    (10, "10 seconds"),
    (30, "30 seconds"),
    (60, "1 minute"),
    (300, "5 minutes"),
    (900, "15 minutes"),
    (1800, "30 minutes"),
    (3600, "1 hour"),
    (10_800, "3 hours"),
    (21_600, "6 hours"),
    (43_200, "12 hours"),
    (86_400, "1 day"),
    (604_800, "7 days"),
    (2_592_000, "30 days"),
];

/// The width of buckets that gives a time some 30 to 90 of them: seconds, and the interval for the database.
pub fn bucket_width(since: Moment, until: Moment) -> (i64, &'static str) {
    let span = (until - since).num_seconds();
    *WIDTHS
        .iter()
        .find(|(seconds, _)| span / seconds <= 90)
        .unwrap_or(&WIDTHS[WIDTHS.len() - 1])
}

impl Histogram {
    /// All events in it.
    pub fn total(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.count).sum()
    }

    fn most(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.count).max().unwrap_or(0)
    }

    /// The width in words.
    fn width(&self) -> String {
        WIDTHS
            .iter()
            .find(|(seconds, _)| *seconds == self.seconds)
            .map_or_else(|| format::seconds(self.seconds as f64), |(_, name)| (*name).to_owned())
    }

    /// When the bucket after the last one would begin.
    fn end(&self) -> Option<Moment> {
        self.buckets
            .last()
            .map(|bucket| bucket.start + TimeDelta::seconds(self.seconds))
    }
}

/// The next round number above: what the top of the chart means.
fn round_up(n: u64) -> u64 {
    let magnitude = 10_u64.pow(n.max(1).ilog10());
    [10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100]
        .iter()
        .map(|f| (f * magnitude).div_ceil(10))
        .find(|top| *top >= n)
        .unwrap_or(n)
}

/// The ticks of the axis: evenly spread buckets, six at most.
fn ticks(histogram: &Histogram) -> Vec<Moment> {
    let n = histogram.buckets.len();
    let step = n.div_ceil(5).max(1);
    histogram
        .buckets
        .iter()
        .step_by(step)
        .map(|bucket| bucket.start)
        .collect()
}

/// A histogram with axis and numbers. `href` is the search of a time; with `brush` the script lets it be drawn
/// on the chart, and follows `data-href` with the two times put in.
pub fn histogram(
    id: &str,
    title: &str,
    histogram: &Histogram,
    brush: Option<&str>,
    href: impl Fn(Moment, Moment) -> String,
) -> Markup {
    let (Some(first), Some(end)) = (histogram.buckets.first().map(|b| b.start), histogram.end()) else {
        return html! {};
    };
    let top = round_up(histogram.most());
    let n = histogram.buckets.len() as f64;
    let height = |count: u64| {
        if count == 0 {
            0.0
        } else {
            (count as f64 * 100.0 / top as f64).max(1.5)
        }
    };
    let title_id = format!("{id}-title");
    html! {
        figure.chart #(id) {
            div.plot data-histogram data-first=(first.timestamp()) data-seconds=(histogram.seconds) data-buckets=(histogram.buckets.len())
                data-counts=(histogram.buckets.iter().map(|b| b.count.to_string()).collect::<Vec<_>>().join(" ")) data-href=[brush] {
                span.peak.num aria-hidden="true" { (format::count(top)) }
                svg viewBox=(format!("0 0 {n} 100")) preserveAspectRatio="none" role="img" aria-labelledby=(title_id) {
                    title #(title_id) {
                        (title) ": " (format::plural(histogram.total(), "event", "events")) " in buckets of " (histogram.width()) ", at most " (format::count(histogram.most()))
                    }
                    line.grid x1="0" x2=(n) y1="0.5" y2="0.5" {}
                    line.grid x1="0" x2=(n) y1="50" y2="50" {}
                    @for (i, bucket) in histogram.buckets.iter().enumerate() {
                        @if bucket.count > 0 {
                            @let h = height(bucket.count);
                            rect.fill x=(format!("{:.2}", i as f64 + 0.08)) y=(format!("{:.2}", 100.0 - h)) width="0.84" height=(format!("{h:.2}")) {}
                        }
                    }
                }
                span.brush aria-hidden="true" hidden {}
            }
            div.axis aria-hidden="true" {
                @for tick in ticks(histogram) { span { @if histogram.seconds >= 86_400 { (time::day(tick)) } @else { (time::minute(tick)) } } }
            }
            figcaption {
                span.chart-note { (format::count(histogram.total())) " events, a bar is " (histogram.width()) @if brush.is_some() { span.js-only { "; drag over the chart to choose a time" } } }
                details.numbers {
                    summary { "Numbers" }
                    (super::components::table::table_of("few", &format!("{title}, numbers"), &["From", "#Events"], html! {
                        @for bucket in &histogram.buckets {
                            @let until = bucket.start + TimeDelta::seconds(histogram.seconds);
                            tr { th scope="row" { a href=(href(bucket.start, until)) { (time::minute(bucket.start)) } } td.num { (format::count(bucket.count)) } }
                        }
                    }))
                    p.hint { "Up to " (time::minute(end)) "." }
                }
            }
        }
    }
}

/// A line of small bars, for a figure that says the number itself.
pub fn sparkline(counts: &[u64]) -> Markup {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    html! {
        svg.spark viewBox=(format!("0 0 {} 100", counts.len().max(1))) preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (i, count) in counts.iter().enumerate() {
                @let h = if *count == 0 { 2.0 } else { (*count as f64 * 100.0 / most as f64).max(6.0) };
                rect class=(if *count == 0 { "track" } else { "fill" }) x=(format!("{:.2}", i as f64 + 0.1)) y=(format!("{:.2}", 100.0 - h)) width="0.8" height=(format!("{h:.2}")) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tops_are_round() {
        assert_eq!(
            [0, 1, 3, 7, 11, 85, 100, 4321].map(round_up),
            [1, 1, 3, 8, 12, 100, 100, 5000]
        );
    }

    #[test]
    fn widths_fit() {
        let until = Moment::default();
        for minutes in [15, 60, 1440, 10_080, 43_200, 129_600, 525_600] {
            let (seconds, _) = bucket_width(until - TimeDelta::minutes(minutes), until);
            assert!((12..=90).contains(&(minutes * 60 / seconds)), "{minutes}: {seconds}");
        }
    }
}
