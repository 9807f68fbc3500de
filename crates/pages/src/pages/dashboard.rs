//! `/`: the overview.

use maud::{Markup, html};

use crate::chart::{self, Histogram};
use crate::components::badge::{self, Tone};
use crate::components::bars::{self, Count};
use crate::components::card::{card, card_with, page_head};
use crate::components::events;
use crate::components::icon::Icon;
use crate::components::notice;
use crate::components::seal;
use crate::components::stat::{Stat, stat};
use crate::components::table::table;
use crate::event::Event;
use crate::layout::{self, Chrome};
use crate::url::{self, Column, Range, SearchState};
use crate::{format, text};

/// The time that the overview is about; keys of [`url::PRESETS`] that it offers.
pub const RANGES: [&str; 3] = ["24h", "7d", "30d"];

/// A kind of security event: how many there were, and the query that finds them.
#[derive(Debug, Clone)]
pub struct Security {
    /// Its name, of ours.
    pub label: String,
    /// The query.
    pub query: String,
    /// How many.
    pub count: u64,
    /// How many in the time of the same length before.
    pub previous: Option<u64>,
    /// How many over time, for the small chart.
    pub trend: Vec<u64>,
}

/// A row of `auditlog.compliance_metrics` or of `auditlog.health()`.
#[derive(Debug, Clone)]
pub struct Metric {
    /// Its name, such as `seal_lag`.
    pub name: String,
    /// What it is about, where there are several of one name.
    pub subject: Option<String>,
    /// The figure.
    pub value: Option<f64>,
    /// What the figure counts.
    pub unit: String,
    /// `ok`, `warning` or `error`.
    pub status: String,
    /// In words.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// One of [`RANGES`].
    pub range: String,
    /// Events over the time.
    pub activity: Histogram,
    /// Events of the time.
    pub total: u64,
    /// Events of the time of the same length before.
    pub previous: Option<u64>,
    /// Kinds of security events, most important first.
    pub security: Vec<Security>,
    /// The newest security events.
    pub security_events: Vec<Event>,
    /// Most frequent event types.
    pub by_type: Vec<Count>,
    /// Most active users.
    pub by_user: Vec<Count>,
    /// Resources with most events.
    pub by_resource: Vec<Count>,
    /// The newest events.
    pub recent: Vec<Event>,
    /// How the log stands by its own figures; `None` when the viewer may not know.
    pub metrics: Option<Vec<Metric>>,
    /// What could not be had in time, in words.
    pub missing: Vec<String>,
}

/// The query of all kinds of security events together.
fn security_query(model: &Model) -> String {
    model
        .security
        .iter()
        .map(|kind| format!("({})", kind.query))
        .collect::<Vec<_>>()
        .join(" OR ")
}

/// The page.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let range = Range::preset(&model.range).unwrap_or_default();
    let search = |query: &str| url::search(query, range.clone());
    layout::page(
        chrome,
        "Overview",
        html! {
            (page_head("Overview", html! { @if let Some(viewer) = &chrome.viewer { (viewer.sees()) } " Times in UTC unless you choose otherwise." }, ranges(&model.range)))
            @for what in &model.missing { (notice::notice(Tone::Warn, "Not everything is shown.", html! { (what) })) }
            @if model.total == 0 && model.recent.is_empty() {
                (nothing(chrome))
            } @else {
                section.stats aria-label="Figures" {
                    (stat(Stat { label: "Events", count: model.total, previous: model.previous, tone: Tone::Neutral, href: Some(search("")),
                        chart: Some(chart::sparkline(&model.activity.buckets.iter().map(|b| b.count).collect::<Vec<_>>())) }))
                    @for kind in &model.security {
                        (stat(Stat { label: &kind.label, count: kind.count, previous: kind.previous, tone: Tone::Warn, href: Some(search(&kind.query)),
                            chart: Some(chart::sparkline(&kind.trend)) }))
                    }
                }
                div.columns.even {
                    (card("activity", "Activity", chart::histogram("activity-chart", "Events over time", &model.activity, None, |since, until| {
                        SearchState { range: Range::Custom { since: Some(since), until: Some(until) }, ..SearchState::default() }.href()
                    })))
                    (integrity(chrome))
                }
                div.thirds {
                    (top("by-type", "By type", &model.by_type, |v| search(&url::term("event_type", v))))
                    (top("by-user", "By user", &model.by_user, |v| search(&url::term("user", v))))
                    (top("by-resource", "By resource", &model.by_resource, |v| search(&url::term("resource", v))))
                }
                (card_with("security", "Security events", html! { a.button href=(search(&security_query(model))) { "All of them" } }, html! {
                    @if model.security_events.is_empty() {
                        (notice::empty(Icon::Check, "No security events in this time", html! { p { "No failed login, permission change or policy violation was recorded." } }))
                    } @else {
                        (events::table(&events::Table { caption: "Newest security events", events: &model.security_events,
                            columns: &[Column::Time, Column::Severity, Column::Type, Column::Status, Column::Actor, Column::Ip, Column::Resource], integrity: chrome.integrity.as_ref(), state: None, leads_on: true }))
                    }
                }))
                @if let Some(metrics) = &model.metrics { (compliance(metrics)) }
                (card_with("recent", "Recent activity", html! { a.button href="/live" { "Live view" } a.button href=(search("")) { "Search" } }, events::table(&events::Table {
                    caption: "Newest events", events: &model.recent, integrity: chrome.integrity.as_ref(), state: None, leads_on: true,
                    columns: &Column::DEFAULT,
                })))
            }
        },
    )
}

