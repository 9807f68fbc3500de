//! Tests of alerts and their rules.

use super::{Judge, percent, some, times};
use crate::framework::evidence::{AlertRow, RuleUptime};
use crate::framework::{Moment, Period, Test, TestKind};
use crate::model::Severity;
use std::collections::BTreeMap;

/// A rule may be off for so long while it is changed.
const CHANGE_US: i64 = 5 * 60_000_000;

pub(super) fn test(judge: &mut Judge<'_>, test: &Test) {
    let evidence = judge.evidence;
    let (alerts, rules) = (&evidence.alerts, &evidence.rules);
    let name = |alert: &AlertRow| format!("{} at {}", alert.rule, alert.fired_at);
    // no alert is good news only when some rule could have fired
    if rules.is_empty() && (alerts.is_empty() || about_rules(test)) {
        return judge.unknown(
            "there were no alert rules",
            "install the built-in alerts, or write your own",
        );
    }
    match test.kind {
        TestKind::RulesEnabled => {
            rules_enabled(judge);
            covered(judge, whole);
        }
        TestKind::NoMonitoringGap => covered(judge, |_, _| false),
        TestKind::NoMissedRuns => judge.each(
            rules,
            Severity::Warning,
            |rule| rule.missed_runs > 0,
            |bad, _| format!("{bad} rules left runs out"),
            |rule| format!("{} ({})", rule.rule, rule.missed_runs),
        ),
        TestKind::AllAcknowledged => judge.each(
            alerts,
            Severity::Warning,
            |alert| alert.acknowledged_at.is_none(),
            |bad, all| format!("nobody has acknowledged {bad} of {all} alerts"),
            name,
        ),
        TestKind::MinutesToAck => {
            let limit = i64::from(judge.limit());
            let until = judge.period.until;
            // what nobody has taken is late once the time is over
            let late = |alert: &AlertRow| {
                let waited = (alert.acknowledged_at.unwrap_or(until).0 - alert.fired_at.0) / 60_000_000;
                waited > limit
            };
            judge.each(
                alerts,
                Severity::Warning,
                late,
                |bad, all| format!("{bad} of {all} alerts were not acknowledged within {limit} minutes"),
                name,
            );
        }
        TestKind::AllHaveDisposition => judge.each(
            alerts,
            Severity::Warning,
            |alert| {
                alert
                    .disposition
                    .as_deref()
                    .is_none_or(|verdict| verdict.trim().is_empty())
            },
            |bad, all| format!("{bad} of {all} alerts have no verdict"),
            name,
        ),
        TestKind::AllClosedOrOwned => judge.each(
            alerts,
            Severity::Warning,
            |alert| alert.closed_at.is_none() && alert.acknowledged_by.is_none(),
            |bad, all| format!("{bad} of {all} alerts are open and nobody has them"),
            name,
        ),
        _ => {}
    }
}

fn about_rules(test: &Test) -> bool {
    matches!(
        test.kind,
        TestKind::RulesEnabled | TestKind::NoMonitoringGap | TestKind::NoMissedRuns
    )
}

type Spans = Vec<(Moment, Moment)>;

/// The times of each rule.
fn spans(judge: &Judge<'_>) -> BTreeMap<String, Spans> {
    let mut found: BTreeMap<String, Spans> = BTreeMap::new();
    for rule in &judge.evidence.rules {
        let span = (rule.enabled_from, rule.enabled_until.unwrap_or(Moment(i64::MAX)));
        found.entry(rule.rule.clone()).or_default().push(span);
    }
    found
}

/// Rules that were on and then off; one that is new is none.
fn rules_enabled(judge: &mut Judge<'_>) {
    let mut off: BTreeMap<String, Vec<Period>> = BTreeMap::new();
    for (rule, spans) in spans(judge) {
        let first = spans.iter().map(|(from, _)| *from).min().unwrap_or(judge.period.since);
        let period = Period {
            since: first.max(judge.period.since),
            until: judge.period.until,
        };
        let gaps = period.uncovered(spans, CHANGE_US);
        if !gaps.is_empty() {
            off.insert(rule, gaps);
        }
    }
    if off.is_empty() {
        return;
    }
    let rules = &judge.evidence.rules;
    let marked: Vec<usize> = (0..rules.len())
        .filter(|at| off.contains_key(&rules[*at].rule))
        .collect();
    judge.mark::<RuleUptime>(marked);
    let named = some(
        off.iter()
            .map(|(rule, gaps)| format!("{rule} ({})", some(gaps.iter().map(ToString::to_string)))),
    );
    judge.found(
        Severity::Warning,
        format!("alert rules were off: {named}"),
        off.len() as u64,
    );
}

/// Was one rule on for the whole of the period?
fn whole(period: &Period, rules: &BTreeMap<String, Spans>) -> bool {
    rules
        .values()
        .any(|spans| period.uncovered(spans.iter().copied(), CHANGE_US).is_empty())
}

/// At every moment some rule is on; `enough` may say that it need not be looked for.
fn covered(judge: &mut Judge<'_>, enough: impl Fn(&Period, &BTreeMap<String, Spans>) -> bool) {
    let rules = spans(judge);
    if enough(judge.period, &rules) {
        return;
    }
    let gaps = judge.period.uncovered(rules.into_values().flatten(), CHANGE_US);
    if !gaps.is_empty() {
        let named = some(gaps.iter().map(ToString::to_string));
        let text = format!("no alert rule was on, {}: {named}", times(gaps.len()));
        judge.found(Severity::Warning, text, gaps.len() as u64);
    }
}

pub(super) fn show(judge: &mut Judge<'_>) {
    let evidence = judge.evidence;
    judge.table(&evidence.alerts);
    if judge.check.tests.iter().any(about_rules) {
        judge.table(&evidence.rules);
    }
    let alerts = &evidence.alerts;
    judge.metric("rules", "Alert rules", spans(judge).len());
    judge.metric("alerts", "Alerts", alerts.len());
    if !alerts.is_empty() {
        let taken = alerts.iter().filter(|alert| alert.acknowledged_at.is_some()).count();
        judge.metric("acknowledged_pct", "Acknowledged (%)", percent(taken, alerts.len()));
        let mut minutes: Vec<i64> = alerts.iter().filter_map(AlertRow::minutes_to_ack).collect();
        minutes.sort_unstable();
        if let Some(median) = minutes.get(minutes.len() / 2) {
            judge.metric("median_minutes_to_ack", "Median minutes to acknowledge", *median);
        }
    }
}
