//! Links of viewers: made, and opened.

use auditlog_pages::layout::{Chrome, Section};
use auditlog_pages::pages::{viewer, viewer_link};
use auditlog_pages::url::Column;
use chrono::TimeDelta;
use maud::Markup;

use crate::data::{Spice, events, now};
use crate::site::admin_chrome;

const LINK: &str = "AaH0cGFnZXMgb2YgdGhlIGdhbGxlcnksIG5vdCBhIGxpbmsgb2YgYW55Ym9keQ";

fn outside() -> Chrome {
    Chrome {
        csrf: "gallery-token".into(),
        now: now(),
        ..Chrome::default()
    }
}

fn opened(outcome: viewer::Outcome) -> Markup {
    let model = viewer::Model {
        link: LINK.into(),
        outcome,
    };
    viewer::page(&outside(), &model)
}

/// A list, and a link that was just made.
pub fn rich(spice: Spice) -> Vec<(&'static str, Markup)> {
    let list = viewer::List {
        maker: spice.text("ana.kovac@company.com"),
        query: spice.text("event_type:resource.* AND status:failed"),
        since: Some(now() - TimeDelta::days(1)),
        until: Some(now()),
        columns: Column::DEFAULT.to_vec(),
        events: events(12, spice, &[]),
        is_later: true,
        next: Some("AAAA".into()),
        expires_at: now() + TimeDelta::minutes(12),
    };
    let made = viewer_link::Made {
        id: "7".into(),
        url: spice.text(&format!("https://audit.company.com/viewer#{LINK}")),
        expires_at: now() + TimeDelta::minutes(15),
        shows_less: true,
        is_embeddable: true,
    };
    let made = viewer_link::Model {
        outcome: Ok(made),
        back: "/search?q=x".into(),
    };
    vec![
        ("viewer", opened(viewer::Outcome::Found(Box::new(list)))),
        (
            "viewer-refused",
            opened(viewer::Outcome::Refused(spice.text("This link is over."))),
        ),
        (
            "viewer-link",
            viewer_link::page(&admin_chrome(spice, Section::Search, "/search/link"), &made),
        ),
    ]
}

/// Nothing found, no link yet, and one that could not be made.
pub fn bare() -> Vec<(&'static str, Markup)> {
    let wrong = viewer_link::Model {
        outcome: Err("only a principal can have tokens".into()),
        back: "/search".into(),
    };
    let list = viewer::List {
        maker: "user_17".into(),
        expires_at: now() + TimeDelta::minutes(12),
        ..viewer::List::default()
    };
    vec![
        ("viewer-asked", opened(viewer::Outcome::Asked)),
        ("viewer-empty", opened(viewer::Outcome::Found(Box::new(list)))),
        (
            "viewer-link-error",
            viewer_link::page(&admin_chrome(Spice(false), Section::Search, "/search/link"), &wrong),
        ),
    ]
}
