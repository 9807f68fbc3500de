//! Tests of the chain.

use super::{Judge, some, times};
use crate::framework::evidence::ChainSegment;
use crate::framework::period::DAY_US;
use crate::framework::{Moment, Test, TestKind};
use crate::model::Severity;

/// A day without a verification is one of more than this: a run may be an hour late.
const DAY_AND_SLACK_US: i64 = DAY_US + DAY_US / 24;

const CLEAN: &str = "clean";

pub(super) fn test(judge: &mut Judge<'_>, test: &Test) {
    let evidence = judge.evidence;
    let segments = &evidence.segments;
    let no_segments = segments.is_empty()
        && !matches!(
            test.kind,
            TestKind::VerifiedDaily | TestKind::IdentityBound | TestKind::CrossNodeMerge
        );
    if no_segments {
        return judge.unknown(
            "the period has no part of the log",
            "record events, and run auditlog.verify() over the period",
        );
    }
    let name = |segment: &ChainSegment| segment.segment.clone();
    match test.kind {
        TestKind::NoGaps => {
            judge.each(
                segments,
                Severity::Critical,
                |segment| segment.gaps > 0,
                |bad, all| format!("places without an event in {bad} of {all} parts of the log"),
                |segment| format!("{} ({} places)", segment.segment, segment.gaps),
            );
            // parts must follow each other
            let mut order: Vec<usize> = (0..segments.len()).collect();
            order.sort_by_key(|at| segments[*at].from_log_index);
            let apart = |pair: &&[usize]| {
                segments[pair[0]].to_log_index.checked_add(1) != Some(segments[pair[1]].from_log_index)
            };
            let breaks: Vec<&[usize]> = order.windows(2).filter(apart).collect();
            if !breaks.is_empty() {
                judge.mark::<ChainSegment>(breaks.iter().map(|pair| pair[1]));
                let named = some(breaks.iter().map(|pair| {
                    format!(
                        "after {} comes {}",
                        segments[pair[0]].to_log_index, segments[pair[1]].from_log_index
                    )
                }));
                let text = format!("parts of the log do not follow each other: {named}");
                judge.found(Severity::Critical, text, breaks.len() as u64);
            }
        }
        TestKind::HashChainValid => {
            judge.each(
                segments,
                Severity::Critical,
                |segment| segment.result.as_deref().is_some_and(|result| result != CLEAN),
                |bad, all| format!("verification failed in {bad} of {all} parts of the log"),
                |segment| {
                    format!(
                        "{} ({})",
                        segment.segment,
                        segment.result.as_deref().unwrap_or_default()
                    )
                },
            );
            judge.each(
                &evidence.verifications,
                Severity::Critical,
                |run| run.result != CLEAN,
                |bad, all| format!("{bad} of {all} verifications found a fault"),
                |run| format!("{} ({})", run.verified_at, run.result),
            );
            let unverified: Vec<&ChainSegment> = segments
                .iter()
                .filter(|segment| segment.verified_at.is_none() || segment.result.is_none())
                .collect();
            if !unverified.is_empty() {
                let missing = format!("never verified: {}", some(unverified.into_iter().map(name)));
                judge.unknown(&missing, "set auditlog.verify_interval, or run auditlog.verify()");
            }
        }
        TestKind::CountMatches => judge.each(
            segments,
            Severity::Critical,
            |segment| span(segment) != Some(u128::from(segment.records) + u128::from(segment.certified)),
            |bad, all| format!("records do not match the first and last log_index in {bad} of {all} parts of the log"),
            |segment| {
                let (records, from, to) = (segment.records, segment.from_log_index, segment.to_log_index);
                format!("{} ({records} records from {from} to {to})", segment.segment)
            },
        ),
        TestKind::SignaturesValid => {
            judge.each(
                segments,
                Severity::Critical,
                |segment| segment.signature_valid == Some(false),
                |bad, all| format!("the signature over {bad} of {all} parts of the log is not valid"),
                name,
            );
            let unsigned: Vec<String> = segments
                .iter()
                .filter(|segment| segment.signature_valid.is_none())
                .map(name)
                .collect();
            if !unsigned.is_empty() {
                let missing = format!("not covered by a signed checkpoint: {}", some(unsigned.into_iter()));
                judge.unknown(&missing, "make a signing key and set auditlog.checkpoint_interval");
            }
        }
        TestKind::AnchorsMatch => {
            judge.each(
                segments,
                Severity::Critical,
                |segment| segment.anchor_matches == Some(false),
                |bad, all| format!("{bad} of {all} parts of the log disagree with a checkpoint outside"),
                |segment| {
                    format!(
                        "{} ({})",
                        segment.segment,
                        segment.anchor.as_deref().unwrap_or("an anchor")
                    )
                },
            );
            let alone: Vec<String> = segments
                .iter()
                .filter(|segment| segment.anchor_matches.is_none())
                .map(name)
                .collect();
            if !alone.is_empty() {
                let missing = format!("not covered by a checkpoint outside: {}", some(alone.into_iter()));
                judge.unknown(&missing, "add a checkpoint sink or a witness");
            }
        }
        TestKind::VerifiedDaily => verified_daily(judge),
        TestKind::IdentityBound => {
            if evidence.identities.is_empty() {
                return judge.unknown("there is no sample of events", "record events in the period");
            }
            judge.each(
                &evidence.identities,
                Severity::Warning,
                |event| {
                    !event.verified
                        || event.actor_id.is_none()
                        || event.authn_assertion.is_none()
                        || event.signature_key.is_none()
                },
                |bad, all| format!("{bad} of {all} events of the sample are not bound to a proven identity"),
                |event| format!("log_index {}", event.log_index),
            );
        }
        TestKind::CrossNodeMerge => {
            let nodes = &evidence.nodes;
            if nodes.is_empty() {
                return judge.unknown(
                    "no node has reported its log",
                    "merge the logs of all nodes (examples/fleet)",
                );
            }
            judge.each(
                nodes,
                Severity::Warning,
                |node| node.out_of_order > 0 || node.skew_ms.is_some_and(|skew| skew > node.tolerance_ms),
                |bad, all| format!("the order of events is uncertain for {bad} of {all} nodes"),
                |node| node.node.clone(),
            );
            // one log has one order, whatever its clock
            let unmeasured = nodes
                .iter()
                .filter(|node| node.skew_ms.is_none())
                .map(|node| node.node.clone());
            let unmeasured: Vec<String> = unmeasured.collect();
            if nodes.len() > 1 && !unmeasured.is_empty() {
                let missing = format!("clocks that were not compared: {}", some(unmeasured.into_iter()));
                judge.unknown(&missing, "sample the clock of each node");
            }
        }
        _ => {}
    }
}

