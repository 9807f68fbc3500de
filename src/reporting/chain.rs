//! The part of the log that a report is about, as the chain has it.

use super::Making;
use crate::api::verify_removed;
use crate::store::report_reads;
use auditlog_core::erase::hex;
use auditlog_report::framework::Moment;
use auditlog_report::framework::evidence::ChainSegment;

/// The part of the log that the period is, and what of it is missing.
pub(super) struct Span {
    pub events: u64,
    pub first: Option<u64>,
    pub last: Option<u64>,
    /// Places without a row that nothing explains.
    pub gaps: u64,
    /// Places whose rows retention has removed or moved under a certificate.
    pub certified: u64,
}

/// Looks at the places between the first and the last event of the period.
pub(super) fn span(making: &Making) -> &Span {
    making.span.get_or_init(|| look(making))
}

fn look(making: &Making) -> Span {
    let counts = making.whole();
    let number = |value: &serde_json::Value| value.as_u64();
    let events = number(&counts["metrics"]["events"]).unwrap_or(0);
    let (first, last) = (number(&counts["first"]), number(&counts["last"]));
    let mut span = Span {
        events,
        first,
        last,
        gaps: 0,
        certified: 0,
    };
    let (Some(first), Some(last)) = (first, last) else {
        return span;
    };
    // As many events as places: then there is nothing to be looked for.
    if last - first + 1 == events {
        return span;
    }
    let missing = report_reads::holes(first, last);
    let holes: u64 = missing.iter().map(|(first, last)| last - first + 1).sum();
    if holes > 0 {
        let removed = verify_removed::removed(None, &mut Vec::new());
        for (first, last) in &removed.ranges {
            for hole in &missing {
                let (from, to) = ((*first).max(hole.0), (*last).min(hole.1));
                span.certified += (to + 1).saturating_sub(from);
            }
        }
    }
    span.gaps = holes - span.certified;
    span
}

/// The same as evidence.
pub(super) fn segments(making: &Making) -> Vec<ChainSegment> {
    let span = span(making);
    let (Some(first), Some(last)) = (span.first, span.last) else {
        return Vec::new();
    };
    let asked = &making.asked;
    let verified = report_reads::verified(asked.asked_at);
    let anchor = (report_reads::anchors().into_iter()).find(|(_, _, _, size)| size.is_some_and(|size| size > last));
    let segment = ChainSegment {
        segment: "the period".to_owned(),
        from_log_index: first,
        to_log_index: last,
        records: last - first + 1 - span.gaps - span.certified,
        gaps: span.gaps,
        certified: span.certified,
        head_hash: report_reads::head_hash(last as i64 + 1).map(|hash| hex(&hash)),
        signature_valid: making.proof.as_ref().map(|proof| proof.size > last),
        anchor_matches: anchor.as_ref().map(|(_, _, state, _)| state != "differs"),
        anchor: anchor.map(|(name, ..)| name),
        verified_at: verified.as_ref().map(|(at, ..)| Moment(*at)),
        // What was not reached yet is not verified: no verdict.
        result: verified.and_then(|(_, size, findings, first)| match (findings, size > last) {
            (0, true) => Some("clean".to_owned()),
            (0, false) => None,
            (n, _) => Some(format!("{n} findings, the first: {}", first.unwrap_or_default())),
        }),
    };
    vec![segment]
}
