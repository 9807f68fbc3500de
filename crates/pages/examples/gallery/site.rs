//! Every page in its variants: rich, hostile, empty, wrong. The gallery writes them, the tests read them.

use auditlog_pages::components::badge::Tone;
use auditlog_pages::components::query_box::Problem;
use auditlog_pages::components::seal::Integrity;
use auditlog_pages::layout::{Chrome, Role, Section, Viewer};
use auditlog_pages::pages::{
    alert, alert_form, alerts, dashboard, error, event, help, integrity, live, login, report, reports, search,
};
use auditlog_pages::url::{Column, Range, SearchState};
use chrono::TimeDelta;
use maud::Markup;

use crate::admin;
use crate::data::{Spice, counts, events, histogram, now};

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
            dashboard::page(&chrome(Section::Overview, "/"), &overview(spice)),
        ),
        (
            "search",
            search::page(&chrome(Section::Search, "/search?q=x"), &found(spice)),
        ),
        (
            "event",
            event::page(&chrome(Section::Search, "/events/e"), &one(spice, 3)),
        ),
        (
            "event-login",
            event::page(&chrome(Section::Search, "/events/e"), &one(spice, 1)),
        ),
        ("live", live::page(&chrome(Section::Live, "/live"), &tail(spice))),
        (
            "alerts",
            alerts::page(&chrome(Section::Alerts, "/alerts"), &watch(spice)),
        ),
        (
            "alert",
            alert::page(&chrome(Section::Alerts, "/alerts/1"), &watcher(spice)),
        ),
        (
            "alert-new",
            alert_form::page(&chrome(Section::Alerts, "/alerts/new"), &draft(spice)),
        ),
        (
            "reports",
            reports::page(&chrome(Section::Reports, "/reports"), &made(spice)),
        ),
        (
            "report",
            report::page(&chrome(Section::Reports, "/reports/41"), &evidence(spice)),
        ),
        (
            "integrity",
            integrity::page(&chrome(Section::None, "/integrity"), &checkpoints(spice)),
        ),
        (
            "search-error",
            search::page(&chrome(Section::Search, "/search"), &wrong(spice)),
        ),
    ];
    all.extend(admin::rich(spice));
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
                    ..overview(spice)
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
        ("dashboard-findings", dashboard::page(&broken, &overview(spice))),
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
                    report: running(spice),
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
    all
}

