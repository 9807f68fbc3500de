//! Error pages.

use maud::{Markup, html};

use crate::components::icon::{Icon, icon};
use crate::layout::{self, Chrome};
use crate::text;

/// What went wrong.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The HTTP status.
    pub status: u16,
    /// What in particular, where it may be said.
    pub detail: Option<String>,
    /// By which the server's own log has more.
    pub request_id: Option<String>,
    /// Seconds after which another try makes sense.
    pub retry_after: Option<u64>,
}

fn words(status: u16) -> (Icon, &'static str, &'static str) {
    match status {
        400 => (
            Icon::Warning,
            "The request could not be read",
            "Go back, and try once more. If you followed a link, it is not complete.",
        ),
        401 => (
            Icon::Lock,
            "You are not signed in",
            "Your session has ended, or there was none. Sign in, and go on where you were.",
        ),
        403 => (
            Icon::Lock,
            "You may not do this",
            "Your roles do not include it. An audit administrator can grant what is missing. That you asked is recorded.",
        ),
        404 => (
            Icon::Search,
            "There is nothing here",
            "Either it is not there, or it is not among the events that you may see.",
        ),
        409 => (
            Icon::Diff,
            "Somebody else was faster",
            "What you wanted to change has changed meanwhile. Look at it again.",
        ),
        413 => (
            Icon::Warning,
            "That is too much",
            "What was sent is larger than the server takes.",
        ),
        429 => (
            Icon::Clock,
            "Too many requests",
            "The server takes only so many in a minute from one person, so that it stays there for all.",
        ),
        503 | 504 => (
            Icon::Clock,
            "The database does not answer",
            "Events go on being recorded where they can be. Try again in a moment; if it stays, tell your administrator.",
        ),
        _ => (
            Icon::Stop,
            "Something went wrong here",
            "It is not your fault, and it is noted. If it happens again, tell your administrator the number below.",
        ),
    }
}

/// The page.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let (symbol, title, body) = words(model.status);
    layout::page(
        chrome,
        title,
        html! {
            div.error-page {
                (icon(symbol))
                p.error-status { "Error " (model.status) }
                h1 { (title) }
                p { (body) }
                @if let Some(detail) = &model.detail { div.error-detail { (text::long_value(detail)) } }
                @if let Some(seconds) = model.retry_after { p { "Try again in " strong { (crate::format::seconds(seconds as f64)) } "." } }
                @if let Some(id) = &model.request_id { p.hint { "Request " code { (text::value(id)) } } }
                div.buttons {
                    @if chrome.viewer.is_some() { a.button.primary href="/" { "Overview" } a.button href="/search" { "Search" } }
                    @else { a.button.primary href="/login" { "Sign in" } }
                }
            }
        },
    )
}
