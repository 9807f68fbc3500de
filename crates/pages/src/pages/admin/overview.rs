//! `/admin`: `auditlog.health()`, workers and settings at a glance.

use maud::{Markup, html};

use super::Tab;
use crate::components::badge::{self, Tone};
use crate::components::card::{card, card_with};
use crate::components::table::table;
use crate::layout::Chrome;
use crate::pages::dashboard::{Metric, metrics_table};
use crate::time::Moment;
use crate::{format, text, time};

/// A row of `auditlog.stat_workers`.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Its name.
    pub name: String,
    /// Does it run?
    pub running: bool,
    /// Errors since the server's start.
    pub errors: u64,
    /// The last of them, and when.
    pub last_error: Option<(String, Moment)>,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// `auditlog.health()`: no figures, but hints.
    pub checks: Vec<Metric>,
    /// Background workers.
    pub workers: Vec<Worker>,
    /// `auditlog.compliance_metrics`.
    pub metrics: Vec<Metric>,
}

/// The page.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let wrong = model.checks.iter().filter(|check| check.status != "ok").count();
    // What must be looked at comes first, the rest in the database's order.
    let mut checks: Vec<_> = model.checks.iter().collect();
    checks.sort_by_key(|check| match check.status.as_str() {
        "error" => 0,
        "warning" => 1,
        _ => 2,
    });
    let verdict = if wrong == 0 {
        badge::badge(Tone::Ok, "all checks ok")
    } else {
        badge::badge(Tone::Warn, &format!("{wrong} to look at"))
    };
    super::page(
        chrome,
        Tab::Overview,
        "Administration",
        html! { "How the audit log itself is doing." },
        html! {},
        html! {
            (card_with("checks", "Checks", verdict, table("Checks", &["State", "Check", "In words", "What to do"], html! {
                @for check in checks { tr {
                    td { (badge::state(&check.status)) } th scope="row" { (text::value(&check.name)) }
                    td.wrap { (text::long_value(&check.detail)) } td.wrap { @match &check.hint { Some(hint) => (text::long_value(hint)), None => span.none { "–" } } }
                } }
            })))
            (card("metrics", "Compliance metrics", metrics_table("Compliance metrics", &model.metrics)))
            (card("workers", "Workers", table("Workers", &["State", "Worker", "#Errors", "Last error"], html! {
                @for worker in &model.workers { tr {
                    td { @if worker.running { (badge::badge(Tone::Ok, "runs")) } @else { (badge::badge(Tone::Neutral, "does not run")) } }
                    th scope="row" { (text::value(&worker.name)) } td.num { (format::count(worker.errors)) }
                    td.wrap { @match &worker.last_error { Some((error, at)) => { (time::full(*at)) " " (text::long_value(error)) }, None => span.none { "–" } } }
                } }
            })))
        },
    )
}
