//! Faults in good evidence, and evidence that is missing.

use super::{at, check, good, run, text};
use crate::framework::TestKind;
use crate::framework::evidence::{Access, Evidence};
use crate::model::Outcome;

type Fault = fn(&mut Evidence);

#[test]
#[rustfmt::skip]
fn planted_faults_are_found() {
    let faults: &[(TestKind, Fault, &str)] = &[
        (TestKind::NoGaps, |e| e.segments[1].gaps = 3, "places without an event in 1 of 2 parts of the log: two (3 places)"),
        (TestKind::NoGaps, |e| e.segments[1].from_log_index = 105, "parts of the log do not follow each other: after 99 comes 105"),
        (TestKind::HashChainValid, |e| e.segments[0].result = text("hash differs at 5"), "verification failed in 1 of 2 parts of the log: one (hash differs at 5)"),
        (TestKind::HashChainValid, |e| e.verifications[3].result = "broken".to_owned(), "1 of 11 verifications found a fault: "),
        (TestKind::CountMatches, |e| e.segments[0].records = 98, "records do not match the first and last log_index in 1 of 2 parts"),
        (TestKind::SignaturesValid, |e| e.segments[0].signature_valid = Some(false), "the signature over 1 of 2 parts of the log is not valid: one"),
        (TestKind::AnchorsMatch, |e| e.segments[1].anchor_matches = Some(false), "1 of 2 parts of the log disagree with a checkpoint outside: two (worm)"),
        (TestKind::VerifiedDaily, |e| { e.verifications.drain(4..6); }, "no verification for more than a day, once: "),
        (TestKind::IdentityBound, |e| e.identities[0].authn_assertion = None, "1 of 1 events of the sample are not bound to a proven identity: log_index 7"),
        (TestKind::CrossNodeMerge, |e| e.nodes[0].skew_ms = Some(11.0), "the order of events is uncertain for 1 of 1 nodes: a"),
        (TestKind::AuditEnabled, |e| e.samples[5].audit_enabled = false, "auditing was off at 1 of 240 samples: "),
        (TestKind::AuditEnabled, |e| { e.samples.drain(100..110); }, "nobody knows whether auditing was on, once: "),
        (TestKind::RequiredFields, |e| e.fields[0].present = 299, "1 of 1 required fields are missing in some events: actor.id (99.66 % of 300)"),
        (TestKind::NtpSynchronised, |e| e.samples[5].ntp_synchronised = Some(false), "the clock was not synchronised at 1 of 240 samples: "),
        (TestKind::ClockOffset, |e| e.samples[5].offset_ms = Some(-1_000.5), "the clock was off by more than 1000 ms at 1 of 240 samples: "),
        (TestKind::ClockOffset, |e| e.samples[5].offset_ms = Some(f64::NAN), "the clock was off by more than 1000 ms at 1 of 240 samples: "),
        (TestKind::MonotonicTime, |e| e.samples[5].regressions = Some(1), "time ran backwards before 1 of 240 samples: "),
        (TestKind::UtcTimestamps, |e| e.samples[5].utc = Some(false), "times were not in UTC at 1 of 240 samples: "),
        (TestKind::Granularity, |e| e.samples[5].granularity_us = Some(1_001), "times were coarser than 1000 µs at 1 of 240 samples: "),
        (TestKind::ShipLag, |e| e.sinks[0].lag_seconds = Some(301.0), "copies were behind by more than 300 s: siem (1 late samples, 301 s at most)"),
        (TestKind::DaysToFull, |e| e.samples[5].growth_per_day = Some(5_000.0), "room for less than 30 days at 1 of 240 samples: "),
        (TestKind::ConfigHash, |e| e.samples[5].config_hash = text("c1"), "the configuration of auditing changed 2 times, seen at "),
        (TestKind::LibraryHash, |e| e.samples[239].library_hash = text("12"), "the extension's library changed once, seen at "),
        (TestKind::RulesEnabled, |e| e.rules[1].enabled_until = Some(at(5)), "alert rules were off: exports ("),
        (TestKind::RulesEnabled, |e| e.rules.iter_mut().for_each(|rule| rule.enabled_from = at(1)), "no alert rule was on, once: "),
        (TestKind::NoMonitoringGap, |e| e.rules.iter_mut().for_each(|rule| rule.enabled_until = Some(at(9))), "no alert rule was on, once: "),
        (TestKind::NoMissedRuns, |e| e.rules[0].missed_runs = 2, "1 rules left runs out: logins (2)"),
        (TestKind::AllAcknowledged, |e| e.alerts[0].acknowledged_at = None, "nobody has acknowledged 1 of 1 alerts: logins at "),
        (TestKind::MinutesToAck, |e| e.alerts[0].acknowledged_at = Some(at(3)), "1 of 1 alerts were not acknowledged within 60 minutes: "),
        (TestKind::MinutesToAck, |e| e.alerts[0].acknowledged_at = None, "1 of 1 alerts were not acknowledged within 60 minutes: "),
        (TestKind::AllHaveDisposition, |e| e.alerts[0].disposition = text(" "), "1 of 1 alerts have no verdict: "),
        (TestKind::AllClosedOrOwned, |e| { e.alerts[0].closed_at = None; e.alerts[0].acknowledged_by = None; }, "1 of 1 alerts are open and nobody has them: "),
        (TestKind::EveryPeriodSignedOff, |e| { e.reviews.remove(4); }, "parts of the period without a signed review, once: "),
        (TestKind::DailySignedOff, |e| { e.reviews.remove(4); e.reviews[3].period_end = at(5); }, "1 of 9 reviews cover more than 1 days: "),
        (TestKind::WeeklySignedOff, |e| { e.reviews.truncate(1); e.reviews[0].period_end = at(10); }, "1 of 1 reviews cover more than 7 days: "),
        (TestKind::ReviewsDone, |e| e.reviews[0].signed_off_at = None, "1 of 10 reviews are not signed off: "),
        (TestKind::ReviewsDone, |e| { e.reviews.truncate(1); e.reviews[0].period_start = at(-3); e.reviews[0].period_end = at(0); }, "no signed review of any part of the period"),
        (TestKind::ActualDays, |e| e.retention[0].policy_days = Some(299), "the policy keeps 1 of 1 classes for less than 300 days: default (299 days)"),
        (TestKind::ActualDays, |e| e.retention[0].removed_after_days = Some(299), "events of 1 of 1 classes were removed before 300 days: default (after 299 days)"),
        (TestKind::OnlineDays, |e| e.retention[0].online_policy_days = Some(179), "the policy keeps 1 of 1 classes searchable for less than 180 days: "),
        (TestKind::OnlineDays, |e| e.retention[0].archived_after_days = Some(10), "events of 1 of 1 classes could not be searched for 180 days: default"),
        (TestKind::WithinMaximum, |e| e.retention[0].policy_days = None, "the policy keeps 1 of 1 classes for longer than their maximum: default (at most 500 days)"),
        (TestKind::WithinMaximum, |e| e.retention[0].actual_days = 600, "events of 1 of 1 classes are older than their maximum, and no hold keeps them: default (600 days)"),
        (TestKind::NoUnapprovedPurge, |e| e.retention[0].unapproved_purges = 1, "events of 1 of 1 classes were removed without a policy or a certificate: default (1 times)"),
        (TestKind::PersonalDataProtected, |e| e.objects[0].rls = false, "1 of 1 objects have neither row security nor masking: people"),
        (TestKind::PersonalDataProtected, |e| e.objects[0].audit_policy = None, "1 of 1 objects are not audited: people"),
        (TestKind::ReadersByRole, |e| e.roles[0].reads_log = Some(Access::Grant), "1 roles can read the log beside the roles made for it: ann"),
        (TestKind::IdleLogins, |e| e.roles[0].days_idle = Some(91), "1 accounts that can log in were idle for more than 90 days: ann (91 days)"),
        (TestKind::EventTypesSelected, |e| e.event_types[0].rationale = None, "for 1 of 1 event types there is no decision with a reason: authentication.login"),
        (TestKind::ListReviewed, |e| e.event_types[0].reviewed_at = Some(at(-356)), "the decision on 1 of 1 event types was not reviewed within 365 days: "),
        (TestKind::ComponentsCovered, |e| e.coverage[0].last_event_at = None, "1 components record no events: db1"),
        (TestKind::ObjectsAudited, |e| e.coverage[1].audited = false, "1 objects with a classification are not audited: db1.cards"),
        (TestKind::ObjectsAudited, |e| e.coverage[1].enabled_since = Some(at(1)), "1 objects with a classification are audited since a part of the period only: db1.cards"),
    ];
    for (kind, fault, expected) in faults {
        let mut evidence = good();
        fault(&mut evidence);
        let found = run(&check(*kind), &evidence);
        let texts: Vec<&str> = found.findings.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(found.outcome, Outcome::Findings, "{expected}: {texts:?}");
        assert!(
            texts.iter().any(|text| text.starts_with(expected)),
            "{expected}: {texts:?}"
        );
        assert!(
            found.findings.iter().all(|one| one.kind == kind.name()),
            "{expected}: {:?}",
            found.findings
        );
    }
    for kind in TestKind::ALL {
        assert!(
            faults.iter().any(|(tested, ..)| *tested == kind),
            "{} has no planted fault",
            kind.name()
        );
    }
}

