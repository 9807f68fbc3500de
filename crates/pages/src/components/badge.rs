//! Badges: a state as text and icon. The colour only repeats what these say.

use maud::{Markup, html};

use super::icon::{Icon, icon};
use crate::text;

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Neither good nor bad.
    Neutral,
    /// As it should be.
    Ok,
    /// To be looked at.
    Warn,
    /// Wrong.
    Bad,
    /// Under way, or worth knowing.
    Info,
}

impl Tone {
    /// The class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Info => "info",
        }
    }

    /// The icon that says the same.
    pub fn icon(self) -> Icon {
        match self {
            Self::Neutral => Icon::Dot,
            Self::Ok => Icon::Check,
            Self::Warn => Icon::Warning,
            Self::Bad => Icon::Stop,
            Self::Info => Icon::Info,
        }
    }

    /// Of the states that the database's views have: active, failed, waiting, ….
    pub fn of_state(state: &str) -> Self {
        match state {
            "ok" | "active" | "done" | "delivered" | "succeeded" | "resolved" | "live" | "acknowledged" => Self::Ok,
            "warning" | "retrying" | "muted" | "release asked for" | "conflict" | "digested" | "open" => Self::Warn,
            "error" | "failing" | "failed" | "dead" | "rejected" => Self::Bad,
            "starting" | "running" | "waiting" | "certified" | "written" => Self::Info,
            _ => Self::Neutral,
        }
    }
}

/// A badge with an icon of its own. The text must be ours.
pub fn badge_with(tone: Tone, symbol: Icon, text: &str) -> Markup {
    html! { span class=(format!("badge {}", tone.class())) { (icon(symbol)) span { (text) } } }
}

/// A badge. The text must be ours.
pub fn badge(tone: Tone, text: &str) -> Markup {
    badge_with(tone, tone.icon(), text)
}

/// The state of something that a view of the database tells of.
pub fn state(state: &str) -> Markup {
    let tone = Tone::of_state(state);
    let symbol = match state {
        "muted" => Icon::Mute,
        "paused" | "disabled" => Icon::Pause,
        "open" => Icon::Alert,
        "waiting" | "starting" | "running" => Icon::Clock,
        _ => tone.icon(),
    };
    html! { span class=(format!("badge {}", tone.class())) { (icon(symbol)) span { (text::value(state)) } } }
}

/// The severity of an event or alert.
pub fn severity(severity: &str) -> Markup {
    let (tone, symbol) = match severity {
        "critical" => (Tone::Bad, Icon::Stop),
        "error" => (Tone::Bad, Icon::Cross),
        "warning" => (Tone::Warn, Icon::Warning),
        "notice" => (Tone::Info, Icon::Info),
        _ => (Tone::Neutral, Icon::Dot),
    };
    html! { span class=(format!("sev {} {}", tone.class(), if severity == "critical" { "loud" } else { "" })) { (icon(symbol)) span { (text::value(severity)) } } }
}

/// How an action ended, as applications say it: many words, of which some are known.
pub fn outcome(status: &str) -> Markup {
    let (tone, symbol) = match status.to_ascii_lowercase().as_str() {
        "success" | "succeeded" | "ok" | "allowed" | "completed" => (Tone::Ok, Icon::Check),
        "failed" | "failure" | "error" => (Tone::Bad, Icon::Cross),
        "denied" | "refused" | "blocked" | "rejected" => (Tone::Warn, Icon::Exclude),
        _ => (Tone::Neutral, Icon::Dot),
    };
    html! { span class=(format!("sev {}", tone.class())) { (icon(symbol)) span { (text::short_value(status, 24)) } } }
}
