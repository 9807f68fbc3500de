//! `/login`.

use maud::{Markup, html};

use crate::components::badge::Tone;
use crate::components::form::{self, Input};
use crate::components::icon::{Icon, icon};
use crate::components::notice;
use crate::layout::{self, Chrome};
use crate::text;

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Why the last try failed, in words that tell nothing of who exists.
    pub error: Option<String>,
    /// The name that was given.
    pub user: String,
    /// Path to go on to; one of ours.
    pub return_to: String,
    /// Label of the single sign-on, where there is one.
    pub single_sign_on: Option<String>,
    /// Is the connection to the browser encrypted, or the browser on this machine?
    pub secure: bool,
    /// May people sign in by name and password?
    pub by_password: bool,
}

/// The page. Forms: `POST /login` (`user`, `password`, `return_to`), `POST /login/sso` (`return_to`).
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    layout::page(
        chrome,
        "Sign in",
        html! {
            div.login {
                h1 { "Sign in" }
                @if model.by_password { p.about { "With your own PostgreSQL login. What you see, the database decides by your roles." } }
                @else if model.single_sign_on.is_some() { p.about { "With the account of your organisation. What you see, the database decides by your roles." } }
                @else { (notice::notice(Tone::Info, "Nobody signs in by a password here.", html! { "This server takes the tokens of programs only. Ask your administrator for another way in." })) }
                @if let Some(error) = &model.error { (notice::notice(Tone::Bad, "Not signed in.", text::long_value(error))) }
                @if !model.secure && model.by_password { (notice::notice(Tone::Warn, "This connection is not encrypted.", html! { "Your password could be read on its way." })) }
                @if model.by_password { (form::post(chrome, "/login", "stacked", html! {
                    (form::hidden("return_to", &model.return_to))
                    (form::input(Input { id: "user", name: "user", label: "User", value: &model.user, required: true, autocomplete: "username", ..Input::default() }))
                    (form::input(Input { id: "password", name: "password", label: "Password", kind: "password", required: true, autocomplete: "current-password", ..Input::default() }))
                    button.primary.wide type="submit" { "Sign in" }
                })) }
                @if let Some(label) = &model.single_sign_on {
                    @if model.by_password { p.or { span { "or" } } }
                    (form::post(chrome, "/login/sso", "stacked", html! {
                        (form::hidden("return_to", &model.return_to))
                        button.wide.primary[!model.by_password] type="submit" { (icon(Icon::Lock)) (text::short_value(label, 60)) }
                    }))
                }
                @if model.by_password { p.hint { "Attempts to sign in are recorded." } }
            }
        },
    )
}