#[test]
#[rustfmt::skip]
fn what_was_not_measured_is_no_pass() {
    let unknown: &[(TestKind, Fault)] = &[
        (TestKind::HashChainValid, |e| e.segments[0].verified_at = None),
        (TestKind::SignaturesValid, |e| e.segments[0].signature_valid = None),
        (TestKind::AnchorsMatch, |e| e.segments[0].anchor_matches = None),
        (TestKind::CrossNodeMerge, |e| {
            e.nodes[0].skew_ms = None;
            e.nodes.push(e.nodes[0].clone());
        }),
        (TestKind::RequiredFields, |e| e.fields[0].of = text("category:data")),
        (TestKind::RequiredFields, |e| {
            e.fields[0].present = 0;
            e.fields[0].total = 0;
        }),
        (TestKind::NtpSynchronised, |e| e.samples[9].ntp_synchronised = None),
        (TestKind::ClockOffset, |e| e.samples[9].offset_ms = None),
        (TestKind::DaysToFull, |e| {
            e.samples.iter_mut().for_each(|sample| sample.limit_bytes = None)
        }),
        (TestKind::ShipLag, |e| e.sinks[0].lag_seconds = None),
        (TestKind::AllAcknowledged, |e| {
            e.alerts.clear();
            e.rules.clear();
        }),
        (TestKind::WithinMaximum, |e| e.retention[0].maximum_days = None),
        (TestKind::IdleLogins, |e| e.roles[0].days_idle = None),
        (TestKind::ComponentsCovered, |e| {
            e.coverage.remove(0);
        }),
        (TestKind::ObjectsAudited, |e| {
            e.coverage.remove(1);
        }),
    ];
    for (kind, fault) in unknown {
        let mut evidence = good();
        fault(&mut evidence);
        let found = run(&check(*kind), &evidence);
        assert_eq!(
            found.outcome,
            Outcome::NoEvidence,
            "{}: {:?}",
            kind.name(),
            found.findings
        );
    }
    // what is not known beside what was found does not hide it
    let mut evidence = good();
    evidence.samples[1].offset_ms = None;
    evidence.samples[2].offset_ms = Some(5_000.0);
    assert_eq!(run(&check(TestKind::ClockOffset), &evidence).outcome, Outcome::Findings);
    // no alert is good news where rules were on
    let mut evidence = good();
    evidence.alerts.clear();
    assert_eq!(
        run(&check(TestKind::AllAcknowledged), &evidence).outcome,
        Outcome::Clean
    );
}
