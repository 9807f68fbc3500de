//! `/alerts`: alerts, and what they have found.

use maud::{Markup, html};

use crate::components::badge::{self, Tone};
use crate::components::card::{card, card_with, page_head};
use crate::components::form::{self, Input};
use crate::components::icon::{Icon, icon};
use crate::components::notice;
use crate::components::table::table_of;
use crate::layout::{self, Chrome, Viewer};
use crate::time::Moment;
use crate::{format, text, time, url};

/// A row of `auditlog.alerts`.
#[derive(Debug, Clone, Default)]
pub struct Alert {
    /// Its number, for addresses.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `active`, `muted`, `disabled`, `failing` or `starting`.
    pub state: String,
    /// Of its firings.
    pub severity: String,
    /// The query.
    pub condition: String,
    /// What it does, in words (`auditlog.explain_alert`).
    pub in_words: String,
    /// How often it fired.
    pub fired: u64,
    /// When it fired last.
    pub last_fired_at: Option<Moment>,
    /// Until when nobody is told.
    pub muted_until: Option<Moment>,
    /// Why.
    pub mute_reason: Option<String>,
    /// Why it fails.
    pub error: Option<String>,
    /// Channels that are told.
    pub channels: Vec<String>,
}

/// A row of `auditlog.alert_firings`.
#[derive(Debug, Clone, Default)]
pub struct Firing {
    /// Its number.
    pub id: i64,
    /// The alert's name.
    pub alert: String,
    /// How grave it is.
    pub severity: String,
    /// Fields and values that the events have in common.
    pub group: Vec<(String, String)>,
    /// Events that made it fire.
    pub count: u64,
    /// Events in all.
    pub events: u64,
    /// Why, in words.
    pub reason: String,
    /// When it fired.
    pub fired_at: Moment,
    /// Is it going on?
    pub open: bool,
    /// Was nobody told?
    pub muted: bool,
    /// Ids of some of its events.
    pub samples: Vec<String>,
    /// Who has seen to it, and when.
    pub acknowledged: Option<(String, Moment)>,
    /// What was found.
    pub note: Option<String>,
    /// Channel and state of each notification.
    pub deliveries: Vec<(String, String)>,
    /// The query that finds its events: the condition, the group and the time.
    pub query: String,
    /// The time of its events.
    pub range: url::Range,
}

/// An alert that comes with the extension.
#[derive(Debug, Clone)]
pub struct BuiltIn {
    /// By which it is installed.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Is there an alert of this name?
    pub installed: bool,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Alerts.
    pub alerts: Vec<Alert>,
    /// Firings, those that nobody has acknowledged first.
    pub firings: Vec<Firing>,
    /// Alerts that can be installed.
    pub built_in: Vec<BuiltIn>,
    /// Channels that there are, for installing.
    pub channels: Vec<String>,
}

/// The page. Forms: `POST /alerts/firings/{id}/acknowledge` (`note`, `return_to`), `POST /alerts/install` (`keys`, `channels`).
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let admin = chrome.may(Viewer::administers);
    let open = model
        .firings
        .iter()
        .filter(|firing| firing.acknowledged.is_none())
        .count();
    layout::page(
        chrome,
        "Alerts",
        html! {
            (page_head("Alerts", html! { "Queries with a threshold and somebody to tell, evaluated over the sealed log: nothing is skipped, nothing counts twice." },
                html! { @if admin { a.button.primary href="/alerts/new" { (icon(Icon::Plus)) "New alert" } } }))
            (card_with("firings", "Firings", html! {
                @if open > 0 { (badge::badge_with(Tone::Warn, Icon::Alert, &format!("{open} not acknowledged"))) } @else { (badge::badge(Tone::Ok, "all acknowledged")) }
            }, html! {
                @if model.firings.is_empty() { (notice::empty(Icon::Check, "Nothing has fired", html! { p { "What alerts find is listed here, and is an event in the log." } })) }
                @else { ul.firings { @for firing in &model.firings { (self::firing(chrome, firing, "/alerts")) } } }
            }))
            (card("alerts", "All alerts", list(model, admin)))
            @if admin { (install(chrome, model)) }
        },
    )
}

