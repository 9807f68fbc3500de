//! Every page in its variants: rich, hostile, empty, wrong. The gallery writes them, the tests read them.

use auditlog_pages::components::badge::Tone;
use auditlog_pages::components::seal::Integrity;
use auditlog_pages::layout::{Chrome, Role, Section, Viewer};
use auditlog_pages::pages::{
    alert, alert_form, alerts, dashboard, error, event, help, integrity, live, login, report, reports, search,
};
use auditlog_pages::url::SearchState;
use chrono::TimeDelta;
use maud::Markup;

use crate::admin;
use crate::data::{Spice, now};
use crate::{evidence, looks, viewer, watch};

/// A page of the gallery.
pub struct Page {
    /// Name of the file, without its ending.
    pub name: String,
    /// The page.
    pub markup: Markup,
}

/// What is known of the log in the gallery.
pub fn seal(spice: Spice) -> Integrity {
    Integrity {
        size: 1_482_114,
        verified: Some(1_482_110),
        verified_at: Some(now() - TimeDelta::minutes(6)),
        signed: Some((1_482_110, now() - TimeDelta::seconds(42))),
        anchored: Some((1_482_004, now() - TimeDelta::minutes(4), 2)),
        origin: spice.some("audit.company.com/main"),
        public_key: spice.some("audit.company.com/main+8cfe4b26+AaqMeU+EWvnk8XDjcHKFAtux6KKWBIRVuJKdlmtdaP67"),
        ..Integrity::default()
    }
}

/// What every page knows, for these roles.
pub fn chrome(spice: Spice, roles: &[Role], active: Section, here: &str) -> Chrome {
    let viewer = Viewer {
        name: spice.text("ana.kovac@company.com"),
        roles: roles.to_vec(),
    };
    let sees_all = viewer.sees_all();
    Chrome {
        open_firings: if sees_all { 2 } else { 0 },
        integrity: sees_all.then(|| seal(spice)),
        viewer: Some(viewer),
        csrf: "gallery-token".into(),
        active,
        log_name: spice.text("Company production"),
        here: here.into(),
        now: now(),
        has_tokens: true,
        ..Chrome::default()
    }
}

/// Shortcut for administrators.
pub fn admin_chrome(spice: Spice, active: Section, here: &str) -> Chrome {
    chrome(spice, &[Role::Administrator], active, here)
}

/// All pages.
pub fn site() -> Vec<Page> {
    let mut pages = Vec::new();
    let mut push = |name: String, markup: Markup| pages.push(Page { name, markup });
    for (variant, spice) in [("", Spice(false)), ("-hostile", Spice(true))] {
        for (name, markup) in rich(spice) {
            push(format!("{name}{variant}"), markup);
        }
    }
    for (name, markup) in bare() {
        push(name.to_owned(), markup);
    }
    pages
}

fn rich(spice: Spice) -> Vec<(&'static str, Markup)> {
    let chrome = |section, here: &str| admin_chrome(spice, section, here);
    let mut all = vec![
        (
            "dashboard",
            dashboard::page(&chrome(Section::Overview, "/"), &looks::overview(spice)),
        ),
        (
            "search",
            search::page(&chrome(Section::Search, "/search?q=x"), &looks::found(spice)),
        ),
        (
            "event",
            event::page(&chrome(Section::Search, "/events/e"), &looks::one(spice, 3)),
        ),
        (
            "event-login",
            event::page(&chrome(Section::Search, "/events/e"), &looks::one(spice, 1)),
        ),
        ("live", live::page(&chrome(Section::Live, "/live"), &looks::tail(spice))),
        (
            "alerts",
            alerts::page(&chrome(Section::Alerts, "/alerts"), &watch::watch(spice)),
        ),
        (
            "alert",
            alert::page(&chrome(Section::Alerts, "/alerts/1"), &watch::watcher(spice)),
        ),
        (
            "alert-new",
            alert_form::page(&chrome(Section::Alerts, "/alerts/new"), &watch::draft(spice)),
        ),
        (
            "reports",
            reports::page(&chrome(Section::Reports, "/reports"), &evidence::made(spice)),
        ),
        (
            "report",
            report::page(&chrome(Section::Reports, "/reports/41"), &evidence::evidence(spice)),
        ),
        (
            "integrity",
            integrity::page(&chrome(Section::None, "/integrity"), &evidence::checkpoints(spice)),
        ),
        (
            "search-error",
            search::page(&chrome(Section::Search, "/search"), &looks::wrong(spice)),
        ),
    ];
    all.extend(admin::rich(spice));
    all.extend(viewer::rich(spice));
    all
}

