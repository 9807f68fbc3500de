//! Overview, search, one event, live view.

use auditlog_pages::components::query_box::Problem;
use auditlog_pages::pages::{dashboard, event, live, search};
use auditlog_pages::url::{Column, Range, SearchState};
use chrono::TimeDelta;

use crate::data::{Spice, counts, events, histogram, now};

/// The overview.
pub fn overview(spice: Spice) -> dashboard::Model {
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

/// A search with results.
pub fn found(spice: Spice) -> search::Model {
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

/// A search that is wrong.
pub fn wrong(spice: Spice) -> search::Model {
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

/// One event.
pub fn one(spice: Spice, template: usize) -> event::Model {
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

/// The live view.
pub fn tail(spice: Spice) -> live::Model {
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
