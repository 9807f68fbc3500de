//! What a search has found, or why it has not.

use maud::{Markup, html};

use super::facets;
use super::{Model, Results, Total};
use crate::chart;
use crate::components::badge::Tone;
use crate::components::form;
use crate::components::icon::{Icon, icon};
use crate::components::notice;
use crate::components::{events, fields};
use crate::layout::{Chrome, Viewer};
use crate::url::{Range, SearchState};
use crate::{format, text, time};

/// The results.
pub fn results(chrome: &Chrome, model: &Model, found: &Results) -> Markup {
    let state = &model.state;
    html! {
        @for odd in &found.notices { (notice::notice(Tone::Info, "Did you mean this?", text::value(odd))) }
        @if !found.histogram.buckets.is_empty() {
            section.card.histogram-card aria-label="Events over time" {
                (chart::histogram("histogram", "Events found over time", &found.histogram, Some(&brush(state)), |since, until| {
                    state.with(|s| s.range = Range::Custom { since: Some(since), until: Some(until) }).href()
                }))
            }
        }
        div class=(if found.facets.iter().all(|f| f.values.is_empty()) { "results" } else { "results with-facets" }) {
            section.found aria-labelledby="found-title" {
                header.found-head {
                    h2 #found-title tabindex="-1" { (total(found)) }
                    p.hint { "in " (found.milliseconds) " ms" @if state.after.is_some() { ", a later page" } }
                    @if found.facets.iter().any(|f| !f.values.is_empty()) { a.to-facets href="#facets-title" { "Narrow by …" } }
                    div.found-actions { (fields::copy_address("Copy link")) (viewer_link(chrome, model)) (downloads(chrome, model)) }
                }
                @if found.events.is_empty() { (nothing(state)) }
                @else {
                    (events::table(&events::Table { caption: "Events found", events: &found.events, columns: &state.columns, integrity: chrome.integrity.as_ref(), state: Some(state), leads_on: true }))
                    (pager(state, found))
                }
            }
            @if found.facets.iter().any(|f| !f.values.is_empty()) { (facets::facets(state, &found.facets)) }
        }
    }
}

/// The address that the brush goes to, the times to be put in by the script.
fn brush(state: &SearchState) -> String {
    state.with(|s| s.range = Range::Day).href()
}

fn total(found: &Results) -> String {
    match found.total {
        Total::Exact(n) => format::plural(n, "event", "events"),
        Total::About(n) => format!("about {} events", format::count(n)),
        Total::Unknown => format!("{} events shown", format::count(found.events.len() as u64)),
    }
}

fn pager(state: &SearchState, found: &Results) -> Markup {
    html! {
        nav.pager aria-label="Pages" {
            @if state.after.is_some() { a.button href=(state.with(|_| ()).href()) { (icon(Icon::Previous)) "First page" } }
            @if let Some(next) = &found.next {
                @let to = SearchState { after: Some(next.clone()), ..state.clone() };
                a.button rel="next" href=(to.href()) { "Next page" (icon(Icon::Next)) }
            } @else { span.hint { "These are all." } }
        }
    }
}

/// The same search for who has no login, for a short time.
fn viewer_link(chrome: &Chrome, model: &Model) -> Markup {
    let (since, until) = model.state.range.bounds(chrome.now);
    html! {
        @if chrome.has_tokens && chrome.may(Viewer::may_have_tokens) {
            details.menu.downloads {
                summary { (icon(Icon::Lock)) "Viewer link" }
                div.menu-body {
                    (form::post(chrome, "/search/link", "stacked", html! {
                        (form::hidden("q", &model.state.query))
                        @if let Some(since) = since { (form::hidden("since", &time::iso(since))) }
                        @if let Some(until) = until { (form::hidden("until", &time::iso(until))) }
                        (form::hidden("order", model.state.order.key()))
                        @for column in &model.state.columns { (form::hidden("cols", column.key())) }
                        (form::hidden("return_to", &model.state.href()))
                        button type="submit" { "Make a link" }
                        p.hint { "For a few minutes, somebody without a login reads these events in your name, and nothing else. Each use is recorded." }
                    }))
                }
            }
        }
    }
}

fn downloads(chrome: &Chrome, model: &Model) -> Markup {
    let (since, until) = model.state.range.bounds(chrome.now);
    html! {
        @if chrome.may(Viewer::exports) || chrome.may(Viewer::makes_reports) {
            details.menu.downloads {
                summary { (icon(Icon::Download)) "Download" }
                div.menu-body {
                    (form::post(chrome, "/search/export", "stacked", html! {
                        (form::hidden("q", &model.state.query))
                        @if let Some(since) = since { (form::hidden("since", &time::iso(since))) }
                        @if let Some(until) = until { (form::hidden("until", &time::iso(until))) }
                        @if chrome.may(Viewer::exports) {
                            @for (format, label) in [("csv", "CSV, safe for spreadsheets"), ("json", "JSON"), ("ndjson", "NDJSON, an event a line")] {
                                button type="submit" name="format" value=(format) { (label) }
                            }
                        }
                        @if chrome.may(Viewer::makes_reports) { button type="submit" name="format" value="pdf" { "PDF, as a report" } }
                        p.hint { "All events found, not this page only. Downloads are recorded." }
                    }))
                }
            }
        }
    }
}

fn nothing(state: &SearchState) -> Markup {
    let wider = state.with(|s| s.range = Range::Last("all"));
    notice::empty(
        Icon::Search,
        "No events match",
        html! {
            @if state.range.key() != Some("all") { p { "Nothing in this time. " a href=(wider.href()) { "Search all of the time" } "." } }
            @if !state.query.is_empty() {
                p { "A condition " code { "field:value" } " asks for the whole value: " code { "field:*part*" } " finds a part, a word alone is searched in all values." }
                p { a href=(state.with(|s| s.query.clear()).href()) { "Show events of this time without the query" } }
            }
            @if state.after.is_some() { p { a href=(state.with(|_| ()).href()) { "Back to the first page" } } }
        },
    )
}

/// The query is wrong: the box above says why.
pub fn wrong() -> Markup {
    notice::empty(
        Icon::Warning,
        "The query could not be read",
        html! { p { "The place is marked above. Nothing was searched. " a href="/help/query" { "How queries are written" } } },
    )
}

/// It took too long.
pub fn timed_out(state: &SearchState) -> Markup {
    notice::empty(
        Icon::Clock,
        "The search took too long",
        html! {
            p { "It was ended, so that it keeps nobody waiting. A shorter time or a more selective condition gets there." }
            p { a.button href=(state.with(|s| s.range = Range::Last("1h")).href()) { "Search the last hour" } }
        },
    )
}
