//! `/admin/tokens`: API tokens, the own ones; of everybody for administrators.

use maud::{Markup, html};

use super::Tab;
use crate::components::badge::{self, Tone};
use crate::components::card::card;
use crate::components::form::{self, Input};
use crate::components::icon::Icon;
use crate::components::table::table;
use crate::components::{fields, notice};
use crate::layout::Chrome;
use crate::time::Moment;
use crate::{text, time};

/// A token. What it is was shown once; the server has its hash only.
#[derive(Debug, Clone)]
pub struct Token {
    /// By which it is revoked.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Its first characters, to recognise it.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Until when.
    pub expires_at: Option<Moment>,
    /// When it was used last.
    pub used_at: Option<Moment>,
    /// When it was made.
    pub made_at: Moment,
    /// Was it revoked?
    pub revoked: bool,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Tokens.
    pub tokens: Vec<Token>,
    /// A token that was just made: it is shown now and never again.
    pub made: Option<String>,
    /// Scopes that a token can have: name, meaning.
    pub scopes: Vec<(String, String)>,
    /// What is wrong with a new one.
    pub wrong: Option<String>,
}

/// The page. Forms: `POST /admin/tokens` (`name`, `scopes`, `days`), `POST /admin/tokens/{id}/revoke`.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let scopes: Vec<_> = model
        .scopes
        .iter()
        .map(|(name, meaning)| (name.as_str(), meaning.as_str(), name == "read"))
        .collect();
    super::page(
        chrome,
        Tab::Tokens,
        "API tokens",
        html! { "For programs that read the log as you do. Every use is recorded." },
        html! {},
        html! {
            @if let Some(wrong) = &model.wrong { (notice::notice(Tone::Bad, "No token was made.", text::long_value(wrong))) }
            @if let Some(token) = &model.made {
                (notice::notice(Tone::Ok, "The token was made. Copy it now: it is not shown again.", html! {
                    div.command { div.command-head { span { "token" } (fields::copy(token, "Copy")) } pre.wrap { code { (text::block(token)) } } }
                }))
            }
            (card("tokens", "Tokens", html! {
                @if model.tokens.is_empty() { (notice::empty(Icon::Lock, "No tokens", html! { p { "Make one for each program, so that each can be revoked by itself." } })) } @else {
                    (table("API tokens", &["State", "Token", "Begins with", "Owner", "May", "Made", "Used", "Expires", ""], html! {
                        @for token in &model.tokens {
                            @let expired = token.expires_at.is_some_and(|at| at <= chrome.now);
                            tr {
                                td { @if token.revoked { (badge::badge(Tone::Neutral, "revoked")) } @else if expired { (badge::badge(Tone::Neutral, "expired")) } @else { (badge::badge(Tone::Ok, "active")) } }
                                th scope="row" { (text::short_value(&token.name, 60)) } td { code { (text::value(&token.prefix)) "…" } } td { (text::short_value(&token.owner, 40)) }
                                td { @for scope in &token.scopes { span.tag { (text::value(scope)) } " " } } td { (time::day(token.made_at)) } td { (time::optional(token.used_at)) }
                                td { @match token.expires_at { Some(at) => { (time::day(at)) " " span.none { (time::relative(chrome.now, at)) } }, None => span.none { "never" } } }
                                td { @if !token.revoked && !expired { (form::post(chrome, &format!("/admin/tokens/{}/revoke", crate::url::encode(&token.id)), "inline", html! {
                                    button.quiet.danger type="submit" aria-label=(format!("Revoke {}", text::plain(&token.name))) data-confirm="Revoke this token? Programs that use it are refused from now on." { "Revoke" }
                                })) } }
                            }
                        }
                    }))
                }
            }))
            (card("new-token", "New token", form::post(chrome, "/admin/tokens", "stacked", html! {
                (form::input(Input { id: "token-name", name: "name", label: "What it is for", required: true, ..Input::default() }))
                (form::checks("May", "scopes", "scope", &scopes))
                (form::select("token-days", "days", "Expires after", &[("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year")], "90"))
                button.primary type="submit" { "Make a token" }
            })))
        },
    )
}
