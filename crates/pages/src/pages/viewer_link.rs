//! The answer to `POST /search/link`: a link to what a search shows, for who has no login.

use maud::{Markup, html};

use crate::components::badge::Tone;
use crate::components::card::page_head;
use crate::components::{fields, form, notice};
use crate::layout::{self, Chrome};
use crate::time::Moment;
use crate::{text, time};

/// A link that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// By which it is taken back.
    pub id: String,
    /// The link.
    pub url: String,
    /// Until when it is good.
    pub expires_at: Moment,
    /// Does it show less than its maker sees?
    pub shows_less: bool,
    /// Are there sites that may have it in a frame?
    pub is_embeddable: bool,
}

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Model {
    /// The link, or why there is none.
    pub outcome: Result<Made, String>,
    /// Path of the search; one of ours.
    pub back: String,
}

/// The page. Form: `POST /admin/tokens/{id}/revoke`.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    layout::page(
        chrome,
        "Viewer link",
        html! {
            (page_head("Viewer link", html! { "For who has no login here: this search and nothing else, to be read as you may read it." }, html! { a.button href=(model.back) { "Back to the search" } }))
            @match &model.outcome {
                Err(why) => (notice::notice(Tone::Bad, "No link was made.", text::long_value(why))),
                Ok(made) => (shown(chrome, made)),
            }
        },
    )
}

fn shown(chrome: &Chrome, made: &Made) -> Markup {
    let frame = format!(
        "<iframe src=\"{}\" title=\"Audit log\" width=\"100%\" height=\"600\"></iframe>",
        made.url
    );
    html! {
        (notice::notice(Tone::Ok, "The link was made. Copy it now: it is not shown again.", html! {
            p { "It is good until " (time::full(made.expires_at)) " " span.none { "(" (time::relative(chrome.now, made.expires_at)) ")" } ". Whoever has it reads the list in your name; each use is recorded as yours." }
            div.command { div.command-head { span { "link" } (fields::copy(&made.url, "Copy")) } pre.wrap { code { (text::block(&made.url)) } } }
            @if made.is_embeddable { div.command { div.command-head { span { "frame" } (fields::copy(&frame, "Copy")) } pre.wrap { code { (text::block(&frame)) } } } }
        }))
        @if made.shows_less {
            (notice::notice(Tone::Warn, "The link shows less than you see.", html! {
                "It is read as your principal, by roles that the server's authenticator may take. For all of your own, an administrator grants it your login role: " code { "GRANT your_role TO auditlog_authenticator" } "."
            }))
        }
        (form::post(chrome, &format!("/admin/tokens/{}/revoke", crate::url::encode(&made.id)), "inline", html! {
            button.danger type="submit" data-confirm="Take this link back? Whoever has it is refused from now on." { "Take it back" }
        }))
    }
}
