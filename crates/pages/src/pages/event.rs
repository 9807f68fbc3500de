//! `/events/{event_id}`.

use maud::{Markup, html};

use crate::components::badge;
use crate::components::card::{card, card_with};
use crate::components::icon::{Icon, icon};
use crate::components::{diff, events, fields};
use crate::event::Event;
use crate::layout::{self, Chrome, Viewer};
use crate::url::{self, Range, SearchState};
use crate::{text, time};

mod proof;

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The event.
    pub event: Event,
    /// The catalogue's description of its type.
    pub type_description: Option<String>,
    /// What happened, in a sentence (`auditlog.sentence`).
    pub sentence: Option<String>,
    /// The id of the event before, of those that the viewer sees.
    pub previous: Option<String>,
    /// The id of the event after.
    pub next: Option<String>,
    /// Address of this server, for the copy as curl; without a slash at its end.
    pub base_url: String,
}

/// The page. REST that its script calls: `GET /api/v1/audit-logs/{id}/proof`.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let event = &model.event;
    layout::page(
        chrome,
        &format!("{} · Event", text::plain(&event.event_type)),
        html! {
            article.event-page {
                (head(chrome, model))
                div.columns.event-columns {
                    div.stack {
                        @if event.before.is_some() || event.after.is_some() {
                            (card("changes", "What has changed", diff::diff(event.before.as_ref(), event.after.as_ref())))
                        }
                        (groups(event))
                        (raw(event))
                    }
                    div.stack {
                        (proof::proof(chrome, event))
                        (others(event))
                        (copies(model))
                    }
                }
            }
        },
    )
}

fn head(chrome: &Chrome, model: &Model) -> Markup {
    let event = &model.event;
    html! {
        nav.crumbs aria-label="Event" {
            a href="/search" { "Search" }
            div.steps {
                @if let Some(id) = &model.previous { a.button rel="prev" href=(url::event(id)) data-previous { (icon(Icon::Previous)) "Previous" } }
                @if let Some(id) = &model.next { a.button rel="next" href=(url::event(id)) data-next { "Next" (icon(Icon::Next)) } }
            }
        }
        header.event-head {
            p.event-badges {
                (badge::severity(&event.severity))
                @if let Some(status) = &event.status { (badge::outcome(status)) }
                span.kind { (text::value(&event.category)) }
            }
            h1 { (text::short_value(&event.event_type, 120)) }
            @if let Some(sentence) = &model.sentence { div.sentence { (text::long_value(sentence)) } }
            @else if let Some(description) = &model.type_description { p.sentence { (text::value(description)) } }
            p.event-when { (icon(Icon::Clock)) (time::exact(event.timestamp)) span.none { " " (time::relative(chrome.now, event.timestamp)) } }
        }
    }
}

fn groups(event: &Event) -> Markup {
    let tags = |value: &Option<serde_json::Value>| {
        html! { @if let Some(value) = value { (fields::row("Tags", html! { pre.json { (text::json(value)) } })) } }
    };
    html! {
        div.groups {
            (card("actor", "Who", fields::list(html! {
                (fields::text_row("E-mail", event.actor_email.as_deref()))
                (fields::code_row("Id", event.actor_id.as_deref()))
                (fields::text_row("Kind", event.actor_type.as_deref()))
                (fields::code_row("IP address", event.actor_ip.as_deref()))
                (fields::text_row("Program", event.actor_user_agent.as_deref()))
                (fields::code_row("Session", event.actor_session_id.as_deref()))
                @if event.actor().is_none() { (fields::row("Actor", html! { span.none { "nobody was named" } })) }
            })))
            (card("action", "What", fields::list(html! {
                (fields::text_row("Type", Some(event.event_type.as_str())))
                (fields::text_row("Operation", event.operation.as_deref()))
                @if let Some(status) = &event.status { (fields::row("Status", badge::outcome(status))) }
                (fields::text_row("Method", event.method.as_deref()))
                (fields::text_row("Tenant", event.tenant.as_deref()))
                (fields::code_row("Request", event.request_id.as_deref()))
                @if !event.tags.is_empty() { (fields::row("Tags", html! { @for tag in &event.tags { span.tag { (text::short_value(tag, 80)) } " " } })) }
            })))
            (card("resource", "On what", fields::list(html! {
                (fields::code_row("Id", event.resource_id.as_deref()))
                (fields::text_row("Kind", event.resource_type.as_deref()))
                (fields::text_row("Provider", event.cloud_provider.as_deref()))
                (fields::code_row("Account", event.account_id.as_deref()))
                (fields::text_row("Region", event.region.as_deref()))
                (tags(&event.resource_tags))
                @if event.resource_id.is_none() && event.resource_type.is_none() { (fields::row("Resource", html! { span.none { "none was named" } })) }
            })))
            (card("recorded", "Recorded by the database", fields::list(html! {
                @if let Some(at) = event.recorded_at { (fields::row("Recorded", time::exact(at))) }
                @if let Some(at) = event.sealed_at { (fields::row("Sealed", time::exact(at))) }
                (fields::code_row("Login role", event.db_session_user.as_deref()))
                (fields::code_row("Role in effect", event.db_current_user.as_deref()))
                (fields::code_row("Client address", event.db_client_addr.as_deref()))
                (fields::text_row("Application", event.db_application.as_deref()))
                @if let Some(xid) = event.db_xid { (fields::row("Transaction", html! { code { (xid) } })) }
                (fields::text_row("Retention class", event.retention_class.as_deref()))
                (fields::code_row("Idempotency key", event.idempotency_key.as_deref()))
            })))
        }
        @if let Some(extra) = &event.extra { (card("extra", "More of the document", html! { pre.json tabindex="0" role="group" aria-label="More of the document" { (text::json(extra)) } })) }
        @if let Some(redacted) = &event.redacted {
            (card("redacted", "Erased values", html! {
                p.hint { "These values were erased. Their commitments are still part of the hash, so the event verifies without them." }
                pre.json tabindex="0" role="group" aria-label="Erased values" { (text::json(redacted)) }
            }))
        }
    }
}