fn overview(spice: Spice) -> dashboard::Model {
    let security = [
        (
            "Failed logins",
            "event_type:authentication.login AND status:failed",
            143,
            61,
        ),
        ("Permission changes", "event_type:(permission.* OR role.*)", 12, 14),
        ("Policy violations", "event_type:policy.violation", 3, 3),
        ("Refused requests", "status:denied", 0, 7),
    ];
    let metric = |name: &str, subject: Option<&str>, value: Option<f64>, unit: &str, status: &str, detail: &str| {
        dashboard::Metric {
            name: name.into(),
            subject: subject.map(|s| spice.text(s)),
            value,
            unit: unit.into(),
            status: status.into(),
            detail: spice.text(detail),
            hint: None,
        }
    };
    dashboard::Model {
        range: "24h".into(),
        activity: histogram(48, 1800, 900),
        total: histogram(48, 1800, 900).total(),
        previous: Some(18_930),
        security: security
            .iter()
            .enumerate()
            .map(|(i, (label, query, count, previous))| dashboard::Security {
                label: (*label).into(),
                query: (*query).into(),
                count: *count,
                previous: Some(*previous),
                trend: if *count == 0 {
                    vec![0; 24]
                } else {
                    histogram(24, 3600, (count / (2 + i as u64)).max(2))
                        .buckets
                        .iter()
                        .map(|b| b.count)
                        .collect()
                },
            })
            .collect(),
        security_events: events(6, spice, &[1, 3, 5]),
        by_type: counts(
            &[
                "authentication.login",
                "resource.modify",
                "automation.run",
                "data.export",
                "budget.modify",
                "permission.grant",
                "policy.violation",
            ],
            9_140,
            spice,
        ),
        by_user: counts(
            &[
                "ana.kovac@company.com",
                "svc-deploy",
                "chen.wei@company.com",
                "b.okafor@company.com",
                "d.ramirez@company.com",
                "contractor@partner.example",
            ],
            6_204,
            spice,
        ),
        by_resource: counts(
            &[
                "i-0123456789abcdef",
                "billing.invoices",
                "prod-customer-uploads",
                "role/billing-admin",
                "wf-nightly-rightsizing",
                "arn:aws:ec2:eu-central-1:123456789012:security-group/sg-0a1b2c3d4e5f67890",
            ],
            3_390,
            spice,
        ),
        recent: events(10, spice, &[]),
        metrics: Some(vec![
            metric(
                "completeness",
                None,
                Some(99.99),
                "% of sealed events verified",
                "ok",
                "1482080 of 1482114 events",
            ),
            metric(
                "seal_lag",
                None,
                Some(0.12),
                "seconds",
                "ok",
                "3 events wait to be sealed",
            ),
            metric(
                "verification_age",
                None,
                Some(0.1),
                "hours",
                "ok",
                "the log was last verified to its end at 2026-03-10 14:26:04+00",
            ),
            metric(
                "retention_conflicts",
                Some("cards"),
                Some(2.0),
                "conflicts",
                "warning",
                "class cards keeps events for 60 days, pci_dss demands at least 365 days",
            ),
            metric(
                "retention",
                Some("standard"),
                Some(212.4),
                "days kept",
                "ok",
                "hot 90 days, warm 1 year, cold 7 years",
            ),
            metric(
                "review",
                None,
                None,
                "days since the end of the last reviewed period",
                "warning",
                "no review was signed yet: auditlog.sign_review()",
            ),
            metric(
                "open_firings",
                None,
                Some(2.0),
                "firings that nobody has acknowledged",
                "warning",
                "the oldest since 2026-03-10 13:58:11+00",
            ),
        ]),
        missing: vec![],
    }
}

fn found(spice: Spice) -> search::Model {
    let facet = |field: &str, label: &str, values: &[&str], first| search::Facet {
        field: field.into(),
        label: label.into(),
        values: counts(values, first, spice),
    };
    let saved = |name: &str, query: &str, own| search::Saved {
        name: name.into(),
        query: query.into(),
        description: spice.some("For the weekly review"),
        own,
    };
    search::Model {
        state: SearchState {
            query: "event_type:(authentication.* OR permission.* OR policy.*) AND NOT actor.type:system".into(),
            range: Range::Last("7d"),
            ..SearchState::default()
        },
        outcome: search::Outcome::Found(Box::new(search::Results {
            events: events(25, spice, &[0, 1, 3, 5, 8]),
            next: spice.some("eyJ0IjoiMjAyNi0wMy0xMFQx"),
            total: search::Total::Exact(12_840),
            histogram: histogram(84, 7200, 240),
            facets: vec![
                facet(
                    "event_type",
                    "Event type",
                    &[
                        "authentication.login",
                        "authentication.mfa",
                        "permission.grant",
                        "policy.violation",
                    ],
                    9_811,
                ),
                facet("action.status", "Status", &["success", "failed", "denied"], 11_020),
                facet(
                    "user",
                    "Actor",
                    &[
                        "ana.kovac@company.com",
                        "chen.wei@company.com",
                        "b.okafor@company.com",
                        "contractor@partner.example",
                    ],
                    4_120,
                ),
                facet(
                    "actor.ip_address",
                    "IP address",
                    &["203.0.113.45", "198.51.100.7", "2001:db8:85a3::8a2e:370:7334"],
                    3_998,
                ),
                facet("severity", "Severity", &["info", "warning", "error"], 12_002),
            ],
            milliseconds: 38,
            notices: if spice.0 {
                vec![spice.text("no event has the field actr.email")]
            } else {
                vec![]
            },
        })),
        saved: vec![
            saved(
                "failed-logins",
                "event_type:authentication.login AND status:failed",
                true,
            ),
            saved("prod-deletes", "event_type:*.delete AND tags:production", false),
        ],
        wrong: vec![],
    }
}

