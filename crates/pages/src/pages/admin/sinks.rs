//! `/admin/sinks`: where events are streamed to.

use maud::{Markup, html};

use super::Tab;
use crate::components::badge;
use crate::components::badge::Tone;
use crate::components::card::card;
use crate::components::form::{self, Filled, Input};
use crate::components::icon::Icon;
use crate::components::notice;
use crate::components::table::table_of;
use crate::layout::Chrome;
use crate::pages::alert::test;
use crate::time::Moment;
use crate::{format, text, time};

/// A row of `auditlog.sinks`.
#[derive(Debug, Clone, Default)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// `splunk_hec`, `syslog`, ….
    pub kind: String,
    /// Which events.
    pub query: String,
    /// In which format.
    pub format: String,
    /// `active`, `retrying`, `error` or `paused`.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// How many events it is behind.
    pub lag_events: u64,
    /// How long.
    pub lag_seconds: f64,
    /// When something arrived last.
    pub delivered_at: Option<Moment>,
    /// How many have arrived.
    pub delivered: u64,
    /// Events that were refused for good.
    pub dead: u64,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Sinks.
    pub sinks: Vec<Sink>,
    /// Name of the sink that was just tested, and the steps.
    pub test: Option<(String, Vec<(String, String)>)>,
    /// What is wrong with a new one.
    pub wrong: Option<String>,
    /// The form as it was filled in then.
    pub filled: Filled,
}

const KINDS: [(&str, &str); 7] = [
    ("splunk_hec", "Splunk HEC"),
    ("azure_event_hub", "Azure Event Hub (Sentinel)"),
    ("aws_security_lake", "AWS Security Lake"),
    ("syslog", "Syslog"),
    ("http", "HTTP"),
    ("file", "File"),
    ("object_store", "Object store"),
];

/// The page. Forms: `POST /admin/sinks` (`name`, `kind`, `config`, `query`, `format`), `POST /admin/sinks/{name}/` `pause` (`reason`), `resume`, `test`, `redrive`, `delete`.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let filled = &model.filled;
    super::page(
        chrome,
        Tab::Sinks,
        "Sinks",
        html! { "Where events are streamed to. Each keeps its place in the log, so nothing is skipped while it is away." },
        html! {},
        html! {
            @if let Some(wrong) = &model.wrong { (notice::notice(Tone::Bad, "The sink was not added.", text::long_value(wrong))) }
            @if let Some((name, steps)) = &model.test { (card("test", &format!("Test of {}", text::plain(name)), test(steps))) }
            (card("sinks", "Sinks", html! {
                @if model.sinks.is_empty() { (notice::empty(Icon::Live, "No sinks", html! { p { "Stream events to a SIEM, so that they are outside of this database, too. Add one below." } })) } @else {
                    (table_of("sinks", "Sinks", &["State", "Sink", "Events", "#Behind", "#Delivered", "#Refused", "Last", ""], html! {
                        @for sink in &model.sinks { tr {
                            td { (badge::state(&sink.state)) }
                            th.wrap scope="row" { (text::short_value(&sink.name, 60)) " " span.kind { (text::value(&sink.kind)) } @if let Some(reason) = &sink.reason { p.bad-text { (text::short_value(reason, 240)) } } }
                            td.wrap { @if sink.query.is_empty() { "all" } @else { code { (text::short_value(&sink.query, 80)) } } " " span.none { "as " (text::value(&sink.format)) } }
                            td.num { @if sink.lag_events == 0 { "0" } @else { (format::count(sink.lag_events)) " " span.unit { (format::seconds(sink.lag_seconds)) } } }
                            td.num { (format::count(sink.delivered)) } td.num { (format::count(sink.dead)) } td { (time::optional(sink.delivered_at)) }
                            td { (actions(chrome, sink)) }
                        } }
                    }))
                }
            }))
            (card("new-sink", "New sink", form::behind_or_open("Add a sink …", "", filled.is_some(), form::post(chrome, "/admin/sinks", "stacked", html! {
                (form::input(Input { id: "sink-name", name: "name", label: "Name", value: filled.get("name"), required: true, ..Input::default() }))
                (form::select("sink-kind", "kind", "Kind", &KINDS, filled.or("kind", "splunk_hec")))
                (form::textarea("sink-config", "config", "Configuration (JSON)", filled.or("config", "{\n  \"url\": \"https://splunk.example.com:8088\",\n  \"token\": \"secret:splunk\"\n}"), 6, "Secrets are named, as secret:NAME, never written here."))
                (form::input(Input { id: "sink-query", name: "query", label: "Which events", value: filled.get("query"), hint: "A query; empty: all.", ..Input::default() }))
                (form::input(Input { id: "sink-format", name: "format", label: "Format", value: filled.get("format"), hint: "Empty: the one that fits the kind. json, cef, leef, ecs, ocsf, syslog, cloudevents.", ..Input::default() }))
                button.primary type="submit" { "Add" }
            }))))
        },
    )
}

fn actions(chrome: &Chrome, sink: &Sink) -> Markup {
    let at = |what: &str| format!("/admin/sinks/{}/{what}", crate::url::encode(&sink.name));
    form::behind(
        "Actions",
        "menu-like",
        html! {
            @if sink.state == "paused" { (form::action(chrome, &at("resume"), "Resume", "")) } @else { (form::action(chrome, &at("pause"), "Pause", "")) (form::action(chrome, &at("resume"), "Try at once", "")) }
            (form::action(chrome, &at("test"), "Test", ""))
            @if sink.dead > 0 { (form::action(chrome, &at("redrive"), "Send the refused again", "")) }
            (form::post(chrome, &at("delete"), "inline", html! { button.danger type="submit" data-confirm="Remove this sink, its place in the log and its refused events?" { "Remove" } }))
        },
    )
}
