//! The frame of every page: head, navigation, messages, the dialog with the keys.

use maud::{DOCTYPE, Markup, html};

use crate::assets;
use crate::components::badge::Tone;
use crate::components::form;
use crate::components::icon::{Icon, icon};
use crate::components::notice;
use crate::components::seal::{self, Integrity};
use crate::text;
use crate::time::Moment;

mod keys;
mod viewer;
pub use viewer::{Role, Viewer};

/// A part of the site, for the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Section {
    /// None of them: login, errors.
    #[default]
    None,
    /// `/`
    Overview,
    /// `/search` and events.
    Search,
    /// `/live`
    Live,
    /// `/alerts`
    Alerts,
    /// `/reports`
    Reports,
    /// `/admin`
    Admin,
}

/// Light, dark, or as the system has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system has it.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The value of the cookie and of the form's field.
    pub fn key(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What a cookie or a form says.
    pub fn from_key(key: &str) -> Self {
        match key {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }
}

/// Which clock times are shown by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// UTC.
    #[default]
    Utc,
    /// The viewer's own, by the script.
    Local,
}

impl Clock {
    /// The value of the cookie and of the form's field.
    pub fn key(self) -> &'static str {
        match self {
            Self::Utc => "utc",
            Self::Local => "local",
        }
    }

    /// What a cookie or a form says.
    pub fn from_key(key: &str) -> Self {
        if key == "local" { Self::Local } else { Self::Utc }
    }
}

/// What every page knows: who looks at it, and what is around the matter.
#[derive(Debug, Clone, Default)]
pub struct Chrome {
    /// Who is signed in; without one there is no navigation.
    pub viewer: Option<Viewer>,
    /// The token of the session against forged requests, for every form that is sent by POST.
    pub csrf: String,
    /// The part of the site.
    pub active: Section,
    /// What is known of the log's integrity, where the viewer may know it.
    pub integrity: Option<Integrity>,
    /// From the cookie `auditlog_theme`.
    pub theme: Theme,
    /// From the cookie `auditlog_clock`.
    pub clock: Clock,
    /// The name of this log for people: of the organisation or the database.
    pub log_name: String,
    /// Firings that nobody has acknowledged.
    pub open_firings: u64,
    /// What became of the last form.
    pub messages: Vec<(Tone, String)>,
    /// Path and query of this page, to come back to after a switch of the theme.
    pub here: String,
    /// When the page was made.
    pub now: Moment,
    /// Can the server make tokens for programs?
    pub has_tokens: bool,
}

impl Chrome {
    /// May the viewer do what this role may?
    pub fn may(&self, right: impl Fn(&Viewer) -> bool) -> bool {
        self.viewer.as_ref().is_some_and(right)
    }
}

/// The head of every page, but for what says where requests come from.
fn head(chrome: &Chrome, title: &str) -> Markup {
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        meta name="robots" content="noindex, nofollow";
        meta name="format-detection" content="telephone=no, date=no, address=no, email=no";
        title { (title) " · " @if chrome.log_name.is_empty() { "pg_auditlog" } @else { (text::plain(&chrome.log_name)) } }
        link rel="icon" type="image/svg+xml" href=(assets::href("favicon.svg"));
        link rel="stylesheet" href=(assets::href("app.css"));
        @for script in assets::SCRIPTS { @if *script != "js/main.js" { link rel="modulepreload" href=(assets::href(script)); } }
        script type="module" src=(assets::href("js/main.js")) {}
    }
}

/// A page without navigation, that leads nowhere and may stand in a frame. It tells nobody where a request comes from.
pub fn embedded(chrome: &Chrome, title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=(chrome.theme.key()) data-clock=(chrome.clock.key()) {
            head { (head(chrome, title)) }
            body.embedded {
                a.skip href="#main" { "Skip to content" }
                main #main tabindex="-1" { (body) }
                footer.foot { p { "pg_auditlog · Looking at the log is itself recorded in it." } }
                div.toasts role="status" aria-live="polite" data-toasts {}
            }
        }
    }
}

/// A whole page.
pub fn page(chrome: &Chrome, title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=(chrome.theme.key()) data-clock=(chrome.clock.key()) {
            head {
                meta name="referrer" content="same-origin";
                (head(chrome, title))
            }
            body class=(if chrome.viewer.is_some() { "framed" } else { "bare" }) {
                a.skip href="#main" { "Skip to content" }
                (top(chrome))
                @if let Some(viewer) = &chrome.viewer { (navigation(chrome, viewer)) }
                main #main tabindex="-1" {
                    @for (tone, message) in &chrome.messages { (notice::notice(*tone, "", text::value(message))) }
                    (body)
                }
                footer.foot {
                    p { "pg_auditlog" @if chrome.viewer.is_some() { " · Looking at the log is itself recorded in it." } }
                    p.print-only { "Printed from " (text::value(&chrome.here)) ", made at " (crate::time::full(chrome.now)) }
                }
                div.toasts role="status" aria-live="polite" data-toasts {}
                (keys::dialog())
            }
        }
    }
}