fn raw(event: &Event) -> Markup {
    let document = event.document();
    card_with(
        "raw",
        "Raw JSON",
        fields::copy(&serde_json::to_string_pretty(&document).unwrap_or_default(), "Copy"),
        html! {
            details.raw { summary { "Show the document as it was recorded" }
                pre.json tabindex="0" role="group" aria-label="Raw JSON" { (text::json(&document)) }
            }
        },
    )
}

fn others(event: &Event) -> Markup {
    let around = Range::Custom {
        since: Some(event.timestamp - chrono::TimeDelta::minutes(15)),
        until: Some(event.timestamp + chrono::TimeDelta::minutes(15)),
    };
    let search = |field: &str, value: &str, range: Range| {
        SearchState {
            query: url::term(field, value),
            range,
            ..SearchState::default()
        }
        .href()
    };
    card(
        "others",
        "Other events",
        html! {
            ul.links {
                @for (label, field, value) in events::pivots(event) {
                    @if label != "Status" {
                        li { a href=(search(field, value, Range::Last("30d"))) { "Same " (if label == "IP address" { label.to_owned() } else { label.to_lowercase() }) } " " span.hint { (text::short_value(value, 48)) } }
                    }
                }
                @if let Some(actor) = event.actor() {
                    li { a href=(search(if event.actor_email.is_some() { "actor.email" } else { "actor.id" }, actor, around.clone())) { "This actor, 15 minutes before and after" } }
                }
                li { a href=(SearchState { range: around.clone(), ..SearchState::default() }.href()) { "Everything, 15 minutes before and after" } }
            }
        },
    )
}

/// SQL that gives the event; quotes are doubled.
fn sql(event: &Event) -> String {
    format!(
        "SELECT * FROM auditlog.events WHERE event_id = '{}';",
        event.event_id.replace('\'', "''")
    )
}

/// A command for a shell; quotes are closed and opened around an escaped one.
fn curl(model: &Model) -> String {
    let url = format!("{}{}", model.base_url, url::event_api(&model.event.event_id, ""));
    format!(
        "curl -H \"Authorization: Bearer $AUDITLOG_TOKEN\" '{}'",
        url.replace('\'', "'\\''")
    )
}

fn copies(model: &Model) -> Markup {
    let (sql, curl) = (sql(&model.event), curl(model));
    card(
        "copies",
        "Get it elsewhere",
        html! {
            @for (label, command) in [("psql", &sql), ("curl", &curl)] {
                div.command { div.command-head { span { (label) } (fields::copy(command, "Copy")) } pre.wrap { code { (text::block(command)) } } }
            }
            p { a.button href=(url::event_api(&model.event.event_id, "")) download { (icon(Icon::Download)) "Event as JSON" } }
        },
    )
}

/// May the viewer take the proof of it?
fn provable(chrome: &Chrome, event: &Event) -> bool {
    event.log_index.is_some() && chrome.may(Viewer::takes_proofs)
}
