//! `/admin/retention`.

use maud::{Markup, html};

use super::Tab;
use crate::components::badge::{self, Tone};
use crate::components::card::card;
use crate::components::form;
use crate::components::icon::Icon;
use crate::components::notice;
use crate::components::table::table;
use crate::layout::Chrome;
use crate::time::Moment;
use crate::{format, text, time};

/// A row of `auditlog.retention()`.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Types of events.
    pub event_types: Vec<String>,
    /// Ages at which the tiers end.
    pub hot: String,
    /// Of the warm tier.
    pub warm: String,
    /// Of the archive.
    pub cold: String,
    /// Laws and standards.
    pub classification: Vec<String>,
    /// Events of the class, as statistics estimate them.
    pub events: Option<u64>,
    /// Their size.
    pub bytes: Option<u64>,
}

/// A row of `auditlog.plan_retention()`.
#[derive(Debug, Clone)]
pub struct Move {
    /// The partition.
    pub relation: String,
    /// Its class.
    pub class: String,
    /// `to_warm`, `archive`, `remove`, ….
    pub what: String,
    /// When it is due.
    pub due_at: Option<Moment>,
    /// Events.
    pub events: u64,
    /// Their size.
    pub bytes: u64,
    /// How many of them a hold or a requirement keeps.
    pub held: u64,
    /// In words.
    pub detail: Option<String>,
}

/// A row of `auditlog.retention_moves`.
#[derive(Debug, Clone)]
pub struct Done {
    /// The partition.
    pub relation: String,
    /// `to_warm`, `archive`, `remove`, ….
    pub what: String,
    /// `running`, `done`, `failed`, ….
    pub state: String,
    /// Events that were moved or removed, and kept.
    pub events: (u64, u64),
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// Events that certify it.
    pub certificates: Vec<String>,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Classes and their ages.
    pub classes: Vec<Class>,
    /// Message and basis of each conflict.
    pub conflicts: Vec<(String, Option<String>)>,
    /// What will happen until `plan_at`.
    pub plan: Vec<Move>,
    /// Until when the plan looks.
    pub plan_at: Option<Moment>,
    /// What has happened.
    pub moves: Vec<Done>,
    /// The policy as it was written.
    pub definition: String,
    /// Its number; `None` while none was set.
    pub version: Option<u64>,
    /// What is wrong with a definition that was just sent.
    pub wrong: Option<String>,
}

/// The page. The plan's time is sent by GET (`at`). Forms: `POST /admin/retention` (`definition`), `POST /admin/retention/run`.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    super::page(
        chrome,
        Tab::Retention,
        "Retention",
        html! { "How long events stay, and where. What goes is certified in the log itself." },
        form::action(chrome, "/admin/retention/run", "Make a round now", ""),
        html! {
            @if let Some(wrong) = &model.wrong { (notice::notice(Tone::Bad, "The policy was not set.", text::long_value(wrong))) }
            @if model.version.is_none() { (notice::notice(Tone::Info, "No policy was set yet.", html! { "Nothing is moved or removed before one is." })) }
            @for (message, basis) in &model.conflicts {
                (notice::notice(Tone::Warn, "Conflict:", html! { (text::value(message)) @if let Some(basis) = basis { " (" (text::value(basis)) ")" } }))
            }
            (card("classes", "Classes", table("Retention classes", &["Class", "Event types", "Hot until", "Warm until", "Cold until", "Demanded by", "#Events", "#Size"], html! {
                @for class in &model.classes { tr {
                    th scope="row" { (text::value(&class.name)) }
                    td.wrap { @for name in &class.event_types { code { (text::short_value(name, 60)) } " " } @if class.event_types.is_empty() { span.none { "all others" } } }
                    td { (text::value(&class.hot)) } td { (text::value(&class.warm)) } td { (text::value(&class.cold)) }
                    td { @for name in &class.classification { span.tag { (text::value(name)) } " " } @if class.classification.is_empty() { span.none { "–" } } }
                    td.num { @match class.events { Some(n) => (format::count(n)), None => span.none { "–" } } } td.num { @match class.bytes { Some(n) => (format::bytes(n)), None => span.none { "–" } } }
                } }
            })))
            (card("plan", "What will happen", plan(model)))
            (card("moves", "What has happened", done(model)))
            (card("policy", "Policy", html! {
                p.hint { @if let Some(version) = model.version { "Version " (version) " is in force." } " A change takes effect with the next rounds, for events that are there already, too." }
                (form::post(chrome, "/admin/retention", "stacked", html! {
                    (form::textarea("definition", "definition", "Policy (YAML or JSON)", &model.definition, 16, "Lists of event_types with hot_days, warm_days, cold_years; what is wrong is told with line and column."))
                    button.primary type="submit" data-confirm="Set this policy? It decides what is removed." { "Set the policy" }
                }))
            }))
        },
    )
}

fn plan(model: &Model) -> Markup {
    html! {
        form.inline-row method="get" action="/admin/retention" {
            div.row { label for="plan-at" { "Until (UTC)" } input #plan-at type="datetime-local" name="at" step="1" value=(model.plan_at.map(time::input).unwrap_or_default()); }
            button type="submit" { "Plan" }
        }
        @if model.plan.is_empty() { (notice::empty(Icon::Check, "Nothing is due", html! { p { "Until then no event moves or goes." } })) } @else {
            (table("Plan", &["Due", "What", "Class", "Partition", "#Events", "#Size", "#Held", "In words"], html! {
                @for step in &model.plan { tr {
                    td { (time::optional(step.due_at)) } th scope="row" { (text::value(&step.what.replace('_', " "))) } td { (text::value(&step.class)) } td { code { (text::short_value(&step.relation, 48)) } }
                    td.num { (format::count(step.events)) } td.num { (format::bytes(step.bytes)) }
                    td.num { (format::count(step.held)) } td.wrap { @match &step.detail { Some(detail) => (text::long_value(detail)), None => span.none { "–" } } }
                } }
            }))
        }
    }
}

fn done(model: &Model) -> Markup {
    html! {
        @if model.moves.is_empty() { p.hint { "Nothing yet." } } @else {
            (table("Moves", &["State", "What", "Partition", "#Events", "#Kept", "Ended", "Certified by"], html! {
                @for step in &model.moves { tr {
                    td { (badge::state(&step.state)) } th scope="row" { (text::value(&step.what.replace('_', " "))) } td { code { (text::short_value(&step.relation, 48)) } }
                    td.num { (format::count(step.events.0)) } td.num { (format::count(step.events.1)) } td { (time::optional(step.ended_at)) }
                    td { @for id in &step.certificates { a href=(crate::url::event(id)) { code { (text::short_value(id, 24)) } } " " } @if step.certificates.is_empty() { span.none { "–" } } }
                } }
            }))
        }
    }
}
