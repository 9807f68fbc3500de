//! The form of a search: query, time, columns; and what was saved.

use maud::{Markup, html};

use super::{Model, Outcome};
use crate::components::badge::Tone;
use crate::components::form::{self, Input};
use crate::components::icon::{Icon, icon};
use crate::components::notice;
use crate::components::query_box::{QueryBox, query_box};
use crate::layout::{Chrome, Viewer};
use crate::url::{Column, LIMITS, PRESETS, Range, SearchState};
use crate::{text, time};

/// The form, and beside it the saved queries.
pub fn form(chrome: &Chrome, model: &Model) -> Markup {
    let state = &model.state;
    let problem = match &model.outcome {
        Outcome::Wrong(problem) => Some(problem),
        _ => None,
    };
    html! {
        section.search-bar aria-label="Query" {
            form.search #search-form method="get" action="/search" role="search" data-search {
                div.search-main {
                    (query_box(QueryBox { id: "query", name: "q", label: "Query", value: &state.query, problem, main: true }))
                    (range(state))
                    button.primary type="submit" { "Search" }
                }
                @for wrong in &model.wrong { (notice::notice(Tone::Warn, "Passed over:", html! { (wrong) })) }
            }
            div.search-tools { (columns(state)) (saved(chrome, model)) }
        }
    }
}

fn range(state: &SearchState) -> Markup {
    let (since, until) = match &state.range {
        Range::Custom { since, until } => (
            since.map(time::input).unwrap_or_default(),
            until.map(time::input).unwrap_or_default(),
        ),
        _ => Default::default(),
    };
    let key = state.range.key();
    html! {
        div.range data-range {
            label.unseen for="range" { "Time" }
            select #range name="range" {
                @for (k, label, _) in PRESETS { option value=(k) selected[key == Some(k)] { (label) } }
                option value="custom" selected[key.is_none()] { "From … to …" }
            }
            div.custom-range data-custom {
                div.row { label for="since" { "From (UTC)" } input #since type="datetime-local" name="since" step="1" value=(since); }
                div.row { label for="until" { "Until (UTC)" } input #until type="datetime-local" name="until" step="1" value=(until); }
            }
        }
    }
}

fn columns(state: &SearchState) -> Markup {
    let limits = LIMITS.map(|limit| limit.to_string());
    let limit = state.limit.to_string();
    html! {
        details.behind.columns-choice {
            summary { (icon(Icon::Columns)) "Columns and order" }
            div.behind-body {
                fieldset.checks.wide { legend { "Columns" }
                    @for column in Column::ALL {
                        @let id = format!("col-{}", column.key());
                        div.check { input #(id) type="checkbox" name="cols" form="search-form" value=(column.key()) checked[state.columns.contains(column)]; label for=(id) { (column.label()) } }
                    }
                }
                div.row-group {
                    (choice("order", "Order", &[("newest", "Newest first"), ("oldest", "Oldest first")], state.order.key()))
                    (choice("limit", "Events on a page", &limits.each_ref().map(|l| (l.as_str(), l.as_str())), &limit))
                }
                button type="submit" form="search-form" { "Apply" }
            }
        }
    }
}

/// A choice that belongs to the form of the search, which it stands outside of.
fn choice(name: &str, label: &str, options: &[(&str, &str)], chosen: &str) -> Markup {
    html! {
        div.row {
            label for=(name) { (label) }
            select #(name) name=(name) form="search-form" { @for (value, text) in options { option value=(value) selected[*value == chosen] { (text) } } }
        }
    }
}

fn saved(chrome: &Chrome, model: &Model) -> Markup {
    let here = model.state.href();
    html! {
            (form::behind(&format!("Saved queries ({})", model.saved.len()), "", html! {
                @if model.saved.is_empty() { p.hint { "None yet. Save a query that others should find, too; it can then be part of others as " code { "_saved_:name" } "." } }
                ul.saved {
                    @for saved in &model.saved {
                        li {
                            div {
                                a href=(model.state.with(|s| s.query = saved.query.clone()).href()) { (text::value(&saved.name)) }
                                @if let Some(description) = &saved.description { " " span.hint { (text::short_value(description, 120)) } }
                                code.saved-query { (text::short_value(&saved.query, 160)) }
                            }
                            @if saved.own {
                                (form::post(chrome, "/saved-queries/delete", "inline", html! {
                                    (form::hidden("name", &saved.name)) (form::hidden("return_to", &here))
                                    button.quiet.danger type="submit" aria-label=(format!("Delete {}", text::plain(&saved.name))) data-confirm="Delete this saved query?" { "Delete" }
                                }))
                            }
                        }
                    }
                }
            }))
            @if chrome.may(Viewer::saves_queries) && !model.state.query.trim().is_empty() {
                (form::behind("Save this query", "", form::post(chrome, "/saved-queries", "stacked", html! {
                    (form::hidden("query", &model.state.query)) (form::hidden("return_to", &here))
                    (form::input(Input { id: "save-name", name: "name", label: "Name", required: true, hint: "Letters, digits and _ . -", ..Input::default() }))
                    (form::input(Input { id: "save-description", name: "description", label: "What it is for", ..Input::default() }))
                    button type="submit" { (icon(Icon::Save)) "Save" }
                })))
            }
    }
}
