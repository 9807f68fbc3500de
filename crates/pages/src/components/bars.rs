//! A list of values with how often each is there: a bar chart that is a table.

use maud::{Markup, html};

use crate::{format, text};

/// A value and the number of events that have it.
#[derive(Debug, Clone)]
pub struct Count {
    /// The value, from the log.
    pub value: String,
    /// Events that have it.
    pub count: u64,
}

/// A list of bars, each of which leads to a search. `share_of` is what a full bar means.
pub fn bars(label: &str, counts: &[Count], href: impl Fn(&Count) -> String) -> Markup {
    let most = counts.iter().map(|count| count.count).max().unwrap_or(1).max(1);
    html! {
        ol.bars aria-label=(label) {
            @for count in counts {
                li {
                    a href=(href(count)) { (text::short_value(&count.value, 64)) }
                    span.num { (format::count(count.count)) }
                    svg.bar viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                        rect.track x="0" y="0" width="100" height="4" {}
                        rect.fill x="0" y="0" width=(format!("{:.2}", count.count as f64 * 100.0 / most as f64)) height="4" {}
                    }
                }
            }
        }
    }
}