fn bare() -> Vec<(&'static str, Markup)> {
    let spice = Spice(false);
    let user = |section, here: &str| chrome(spice, &[Role::User], section, here);
    let admin = |section, here: &str| admin_chrome(spice, section, here);
    let out = Chrome {
        csrf: "gallery-token".into(),
        now: now(),
        log_name: "Company production".into(),
        here: "/login".into(),
        ..Chrome::default()
    };
    let problem = |status| error::Model {
        status,
        request_id: Some("req_01HX4".into()),
        retry_after: (status == 429).then_some(42),
        ..error::Model::default()
    };
    let broken = Chrome {
        integrity: Some(Integrity {
            findings: 2,
            first_finding: Some("modified: log_index 1,203,444 event evt_01: the values do not give entry_hash".into()),
            ..seal(spice)
        }),
        messages: vec![
            (Tone::Ok, "The alert was saved.".into()),
            (Tone::Bad, "Splunk refused the token.".into()),
        ],
        ..admin(Section::Overview, "/")
    };
    let mut all = vec![
        (
            "login",
            login::page(
                &out,
                &login::Model {
                    return_to: "/".into(),
                    single_sign_on: Some("Sign in with Company SSO".into()),
                    secure: true,
                    by_password: true,
                    ..login::Model::default()
                },
            ),
        ),
        (
            "login-error",
            login::page(
                &out,
                &login::Model {
                    error: Some("The user or the password is wrong.".into()),
                    user: "ana".into(),
                    by_password: true,
                    ..login::Model::default()
                },
            ),
        ),
        ("error-401", error::page(&out, &problem(401))),
        ("error-403", error::page(&user(Section::None, "/admin"), &problem(403))),
        ("error-404", error::page(&user(Section::None, "/x"), &problem(404))),
        ("error-429", error::page(&admin(Section::None, "/x"), &problem(429))),
        ("error-500", error::page(&admin(Section::None, "/x"), &problem(500))),
        ("help", help::page(&admin(Section::Search, "/help/query"))),
        (
            "dashboard-user",
            dashboard::page(
                &user(Section::Overview, "/"),
                &dashboard::Model {
                    metrics: None,
                    ..looks::overview(spice)
                },
            ),
        ),
        (
            "dashboard-empty",
            dashboard::page(
                &admin(Section::Overview, "/"),
                &dashboard::Model {
                    range: "24h".into(),
                    ..dashboard::Model::default()
                },
            ),
        ),
        ("dashboard-findings", dashboard::page(&broken, &looks::overview(spice))),
        (
            "search-empty",
            search::page(
                &admin(Section::Search, "/search"),
                &search::Model {
                    state: SearchState {
                        query: "status:never".into(),
                        ..SearchState::default()
                    },
                    ..search::Model::default()
                },
            ),
        ),
        (
            "search-timeout",
            search::page(
                &admin(Section::Search, "/search"),
                &search::Model {
                    outcome: search::Outcome::TimedOut,
                    wrong: vec!["«since» is no time.".into()],
                    ..search::Model::default()
                },
            ),
        ),
        (
            "live-empty",
            live::page(&user(Section::Live, "/live"), &live::Model::default()),
        ),
        (
            "alerts-empty",
            alerts::page(&admin(Section::Alerts, "/alerts"), &alerts::Model::default()),
        ),
        (
            "alert-yaml",
            alert_form::page(
                &admin(Section::Alerts, "/alerts/new"),
                &alert_form::Model {
                    definition: Some("name: x\ncondition: status:failed\n".into()),
                    wrong: Some(alert_form::Wrong {
                        message: "line 2, column 1: unknown key «conditon»".into(),
                        hint: Some("Did you mean condition?".into()),
                    }),
                    ..alert_form::Model::default()
                },
            ),
        ),
        (
            "reports-empty",
            reports::page(&admin(Section::Reports, "/reports"), &reports::Model::default()),
        ),
        (
            "report-running",
            report::page(
                &admin(Section::Reports, "/reports/42"),
                &report::Model {
                    report: evidence::running(spice),
                    sections: vec![],
                },
            ),
        ),
        (
            "integrity-empty",
            integrity::page(&user(Section::None, "/integrity"), &integrity::Model::default()),
        ),
    ];
    all.extend(admin::bare());
    all.extend(viewer::bare());
    all
}
