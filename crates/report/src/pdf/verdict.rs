//! Verdicts in words and colours.

use super::style::{CRITICAL, GOOD, INFORM, NEUTRAL, Tone, WARNING};
use super::values::{counted, time, whole};
use crate::model::{Integrity, Outcome, Severity};

/// What the integrity block says in short.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub tone: Tone,
    pub headline: &'static str,
    pub sentences: Vec<String>,
}

/// Is the log complete and unchanged? Only what the report's own numbers carry is claimed.
pub(crate) fn of(integrity: &Integrity) -> Verdict {
    let clean = integrity.verified_result == "clean";
    let (tone, headline) = if integrity.gaps > 0 {
        (CRITICAL, "Incomplete: the log has unexplained gaps")
    } else if integrity.verified_at.is_some() && !clean {
        (CRITICAL, "Not intact: the last verification found differences")
    } else if integrity.verified_at.is_none() {
        (WARNING, "No gaps, but not yet verified")
    } else if integrity
        .verified_events
        .is_some_and(|events| events < integrity.events)
    {
        (WARNING, "No gaps, but only partly verified")
    } else if integrity.checkpoint.is_none() {
        (WARNING, "No gaps and verified, but without a signed checkpoint")
    } else {
        (GOOD, "Complete and unchanged")
    };
    let mut sentences = vec![span(integrity)];
    sentences.push(match integrity.gaps {
        0 if integrity.certified == 0 => "No place of the log is missing.".into(),
        0 => format!(
            "No place of the log is missing; {} removed or archived under a certificate.",
            counted(integrity.certified, "row was", "rows were")
        ),
        1 => "1 place holds no row, and no certificate explains it.".into(),
        gaps => format!("{} places hold no row, and no certificate explains them.", whole(gaps)),
    });
    sentences.push(match (&integrity.verified_at, integrity.verified_events) {
        (Some(at), Some(events)) => format!(
            "Last verified {} over {}: {}.",
            time(at),
            counted(events, "event", "events"),
            integrity.verified_result
        ),
        (Some(at), None) => format!("Last verified {}: {}.", time(at), integrity.verified_result),
        (None, _) => "No verification was run before this report.".into(),
    });
    let kept = integrity.anchors.iter().filter(|anchor| anchor.size.is_some()).count() as u64;
    sentences.push(match (integrity.checkpoint.is_some(), kept) {
        (false, _) => "There is no signed checkpoint.".into(),
        (true, 0) => "A signed checkpoint covers the log; no place outside holds it yet.".into(),
        (true, kept) => format!(
            "A signed checkpoint covers the log; checkpoints are kept in {} outside.",
            counted(kept, "place", "places")
        ),
    });
    Verdict {
        tone,
        headline,
        sentences,
    }
}

fn span(integrity: &Integrity) -> String {
    let events = counted(integrity.events, "event", "events");
    match (integrity.first_log_index, integrity.last_log_index) {
        (Some(first), Some(last)) => {
            format!("{events} in the period, log_index {} to {}.", whole(first), whole(last))
        }
        _ => format!("{events} in the period."),
    }
}

/// The word and the colours of a section's result.
pub(crate) fn outcome(outcome: Outcome) -> (&'static str, Tone) {
    match outcome {
        Outcome::Clean => ("Clean", GOOD),
        Outcome::Findings => ("Findings", WARNING),
        Outcome::NoEvidence => ("No evidence", NEUTRAL),
        Outcome::Information => ("Information", INFORM),
    }
}

/// The word and the colours of a severity.
pub(crate) fn severity(severity: Severity) -> (&'static str, Tone) {
    match severity {
        Severity::Critical => ("Critical", CRITICAL),
        Severity::Warning => ("Warning", WARNING),
        Severity::Note => ("Note", INFORM),
    }
}

/// The word for how directly the log proves a control.
pub(crate) fn directness(word: &str) -> &str {
    match word {
        "direct" => "Direct evidence",
        "supporting" => "Supporting evidence",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integrity() -> Integrity {
        Integrity {
            origin: "log".into(),
            log_size: 10,
            first_log_index: Some(1),
            last_log_index: Some(9),
            events: 9,
            gaps: 0,
            certified: 0,
            head_hash: String::new(),
            checkpoint: Some("note".into()),
            anchors: vec![],
            verified_at: Some("2026-01-01T00:00:00Z".into()),
            verified_events: Some(10),
            verified_result: "clean".into(),
            clock_offset_ms: None,
        }
    }

    #[test]
    fn only_a_verified_log_without_gaps_is_complete() {
        assert_eq!(of(&integrity()).tone, GOOD);
        assert_eq!(of(&Integrity { gaps: 1, ..integrity() }).tone, CRITICAL);
        assert_eq!(
            of(&Integrity {
                verified_result: "3 changed".into(),
                ..integrity()
            })
            .tone,
            CRITICAL
        );
        assert_eq!(
            of(&Integrity {
                verified_at: None,
                ..integrity()
            })
            .tone,
            WARNING
        );
        assert_eq!(
            of(&Integrity {
                verified_events: Some(8),
                ..integrity()
            })
            .tone,
            WARNING
        );
        assert_eq!(
            of(&Integrity {
                checkpoint: None,
                ..integrity()
            })
            .tone,
            WARNING
        );
    }
}
