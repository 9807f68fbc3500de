//! `/live`.

use maud::{Markup, html};

use crate::components::badge::Tone;
use crate::components::card::page_head;
use crate::components::events;
use crate::components::form;
use crate::components::icon::{Icon, icon};
use crate::components::notice;
use crate::components::query_box::{Problem, QueryBox, query_box};
use crate::event::Event;
use crate::layout::{self, Chrome};
use crate::text;
use crate::url::{self, Column};

/// The columns of the live view; `assets/js/live.js` makes the same.
pub const COLUMNS: [Column; 6] = Column::DEFAULT;

/// So many rows are in the page at most; older ones go.
pub const ROWS: usize = 200;

/// A type of events that can be chosen.
#[derive(Debug, Clone)]
pub struct EventType {
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: String,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The filter, without the types.
    pub query: String,
    /// Types and categories (`authentication.*`) that were chosen.
    pub selected: Vec<String>,
    /// What can be chosen, by category.
    pub types: Vec<EventType>,
    /// What is wrong with the filter.
    pub problem: Option<Problem>,
    /// The last events there are, the newest first.
    pub events: Vec<Event>,
    /// Where the stream goes on: the greatest `log_index` that was looked at.
    pub position: Option<u64>,
}

impl Model {
    /// The query of the stream: the filter, and one of the types.
    pub fn stream_query(&self) -> String {
        let types: Vec<_> = self.selected.iter().map(|name| url::term_pattern(name)).collect();
        let types = match types.len() {
            0 => return self.query.trim().to_owned(),
            1 => format!("event_type:{}", types[0]),
            _ => format!("event_type:({})", types.join(" OR ")),
        };
        url::narrow(&self.query, &types)
    }

    /// The categories that `name` selects as a whole.
    fn categories(&self) -> Vec<&str> {
        let mut all: Vec<_> = self.types.iter().map(|t| t.category.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The page. Its form is sent by GET (`q`, `types` several times). The script opens `GET /api/v1/audit-logs/stream?max_lag=&query=&after=`.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let stream = format!(
        "/api/v1/audit-logs/stream?max_lag=20000&query={}{}",
        url::encode(&model.stream_query()),
        model.position.map(|n| format!("&after={n}")).unwrap_or_default()
    );
    layout::page(
        chrome,
        "Live view",
        html! {
            (page_head("Live view", html! { "Events as they are sealed, in the order of the log: none is skipped, none comes twice." }, html! {
                span.live-state role="status" data-live-state { span.js-hide { (icon(Icon::Pause)) "Not live without the script: load the page again for newer events." } }
            }))
            form.live-form method="get" action="/live" {
                div.search-main {
                    (query_box(QueryBox { id: "query", name: "q", label: "Filter", value: &model.query, problem: model.problem.as_ref(), main: true }))
                    button.primary type="submit" { "Apply" }
                }
                (types(model))
            }
            @if model.problem.is_none() {
                section.live aria-label="Events" data-live=(stream) data-rows-at-most=(ROWS) data-position=[model.position] {
                    div.live-bar {
                        button.js-only type="button" data-pause aria-pressed="false" { (icon(Icon::Pause)) span { "Pause" } }
                        button.primary.js-only type="button" data-show-new hidden { "Show new events" }
                        span.js-hide { a.button href=(here(model)) { (icon(Icon::Refresh)) "Load newer events" } }
                        span.hint { "The last " (ROWS) " stay here; " a href=(url::search(&model.stream_query(), url::Range::Last("1h"))) { "search" } " finds all." }
                        span.unseen role="status" aria-live="polite" data-live-news {}
                    }
                    (events::table(&events::Table { caption: "Live events", events: &model.events, columns: &COLUMNS, integrity: None, state: None, leads_on: true }))
                    div.live-empty hidden[!model.events.is_empty()] data-live-empty {
                        (notice::empty(Icon::Live, "Waiting for the next event", html! { p { "Nothing that matches was sealed lately. New events come here by themselves." } }))
                    }
                }
            } @else { (notice::empty(Icon::Warning, "The filter could not be read", html! { p { "Correct it, and events come again." } })) }
        },
    )
}

fn here(model: &Model) -> String {
    let mut query: Vec<_> = model
        .selected
        .iter()
        .map(|name| format!("types={}", url::encode(name)))
        .collect();
    if !model.query.is_empty() {
        query.insert(0, format!("q={}", url::encode(&model.query)));
    }
    if query.is_empty() {
        "/live".to_owned()
    } else {
        format!("/live?{}", query.join("&"))
    }
}

fn types(model: &Model) -> Markup {
    let chosen = model.selected.len();
    html! {
        details.behind.types-choice open[chosen > 0] {
            summary { (if chosen == 0 { "All event types".to_owned() } else { crate::format::plural(chosen as u64, "event type", "event types") }) }
            div.behind-body {
                @if model.types.is_empty() { (notice::notice(Tone::Info, "The catalogue is empty.", html! {})) }
                @for (i, category) in model.categories().into_iter().enumerate() {
                    fieldset.checks {
                        legend { (text::value(category)) }
                        @for (j, kind) in model.types.iter().filter(|kind| kind.category == category).enumerate() {
                            @let id = format!("type-{i}-{j}");
                            div.check { input #(id) type="checkbox" name="types" value=(kind.name) checked[model.selected.contains(&kind.name)]; label for=(id) { (text::short_value(&kind.name, 60)) } }
                        }
                    }
                }
                div.buttons { button type="submit" { "Apply" } a.button href="/live" { "All types" } }
            }
        }
        @for name in model.selected.iter().filter(|name| !model.types.iter().any(|kind| kind.name == **name)) { (form::hidden("types", name)) }
    }
}
