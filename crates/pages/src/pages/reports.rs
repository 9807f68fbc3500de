//! `/reports`: what was made, and the form that asks for more.

use maud::{Markup, html};

use crate::components::badge::{self, Tone};
use crate::components::card::{card, page_head};
use crate::components::form::{self, Input};
use crate::components::icon::Icon;
use crate::components::notice;
use crate::components::table::table_of;
use crate::layout::{self, Chrome};
use crate::time::Moment;
use crate::{format, text, time};

/// A row of `auditlog.frameworks`.
#[derive(Debug, Clone)]
pub struct Framework {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How many controls it has.
    pub controls: u64,
}

/// A file of a report.
#[derive(Debug, Clone)]
pub struct File {
    /// `pdf`, `json`, `csv` or `manifest`.
    pub format: String,
    /// Its length.
    pub bytes: u64,
    /// Hexadecimal.
    pub sha256: String,
}

/// A row of `auditlog.reports`.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Its number.
    pub id: i64,
    /// `compliance`, `custom` or `incident`.
    pub kind: String,
    /// The framework, definition or title.
    pub name: String,
    /// What people call it: the framework's name.
    pub title: Option<String>,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// The first moment of its period.
    pub since: Moment,
    /// The first moment after it.
    pub until: Moment,
    /// What it is confined to, as JSON.
    pub filters: serde_json::Value,
    /// Who asked for it.
    pub asked_by: String,
    /// When.
    pub asked_at: Moment,
    /// When it was done.
    pub ended_at: Option<Moment>,
    /// Sections that are done, and all.
    pub sections: (u64, u64),
    /// The section that it is at.
    pub working_on: Option<String>,
    /// What must be looked at.
    pub findings: Option<u64>,
    /// Its files.
    pub files: Vec<File>,
    /// The event that seals it.
    pub event_id: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Report {
    /// Is there more to come?
    pub fn pending(&self) -> bool {
        self.state == "waiting" || self.state == "running"
    }
}

/// A row of `auditlog.report_definitions`.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: Option<String>,
    /// When it is made by itself.
    pub schedule: Option<String>,
    /// The last report that was made of it.
    pub last_report: Option<i64>,
}

/// The form as it was filled in.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The framework's id.
    pub framework: String,
    /// The period's ends, as `datetime-local` has them.
    pub since: String,
    /// The first moment after it.
    pub until: String,
    /// A query that confines it.
    pub query: String,
    /// Accounts, separated by commas.
    pub accounts: String,
    /// Users.
    pub users: String,
    /// Resources.
    pub resources: String,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Frameworks to choose from.
    pub frameworks: Vec<Framework>,
    /// Reports, the newest first.
    pub reports: Vec<Report>,
    /// Reports of one's own.
    pub definitions: Vec<Definition>,
    /// The form.
    pub ask: Ask,
    /// What is wrong with it.
    pub wrong: Option<String>,
}

/// The page. Forms: `POST /reports` (`framework`, `since`, `until`, `query`, `accounts`, `users`, `resources`, `formats`), `POST /reports/run` (`name`),
/// `POST /reports/incident` (`title`, `query`, `since`, `until`).
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    layout::page(
        chrome,
        "Reports",
        html! {
            (page_head("Reports", html! { "Evidence for auditors: what the log has for each control, what must be looked at, and samples that anybody can check." }, html! {}))
            div.columns.reports-columns {
                div.stack {
                    (card("reports", "Reports", list(chrome, model)))
                    @if !model.definitions.is_empty() { (card("definitions", "Reports of your own", definitions(chrome, model))) }
                }
                div.stack {
                    (card("ask", "New compliance report", ask(chrome, model)))
                    (card("incident", "Incident report", form::behind("Who and what was affected …", "", form::post(chrome, "/reports/incident", "stacked", html! {
                        (form::input(Input { id: "incident-name", name: "title", label: "Title", required: true, ..Input::default() }))
                        (form::textarea("incident-query", "query", "Query: the events it is about", "", 2, ""))
                        (form::input(Input { id: "incident-since", name: "since", label: "From (UTC)", kind: "datetime-local", required: true, ..Input::default() }))
                        (form::input(Input { id: "incident-until", name: "until", label: "Until (UTC)", kind: "datetime-local", required: true, ..Input::default() }))
                        button type="submit" { "Make it" }
                    }))))
                }
            }
        },
    )
}

