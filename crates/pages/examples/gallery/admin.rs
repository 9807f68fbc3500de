//! The pages of the administration.

use auditlog_pages::components::form::Filled;
use auditlog_pages::layout::{Role, Section};
use auditlog_pages::pages::admin::{channels, holds, jobs, overview, principals, retention, sinks, tokens};
use auditlog_pages::pages::dashboard::Metric;
use chrono::TimeDelta;
use maud::Markup;

use crate::data::{Spice, now};
use crate::site::{admin_chrome, chrome};

/// With data.
pub fn rich(spice: Spice) -> Vec<(&'static str, Markup)> {
    let chrome = |here: &str| admin_chrome(spice, Section::Admin, here);
    vec![
        ("admin", overview::page(&chrome("/admin"), &health(spice))),
        (
            "admin-retention",
            retention::page(&chrome("/admin/retention"), &plan(spice)),
        ),
        ("admin-holds", holds::page(&chrome("/admin/holds"), &kept(spice))),
        ("admin-sinks", sinks::page(&chrome("/admin/sinks"), &streams(spice))),
        (
            "admin-channels",
            channels::page(&chrome("/admin/channels"), &told(spice)),
        ),
        ("admin-jobs", jobs::page(&chrome("/admin/jobs"), &scheduled(spice))),
        (
            "admin-principals",
            principals::page(&chrome("/admin/principals"), &people(spice)),
        ),
        ("admin-tokens", tokens::page(&chrome("/admin/tokens"), &keys(spice))),
    ]
}

/// Without.
pub fn bare() -> Vec<(&'static str, Markup)> {
    let admin = |here: &str| admin_chrome(Spice(false), Section::Admin, here);
    vec![
        (
            "admin-retention-empty",
            retention::page(
                &admin("/admin/retention"),
                &retention::Model {
                    wrong: Some("line 3, column 5: hot_days must be a number".into()),
                    ..Default::default()
                },
            ),
        ),
        (
            "admin-holds-empty",
            holds::page(&admin("/admin/holds"), &holds::Model::default()),
        ),
        (
            "admin-sinks-empty",
            sinks::page(&admin("/admin/sinks"), &sinks::Model::default()),
        ),
        (
            "admin-channels-empty",
            channels::page(&admin("/admin/channels"), &channels::Model::default()),
        ),
        (
            "admin-jobs-empty",
            jobs::page(&admin("/admin/jobs"), &jobs::Model::default()),
        ),
        (
            "admin-principals-empty",
            principals::page(&admin("/admin/principals"), &principals::Model::default()),
        ),
        (
            "tokens-user",
            tokens::page(
                &chrome(Spice(false), &[Role::User], Section::None, "/admin/tokens"),
                &tokens::Model::default(),
            ),
        ),
    ]
}

fn check(spice: Spice, name: &str, status: &str, detail: &str, hint: Option<&str>) -> Metric {
    Metric {
        name: name.into(),
        subject: None,
        value: None,
        unit: String::new(),
        status: status.into(),
        detail: spice.text(detail),
        hint: hint.map(|h| spice.text(h)),
    }
}

fn health(spice: Spice) -> overview::Model {
    overview::Model {
        checks: vec![
            check(spice, "sealer", "ok", "3 events wait, the oldest for 0.1 s.", None),
            check(spice, "publisher", "ok", "Signed 42 s ago, anchored 4 min ago.", None),
            check(
                spice,
                "sinks",
                "warning",
                "Sinks that are more than 15 minutes behind: splunk (retrying, 4,120 events).",
                Some("auditlog.sinks has the last error of each."),
            ),
            check(spice, "retention", "ok", "Policy 3, the last round an hour ago.", None),
            check(
                spice,
                "protection",
                "ok",
                "All triggers are in place and nobody may write to the log directly.",
                None,
            ),
        ],
        workers: vec![
            overview::Worker {
                name: "sealer".into(),
                running: true,
                errors: 0,
                last_error: None,
            },
            overview::Worker {
                name: "streamer".into(),
                running: false,
                errors: 12,
                last_error: Some((spice.text("connection refused"), now())),
            },
        ],
        metrics: vec![Metric {
            value: Some(99.99),
            unit: "% of sealed events verified".into(),
            ..check(spice, "completeness", "ok", "1482080 of 1482114 events", None)
        }],
    }
}