fn wrong(spice: Spice) -> search::Model {
    let query = spice.text("event_type:authentication.login AND (status:failed OR severity:>=bogus");
    let position = query.chars().count() - 4;
    search::Model {
        state: SearchState {
            query,
            range: Range::Custom {
                since: Some(now() - TimeDelta::days(2)),
                until: Some(now()),
            },
            columns: vec![Column::Time, Column::Change],
            ..SearchState::default()
        },
        outcome: search::Outcome::Wrong(Problem {
            position,
            length: 5,
            message: spice.text("«bogus» is no severity"),
            hint: spice.some("Use debug, info, notice, warning, error or critical."),
        }),
        ..search::Model::default()
    }
}

fn one(spice: Spice, template: usize) -> event::Model {
    let mut event = events(3, spice, &[template]).remove(2);
    // So that the proof of the gallery is one of this event.
    event.log_index = Some(crate::proof::INDEX);
    event.entry_hash = Some(crate::proof::entry_hash());
    event::Model {
        sentence: spice.some(
            "ana.kovac@company.com attached BillingFullAccess to role/billing-admin (success), reason «nightly window»",
        ),
        event,
        previous: spice.some("evt_before"),
        next: spice.some("evt/after ../x"),
        base_url: "https://audit.company.com".into(),
        type_description: None,
    }
}

fn tail(spice: Spice) -> live::Model {
    let kind = |name: &str, category: &str| live::EventType {
        name: spice.text(name),
        category: spice.text(category),
    };
    live::Model {
        query: "NOT actor.type:system".into(),
        selected: vec![spice.text("authentication.login"), "policy.*".into()],
        types: vec![
            kind("authentication.login", "authentication"),
            kind("authentication.logout", "authentication"),
            kind("authentication.mfa", "authentication"),
            kind("resource.create", "resource"),
            kind("resource.modify", "resource"),
            kind("resource.delete", "resource"),
            kind("policy.violation", "policy"),
        ],
        problem: None,
        events: events(18, spice, &[]).split_off(1),
        position: Some(1_482_112),
    }
}

/// An alert of the gallery.
pub fn alert(spice: Spice, id: i64, name: &str, state: &str) -> alerts::Alert {
    alerts::Alert {
        id, name: spice.text(name), state: state.into(), severity: if id % 2 == 1 { "error".into() } else { "warning".into() },
        condition: spice.text("event_type:authentication.login AND status:failed"),
        in_words: spice.text("Fires when 5 events match «event_type:authentication.login AND status:failed» within 5 minutes, separately for each actor.email."),
        fired: 14 * id as u64, last_fired_at: Some(now() - TimeDelta::minutes(34 * id)),
        muted_until: (state == "muted").then(|| now() + TimeDelta::hours(6)), mute_reason: (state == "muted").then(|| spice.text("planned penetration test")),
        error: (state == "failing").then(|| spice.text("saved query «prod» does not exist")), channels: vec![spice.text("email"), spice.text("slack")],
    }
}

fn firing(spice: Spice, id: i64) -> alerts::Firing {
    alerts::Firing {
        id,
        alert: spice.text("Multiple failed logins"),
        severity: "error".into(),
        group: vec![(spice.text("actor.email"), spice.text("contractor@partner.example"))],
        count: 5,
        events: 23,
        reason: spice.text("5 events within 2 minutes; 5 within 5 minutes are enough"),
        fired_at: now() - TimeDelta::minutes(34 * id),
        open: id == 1,
        muted: id == 3,
        samples: vec![
            spice.text("evt_0195803122d07c3ba1d4"),
            spice.text("evt_0195803122d07c3ba1d5"),
        ],
        acknowledged: (id > 2).then(|| (spice.text("b.okafor"), now() - TimeDelta::minutes(12))),
        note: (id > 2).then(|| spice.text("Forgot the password; called back on the known number.")),
        deliveries: vec![
            (spice.text("email fired"), "delivered".into()),
            (spice.text("slack fired"), "waiting".into()),
        ],
        query: spice
            .text("event_type:authentication.login AND status:failed AND actor.email:=\"contractor@partner.example\""),
        range: Range::Last("7d"),
    }
}