fn ask(chrome: &Chrome, model: &Model) -> Markup {
    let options: Vec<(String, String)> = model
        .frameworks
        .iter()
        .map(|f| {
            (
                f.id.clone(),
                format!(
                    "{} ({}, {} controls)",
                    text::plain(&f.name),
                    text::plain(&f.version),
                    f.controls
                ),
            )
        })
        .collect();
    let options: Vec<_> = options
        .iter()
        .map(|(id, label)| (id.as_str(), label.as_str()))
        .collect();
    let a = &model.ask;
    html! {
        @if let Some(wrong) = &model.wrong { (notice::notice(Tone::Bad, "It cannot be made like this.", text::value(wrong))) }
        (form::post(chrome, "/reports", "stacked", html! {
            (form::select("framework", "framework", "Framework", &options, &a.framework))
            div.row-group {
                (form::input(Input { id: "report-since", name: "since", label: "From (UTC)", kind: "datetime-local", value: &a.since, required: true, ..Input::default() }))
                (form::input(Input { id: "report-until", name: "until", label: "Until (UTC)", kind: "datetime-local", value: &a.until, required: true, ..Input::default() }))
            }
            (form::behind("Confine it to …", "", html! {
                (form::input(Input { id: "report-accounts", name: "accounts", label: "Accounts", value: &a.accounts, ..Input::default() }))
                (form::input(Input { id: "report-users", name: "users", label: "Users", value: &a.users, ..Input::default() }))
                (form::input(Input { id: "report-resources", name: "resources", label: "Resources", value: &a.resources, hint: "Several are separated by commas.", ..Input::default() }))
                (form::input(Input { id: "report-query", name: "query", label: "Query", value: &a.query, ..Input::default() }))
            }))
            (form::checks("Files", "formats", "format", &[("pdf", "PDF", true), ("json", "JSON", true), ("csv", "CSV", true)]))
            button.primary type="submit" { "Make the report" }
            p.hint { "Who asks, who takes it and the hashes of its files are events in the log." }
        }))
    }
}

/// How far a report is.
pub fn progress(report: &Report) -> Markup {
    let (done, all) = report.sections;
    html! {
        @if report.pending() {
            div.progress data-progress=(format!("/api/v1/reports/{}", report.id)) {
                progress max=(all.max(1)) value=(done) aria-label=(format!("Report {}", report.id)) { (done) " of " (all) }
                span role="status" data-progress-text { @if report.state == "waiting" { "waiting for its turn" } @else { "section " (done) " of " (all) @if let Some(on) = &report.working_on { ", " (text::short_value(on, 60)) } } }
            }
        }
    }
}

/// What a report is called.
pub fn title(report: &Report) -> Markup {
    html! { (text::short_value(report.title.as_ref().unwrap_or(&report.name), 80)) " " span.kind { (text::value(&report.kind)) } }
}

fn list(chrome: &Chrome, model: &Model) -> Markup {
    html! {
        @if model.reports.is_empty() {
            (notice::empty(Icon::Report, "No reports yet", html! { p { "Choose a framework and a period. A report over a quarter takes a minute or so; it is made in the background." } }))
        } @else {
            (table_of("reports", "Reports", &["#No.", "Report", "Period", "State", "#Findings", "Files", "Asked"], html! {
                @for report in &model.reports { tr {
                    td.num { (report.id) }
                    th scope="row" { a href=(format!("/reports/{}", report.id)) { (title(report)) } }
                    td { (time::day(report.since)) " – " (time::day(report.until)) }
                    td { (badge::state(&report.state)) (progress(report)) }
                    td.num { @match report.findings { Some(n) => (format::count(n)), None => span.none { "–" } } }
                    td { @for file in report.files.iter().filter(|file| file.format != "manifest") { a.file href=(href(report, &file.format)) download { (file.format.to_uppercase()) } " " } @if report.files.is_empty() { span.none { "–" } } }
                    td { (text::short_value(&report.asked_by, 32)) " " span.none { (time::ago(chrome.now, report.asked_at)) } }
                } }
            }))
        }
    }
}

/// The address of a report's file.
pub fn href(report: &Report, format: &str) -> String {
    format!("/reports/{}/files/{}", report.id, crate::url::encode(format))
}

fn definitions(chrome: &Chrome, model: &Model) -> Markup {
    table_of(
        "definitions",
        "Reports of your own",
        &["Name", "Schedule", "Last report", ""],
        html! {
            @for definition in &model.definitions { tr {
                th scope="row" { (text::short_value(&definition.name, 60)) @if let Some(title) = &definition.title { p.hint { (text::short_value(title, 120)) } } }
                td { @match &definition.schedule { Some(schedule) => code { (text::value(schedule)) }, None => span.none { "by hand" } } }
                td { @match definition.last_report { Some(id) => a href=(format!("/reports/{id}")) { "No. " (id) }, None => span.none { "never" } } }
                td { (form::post(chrome, "/reports/run", "inline", html! {
                    (form::hidden("name", &definition.name)) button type="submit" aria-label=(format!("Make {} now", text::plain(&definition.name))) { "Make it now" }
                })) }
            } }
        },
    )
}