fn plan(spice: Spice) -> retention::Model {
    let class = |name: &str, types: &[&str], hot: &str, warm: &str, cold: &str| retention::Class {
        name: spice.text(name),
        event_types: types.iter().map(|t| spice.text(t)).collect(),
        hot: hot.into(),
        warm: warm.into(),
        cold: cold.into(),
        classification: vec!["pci_dss".into()],
        events: Some(812_004),
        bytes: Some(418_220_032),
    };
    let step = |relation: &str, what: &str, events, held| retention::Move {
        relation: spice.text(relation),
        class: "standard".into(),
        what: what.into(),
        due_at: Some(now() + TimeDelta::days(3)),
        events,
        bytes: events * 510,
        held,
        detail: (held > 0).then(|| spice.text("kept by the hold «case 2026-17»")),
    };
    retention::Model {
        classes: vec![class("authentication", &["authentication.*"], "90 days", "365 days", "7 years"), class("resource_delete", &["resource.delete", "policy.modify"], "180 days", "730 days", "10 years"), class("standard", &[], "90 days", "1 year", "7 years")],
        conflicts: vec![(spice.text("class cards keeps events for 60 days, pci_dss demands at least 365 days"), spice.some("PCI DSS 4.0.1, 10.5.1"))],
        plan: vec![step("log_standard_2025_12", "to_warm", 204_118, 0), step("log_authentication_2019_03", "remove", 88_412, 310)], plan_at: Some(now() + TimeDelta::days(30)),
        moves: vec![retention::Done { relation: spice.text("log_standard_2025_11"), what: "to_warm".into(), state: "done".into(), events: (198_004, 0), ended_at: Some(now()), certificates: vec![spice.text("evt_certificate")] }, retention::Done { relation: "log_resource_view_2025_10".into(), what: "archive".into(), state: "running".into(), events: (12_004, 4), ended_at: None, certificates: vec![] }],
        definition: spice.text("retention_policies:\n  - event_types: [authentication.*]\n    hot_days: 90\n    warm_days: 365\n    cold_years: 7\n"), version: Some(3), wrong: None,
    }
}

fn kept(spice: Spice) -> holds::Model {
    let hold = |name: &str, state: &str| holds::Hold {
        name: spice.text(name),
        query: spice.text("actor.email:bob@example.com"),
        until: None,
        reason: spice.text("Smith v. Example"),
        made: (spice.text("ana.kovac"), now() - TimeDelta::days(12)),
        state: state.into(),
        wanted_by: (state == "release asked for").then(|| spice.text("b.okafor")),
    };
    holds::Model {
        holds: vec![
            hold("case 2026-17", "active"),
            hold("case 2025-02", "release asked for"),
            hold("case 2024-88", "released"),
        ],
        ..Default::default()
    }
}

fn streams(spice: Spice) -> sinks::Model {
    let sink = |name: &str, kind: &str, state: &str, lag, dead| sinks::Sink {
        name: spice.text(name),
        kind: kind.into(),
        query: spice.text("severity:>=notice"),
        format: "json".into(),
        state: state.into(),
        reason: (state != "active").then(|| spice.text("HTTP 503 from splunk.company.com: the indexer is overloaded")),
        lag_events: lag,
        lag_seconds: lag as f64 / 3.0,
        delivered_at: Some(now()),
        delivered: 1_477_012,
        dead,
    };
    sinks::Model {
        sinks: vec![
            sink("splunk", "splunk_hec", "retrying", 4_120, 2),
            sink("sentinel", "azure_event_hub", "active", 0, 0),
            sink("lake", "aws_security_lake", "paused", 88_410, 0),
        ],
        test: Some((
            spice.text("sentinel"),
            vec![
                ("connect".into(), spice.text("TLS 1.3, 12 ms")),
                ("send".into(), spice.text("accepted")),
            ],
        )),
        ..Default::default()
    }
}