fn top(chrome: &Chrome) -> Markup {
    html! {
        header.top {
            a.brand href="/" {
                svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" focusable="false" {
                    rect width="32" height="32" rx="7" {}
                    path.lines d="M9 9.5h14M9 16h9M9 22.5h6" {}
                    path.tick d="m18.5 22 2.6 2.6 4.6-5.2" {}
                }
                span.brand-name { "pg_auditlog" }
                @if !chrome.log_name.is_empty() { span.log-name { (text::short_value(&chrome.log_name, 32)) } }
            }
            div.top-right {
                @if let Some(integrity) = &chrome.integrity { (seal::badge(integrity)) }
                (preferences(chrome))
                @if let Some(viewer) = &chrome.viewer { (account(chrome, viewer)) }
            }
        }
    }
}

/// The switches for theme and clock. They send a form, or set the cookie by the script.
fn preferences(chrome: &Chrome) -> Markup {
    let choice = |name: &str, legend: &str, options: &[(&str, &str)], chosen: &str| {
        html! {
            fieldset.switch { legend { (legend) }
                @for (value, label) in options {
                    @let id = format!("pref-{name}-{value}");
                    input.unseen #(id) type="radio" name=(name) value=(value) checked[*value == chosen];
                    label for=(id) { (label) }
                }
            }
        }
    };
    html! {
        details.menu {
            summary aria-label="Display" title="Display" { (icon(Icon::Theme)) span.menu-label { (if chrome.clock == Clock::Utc { "UTC" } else { "Local" }) } }
            div.menu-body {
                (form::post(chrome, "/preferences", "preferences", html! {
                    (form::hidden("return_to", &chrome.here))
                    (choice("clock", "Times", &[("utc", "UTC"), ("local", "Local")], chrome.clock.key()))
                    (choice("theme", "Theme", &[("auto", "System"), ("light", "Light"), ("dark", "Dark")], chrome.theme.key()))
                    button type="submit" data-preferences-apply { "Apply" }
                }))
                button.quiet.js-only type="button" data-keys { (icon(Icon::Keyboard)) "Keyboard " kbd { "?" } }
            }
        }
    }
}

fn account(chrome: &Chrome, viewer: &Viewer) -> Markup {
    html! {
        details.menu {
            summary aria-label="Account" title=(text::plain(&viewer.name)) { (icon(Icon::User)) span.menu-label { (text::short_value(&viewer.name, 20)) } }
            div.menu-body {
                p { "Signed in as " strong { (text::value(&viewer.name)) } }
                p.hint { (viewer.roles.iter().map(|role| role.label()).collect::<Vec<_>>().join(", ")) ". " (viewer.sees()) }
                @if chrome.has_tokens && viewer.may_have_tokens() { p { a href="/admin/tokens" { "API tokens" } } }
                (form::post(chrome, "/logout", "", html! { button type="submit" { (icon(Icon::Exit)) "Sign out" } }))
            }
        }
    }
}

fn navigation(chrome: &Chrome, viewer: &Viewer) -> Markup {
    let entries = [
        (Section::Overview, "/", Icon::Overview, "Overview", true),
        (Section::Search, "/search", Icon::Search, "Search", true),
        (Section::Live, "/live", Icon::Live, "Live view", true),
        (Section::Alerts, "/alerts", Icon::Alert, "Alerts", viewer.sees_alerts()),
        (
            Section::Reports,
            "/reports",
            Icon::Report,
            "Reports",
            viewer.makes_reports(),
        ),
        (Section::Admin, "/admin", Icon::Admin, "Admin", viewer.administers()),
    ];
    html! {
        nav.main-nav aria-label="Main" {
            ul {
                @for (section, href, symbol, label, shown) in entries {
                    @if shown {
                        li { a href=(href) aria-current=[(section == chrome.active).then_some("page")] {
                            (icon(symbol)) span { (label) }
                            @if section == Section::Alerts && chrome.open_firings > 0 {
                                span.count { (crate::format::count(chrome.open_firings)) span.unseen { " open firings" } }
                            }
                        } }
                    }
                }
            }
        }
    }
}
