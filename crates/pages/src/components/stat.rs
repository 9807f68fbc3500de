//! A figure with its name and, where there is one, what it was before.

use maud::{Markup, html};

use super::badge::Tone;
use super::icon::{Icon, icon};
use crate::format;

/// A figure of a number of events. More than before is bad news for some figures, and none for others: `tone` says it.
pub struct Stat<'a> {
    /// What is counted.
    pub label: &'a str,
    /// How many.
    pub count: u64,
    /// How many in the time of the same length before.
    pub previous: Option<u64>,
    /// What a number above 0 means.
    pub tone: Tone,
    /// The search that finds them.
    pub href: Option<String>,
    /// A chart of the same, or nothing.
    pub chart: Option<Markup>,
}

/// Renders a figure.
pub fn stat(stat: Stat<'_>) -> Markup {
    let tone = if stat.count == 0 { Tone::Ok } else { stat.tone };
    html! {
        div class=(format!("stat {}", tone.class())) {
            p.stat-label {
                @if stat.tone != Tone::Neutral { (icon(tone.icon())) }
                @match &stat.href { Some(href) => a href=(href) { (stat.label) }, None => (stat.label) }
            }
            p.stat-value { (format::count(stat.count)) }
            p.stat-note {
                @match stat.previous.map(|previous| (previous, format::change(stat.count, previous))) {
                    None => "",
                    Some((previous, _)) if previous == stat.count => "as before",
                    Some((_, Some(change))) => {
                        (icon(if change < 0 { Icon::Down } else { Icon::Plus })) (change.unsigned_abs()) " % " (if change < 0 { "less" } else { "more" }) " than before"
                    }
                    Some((previous, None)) => { (format::count(previous)) " before" }
                }
            }
            @if let Some(chart) = stat.chart { (chart) }
        }
    }
}