fn told(spice: Spice) -> channels::Model {
    let channel = |name: &str, kind: &str, state: &str, dead| channels::Channel {
        name: spice.text(name),
        kind: kind.into(),
        min_severity: "warning".into(),
        state: state.into(),
        delivered: 412,
        waiting: 1,
        dead,
        last_success_at: Some(now()),
        last_error: (state != "ok").then(|| spice.text("550 mailbox unavailable")),
    };
    channels::Model {
        channels: vec![
            channel("email", "email", "ok", 0),
            channel("slack", "slack", "retrying", 0),
            channel("pager", "pagerduty", "paused", 1),
        ],
        dead_letters: vec![channels::DeadLetter {
            id: 88,
            channel: spice.text("pager"),
            kind: "fired".into(),
            ended_at: Some(now()),
            detail: spice.some("401 invalid routing key"),
        }],
        wrong: spice.some("config: «url» is missing"),
        filled: Filled(vec![
            ("name".into(), spice.text("on call")),
            ("kind".into(), "webhook".into()),
            ("config".into(), spice.text("{}")),
        ]),
    }
}

fn scheduled(spice: Spice) -> jobs::Model {
    let job = |id, name: Option<&str>, active| jobs::Job {
        id,
        name: name.map(|n| spice.text(n)),
        schedule: "0 3 * * *".into(),
        command: spice.text("SELECT auditlog.verify()"),
        username: spice.text("auditor"),
        active,
    };
    jobs::Model {
        jobs: vec![job(1, Some("nightly check"), true), job(2, None, false)],
        runs: vec![
            jobs::Run {
                job_id: 1,
                status: "succeeded".into(),
                message: spice.some("SELECT 0"),
                started_at: Some(now()),
                seconds: Some(4.2),
            },
            jobs::Run {
                job_id: 2,
                status: "failed".into(),
                message: spice.some("ERROR: permission denied"),
                started_at: None,
                seconds: None,
            },
        ],
    }
}

fn people(spice: Spice) -> principals::Model {
    let principal = |id: &str, role: Option<&str>, manages: Option<Vec<String>>| principals::Principal {
        actor_id: spice.text(id),
        role_name: role.map(|r| spice.text(r)),
        email: spice.some("ann@example.com"),
        teams: vec![spice.text("ops"), spice.text("dev")],
        manages,
        roles: vec![spice.text("auditlog_user")],
        changed: Some((spice.text("ana.kovac"), now())),
        tenant: None,
    };
    principals::Model {
        principals: vec![
            principal("user_17", Some("ann"), None),
            principal("user_4", Some("mia"), Some(vec![spice.text("ops")])),
            principal("user_99", None, None),
        ],
        ..Default::default()
    }
}

fn keys(spice: Spice) -> tokens::Model {
    let token = |id: &str, name: &str, revoked, days| tokens::Token {
        id: id.into(),
        name: spice.text(name),
        owner: spice.text("ana.kovac"),
        prefix: "alg_7f3k".into(),
        scopes: vec!["read".into()],
        expires_at: Some(now() + TimeDelta::days(days)),
        used_at: Some(now()),
        made_at: now() - TimeDelta::days(20),
        revoked,
    };
    tokens::Model {
        tokens: vec![
            token("1", "Grafana", false, 70),
            token("2", "old script", true, 10),
            token("3", "spring audit", false, -3),
        ],
        made: Some("alg_7f3kQx2Zr8mN4vT6yB1cW5sL9pD0hJ".into()),
        scopes: vec![
            ("read".into(), "read events".into()),
            ("export".into(), "export events".into()),
            ("write".into(), "record events".into()),
        ],
        wrong: None,
    }
}
