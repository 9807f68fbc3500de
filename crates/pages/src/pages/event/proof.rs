//! The integrity of one event: its place, its hashes, and the check of its proof in the page.

use maud::{Markup, html};

use super::provable;
use crate::components::badge::{self, Tone};
use crate::components::card::card;
use crate::components::icon::{Icon, icon};
use crate::components::{fields, form};
use crate::event::Event;
use crate::layout::Chrome;
use crate::{format, url};

/// The card.
pub fn proof(chrome: &Chrome, event: &Event) -> Markup {
    let covered = event
        .log_index
        .zip(chrome.integrity.as_ref())
        .is_some_and(|(n, integrity)| integrity.covers(n));
    let findings = chrome
        .integrity
        .as_ref()
        .is_some_and(|integrity| integrity.findings > 0);
    card(
        "proof",
        "Integrity",
        html! {
            p.verdict-line {
                @match event.log_index {
                    None => (badge::badge_with(Tone::Info, Icon::Clock, "not sealed yet")),
                    Some(_) if findings => (badge::badge(Tone::Warn, "sealed; the log has findings")),
                    Some(_) if covered => (badge::badge_with(Tone::Ok, Icon::Seal, "sealed and verified")),
                    Some(_) => (badge::badge_with(Tone::Info, Icon::Seal, "sealed, not verified yet")),
                }
            }
            @if event.log_index.is_none() { p.hint { "It gets its place in the log within a second. Load the page again." } }
            (fields::list(html! {
                @if let Some(n) = event.log_index { (fields::row("Place in the log", html! { span.num { (format::count(n)) } })) }
                (fields::row("Event id", html! { div.mono { (crate::text::long_value(&event.event_id)) } }))
                (hash("Entry hash", event.entry_hash.as_deref()))
                (hash("Hash before", event.prev_hash.as_deref()))
                (hash("Chain hash", event.hash.as_deref()))
            }))
            @if provable(chrome, event) { (check(event)) }
        },
    )
}

/// A hash in groups, so that two can be compared by eye.
fn hash(name: &str, hash: Option<&str>) -> Markup {
    html! {
        @if let Some(hash) = hash {
            (fields::row(name, html! { div.with-copy { code.hash { @for group in groups(hash) { span { (group) } wbr; } } (fields::copy_icon(hash, &format!("Copy {}", name.to_lowercase()))) } }))
        }
    }
}

fn groups(hash: &str) -> Vec<String> {
    hash.chars()
        .collect::<Vec<_>>()
        .chunks(8)
        .map(|chunk| crate::text::plain(&chunk.iter().collect::<String>()))
        .collect()
}

fn check(event: &Event) -> Markup {
    let href = url::event_api(&event.event_id, "proof");
    html! {
        div.proof-check data-proof=(href) data-entry-hash=[event.entry_hash.as_ref()] data-log-index=[event.log_index] {
            div.buttons {
                a.button href=(href) download="inclusion.proof" { (icon(Icon::Download)) "Inclusion proof" }
                button.js-only type="button" data-check { (icon(Icon::Seal)) "Check it here" }
            }
            div.js-only {
                (form::behind("With your own copy of the key", "", html! {
                    div.row {
                        label for="vkey" { "Public key of the log" }
                        textarea.code #vkey rows="2" spellcheck="false" autocomplete="off" aria-describedby="vkey-hint" data-vkey {}
                        p.hint #vkey-hint { "The line that " code { "auditlog.public_key()" } " gave when you got it on another way than this page. With it, the check includes the checkpoint's signature. It stays in this browser." }
                    }
                }))
            }
            div.proof-result role="status" aria-live="polite" data-result {}
            p.hint {
                "The check runs in your browser: hashes of RFC 6962 from the entry hash above up to the root that the checkpoint signs. That the fields on this page give this entry hash, "
                code { "auditlog verify-proof" } " shows, outside of this server."
            }
        }
    }
}