fn watch(spice: Spice) -> alerts::Model {
    let built = |key: &str, name: &str, installed| alerts::BuiltIn {
        key: key.into(),
        name: name.into(),
        description: spice.text("Comes with the extension."),
        installed,
    };
    alerts::Model {
        alerts: vec![
            alert(spice, 1, "Multiple failed logins", "active"),
            alert(spice, 2, "Privileged role granted", "muted"),
            alert(spice, 3, "Data copied out in bulk", "failing"),
            alert(spice, 4, "Login from a new address", "disabled"),
        ],
        firings: vec![firing(spice, 1), firing(spice, 2), firing(spice, 3)],
        built_in: vec![
            built("failed_logins", "Multiple failed logins", true),
            built("password_spraying", "Password spraying", false),
            built("audit_log_attacked", "Audit log attacked or broken", false),
        ],
        channels: vec![spice.text("email"), spice.text("slack")],
    }
}

fn steps(spice: Spice) -> Vec<(String, String)> {
    [
        ("definition", "Fires when 5 events match within 5 minutes."),
        ("condition", "5 of them match"),
        ("firing", "it fires for actor.email bob@example.com"),
        ("channel slack", "there is none of this name: auditlog.create_channel()"),
    ]
    .map(|(step, result)| (spice.text(step), spice.text(result)))
    .to_vec()
}

fn watcher(spice: Spice) -> alert::Model {
    alert::Model {
        alert: alert(spice, 2, "Multiple failed login attempts", "muted"),
        definition: spice.text("{\n  \"name\": \"Multiple failed login attempts\",\n  \"condition\": \"event_type:authentication.login AND status:failed\",\n  \"threshold\": {\"count\": 5, \"window\": \"5m\", \"group_by\": [\"actor.email\"]}\n}"),
        explanation: vec![spice.text("Fires when 5 events match within 5 minutes, separately for each actor.email."), spice.text("After a firing the same group is quiet for 5 minutes."), spice.text("Of the 20,412 events that were sealed in the last 7 days, 143 match; it would have fired 3 times, for 2 groups.")],
        test: Some(steps(spice)), firings: vec![firing(spice, 2)], changed: Some((spice.text("ana.kovac"), now() - TimeDelta::days(3))),
    }
}

fn draft(spice: Spice) -> alert_form::Model {
    alert_form::Model {
        fields: alert_form::Fields {
            name: spice.text("Exports at night"),
            condition: spice.text("event_type:data.export AND rows:>bogus"),
            count: "3".into(),
            window: "1h".into(),
            group_by: "actor.id".into(),
            channels: vec![spice.text("email")],
            ..alert_form::Fields::default()
        },
        channels: vec![spice.text("email"), spice.text("slack")],
        problem: Some(Problem {
            position: 34,
            length: 5,
            message: spice.text("«bogus» is no number"),
            hint: None,
        }),
        preview: Some(vec![
            spice.text("Of the 20,412 events that were sealed in the last 7 days, 9 match; it would have fired once."),
            spice.text("2026-03-07 02:14:09Z for actor.id user_99001"),
        ]),
        test: Some(steps(spice)),
        ..alert_form::Model::default()
    }
}

fn a_report(spice: Spice, id: i64, name: &str, state: &str) -> reports::Report {
    let file = |format: &str, bytes| reports::File {
        format: format.into(),
        bytes,
        sha256: "f4fe4b3d1712c80284d59a3ac91905d9cf3af87a6a6ef21569a3ff3e3c33a24c".into(),
    };
    reports::Report {
        id,
        kind: "compliance".into(),
        name: spice.text(name),
        state: state.into(),
        since: now() - TimeDelta::days(90),
        until: now(),
        filters: serde_json::json!({"accounts": [spice.text("123456789012")]}),
        asked_by: spice.text("ana.kovac"),
        asked_at: now() - TimeDelta::hours(id - 38),
        ended_at: (state == "done").then(|| now() - TimeDelta::hours(1)),
        sections: (7, 17),
        working_on: spice.some("CC7.2 Monitoring of system components"),
        findings: (state == "done").then_some(4),
        files: if state == "done" {
            vec![
                file("pdf", 812_344),
                file("json", 2_411_902),
                file("csv", 640_118),
                file("manifest", 1_204),
            ]
        } else {
            vec![]
        },
        event_id: (state == "done").then(|| spice.text("evt_0195803122d0report")),
        error: (state == "failed").then(|| spice.text("permission denied: user_12345 may not make reports any more")),
    }
}

