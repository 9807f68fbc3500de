//! `/admin/…`: for administrators. Each page shows how something stands, and has the forms that change it; what may be
//! written as JSON only is written as JSON, in the words of the database's functions.

use maud::{Markup, html};

use crate::components::card::page_head;
use crate::layout::{self, Chrome};

pub mod channels;
pub mod holds;
pub mod jobs;
pub mod overview;
pub mod principals;
pub mod retention;
pub mod sinks;
pub mod tokens;

/// A page of the administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// `/admin`
    Overview,
    /// `/admin/retention`
    Retention,
    /// `/admin/holds`
    Holds,
    /// `/admin/sinks`
    Sinks,
    /// `/admin/channels`
    Channels,
    /// `/admin/jobs`
    Jobs,
    /// `/admin/principals`
    Principals,
    /// `/admin/tokens`
    Tokens,
}

const TABS: [(Tab, &str, &str); 8] = [
    (Tab::Overview, "/admin", "Health"),
    (Tab::Retention, "/admin/retention", "Retention"),
    (Tab::Holds, "/admin/holds", "Legal holds"),
    (Tab::Sinks, "/admin/sinks", "Sinks"),
    (Tab::Channels, "/admin/channels", "Channels"),
    (Tab::Jobs, "/admin/jobs", "Jobs"),
    (Tab::Principals, "/admin/principals", "Principals"),
    (Tab::Tokens, "/admin/tokens", "API tokens"),
];

fn page(chrome: &Chrome, tab: Tab, title: &str, about: Markup, actions: Markup, body: Markup) -> Markup {
    let admin = chrome.may(layout::Viewer::administers);
    layout::page(
        chrome,
        &format!("{title} · Administration"),
        html! {
            (page_head(title, about, actions))
            @if admin {
                nav.tabs aria-label="Administration" { ul {
                    @for (this, href, label) in TABS { @if this != Tab::Tokens || chrome.has_tokens { li { a href=(href) aria-current=[(this == tab).then_some("page")] { (label) } } } }
                } }
            }
            (body)
        },
    )
}
