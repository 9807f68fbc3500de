//! `/alerts/{id}`: one alert.

use maud::{Markup, html};

use super::alerts::{Alert, Firing, firing};
use crate::components::badge;
use crate::components::badge::Tone;
use crate::components::card::card;
use crate::components::fields;
use crate::components::form::{self, Input};
use crate::components::icon::{Icon, icon};
use crate::components::notice;
use crate::components::table::table;
use crate::layout::{self, Chrome, Viewer};
use crate::{format, text, time, url};

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The alert.
    pub alert: Alert,
    /// Its definition, as canonical JSON or as it was written.
    pub definition: String,
    /// What it does and would have done, line by line (`auditlog.explain_alert`).
    pub explanation: Vec<String>,
    /// Step and result of a test that was just run (`auditlog.test_alert`).
    pub test: Option<Vec<(String, String)>>,
    /// Its firings, the newest first.
    pub firings: Vec<Firing>,
    /// Who changed it last.
    pub changed: Option<(String, crate::time::Moment)>,
}

/// The page. Forms: `POST /alerts/{id}/` `test` (`notify`), `mute` (`until`, `reason`), `unmute`, `enable`, `disable`, `delete`.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let alert = &model.alert;
    let here = format!("/alerts/{}", alert.id);
    let admin = chrome.may(Viewer::administers);
    layout::page(
        chrome,
        &format!("{} · Alert", text::plain(&alert.name)),
        html! {
            nav.crumbs aria-label="Alert" { a href="/alerts" { "Alerts" } }
            header.page-head {
                div { p.event-badges { (badge::state(&alert.state)) (badge::severity(&alert.severity)) } h1 { (text::short_value(&alert.name, 200)) } div.about { (text::long_value(&alert.in_words)) } }
                div.page-actions { @if admin { a.button href=(format!("{here}/edit")) { "Edit" } } }
            }
            @if let Some(error) = &alert.error { (notice::notice(Tone::Bad, "It is not evaluated.", text::long_value(error))) }
            @if let (Some(until), reason) = (alert.muted_until, alert.mute_reason.as_deref()) {
                (notice::notice(Tone::Warn, "Muted: nobody is told.", html! { "Until " (time::full(until)) @if let Some(reason) = reason { ", because: " (text::value(reason)) } }))
            }
            @if let Some(steps) = &model.test { (card("test", "Test", test(steps))) }
            div.columns {
                div.stack {
                    (card("what", "What it does", html! {
                        ol.lines { @for line in &model.explanation { li { (text::long_value(line)) } } }
                        (fields::list(html! {
                            (fields::row("Condition", html! { div.mono { (text::long_value(&alert.condition)) } p { a href=(url::search(&alert.condition, url::Range::Last("7d"))) { "Search with it" } } }))
                            (fields::row("Tells", html! { @for channel in &alert.channels { span.tag { (text::value(channel)) } " " } @if alert.channels.is_empty() { span.none { "nobody" } } }))
                            (fields::row("Fired", html! { (format::plural(alert.fired, "time", "times")) ", last " (time::optional(alert.last_fired_at)) }))
                            @if let Some((who, at)) = &model.changed { (fields::row("Changed", html! { (time::full(*at)) " by " (text::value(who)) })) }
                        }))
                    }))
                    (card("found", "Firings", html! {
                        @if model.firings.is_empty() { (notice::empty(Icon::Check, "It has not fired", html! { p { "It counts what is sealed from the moment on that it was made or changed." } })) }
                        @else { ul.firings { @for one in &model.firings { (firing(chrome, one, &here)) } } }
                    }))
                }
                div.stack {
                    @if admin { (card("actions", "Actions", actions(chrome, alert, &here))) }
                    (card("definition", "Definition", html! { pre.json tabindex="0" role="group" aria-label="Definition" { (text::block(&model.definition)) } }))
                }
            }
        },
    )
}

/// Steps and results of a test, as a table.
pub fn test(steps: &[(String, String)]) -> Markup {
    table(
        "Test, step by step",
        &["Step", "Result"],
        html! {
            @for (step, result) in steps { tr { th scope="row" { (text::value(step)) } td.wrap { (text::long_value(result)) } } }
        },
    )
}

fn actions(chrome: &Chrome, alert: &Alert, here: &str) -> Markup {
    html! {
        div.actions {
            (form::post(chrome, &format!("{here}/test"), "inline-row", html! {
                button type="submit" { (icon(Icon::Play)) "Test" }
                div.check { input #notify type="checkbox" name="notify" value="true"; label for="notify" { "and send a marked notification" } }
            }))
            @if alert.muted_until.is_some() { (form::action(chrome, &format!("{here}/unmute"), "End the mute", "")) }
            @else {
                (form::behind("Mute …", "", form::post(chrome, &format!("{here}/mute"), "stacked", html! {
                    (form::input(Input { id: "mute-until", name: "until", label: "Until (UTC)", kind: "datetime-local", required: true, ..Input::default() }))
                    (form::input(Input { id: "mute-reason", name: "reason", label: "Why", required: true, ..Input::default() }))
                    button type="submit" { (icon(Icon::Mute)) "Mute" }
                    p.hint { "What it finds is listed all the same." }
                })))
            }
            @if alert.state == "disabled" { (form::action(chrome, &format!("{here}/enable"), "Enable", "")) }
            @else { (form::action(chrome, &format!("{here}/disable"), "Disable", "")) }
            (form::behind("Delete …", "", html! {
                p { "Its firings stay in the list and in the log." }
                (form::action(chrome, &format!("{here}/delete"), "Delete the alert", "danger"))
            }))
        }
        p.hint { "Each of these is an event in the log, with before and after." }
    }
}
