//! `/admin/channels`: who is told of what alerts find.

use maud::{Markup, html};

use super::Tab;
use crate::components::badge;
use crate::components::badge::Tone;
use crate::components::card::card;
use crate::components::form::{self, Filled, Input};
use crate::components::icon::Icon;
use crate::components::notice;
use crate::components::table::table;
use crate::layout::Chrome;
use crate::time::Moment;
use crate::{format, text, time};

/// A row of `auditlog.channels` with that of `auditlog.stat_channels`.
#[derive(Debug, Clone, Default)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// `email`, `slack`, ….
    pub kind: String,
    /// The least severity that it is told of.
    pub min_severity: String,
    /// `ok`, `retrying`, `paused` or `disabled`.
    pub state: String,
    /// Notifications that have arrived, wait, and were refused for good.
    pub delivered: u64,
    /// That wait.
    pub waiting: u64,
    /// That were refused for good.
    pub dead: u64,
    /// When one arrived last.
    pub last_success_at: Option<Moment>,
    /// The last error.
    pub last_error: Option<String>,
}

/// A row of `auditlog.dead_letters`.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Its number.
    pub id: i64,
    /// The channel.
    pub channel: String,
    /// `fired`, `resolved`, `digest`, `report` or `test`.
    pub kind: String,
    /// When it was given up.
    pub ended_at: Option<Moment>,
    /// Why.
    pub detail: Option<String>,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Channels.
    pub channels: Vec<Channel>,
    /// Notifications that were refused for good.
    pub dead_letters: Vec<DeadLetter>,
    /// What is wrong with a new one.
    pub wrong: Option<String>,
    /// The form as it was filled in then.
    pub filled: Filled,
}

const KINDS: [(&str, &str); 7] = [
    ("email", "E-mail"),
    ("slack", "Slack"),
    ("teams", "Microsoft Teams"),
    ("pagerduty", "PagerDuty"),
    ("webhook", "Webhook"),
    ("syslog", "Syslog"),
    ("file", "File"),
];
const SEVERITIES: [(&str, &str); 6] = [
    ("debug", "All"),
    ("info", "Info"),
    ("notice", "Notice"),
    ("warning", "Warning"),
    ("error", "Error"),
    ("critical", "Critical"),
];

/// The page. Forms: `POST /admin/channels` (`name`, `kind`, `config`, `min_severity`), `POST /admin/channels/{name}/` `enable`, `disable`, `delete`,
/// `POST /admin/channels/redrive` (`id`).
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let filled = &model.filled;
    super::page(
        chrome,
        Tab::Channels,
        "Channels",
        html! { "Who is told of what alerts find. Each notification is tried until it has arrived or is refused for good." },
        html! {},
        html! {
            @if let Some(wrong) = &model.wrong { (notice::notice(Tone::Bad, "The channel was not added.", text::long_value(wrong))) }
            (card("channels", "Channels", html! {
                @if model.channels.is_empty() { (notice::empty(Icon::Alert, "No channels", html! { p { "Alerts fire all the same, and nobody is told. Add a channel below." } })) } @else {
                    (table("Channels", &["State", "Channel", "From", "#Delivered", "#Waiting", "#Dead", "Last", "Last error", ""], html! {
                        @for channel in &model.channels { tr {
                            td { (badge::state(&channel.state)) } th scope="row" { (text::short_value(&channel.name, 60)) " " span.kind { (text::value(&channel.kind)) } }
                            td { (badge::severity(&channel.min_severity)) } td.num { (format::count(channel.delivered)) } td.num { (format::count(channel.waiting)) } td.num { (format::count(channel.dead)) }
                            td { (time::optional(channel.last_success_at)) } td.wrap { @match &channel.last_error { Some(error) => (text::short_value(error, 160)), None => span.none { "–" } } }
                            td { (actions(chrome, channel)) }
                        } }
                    }))
                }
            }))
            @if !model.dead_letters.is_empty() { (card("dead", "Refused for good", table("Refused notifications", &["#No.", "Channel", "Of what", "When", "Why", ""], html! {
                @for letter in &model.dead_letters { tr {
                    td.num { (letter.id) } th scope="row" { (text::value(&letter.channel)) } td { (text::value(&letter.kind)) } td { (time::optional(letter.ended_at)) }
                    td.wrap { @match &letter.detail { Some(detail) => (text::long_value(detail)), None => span.none { "–" } } }
                    td { (form::post(chrome, "/admin/channels/redrive", "inline", html! { (form::hidden("id", &letter.id.to_string())) button type="submit" aria-label=(format!("Send number {} again", letter.id)) { "Send again" } })) }
                } }
            }))) }
            (card("new-channel", "New channel", form::behind_or_open("Add a channel …", "", filled.is_some(), form::post(chrome, "/admin/channels", "stacked", html! {
                (form::input(Input { id: "channel-name", name: "name", label: "Name", value: filled.get("name"), required: true, ..Input::default() }))
                (form::select("channel-kind", "kind", "Kind", &KINDS, filled.or("kind", "email")))
                (form::textarea("channel-config", "config", "Configuration (JSON)", filled.or("config", "{\n  \"url\": \"secret:slack_url\"\n}"), 6, "Secrets are named, as secret:NAME, never written here."))
                (form::select("channel-severity", "min_severity", "From severity", &SEVERITIES, filled.or("min_severity", "debug")))
                button.primary type="submit" { "Add" }
            }))))
        },
    )
}

fn actions(chrome: &Chrome, channel: &Channel) -> Markup {
    let at = |what: &str| format!("/admin/channels/{}/{what}", crate::url::encode(&channel.name));
    form::behind(
        "Actions",
        "menu-like",
        html! {
            @if channel.state == "disabled" { (form::action(chrome, &at("enable"), "Enable", "")) } @else { (form::action(chrome, &at("disable"), "Disable", "")) }
            @if channel.state == "paused" { (form::action(chrome, &at("enable"), "Try again", "")) }
            (form::post(chrome, &at("delete"), "inline", html! { button.danger type="submit" data-confirm="Remove this channel? What waits for it is not delivered." { "Remove" } }))
        },
    )
}