fn running(spice: Spice) -> reports::Report {
    a_report(spice, 42, "soc2", "running")
}

fn made(spice: Spice) -> reports::Model {
    let framework = |id: &str, name: &str, version: &str, controls| reports::Framework {
        id: id.into(),
        name: spice.text(name),
        version: version.into(),
        controls,
    };
    reports::Model {
        frameworks: vec![
            framework("soc2", "SOC 2 Type II", "TSC 2017", 17),
            framework("iso27001", "ISO/IEC 27001", "2022", 21),
            framework("hipaa", "HIPAA", "45 CFR 164", 17),
            framework("pci_dss", "PCI DSS", "4.0.1", 30),
            framework("gdpr", "GDPR", "2016/679", 18),
            framework("fedramp", "FedRAMP", "r5", 38),
        ],
        reports: vec![
            running(spice),
            a_report(spice, 41, "iso27001", "done"),
            a_report(spice, 40, "gdpr", "failed"),
            a_report(spice, 39, "soc2", "done"),
        ],
        definitions: vec![
            reports::Definition {
                name: spice.text("logins"),
                title: spice.some("Logins by user"),
                schedule: Some("0 6 1 * *".into()),
                last_report: Some(38),
            },
            reports::Definition {
                name: "deletions".into(),
                title: None,
                schedule: None,
                last_report: None,
            },
        ],
        ask: reports::Ask {
            framework: "soc2".into(),
            since: "2026-01-01T00:00:00".into(),
            until: "2026-04-01T00:00:00".into(),
            ..reports::Ask::default()
        },
        wrong: None,
    }
}

fn evidence(spice: Spice) -> report::Model {
    let section = |control: &str, title: &str, result: &str, count, findings: &[&str]| report::Section {
        control: Some(control.into()),
        title: spice.text(title),
        result: result.into(),
        directness: Some("direct".into()),
        count,
        findings: findings.iter().map(|f| spice.text(f)).collect(),
    };
    report::Model {
        report: a_report(spice, 41, "SOC 2 Type II", "done"),
        sections: vec![
            section(
                "CC6.1",
                "Logical access",
                "findings",
                4_120,
                &[
                    "12 logins without a second factor",
                    "1 privileged role granted without a change reference",
                ],
            ),
            section("CC6.2", "Registration of users", "clean", 88, &[]),
            section("CC7.2", "Monitoring", "clean", 20_412, &[]),
            section(
                "CC8.1",
                "Change management",
                "findings",
                311,
                &["3 changes outside of the window"],
            ),
            section(
                "A1.2",
                "Backups",
                "no evidence",
                0,
                &["Nothing was recorded: switch on backup events"],
            ),
        ],
    }
}

fn checkpoints(spice: Spice) -> integrity::Model {
    integrity::Model {
        checkpoints: (0..5)
            .map(|i| integrity::Checkpoint {
                size: 1_482_080 - i * 412,
                root: "f4fe4b3d1712c80284d59a3ac91905d9cf3af87a6a6ef21569a3ff3e3c33a24c".into(),
                made_at: now() - TimeDelta::minutes(i as i64 * 5),
                cosignatures: if i == 0 { 0 } else { 2 },
            })
            .collect(),
        runs: vec![
            integrity::Run {
                ended_at: now() - TimeDelta::minutes(6),
                from: 0,
                to: 1_482_080,
                findings: 0,
                first_finding: None,
            },
            integrity::Run {
                ended_at: now() - TimeDelta::days(1),
                from: 0,
                to: 1_461_002,
                findings: 1,
                first_finding: spice.some("modified: log_index 12"),
            },
        ],
        receivers: vec![
            integrity::Receiver {
                name: spice.text("vault"),
                kind: "file".into(),
                state: "ok".into(),
                delivered: 1_482_080,
                delivered_at: Some(now()),
                error: None,
            },
            integrity::Receiver {
                name: spice.text("witness-one"),
                kind: "witness".into(),
                state: "retrying".into(),
                delivered: 1_481_002,
                delivered_at: None,
                error: spice.some("connection refused"),
            },
        ],
    }
}
