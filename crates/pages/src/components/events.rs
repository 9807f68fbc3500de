//! Tables of events.

use maud::{Markup, html};

use super::badge;
use super::diff;
use super::fields;
use super::icon::{Icon, icon};
use super::seal::Integrity;
use crate::event::Event;
use crate::url::{self, Column, SearchState};
use crate::{text, time};

/// How a table of events is shown.
pub struct Table<'a> {
    /// What it is, for those who hear it.
    pub caption: &'a str,
    /// Its events.
    pub events: &'a [Event],
    /// Its columns.
    pub columns: &'a [Column],
    /// What is known of the log, for the mark of each row.
    pub integrity: Option<&'a Integrity>,
    /// The search that the rows narrow; without one they are not unfolded.
    pub state: Option<&'a SearchState>,
    /// Do the rows lead to their events, with a mark of what is known of them?
    pub leads_on: bool,
}

/// The mark of a row: is the event sealed, and was it verified?
pub fn mark(event: &Event, integrity: Option<&Integrity>) -> Markup {
    let (class, symbol, words) = match (event.log_index, integrity) {
        (None, _) => ("pending", Icon::Clock, "not sealed yet"),
        (Some(n), Some(i)) if i.covers(n) => ("ok", Icon::Seal, "sealed and verified"),
        (Some(_), Some(i)) if i.findings > 0 => ("warn", Icon::Warning, "sealed; the log has findings"),
        (Some(_), _) => ("sealed", Icon::Seal, "sealed, not verified yet"),
    };
    html! { span class=(format!("mark {class}")) title=(words) { (icon(symbol)) span.unseen { (words) } } }
}

/// Renders the table.
pub fn table(table: &Table<'_>) -> Markup {
    let unfold = table.state.is_some();
    html! {
        div.scroll role="group" aria-label=(table.caption) tabindex="0" {
            table.events data-rows {
                caption.unseen { (table.caption) }
                thead { tr {
                    @if unfold { td.js-only {} }
                    @if table.leads_on { th scope="col" { span.unseen { "Seal" } } }
                    @for column in table.columns { th scope="col" class=[(*column == Column::Index).then_some("num")] { (column.label()) } }
                } }
                tbody { @for (i, event) in table.events.iter().enumerate() { (rows(table, i, event)) } }
            }
        }
    }
}

fn rows(table: &Table<'_>, i: usize, event: &Event) -> Markup {
    let more = format!("event-more-{i}");
    html! {
        tr.event.grave[event.severity == "critical" || event.severity == "error"] {
            @if table.state.is_some() {
                td.js-only.c-fold { button.fold type="button" aria-expanded="false" aria-controls=(more) aria-label=(format!("Details of event {}", i + 1)) { (icon(Icon::Next)) } }
            }
            @if table.leads_on { td.c-mark { (mark(event, table.integrity)) } }
            @for column in table.columns { td class=(format!("c-{}", column.key())) { @if *column == Column::Time && !table.leads_on { (time::full(event.timestamp)) } @else { (cell(event, *column)) } @if *column == Column::Type && !table.columns.contains(&Column::Operation) { (operation(event)) } } }
        }
        @if let Some(state) = table.state {
            tr.more #(more) hidden { td colspan=(table.columns.len() + 2) { (unfolded(state, event)) } }
        }
    }
}

fn optional(value: Option<&str>, most: usize) -> Markup {
    html! { @match value { Some(value) => (text::short_value(value, most)), None => span.none { "–" } } }
}

fn code(value: Option<&str>, most: usize) -> Markup {
    html! { @match value { Some(value) => code { (text::short_value(value, most)) }, None => span.none { "–" } } }
}

/// The operation beside the type, where it says more.
fn operation(event: &Event) -> Markup {
    let operation = event
        .operation
        .as_deref()
        .filter(|operation| !event.event_type.ends_with(operation));
    html! { @if let Some(operation) = operation { " " span.kind { (text::short_value(operation, 24)) } } }
}

