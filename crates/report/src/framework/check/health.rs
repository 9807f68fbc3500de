//! Tests of the hourly samples, the copies outside, and the fields of events.

use super::{Judge, percent, some, times};
use crate::framework::evidence::{FieldPresence, HealthSample, SinkSample};
use crate::framework::{Moment, Test, TestKind};
use crate::model::Severity;
use std::collections::BTreeMap;

/// Samples are taken each hour; so long may pass until something is missing.
pub const SAMPLE_GAP_US: i64 = 3 * 3_600_000_000;

const SAMPLE: &str = "keep the extension running: it samples its state each hour";

pub(super) fn test(judge: &mut Judge<'_>, test: &Test) {
    let evidence = judge.evidence;
    let limit = judge.limit();
    let when = |sample: &HealthSample| sample.checked_at.to_string();
    match test.kind {
        TestKind::RequiredFields => return required_fields(judge),
        TestKind::ShipLag => return ship_lag(judge),
        _ if evidence.samples.is_empty() => return judge.unknown("there are no samples", SAMPLE),
        _ => {}
    }
    let samples = &evidence.samples;
    match test.kind {
        TestKind::AuditEnabled => {
            judge.each(
                samples,
                Severity::Critical,
                |sample| !sample.audit_enabled,
                |bad, all| format!("auditing was off at {bad} of {all} samples"),
                when,
            );
            let spans = samples.iter().map(|sample| around(sample.checked_at));
            let gaps = judge.period.uncovered(spans, 0);
            if !gaps.is_empty() {
                let named = some(gaps.iter().map(ToString::to_string));
                let text = format!("nobody knows whether auditing was on, {}: {named}", times(gaps.len()));
                judge.found(Severity::Warning, text, gaps.len() as u64);
            }
        }
        TestKind::NtpSynchronised => {
            known(
                judge,
                |sample| sample.ntp_synchronised.is_some(),
                "the clock's state",
                "let the host report its time service",
            );
            judge.each(
                samples,
                Severity::Warning,
                |sample| sample.ntp_synchronised == Some(false),
                |bad, all| format!("the clock was not synchronised at {bad} of {all} samples"),
                when,
            );
        }
        TestKind::ClockOffset => {
            known(
                judge,
                |sample| sample.offset_ms.is_some(),
                "the clock's offset",
                "let the host report its time service",
            );
            judge.each(
                samples,
                Severity::Warning,
                // not a number is no good offset
                |sample| {
                    sample
                        .offset_ms
                        .is_some_and(|offset| offset.is_nan() || offset.abs() > f64::from(limit))
                },
                |bad, all| format!("the clock was off by more than {limit} ms at {bad} of {all} samples"),
                |sample| format!("{} ({} ms)", sample.checked_at, sample.offset_ms.unwrap_or_default()),
            );
        }
        TestKind::MonotonicTime => {
            known(
                judge,
                |sample| sample.regressions.is_some(),
                "the order of times",
                SAMPLE,
            );
            judge.each(
                samples,
                Severity::Warning,
                |sample| sample.regressions.is_some_and(|count| count > 0),
                |bad, all| format!("time ran backwards before {bad} of {all} samples"),
                when,
            );
        }
        TestKind::UtcTimestamps => {
            known(judge, |sample| sample.utc.is_some(), "the zone of times", SAMPLE);
            judge.each(
                samples,
                Severity::Warning,
                |sample| sample.utc == Some(false),
                |bad, all| format!("times were not in UTC at {bad} of {all} samples"),
                when,
            );
        }
        TestKind::Granularity => {
            known(
                judge,
                |sample| sample.granularity_us.is_some(),
                "the granularity of times",
                SAMPLE,
            );
            judge.each(
                samples,
                Severity::Warning,
                |sample| sample.granularity_us.is_some_and(|us| us > limit),
                |bad, all| format!("times were coarser than {limit} µs at {bad} of {all} samples"),
                when,
            );
        }
        TestKind::DaysToFull => {
            let has = |sample: &HealthSample| sample.days_to_full().is_some();
            known(
                judge,
                has,
                "the room that is left",
                "set a limit for the log's room, so that samples can compare with it",
            );
            judge.each(
                samples,
                Severity::Warning,
                |sample| sample.days_to_full().is_some_and(|days| days < u64::from(limit)),
                |bad, all| format!("room for less than {limit} days at {bad} of {all} samples"),
                |sample| {
                    format!(
                        "{} ({} days)",
                        sample.checked_at,
                        sample.days_to_full().unwrap_or_default()
                    )
                },
            );
        }
        TestKind::ConfigHash => unchanged(
            judge,
            |sample| sample.config_hash.as_deref(),
            "the configuration of auditing",
        ),
        TestKind::LibraryHash => unchanged(
            judge,
            |sample| sample.library_hash.as_deref(),
            "the extension's library",
        ),
        _ => {}
    }
}

/// The time that a sample speaks for.
fn around(checked_at: Moment) -> (Moment, Moment) {
    let half = SAMPLE_GAP_US / 2;
    (
        Moment(checked_at.0.saturating_sub(half)),
        Moment(checked_at.0.saturating_add(half)),
    )
}

/// A sample that does not have it leaves the test without an answer.
fn known(judge: &mut Judge<'_>, has: impl Fn(&HealthSample) -> bool, what: &str, to_do: &str) {
    let samples = &judge.evidence.samples;
    let missing = samples.iter().filter(|sample| !has(sample)).count();
    if missing > 0 {
        let text = format!("{what} was not measured at {missing} of {} samples", samples.len());
        judge.unknown(&text, to_do);
    }
}

