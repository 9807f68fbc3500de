//! Evidence in which nothing is wrong.

use super::{SINCE, at, text};
use crate::framework::Moment;
use crate::framework::evidence::{
    Access, AlertRow, CatalogObject, CatalogRole, ChainSegment, Evidence, FieldPresence, HealthSample, IdentityBinding,
    NodeTrail, PolicyEventType, PolicyObject, RetentionRow, Review, RuleUptime, SinkSample, Verification,
};
use crate::framework::period::DAY_US;

const HOUR: i64 = DAY_US / 24;

/// Evidence in which nothing is wrong.
pub(super) fn good() -> Evidence {
    let segment = |name: &str, from: u64, to: u64| ChainSegment {
        segment: name.to_owned(),
        from_log_index: from,
        to_log_index: to,
        records: to - from,
        gaps: 0,
        certified: 1,
        head_hash: text("00ff"),
        signature_valid: Some(true),
        anchor: text("worm"),
        anchor_matches: Some(true),
        verified_at: Some(at(10)),
        result: text("clean"),
    };
    let sample = |hour: i64| HealthSample {
        checked_at: Moment(SINCE + hour * HOUR),
        host: "db1".to_owned(),
        audit_enabled: true,
        source: text("chrony"),
        offset_ms: Some(-0.4),
        ntp_synchronised: Some(true),
        regressions: Some(0),
        utc: Some(true),
        granularity_us: Some(1),
        sealer_lag_seconds: Some(0.1),
        queue: Some(0),
        used_bytes: Some(1_000),
        limit_bytes: Some(100_000),
        growth_per_day: Some(10.0),
        config_hash: text("c0"),
        library_hash: text("11"),
    };
    let rule = |name: &str| RuleUptime {
        rule: name.to_owned(),
        severity: "critical".to_owned(),
        tags: vec!["atypical_use".to_owned()],
        enabled_from: at(-100),
        enabled_until: None,
        missed_runs: 0,
    };
    Evidence {
        segments: vec![segment("one", 0, 99), segment("two", 100, 299)],
        verifications: (0..=10)
            .map(|day| Verification {
                verified_at: at(day),
                from_log_index: 0,
                to_log_index: 299,
                records: 300,
                result: "clean".to_owned(),
            })
            .collect(),
        identities: vec![IdentityBinding {
            log_index: 7,
            actor_id: text("bob"),
            authn_assertion: text("https://idp"),
            signature_key: text("log+abc"),
            verified: true,
        }],
        nodes: vec![NodeTrail {
            node: "a".to_owned(),
            from_log_index: 0,
            to_log_index: 299,
            records: 300,
            out_of_order: 0,
            skew_ms: Some(2.0),
            tolerance_ms: 10.0,
        }],
        samples: (0..240).map(sample).collect(),
        sinks: vec![SinkSample {
            checked_at: at(1),
            sink: "siem".to_owned(),
            last_log_index: Some(299),
            lag_seconds: Some(3.0),
            failures: 0,
        }],
        fields: vec![FieldPresence {
            field: "actor.id".to_owned(),
            of: None,
            present: 300,
            total: 300,
            missing_examples: vec![],
        }],
        alerts: vec![AlertRow {
            fired_at: at(2),
            rule: "logins".to_owned(),
            severity: "critical".to_owned(),
            tags: vec!["atypical_use".to_owned()],
            actor_id: text("bob"),
            resource_id: None,
            acknowledged_at: Some(Moment(SINCE + 2 * DAY_US + HOUR)),
            acknowledged_by: text("ann"),
            closed_at: Some(at(3)),
            disposition: text("false_positive"),
        }],
        rules: vec![rule("logins"), rule("exports")],
        reviews: (0..10)
            .map(|day| Review {
                period_start: at(day),
                period_end: at(day + 1),
                classification: vec![],
                reviewer: "ann".to_owned(),
                events_in_scope: 30,
                exceptions: 0,
                signed_off_at: Some(at(day + 2)),
                signature: text("ab"),
            })
            .collect(),
        retention: vec![RetentionRow {
            class: "default".to_owned(),
            classification: vec!["pci".to_owned()],
            oldest_record: Some(at(-30)),
            newest_record: Some(at(9)),
            policy: "hot 400 days".to_owned(),
            policy_days: Some(400),
            online_policy_days: Some(200),
            required_days: Some(365),
            maximum_days: Some(500),
            removed_after_days: Some(401),
            archived_after_days: Some(201),
            actual_days: 40,
            online_days: 40,
            legal_hold: false,
            unapproved_purges: 0,
            state: "kept".to_owned(),
        }],
        roles: vec![CatalogRole {
            role: "ann".to_owned(),
            can_login: true,
            last_login: Some(at(9)),
            days_idle: Some(1),
            reads_log: Some(Access::Role),
            member_of: vec!["auditlog_compliance".to_owned()],
            granted_at: Some(at(-30)),
            granted_by: text("dba"),
            last_used: Some(at(9)),
        }],
        objects: vec![CatalogObject {
            object: "people".to_owned(),
            classification: vec!["pii".to_owned()],
            rls: true,
            masking: false,
            audit_policy: text("tracked"),
        }],
        event_types: vec![PolicyEventType {
            event_type: "authentication.login".to_owned(),
            capable: true,
            selected: Some(true),
            rationale: text("AU-2"),
            reviewed_at: Some(at(-100)),
            count: 5,
        }],
        coverage: vec![
            PolicyObject {
                component: "db1".to_owned(),
                object: None,
                classification: vec![],
                audited: true,
                policy: text("capture"),
                enabled_since: Some(at(-30)),
                last_event_at: Some(at(9)),
            },
            PolicyObject {
                component: "db1".to_owned(),
                object: text("cards"),
                classification: vec!["chd".to_owned()],
                audited: true,
                policy: text("tracked"),
                enabled_since: Some(at(-30)),
                last_event_at: Some(at(9)),
            },
        ],
    }
}
