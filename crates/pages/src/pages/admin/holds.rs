//! `/admin/holds`: legal holds.

use maud::{Markup, html};

use super::Tab;
use crate::components::badge;
use crate::components::card::card;
use crate::components::form::{self, Filled, Input};
use crate::components::icon::Icon;
use crate::components::notice;
use crate::components::query_box::{Problem, QueryBox, query_box};
use crate::components::table::table;
use crate::layout::Chrome;
use crate::time::Moment;
use crate::{text, time, url};

/// A row of `auditlog.holds`.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Its name.
    pub name: String,
    /// What it keeps.
    pub query: String,
    /// Until when.
    pub until: Option<Moment>,
    /// Why.
    pub reason: String,
    /// Who made it, and when.
    pub made: (String, Moment),
    /// `active`, `expired`, `release asked for` or `released`.
    pub state: String,
    /// Who asked for its release, where two are needed.
    pub wanted_by: Option<String>,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Holds, those in force first.
    pub holds: Vec<Hold>,
    /// What is wrong with the query of a new one.
    pub problem: Option<Problem>,
    /// The form as it was filled in, when something of it is wrong.
    pub filled: Filled,
}

/// The page. Forms: `POST /admin/holds` (`name`, `query`, `until`, `reason`), `POST /admin/holds/release` (`name`, `reason`).
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    super::page(
        chrome,
        Tab::Holds,
        "Legal holds",
        html! { "A hold keeps events whatever the retention policy says." },
        html! {},
        html! {
            (card("holds", "Holds", html! {
                @if model.holds.is_empty() { (notice::empty(Icon::Lock, "No holds", html! { p { "When a court or a lawyer asks for events to be kept, add a hold below, with the query that finds them." } })) } @else {
                    (table("Legal holds", &["State", "Name", "Keeps", "Why", "Until", "Made", ""], html! {
                        @for (i, hold) in model.holds.iter().enumerate() { tr {
                            td { (badge::state(&hold.state)) @if let Some(who) = &hold.wanted_by { " " span.hint { "by " (text::value(who)) } } }
                            th scope="row" { (text::short_value(&hold.name, 80)) }
                            td.wrap { a href=(url::search(&hold.query, url::Range::Last("all"))) { code { (text::short_value(&hold.query, 120)) } } }
                            td.wrap { (text::long_value(&hold.reason)) } td { @match hold.until { Some(at) => (time::full(at)), None => "released" } }
                            td { (text::short_value(&hold.made.0, 32)) " " (time::day(hold.made.1)) }
                            td { @if hold.state == "active" || hold.state == "release asked for" { (release(chrome, i, hold)) } }
                        } }
                    }))
                }
            }))
            (card("new-hold", "New hold", form::post(chrome, "/admin/holds", "stacked", html! {
                (form::input(Input { id: "hold-name", name: "name", label: "Name", value: model.filled.get("name"), required: true, hint: "Such as the number of the case.", ..Input::default() }))
                (query_box(QueryBox { id: "hold-query", name: "query", label: "Which events it keeps", value: model.filled.get("query"), problem: model.problem.as_ref(), main: false }))
                (form::input(Input { id: "hold-until", name: "until", label: "Until (UTC)", kind: "datetime-local", value: model.filled.get("until"), hint: "Empty: until it is released.", ..Input::default() }))
                (form::input(Input { id: "hold-reason", name: "reason", label: "Why", value: model.filled.get("reason"), required: true, ..Input::default() }))
                button.primary type="submit" { "Hold" }
            })))
        },
    )
}

fn release(chrome: &Chrome, i: usize, hold: &Hold) -> Markup {
    let id = format!("release-{i}");
    form::behind(
        "Release …",
        "",
        form::post(
            chrome,
            "/admin/holds/release",
            "stacked",
            html! {
                (form::hidden("name", &hold.name))
                (form::input(Input { id: &id, name: "reason", label: "Why", required: true, ..Input::default() }))
                button.danger type="submit" { "Release" }
            },
        ),
    )
}