/// A firing, with the form to acknowledge it.
pub fn firing(chrome: &Chrome, firing: &Firing, return_to: &str) -> Markup {
    let note = format!("note-{}", firing.id);
    html! {
        li.firing.unseen-yet[firing.acknowledged.is_none()] #(format!("firing-{}", firing.id)) {
            div.firing-head {
                (badge::severity(&firing.severity))
                h3 { (text::short_value(&firing.alert, 120)) }
                @if firing.open { (badge::state("open")) } @else { (badge::state("resolved")) }
                @if firing.muted { (badge::state("muted")) }
                span.firing-when { (time::full(firing.fired_at)) " " span.none { (time::relative(chrome.now, firing.fired_at)) } }
            }
            div.firing-reason { (text::long_value(&firing.reason)) }
            p.firing-facts {
                @for (field, value) in &firing.group { span.pair { code { (text::short_value(field, 60)) } " " strong { (text::short_value(value, 80)) } } }
                a href=(url::search(&firing.query, firing.range.clone())) { (format::plural(firing.events, "event", "events")) }
                @for sample in firing.samples.iter().take(3) { a href=(url::event(sample)) { "event " code { (text::short_value(sample, 24)) } } }
                @for (channel, state) in &firing.deliveries { span.pair { (text::short_value(channel, 40)) " " (badge::state(state)) } }
            }
            @match &firing.acknowledged {
                Some((who, at)) => {
                    div.firing-ack { (icon(Icon::Check)) "Acknowledged by " (text::value(who)) ", " (time::full(*at)) @if let Some(note) = &firing.note { ": " (text::long_value(note)) } }
                },
                None if chrome.may(Viewer::acknowledges) => {
                    (form::post(chrome, &format!("/alerts/firings/{}/acknowledge", firing.id), "ack", html! {
                        (form::hidden("return_to", return_to))
                        label.unseen for=(note) { "What was found (" (text::plain(&firing.alert)) ")" }
                        input #(note) name="note" placeholder="What was found" maxlength="2000" autocomplete="off";
                        button type="submit" { (icon(Icon::Check)) "Acknowledge" }
                    }))
                },
                None => p.hint { "Not acknowledged yet." },
            }
        }
    }
}

fn list(model: &Model, admin: bool) -> Markup {
    html! {
        @if model.alerts.is_empty() {
            (notice::empty(Icon::Alert, "No alerts yet", html! {
                @if admin { p { "Begin with those that come with the extension, below, or " a href="/alerts/new" { "write one" } "." } }
                @else { p { "An audit administrator can create them." } }
            }))
        } @else {
            (table_of("alerts", "Alerts", &["State", "Alert", "Severity", "#Fired", "Last", "Tells"], html! {
                @for alert in &model.alerts { tr {
                    td { (badge::state(&alert.state)) @if let Some(until) = alert.muted_until { p.hint { "until " (time::minute(until)) } } }
                    th.wrap scope="row" {
                        a href=(format!("/alerts/{}", alert.id)) { (text::short_value(&alert.name, 120)) }
                        p.hint { (text::short_value(&alert.in_words, 240)) }
                        @if let Some(error) = &alert.error { p.bad-text { (text::short_value(error, 200)) } }
                    }
                    td { (badge::severity(&alert.severity)) }
                    td.num { (format::count(alert.fired)) }
                    td { (time::optional(alert.last_fired_at)) }
                    td { @for channel in &alert.channels { span.tag { (text::short_value(channel, 32)) } " " } @if alert.channels.is_empty() { span.none { "nobody" } } }
                } }
            }))
        }
    }
}

fn install(chrome: &Chrome, model: &Model) -> Markup {
    let left: Vec<_> = model.built_in.iter().filter(|alert| !alert.installed).collect();
    html! {
        @if !left.is_empty() {
            (card("install", "Alerts to install", form::behind(&format!("{} of {} that come with the extension are not installed", left.len(), model.built_in.len()), "",
                form::post(chrome, "/alerts/install", "stacked", html! {
                    fieldset.checks.wide { legend { "Alerts" }
                        @for (i, alert) in left.iter().enumerate() {
                            @let id = format!("install-{i}");
                            div.check { input #(id) type="checkbox" name="keys" value=(alert.key); label for=(id) { strong { (text::value(&alert.name)) } " " span.hint { (text::value(&alert.description)) } } }
                        }
                    }
                    @if !model.channels.is_empty() {
                        (form::checks("Tell", "channels", "install-channel", &model.channels.iter().map(|c| (c.as_str(), c.as_str(), false)).collect::<Vec<_>>()))
                    }
                    (form::input(Input { id: "install-recipients", name: "recipients", label: "Recipients of e-mail", kind: "text", hint: "Separated by commas.", ..Input::default() }))
                    button type="submit" { "Install" }
                }))))
        }
    }
}