/// Samples of a host in their order have the same value.
fn unchanged(judge: &mut Judge<'_>, value: impl Fn(&HealthSample) -> Option<&str>, what: &str) {
    known(judge, |sample| value(sample).is_some(), what, SAMPLE);
    let samples = &judge.evidence.samples;
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.sort_by_key(|at| samples[*at].checked_at);
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    let mut changes = Vec::new();
    for at in order {
        let Some(found) = value(&samples[at]) else { continue };
        if last
            .insert(&samples[at].host, found)
            .is_some_and(|before| before != found)
        {
            changes.push(at);
        }
    }
    if changes.is_empty() {
        return;
    }
    judge.mark::<HealthSample>(changes.iter().copied());
    let named = some(
        changes
            .iter()
            .map(|at| format!("{} on {}", samples[*at].checked_at, samples[*at].host)),
    );
    let text = format!("{what} changed {}, seen at {named}", times(changes.len()));
    judge.found(Severity::Warning, text, changes.len() as u64);
}

fn required_fields(judge: &mut Judge<'_>) {
    let evidence = judge.evidence;
    let limit = f64::from(judge.limit());
    let counted = |field: &str, of: &Option<String>| {
        let mut rows = evidence.fields.iter();
        rows.any(|row| row.field == field && row.of == *of)
    };
    let missing: Vec<String> = judge
        .check
        .required_fields
        .iter()
        .filter(|one| !counted(&one.field, &one.of))
        .map(|one| one.field.clone())
        .collect();
    if !missing.is_empty() {
        let text = format!(
            "events with these fields were not counted: {}",
            some(missing.into_iter())
        );
        judge.unknown(&text, "let the report count the fields of the period's events");
    }
    // no event must have it: nothing is missing
    judge.each(
        &evidence.fields,
        Severity::Warning,
        |row| row.present_pct().is_some_and(|share| share < limit),
        |bad, all| format!("{bad} of {all} required fields are missing in some events"),
        |row| {
            format!(
                "{} ({} % of {})",
                row.field,
                row.present_pct().unwrap_or_default(),
                row.total
            )
        },
    );
    if !evidence.fields.is_empty() && evidence.fields.iter().all(|row| row.total == 0) {
        judge.unknown("the period has no events", "record events");
    }
}

fn ship_lag(judge: &mut Judge<'_>) {
    let evidence = judge.evidence;
    let limit = f64::from(judge.limit());
    if evidence.sinks.is_empty() {
        return judge.unknown(
            "nothing is delivered outside",
            "add a sink (auditlog.create_sink) and keep the extension running",
        );
    }
    let late = |row: &SinkSample| row.lag_seconds.is_some_and(|lag| lag.is_nan() || lag > limit);
    let mut by_sink: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for (at, row) in evidence.sinks.iter().enumerate() {
        if late(row) {
            judge.mark::<SinkSample>([at]);
            let found = by_sink.entry(&row.sink).or_default();
            found.0 += 1;
            found.1 = found.1.max(row.lag_seconds.unwrap_or_default());
        }
    }
    if !by_sink.is_empty() {
        let count = by_sink.values().map(|(count, _)| *count as u64).sum();
        let named = some(
            by_sink
                .iter()
                .map(|(sink, (count, lag))| format!("{sink} ({count} late samples, {lag:.0} s at most)")),
        );
        judge.found(
            Severity::Warning,
            format!("copies were behind by more than {limit} s: {named}"),
            count,
        );
    }
    let unknown = evidence.sinks.iter().filter(|row| row.lag_seconds.is_none()).count();
    if unknown > 0 {
        let text = format!(
            "how far copies are was not known at {unknown} of {} samples",
            evidence.sinks.len()
        );
        judge.unknown(&text, "see auditlog.health() for what the sink reports");
    }
}

pub(super) fn show(judge: &mut Judge<'_>) {
    let evidence = judge.evidence;
    let others = |judge: &Judge<'_>| {
        let mut tests = judge.check.tests.iter();
        tests.any(|test| !matches!(test.kind, TestKind::RequiredFields | TestKind::ShipLag))
    };
    if judge.asks(&[TestKind::RequiredFields]) {
        judge.table(&evidence.fields);
        let shares = evidence.fields.iter().filter_map(FieldPresence::present_pct);
        judge.metric(
            "least_present_pct",
            "Least complete field (%)",
            shares.fold(100.0, f64::min),
        );
    }
    if judge.asks(&[TestKind::ShipLag]) {
        judge.table(&evidence.sinks);
        let lag = evidence
            .sinks
            .iter()
            .filter_map(|row| row.lag_seconds)
            .fold(0.0, f64::max);
        judge.metric("max_lag_seconds", "Furthest behind (s)", lag);
    }
    if others(judge) {
        judge.table(&evidence.samples);
        let samples = &evidence.samples;
        judge.metric("samples", "Samples", samples.len());
        let on = samples.iter().filter(|sample| sample.audit_enabled).count();
        judge.metric(
            "audit_on_pct",
            "Samples with auditing on (%)",
            percent(on, samples.len()),
        );
    }
    if judge.asks(&[TestKind::ClockOffset]) {
        let offsets = evidence.samples.iter().filter_map(|sample| sample.offset_ms);
        judge.metric(
            "max_offset_ms",
            "Largest clock offset (ms)",
            offsets.map(f64::abs).fold(0.0, f64::max),
        );
    }
}
