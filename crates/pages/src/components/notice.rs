//! What is said beside the matter: notices, and what to do where there is nothing yet.

use maud::{Markup, html};

use super::badge::Tone;
use super::icon::{Icon, icon};

/// A notice in a page. Errors are announced at once, the rest when there is time.
pub fn notice(tone: Tone, title: &str, body: Markup) -> Markup {
    html! {
        div class=(format!("notice {}", tone.class())) role=(if tone == Tone::Bad { "alert" } else { "status" }) {
            (icon(tone.icon()))
            div { strong { (title) } " " (body) }
        }
    }
}

/// An empty state: what is not there, and what to do.
pub fn empty(symbol: Icon, title: &str, body: Markup) -> Markup {
    html! { div.empty { (icon(symbol)) p.empty-title { (title) } div.empty-body { (body) } } }
}
