//! The block that an auditor tests first: is the log complete and unchanged?

use super::{Making, chain};
use crate::store::{checkpoints, report_reads};
use auditlog_core::document::format_timestamp;
use auditlog_core::erase::hex;
use auditlog_report::model::{Anchor, Integrity};

/// The block of a report.
pub(super) fn of(making: &Making) -> Integrity {
    let asked = &making.asked;
    let span = chain::span(making);
    let verified = report_reads::verified(asked.asked_at);
    let origin = checkpoints::incarnation().map(|now| now.origin);
    Integrity {
        origin: origin.unwrap_or_else(|| checkpoints::default_origin(1)),
        log_size: asked.log_size as u64,
        first_log_index: span.first,
        last_log_index: span.last,
        events: span.events,
        gaps: span.gaps,
        certified: span.certified,
        head_hash: report_reads::head_hash(asked.log_size)
            .map(|hash| hex(&hash))
            .unwrap_or_default(),
        checkpoint: making.proof.as_ref().map(|proof| proof.note.clone()),
        anchors: (report_reads::anchors().into_iter())
            .map(|(name, kind, state, size)| Anchor {
                name,
                kind: if kind == "witness" { "witness" } else { "sink" }.to_owned(),
                state,
                size,
            })
            .collect(),
        verified_at: verified.as_ref().map(|(at, ..)| format_timestamp(*at)),
        // What came later is not what the report is about.
        verified_events: verified
            .as_ref()
            .map(|(_, size, ..)| (*size).min(asked.log_size as u64)),
        verified_result: match verified {
            None => "not verified in the background: auditlog.verify_interval".to_owned(),
            Some((_, _, 0, _)) => "clean".to_owned(),
            Some((_, _, findings, first)) => format!("{findings} findings, the first: {}", first.unwrap_or_default()),
        },
        clock_offset_ms: report_reads::clock_offset(asked.asked_at),
    }
}
