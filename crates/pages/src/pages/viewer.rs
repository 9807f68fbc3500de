//! `/viewer`: a filtered list for whoever has a link to it. It has no navigation, and no way to other events: it may stand in a frame
//! of another site.

use maud::{Markup, html};

use crate::components::badge::Tone;
use crate::components::icon::{Icon, icon};
use crate::components::{events, form, notice};
use crate::event::Event;
use crate::layout::{self, Chrome};
use crate::time::Moment;
use crate::url::Column;
use crate::{text, time};

/// What a link shows.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Who has made the link, and whose rights it reads by.
    pub maker: String,
    /// The query; empty for all events.
    pub query: String,
    /// The first moment that belongs to it.
    pub since: Option<Moment>,
    /// The first moment that does not.
    pub until: Option<Moment>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The events of this page.
    pub events: Vec<Event>,
    /// Is it a page behind the first?
    pub is_later: bool,
    /// The cursor behind the last event, when there are more.
    pub next: Option<String>,
    /// Until when the link is good.
    pub expires_at: Moment,
}

/// What became of a link.
#[derive(Debug, Clone, Default)]
pub enum Outcome {
    /// None was given yet: the script takes it out of the address.
    #[default]
    Asked,
    /// It cannot be read, or is good no more.
    Refused(String),
    /// A list.
    Found(Box<List>),
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The link's text.
    pub link: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// The page. Form: `POST /viewer` (`link`, `cursor`); there is no session, so the token against forgery is empty.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    layout::embedded(
        chrome,
        "Audit log",
        html! {
            @match &model.outcome {
                Outcome::Asked => {
                    h1 { "Audit log" }
                    (form::post(chrome, "/viewer", "stacked", html! {
                        (form::input(form::Input { id: "link", name: "link", label: "Link", required: true, hint: "The whole link that you were given.", autocomplete: "off", ..form::Input::default() }))
                        button.primary type="submit" { "Show the events" }
                    }))
                },
                Outcome::Refused(why) => {
                    h1 { "Audit log" }
                    (notice::notice(Tone::Bad, "There is nothing to show.", text::long_value(why)))
                },
                Outcome::Found(list) => (found(chrome, model, list)),
            }
        },
    )
}

fn found(chrome: &Chrome, model: &Model, list: &List) -> Markup {
    html! {
        h1 { "Events of the audit log" }
        p.about {
            "As " strong { (text::short_value(&list.maker, 60)) } " may see them. "
            @if list.query.is_empty() { "All events" } @else { "Query " code { (text::short_value(&list.query, 400)) } }
            @if let Some(since) = list.since { ", from " (time::full(since)) }
            @if let Some(until) = list.until { ", to before " (time::full(until)) }
            ". This link is good until " (time::full(list.expires_at)) "; each look by it is recorded."
        }
        @if list.events.is_empty() { (notice::empty(Icon::Search, "No events match", html! { p { "Nothing that the link's maker may see is of this query and time." } })) }
        @else {
            (events::table(&events::Table { caption: "Events", events: &list.events, columns: &list.columns, integrity: None, state: None, leads_on: false }))
        }
        nav.pager aria-label="Pages" {
            @if list.is_later { (turn(chrome, model, None, html! { (icon(Icon::Previous)) "First page" })) }
            @match &list.next {
                Some(next) => (turn(chrome, model, Some(next), html! { "Next page" (icon(Icon::Next)) })),
                None => span.hint { "These are all." },
            }
        }
    }
}

fn turn(chrome: &Chrome, model: &Model, cursor: Option<&String>, label: Markup) -> Markup {
    html! {
        (form::post(chrome, "/viewer", "inline", html! {
            (form::hidden("link", &model.link))
            @if let Some(cursor) = cursor { (form::hidden("cursor", cursor)) }
            button type="submit" { (label) }
        }))
    }
}
