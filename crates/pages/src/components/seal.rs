//! The seal: what is known of the log's integrity. It is on every page, as a badge, and in full on the overview.

use maud::{Markup, html};

use super::badge::Tone;
use super::icon::{Icon, icon};
use super::{fields, notice};
use crate::time::Moment;
use crate::{format, text, time};

/// What is known of the log's integrity.
#[derive(Debug, Clone, Default)]
pub struct Integrity {
    /// Events that have their place in the log.
    pub size: u64,
    /// Events from the beginning that verification found unchanged.
    pub verified: Option<u64>,
    /// When verification came to the log's end last.
    pub verified_at: Option<Moment>,
    /// Places where something does not fit.
    pub findings: u64,
    /// The first of them, in words.
    pub first_finding: Option<String>,
    /// Size and time of the newest signed checkpoint.
    pub signed: Option<(u64, Moment)>,
    /// Size, time and witnesses of the newest checkpoint that somebody outside has cosigned.
    pub anchored: Option<(u64, Moment, u64)>,
    /// The name that the log's checkpoints bear.
    pub origin: Option<String>,
    /// The public key, as C2SP vkey.
    pub public_key: Option<String>,
    /// Why no checkpoint is made at the moment.
    pub stopped: Option<String>,
}

impl Integrity {
    /// How it stands: tone, and one word.
    pub fn verdict(&self) -> (Tone, &'static str) {
        match (self.findings, self.verified, self.size) {
            (1.., ..) => (Tone::Bad, "Findings"),
            (_, _, 0) => (Tone::Neutral, "Empty"),
            (_, None | Some(0), _) => (Tone::Neutral, "Not verified yet"),
            _ if self.stopped.is_some() => (Tone::Warn, "Signing stopped"),
            _ => (Tone::Ok, "Verified"),
        }
    }

    /// Is the event at this place among those that were verified?
    pub fn covers(&self, log_index: u64) -> bool {
        self.findings == 0 && self.verified.is_some_and(|verified| log_index < verified)
    }
}

/// The badge in the head of every page; leads to what it means.
pub fn badge(integrity: &Integrity) -> Markup {
    let (tone, word) = integrity.verdict();
    html! {
        a class=(format!("seal {}", tone.class())) href="/integrity" {
            (icon(if tone == Tone::Bad { Icon::Stop } else { Icon::Seal }))
            span.seal-text {
                strong { (word) }
                @match (integrity.findings, integrity.verified) {
                    (1.., _) => span { " · " (format::plural(integrity.findings, "place does not fit", "places do not fit")) },
                    (_, Some(verified)) if verified > 0 => span { " up to " span.num { (format::count(verified - 1)) } },
                    _ => "",
                }
                @if let (Some((_, at, _)), 0) = (integrity.anchored, integrity.findings) { span.seal-more { " · anchored " (time::minute(at)) } }
            }
        }
    }
}

/// All of it, as a list.
pub fn details(integrity: &Integrity, now: Moment) -> Markup {
    let share = |n: u64| format::figure((n as f64 * 10_000.0 / integrity.size.max(1) as f64).floor() / 100.0);
    html! {
        @if integrity.findings > 0 {
            (notice::notice(Tone::Bad, "The log does not fit its hashes.", html! {
                "Verification found " (format::plural(integrity.findings, "place", "places")) "."
                @if let Some(first) = &integrity.first_finding { " The first: " (text::value(first)) "." }
                " Find out who changed it before anything else; an archive and kept checkpoints show what was there."
            }))
        }
        @if let Some(why) = &integrity.stopped {
            (notice::notice(Tone::Warn, "No checkpoint is signed at the moment.", text::value(why)))
        }
        (fields::list(html! {
            (fields::row("Sealed", html! { span.num { (format::count(integrity.size)) } " events" }))
            (fields::row(if integrity.findings > 0 { "Looked at" } else { "Verified" }, html! {
                @match integrity.verified {
                    Some(n) if n > 0 => {
                        "up to place " span.num { (format::count(n - 1)) } span.none { " (" (share(n)) " %)" }
                        @if let Some(at) = integrity.verified_at { ", to the end " (time::ago(now, at)) }
                    },
                    _ => "not yet",
                }
            }))
            (fields::row("Signed", html! {
                @match integrity.signed { Some((n, at)) => { span.num { (format::count(n)) } " events, " (time::ago(now, at)) }, None => "never" }
            }))
            (fields::row("Anchored", html! {
                @match integrity.anchored {
                    Some((n, at, by)) => { span.num { (format::count(n)) } " events at " (time::minute(at)) ", " (format::plural(by, "witness", "witnesses")) },
                    None => "never: no witness outside has cosigned a checkpoint",
                }
            }))
            (fields::code_row("Log", integrity.origin.as_deref()))
        }))
    }
}
