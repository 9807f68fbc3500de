//! `/reports/{id}`: one report.

use maud::{Markup, html};

use super::reports::{Report, href, progress, title};
use crate::components::badge::{self, Tone};
use crate::components::card::card;
use crate::components::icon::{Icon, icon};
use crate::components::table::table;
use crate::components::{fields, form, notice};
use crate::layout::{self, Chrome};
use crate::{format, text, time, url};

/// A section of a finished report.
#[derive(Debug, Clone)]
pub struct Section {
    /// The control's number, where it is one.
    pub control: Option<String>,
    /// Its title.
    pub title: String,
    /// `findings`, `clean` or `no evidence`.
    pub result: String,
    /// `direct` or `supporting`.
    pub directness: Option<String>,
    /// Events of the section.
    pub count: u64,
    /// What must be looked at, in words.
    pub findings: Vec<String>,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The report.
    pub report: Report,
    /// Its sections, when it is done.
    pub sections: Vec<Section>,
}

/// The page. Forms: `POST /reports/{id}/cancel`, `POST /reports/{id}/retry`. The script asks `GET /api/v1/reports/{id}` while it is made.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let report = &model.report;
    layout::page(
        chrome,
        &format!("{} · Report {}", text::plain(&report.name), report.id),
        html! {
            nav.crumbs aria-label="Report" { a href="/reports" { "Reports" } }
            header.page-head {
                div { p.event-badges { (badge::state(&report.state)) } h1 { (title(report)) } p.about { (time::full(report.since)) " – " (time::full(report.until)) } }
                div.page-actions {
                    @if report.pending() { (form::action(chrome, &format!("/reports/{}/cancel", report.id), "Cancel", "")) }
                    @if report.state == "failed" || report.state == "cancelled" { (form::action(chrome, &format!("/reports/{}/retry", report.id), "Make it once more", "primary")) }
                }
            }
            @if let Some(error) = &report.error { (notice::notice(Tone::Bad, "It could not be made.", text::long_value(error))) }
            @if report.pending() { section.card aria-label="Progress" { (progress(report)) p.hint { "It is read a section at a time, and goes on when you leave this page." } } }
            div.columns {
                @if !model.sections.is_empty() { div.stack { (card("sections", "Sections", sections(&model.sections))) (card("files", "Files", files(report))) } }
                @else { div.stack { (card("files", "Files", files(report))) } }
                div.stack {
                    (card("about", "About it", fields::list(html! {
                        (fields::row("Asked by", text::value(&report.asked_by)))
                        (fields::row("Asked", time::full(report.asked_at)))
                        @if let Some(at) = report.ended_at { (fields::row("Ended", time::full(at))) }
                        @if let Some(n) = report.findings { (fields::row("Findings", html! { (format::count(n)) })) }
                        @if report.filters.as_object().is_some_and(|o| !o.is_empty()) { (fields::row("Confined to", html! { pre.json { (text::json(&report.filters)) } })) }
                        @if let Some(id) = &report.event_id { (fields::row("Sealed by", html! { a href=(url::event(id)) { code { (text::short_value(id, 60)) } } })) }
                    })))
                }
            }
        },
    )
}

fn files(report: &Report) -> Markup {
    html! {
        @if report.files.is_empty() { p.hint { "None yet." } } @else {
            p.hint { "What was looked at, control by control, and what must be looked at is in each of them." }
            ul.files {
                @for file in &report.files {
                    li {
                        a.button href=(href(report, &file.format)) download { (icon(Icon::Download)) (text::value(&file.format.to_uppercase())) } " " span.none { (format::bytes(file.bytes)) }
                        code.hash.small title="SHA-256" { (text::short_value(&file.sha256, 64)) }
                    }
                }
                li { a.button href=(format!("/reports/{}/proof", report.id)) download { (icon(Icon::Seal)) "Proof" } " " span.hint { "that the log has sealed this report; there some moments after it was made" } }
            }
            pre.wrap { code { "auditlog verify report.pdf --key @log.key" } }
        }
    }
}

fn sections(sections: &[Section]) -> Markup {
    table(
        "Sections",
        &["Result", "Control", "#Events", "To be looked at"],
        html! {
            @for section in sections { tr {
                td { @match section.result.as_str() {
                    "clean" => (badge::badge(Tone::Ok, "clean")),
                    "findings" => (badge::badge(Tone::Warn, "findings")),
                    _ => (badge::badge(Tone::Neutral, "no evidence")),
                } }
                th.wrap scope="row" { @if let Some(control) = &section.control { code { (text::value(control)) } " " } (text::short_value(&section.title, 120)) @if let Some(directness) = &section.directness { " " span.kind { (text::value(directness)) } } }
                td.num { (format::count(section.count)) }
                td.wrap { @for finding in &section.findings { div { (text::long_value(finding)) } } @if section.findings.is_empty() { span.none { "–" } } }
            } }
        },
    )
}