/// How many places a segment has.
fn span(segment: &ChainSegment) -> Option<u128> {
    let places = segment.to_log_index.checked_sub(segment.from_log_index)?;
    Some(u128::from(places) + 1)
}

fn verified_daily(judge: &mut Judge<'_>) {
    let evidence = judge.evidence;
    if evidence.verifications.is_empty() {
        return judge.unknown(
            "there was no verification",
            "set auditlog.verify_interval to a day or less",
        );
    }
    // a verification speaks for the day that ends with it, so that none is due before the first day is over
    let spans = evidence.verifications.iter().map(|run| {
        (
            Moment(run.verified_at.0.saturating_sub(DAY_AND_SLACK_US)),
            run.verified_at,
        )
    });
    // the day that is not over yet is not due
    let gaps: Vec<_> = judge
        .period
        .uncovered(spans, 0)
        .into_iter()
        .filter(|gap| gap.until < judge.period.until || gap.until.0 - gap.since.0 > DAY_AND_SLACK_US)
        .collect();
    if !gaps.is_empty() {
        let named = some(gaps.iter().map(ToString::to_string));
        let text = format!("no verification for more than a day, {}: {named}", times(gaps.len()));
        judge.found(Severity::Warning, text, gaps.len() as u64);
    }
}

pub(super) fn show(judge: &mut Judge<'_>) {
    let evidence = judge.evidence;
    if judge.asks(&[TestKind::IdentityBound]) {
        judge.table(&evidence.identities);
    }
    if judge.asks(&[TestKind::CrossNodeMerge]) {
        judge.table(&evidence.nodes);
    }
    if judge.asks(&[TestKind::HashChainValid, TestKind::VerifiedDaily]) {
        judge.table(&evidence.verifications);
        judge.metric("verifications", "Verifications", evidence.verifications.len());
    }
    judge.table(&evidence.segments);
    let sum = |count: fn(&ChainSegment) -> u64| evidence.segments.iter().map(count).fold(0_u64, u64::saturating_add);
    judge.metric("records", "Records", sum(|segment| segment.records));
    judge.metric("gaps", "Places without an event", sum(|segment| segment.gaps));
    judge.metric(
        "certified",
        "Removed or moved under a certificate",
        sum(|segment| segment.certified),
    );
}
