//! Facets: the most frequent values, each a link that adds it to the query.

use maud::{Markup, html};

use super::Facet;
use crate::components::icon::{Icon, icon};
use crate::url::SearchState;
use crate::{format, text};

/// All facets.
pub fn facets(state: &SearchState, facets: &[Facet]) -> Markup {
    html! {
        aside.facets aria-labelledby="facets-title" {
            h2 #facets-title { "Narrow by" }
            @for facet in facets { @if !facet.values.is_empty() { (one(state, facet)) } }
        }
    }
}

fn one(state: &SearchState, facet: &Facet) -> Markup {
    let most = facet.values.iter().map(|v| v.count).max().unwrap_or(1).max(1);
    html! {
        details.facet open {
            summary { h3 { (facet.label) } }
            ul {
                @for value in &facet.values {
                    li {
                        a.only href=(state.narrowed(&facet.field, &value.value).href()) { (text::short_value(&value.value, 48)) }
                        span.num { (format::count(value.count)) }
                        a.without href=(state.excluding(&facet.field, &value.value).href()) title="without these" {
                            (icon(Icon::Minus)) span.unseen { "Without " (text::plain(&value.value)) }
                        }
                        svg.bar viewBox="0 0 100 2" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                            rect.fill x="0" y="0" height="2" width=(format!("{:.2}", value.count as f64 * 100.0 / most as f64)) {}
                        }
                    }
                }
            }
        }
    }
}