fn ranges(chosen: &str) -> Markup {
    html! {
        nav.segments aria-label="Time" {
            @for key in RANGES {
                @let label = url::PRESETS.iter().find(|(k, ..)| *k == key).map_or(key, |(_, label, _)| label);
                a href=(if key == "24h" { "/".to_owned() } else { format!("/?range={key}") }) aria-current=[(key == chosen).then_some("true")] { (label) }
            }
        }
    }
}

fn integrity(chrome: &Chrome) -> Markup {
    html! {
        @if let Some(integrity) = &chrome.integrity {
            (card_with("integrity", "Integrity", html! { a.button href="/integrity" { "Evidence" } }, html! {
                div class=(format!("verdict {}", integrity.verdict().0.class())) {
                    (crate::components::icon::icon(if integrity.findings > 0 { Icon::Stop } else { Icon::Seal }))
                    p { strong { (integrity.verdict().1) } }
                }
                (seal::details(integrity, chrome.now))
            }))
        }
    }
}

fn top(id: &str, title: &str, counts: &[Count], href: impl Fn(&str) -> String) -> Markup {
    card(
        id,
        title,
        html! {
            @if counts.is_empty() { p.hint { "Nothing in this time." } } @else { (bars::bars(title, counts, |count| href(&count.value))) }
        },
    )
}

/// The name of a metric as a sentence begins.
fn title(name: &str) -> String {
    let name = name.replace('_', " ");
    let mut chars = name.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The table of metrics; also on the page of the administration.
pub fn metrics_table(caption: &str, metrics: &[Metric]) -> Markup {
    table(
        caption,
        &["State", "Figure", "#Value", "Unit", "In words"],
        html! {
            @for metric in metrics {
                tr {
                    td { (badge::state(&metric.status)) }
                    th scope="row" { (text::value(&title(&metric.name))) @if let Some(subject) = &metric.subject { " " span.kind { (text::short_value(subject, 48)) } } }
                    td.num { @match metric.value { Some(value) => { (format::figure(value)) }, None => span.none { "–" } } }
                td.unit { (metric.unit) }
                    td.wrap { (text::long_value(&metric.detail)) @if let Some(hint) = &metric.hint { " " span.hint { (text::value(hint)) } } }
                }
            }
        },
    )
}

fn compliance(metrics: &[Metric]) -> Markup {
    let wrong = metrics.iter().filter(|metric| metric.status != "ok").count();
    card_with(
        "compliance",
        "Compliance metrics",
        html! {
            @if wrong == 0 { (badge::badge(Tone::Ok, "all as they should be")) }
            @else { (badge::badge(Tone::Warn, &format!("{wrong} to look at"))) }
        },
        metrics_table("Compliance metrics", metrics),
    )
}

fn nothing(chrome: &Chrome) -> Markup {
    let all = chrome.may(layout::Viewer::sees_all);
    notice::empty(
        Icon::Live,
        "No events yet",
        html! {
            @if all {
                p { "Nothing was recorded in this time. Record the first event, and it is here a moment later:" }
                pre.wrap { code { "SELECT auditlog.record('authentication.login', actor => '{\"email\": \"you@example.com\"}', action => '{\"status\": \"success\"}');" } }
                p { a href="/?range=30d" { "Look at the last 30 days" } " or " a href="/search?range=all" { "search all of the time" } "." }
            } @else {
                p { "There are no events that you may see in this time. Your administrator decides which events are yours." }
                p { a href="/?range=30d" { "Look at the last 30 days" } }
            }
        },
    )
}