/// A cell of the table.
pub fn cell(event: &Event, column: Column) -> Markup {
    match column {
        Column::Time => html! { a.open href=(url::event(&event.event_id)) { (time::full(event.timestamp)) } },
        Column::Severity => badge::severity(&event.severity),
        Column::Type => text::short_value(&event.event_type, 48),
        Column::Category => text::short_value(&event.category, 32),
        Column::Actor => html! {
            @match event.actor() {
                Some(actor) => {
                    (text::short_value(actor, 40))
                    @if let Some(kind) = event.actor_type.as_deref().filter(|kind| *kind != "user") { " " span.kind { (text::short_value(kind, 16)) } }
                },
                None => span.none { "nobody named" },
            }
        },
        Column::Operation => optional(event.operation.as_deref(), 32),
        Column::Resource => html! {
            @if event.resource_id.is_none() && event.resource_type.is_none() { span.none { "–" } }
            @if let Some(id) = &event.resource_id { code { (text::short_value(id, 40)) } }
            @if let Some(kind) = &event.resource_type { " " span.kind { (text::short_value(kind, 24)) } }
        },
        Column::ResourceType => optional(event.resource_type.as_deref(), 32),
        Column::Status => {
            html! { @match &event.status { Some(status) => (badge::outcome(status)), None => span.none { "–" } } }
        }
        Column::Ip => code(event.actor_ip.as_deref(), 45),
        Column::Region => optional(event.region.as_deref(), 24),
        Column::Account => code(event.account_id.as_deref(), 24),
        Column::Tenant => optional(event.tenant.as_deref(), 24),
        Column::Method => optional(event.method.as_deref(), 24),
        Column::Session => code(event.actor_session_id.as_deref(), 24),
        Column::Request => code(event.request_id.as_deref(), 24),
        Column::Tags => {
            html! { @for tag in event.tags.iter().take(4) { span.tag { (text::short_value(tag, 24)) } " " } @if event.tags.len() > 4 { span.none { "+ " (event.tags.len() - 4) } } }
        }
        Column::Role => code(event.db_session_user.as_deref(), 32),
        Column::Index => {
            html! { @match event.log_index { Some(n) => (crate::format::count(n)), None => span.none { "–" } } }
        }
        Column::Change => html! {
            @if event.before.is_some() || event.after.is_some() { (diff::line(event.before.as_ref(), event.after.as_ref())) } @else { span.none { "–" } }
        },
    }
}

/// Fields by which people go on searching, with the values of an event.
pub fn pivots(event: &Event) -> Vec<(&'static str, &'static str, &str)> {
    [
        ("Event type", "event_type", Some(event.event_type.as_str())),
        (
            "Actor",
            if event.actor_email.is_some() {
                "actor.email"
            } else {
                "actor.id"
            },
            event.actor(),
        ),
        ("IP address", "actor.ip_address", event.actor_ip.as_deref()),
        ("Session", "actor.session_id", event.actor_session_id.as_deref()),
        ("Resource", "resource.id", event.resource_id.as_deref()),
        ("Request", "metadata.request_id", event.request_id.as_deref()),
        ("Status", "action.status", event.status.as_deref()),
    ]
    .into_iter()
    .filter_map(|(label, field, value)| Some((label, field, value.filter(|v| !v.is_empty())?)))
    .collect()
}

fn unfolded(state: &SearchState, event: &Event) -> Markup {
    html! {
        div.unfolded {
            div {
                (fields::list(html! {
                    @for (label, field, value) in pivots(event) {
                        (fields::row(label, html! {
                            (text::short_value(value, 120))
                            span.narrow {
                                a href=(state.narrowed(field, value).href()) title="only these" { (icon(Icon::Plus)) span.unseen { "Only " (label) " " (text::plain(value)) } }
                                a href=(state.excluding(field, value).href()) title="without these" { (icon(Icon::Minus)) span.unseen { "Without " (label) " " (text::plain(value)) } }
                            }
                        }))
                    }
                    (fields::row("Event", html! { a href=(url::event(&event.event_id)) { code { (text::short_value(&event.event_id, 80)) } } }))
                }))
            }
            div {
                @if event.before.is_some() || event.after.is_some() { (diff::diff(event.before.as_ref(), event.after.as_ref())) }
                @else { p.hint { "No before and after were recorded with this event." } }
            }
        }
    }
}
