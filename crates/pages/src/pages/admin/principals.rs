//! `/admin/principals`: who is who to the log.

use maud::{Markup, html};

use super::Tab;
use crate::components::badge::Tone;
use crate::components::card::card;
use crate::components::form::{self, Filled, Input};
use crate::components::icon::Icon;
use crate::components::notice;
use crate::components::table::table;
use crate::layout::Chrome;
use crate::time::Moment;
use crate::{text, time, url};

/// A row of `auditlog.principals`, with the roles of its login role.
#[derive(Debug, Clone, Default)]
pub struct Principal {
    /// By which events name the actor.
    pub actor_id: String,
    /// Whose events, where one database serves several.
    pub tenant: Option<String>,
    /// The login role.
    pub role_name: Option<String>,
    /// For people.
    pub email: Option<String>,
    /// Teams that it belongs to.
    pub teams: Vec<String>,
    /// Teams that it manages; `None` are the own ones.
    pub manages: Option<Vec<String>>,
    /// The extension's roles that it has, by their names.
    pub roles: Vec<String>,
    /// Who changed it last, and when.
    pub changed: Option<(String, Moment)>,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Principals.
    pub principals: Vec<Principal>,
    /// What is wrong with a new one.
    pub wrong: Option<String>,
    /// The form as it was filled in then.
    pub filled: Filled,
}

/// The page. Forms: `POST /admin/principals` (`role_name`, `actor_id`, `email`, `teams`, `tenant`, `manages`), `POST /admin/principals/drop` (`actor_id`, `tenant`).
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let filled = &model.filled;
    let tags = |names: &[String]| html! { @for name in names { span.tag { (text::short_value(name, 40)) } " " } @if names.is_empty() { span.none { "–" } } };
    super::page(
        chrome,
        Tab::Principals,
        "Principals",
        html! { "Which actor of the events a login role or a user of an application is. Rights are granted in PostgreSQL; this says whose events are whose." },
        html! {},
        html! {
            @if let Some(wrong) = &model.wrong { (notice::notice(Tone::Bad, "It was not added.", text::long_value(wrong))) }
            (card("principals", "Principals", html! {
                @if model.principals.is_empty() { (notice::empty(Icon::User, "No principals", html! { p { "Without one a user sees no events, because nobody knows which are the own ones. Add one below." } })) } @else {
                    (table("Principals", &["Actor id", "Login role", "E-mail", "Tenant", "Teams", "Manages", "Roles", "Changed", ""], html! {
                        @for principal in &model.principals { tr {
                            th scope="row" { a href=(url::search(&url::term("actor.id", &principal.actor_id), url::Range::Last("30d"))) { code { (text::short_value(&principal.actor_id, 48)) } } }
                            td { @match &principal.role_name { Some(name) => code { (text::short_value(name, 48)) }, None => span.none { "by token" } } }
                            td { @match &principal.email { Some(email) => (text::short_value(email, 48)), None => span.none { "–" } } }
                            td { @match &principal.tenant { Some(tenant) => (text::short_value(tenant, 32)), None => span.none { "any" } } }
                            td { (tags(&principal.teams)) } td { @match &principal.manages { Some(teams) => (tags(teams)), None => span.none { "own teams" } } } td { (tags(&principal.roles)) }
                            td { @match &principal.changed { Some((who, at)) => { (time::day(*at)) " " span.none { (text::short_value(who, 24)) } }, None => span.none { "–" } } }
                            td { (form::post(chrome, "/admin/principals/drop", "inline", html! {
                                (form::hidden("actor_id", &principal.actor_id)) (form::hidden("tenant", principal.tenant.as_deref().unwrap_or_default()))
                                button.quiet.danger type="submit" aria-label=(format!("Remove {}", text::plain(&principal.actor_id))) data-confirm="Remove this principal? Its user sees no events any more." { "Remove" }
                            })) }
                        } }
                    }))
                }
            }))
            (card("new-principal", "New principal", form::behind_or_open("Add a principal …", "", filled.is_some(), form::post(chrome, "/admin/principals", "stacked", html! {
                (form::input(Input { id: "p-role", name: "role_name", label: "Login role", value: filled.get("role_name"), hint: "Empty for a user of an application, who comes by a token.", ..Input::default() }))
                (form::input(Input { id: "p-actor", name: "actor_id", label: "Actor id", value: filled.get("actor_id"), hint: "By which events name the actor; empty: the role's name.", ..Input::default() }))
                (form::input(Input { id: "p-email", name: "email", label: "E-mail", value: filled.get("email"), kind: "email", ..Input::default() }))
                (form::input(Input { id: "p-teams", name: "teams", label: "Teams", value: filled.get("teams"), hint: "Separated by commas.", ..Input::default() }))
                (form::input(Input { id: "p-manages", name: "manages", label: "Manages teams", value: filled.get("manages"), hint: "Separated by commas; empty: the own teams.", ..Input::default() }))
                (form::input(Input { id: "p-tenant", name: "tenant", label: "Tenant", value: filled.get("tenant"), ..Input::default() }))
                button.primary type="submit" { "Add" }
            }))))
        },
    )
}
