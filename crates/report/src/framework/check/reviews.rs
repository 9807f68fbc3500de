//! Tests of reviews.

use super::{Judge, some, times};
use crate::framework::evidence::Review;
use crate::framework::period::DAY_US;
use crate::framework::{Moment, Period, Test, TestKind};
use crate::model::Severity;

/// The clocks may be changed within a review's time, and reviews may begin some minutes late.
const SLACK_US: i64 = DAY_US / 24;

pub(super) fn test(judge: &mut Judge<'_>, test: &Test) {
    let reviews = &judge.evidence.reviews;
    if reviews.is_empty() {
        return judge.unknown(
            "there are no reviews",
            "sign reviews off with auditlog.sign_review(period, note)",
        );
    }
    let signed = |review: &&Review| review.signed_off_at.is_some();
    let longest = match test.kind {
        TestKind::DailySignedOff => Some(DAY_US),
        TestKind::WeeklySignedOff => Some(7 * DAY_US),
        _ => None,
    };
    judge.each(
        reviews,
        Severity::Warning,
        |review| !signed(&review),
        |bad, all| format!("{bad} of {all} reviews are not signed off"),
        |review| format!("{} to {}", review.period_start, review.period_end),
    );
    if test.kind == TestKind::ReviewsDone {
        let any = reviews
            .iter()
            .filter(signed)
            .any(|review| review.period_start < judge.period.until && judge.period.since < review.period_end);
        if !any {
            judge.found(Severity::Warning, "no signed review of any part of the period", 0);
        }
        return;
    }
    if let Some(longest) = longest {
        judge.each(
            reviews,
            Severity::Warning,
            |review| length(review) > longest + SLACK_US,
            |bad, all| format!("{bad} of {all} reviews cover more than {} days", longest / DAY_US),
            |review| format!("{} to {}", review.period_start, review.period_end),
        );
    }
    let spans = reviews
        .iter()
        .filter(signed)
        .filter(|review| longest.is_none_or(|longest| length(review) <= longest + SLACK_US))
        .map(|review| (review.period_start, review.period_end));
    let gaps = judge.period.uncovered(spans, SLACK_US);
    if !gaps.is_empty() {
        let named = some(gaps.iter().map(ToString::to_string));
        let text = format!(
            "parts of the period without a signed review, {}: {named}",
            times(gaps.len())
        );
        judge.found(Severity::Warning, text, gaps.len() as u64);
    }
}

fn length(review: &Review) -> i64 {
    review.period_end.0.saturating_sub(review.period_start.0)
}

pub(super) fn show(judge: &mut Judge<'_>) {
    let evidence = judge.evidence;
    judge.table(&evidence.reviews);
    let signed = evidence.reviews.iter().filter(|review| review.signed_off_at.is_some());
    let spans: Vec<(Moment, Moment)> = signed.map(|review| (review.period_start, review.period_end)).collect();
    judge.metric("signed_reviews", "Signed reviews", spans.len());
    let open: i64 = judge.period.uncovered(spans, 0).iter().map(hours).sum();
    let all = hours(judge.period);
    judge.metric(
        "reviewed_pct",
        "Period reviewed (%)",
        super::percent((all - open).max(0) as usize, all.max(0) as usize),
    );
}

fn hours(period: &Period) -> i64 {
    (period.until.0 - period.since.0) / (DAY_US / 24)
}
