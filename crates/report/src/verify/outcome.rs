//! What a verification has found.

use serde_json::{Value, json};

use super::Given;
use crate::model::Report;

/// Findings that are kept; more are counted.
const MAX_FINDINGS: usize = 100;

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind: `file`, `manifest`, `checkpoint`, `sample`, `count`, `pdf` or `seal`.
    pub kind: &'static str,
    /// Where and what, without a full stop.
    pub detail: String,
}

/// What is known of the PDF's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// This program makes the same bytes of `report.json`.
    Same,
    /// The log names the PDF: it is the one that was made.
    Sealed,
    /// Nothing.
    Unknown,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Verified {
    /// The report, when it can be read.
    pub report: Option<Report>,
    /// Who has signed the checkpoints: the log, and witnesses.
    pub signed_by: Vec<String>,
    /// The size of the report's checkpoint, when it is to be believed.
    pub checkpoint_size: Option<u64>,
    /// Sampled events.
    pub samples: u64,
    /// Sampled events that are in the signed log and shown as they are.
    pub samples_proven: u64,
    /// What is known of the PDF; `None` when none was given, or another was found.
    pub pages: Option<Pages>,
    /// The place of the event `auditlog.report` by which the log names this report; `None` when nothing shows it.
    pub sealed_at: Option<u64>,
    /// What does not fit.
    pub findings: Vec<Finding>,
    /// How many findings were not kept.
    pub further: u64,
    /// What this says nothing about, and why.
    pub not_checked: Vec<String>,
}

impl Verified {
    /// Does everything fit that was given?
    pub fn fits(&self) -> bool {
        self.findings.is_empty()
    }

    /// Is it the report that the log has sealed, in every byte?
    pub fn is_sealed(&self) -> bool {
        self.fits() && self.sealed_at.is_some()
    }

    /// Adds a finding.
    pub fn find(&mut self, kind: &'static str, detail: impl Into<String>) {
        if self.findings.len() < MAX_FINDINGS {
            let detail = detail.into();
            self.findings.push(Finding { kind, detail });
        } else {
            self.further += 1;
        }
    }

    pub(super) fn findings_in_all(&self) -> u64 {
        self.findings.len() as u64 + self.further
    }

    /// Says once what was not checked.
    pub(super) fn leave_open(&mut self, what: String) {
        if !self.not_checked.contains(&what) {
            self.not_checked.push(what);
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let report = self.report.as_ref().map(|report| {
            json!({
                "report_id": report.report_id,
                "kind": report.kind,
                "title": report.title,
                "definition": report.definition.id,
                "since": report.since,
                "until": report.until,
                "made_by": report.made_by,
                "made_at": report.made_at,
                "origin": report.integrity.origin,
                "log_size": report.integrity.log_size,
            })
        });
        json!({
            "format": "pg_auditlog-verify-report/1",
            "fits": self.fits(),
            "sealed": self.is_sealed(),
            "sealed_at": self.sealed_at,
            "report": report,
            "signed_by": self.signed_by,
            "checkpoint_size": self.checkpoint_size,
            "samples": self.samples,
            "samples_proven": self.samples_proven,
            "pages": self.pages.map(|pages| match pages {
                Pages::Same => "same",
                Pages::Sealed => "sealed",
                Pages::Unknown => "unknown",
            }),
            "findings": self.findings.iter()
                .map(|finding| json!({"kind": finding.kind, "detail": finding.detail}))
                .collect::<Vec<_>>(),
            "further_findings": self.further,
            "not_checked": self.not_checked,
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        if let Some(report) = &self.report {
            let shown = |text: &str| text.escape_debug().to_string();
            out += &format!(
                "report {} of {}: {}\n  {} to {}, made by {} at {}\n  of the log's first {} events, {} sampled events of which {} \
                 are proven\n",
                report.report_id,
                shown(&report.integrity.origin),
                shown(&report.title),
                shown(&report.since),
                shown(&report.until),
                shown(&report.made_by),
                shown(&report.made_at),
                report.integrity.log_size,
                self.samples,
                self.samples_proven
            );
        }
        for name in &self.signed_by {
            out += &format!("  signed by {name}\n");
        }
        for finding in &self.findings {
            out += &format!("finding: {}: {}\n", finding.kind, finding.detail);
        }
        if self.further > 0 {
            out += &format!("finding: {} more\n", self.further);
        }
        if !self.not_checked.is_empty() {
            out += "not checked:\n";
        }
        for open in &self.not_checked {
            out += &format!("  {open}\n");
        }
        out + &self.verdict()
    }

    fn verdict(&self) -> String {
        match (self.fits(), self.sealed_at) {
            (false, _) => "NOT verified\n".to_owned(),
            (true, Some(place)) => format!(
                "verified: this is, byte for byte, the report that the log has sealed in its event {place}\n"
            ),
            (true, None) => "verified: the files fit each other, and the sampled events are in the signed log as shown; not \
                             sealed: without a proof, figures that are no sample may have been changed in all files alike\n"
                .to_owned(),
        }
    }
}

/// Says what was not checked because it was not given, and finds that nothing ties the report to the log.
pub(super) fn say_what_is_open(given: &Given<'_>, verified: &mut Verified) {
    let sealed = verified.sealed_at.is_some();
    if let Some(report) = &verified.report
        && report.integrity.checkpoint.is_none()
    {
        if sealed {
            verified.leave_open("the samples' proofs: the report has no signed checkpoint".to_owned());
        } else {
            verified.find(
                "checkpoint",
                "the report has no signed checkpoint, and no proof was given: nothing ties it to the log",
            );
        }
    }
    let absent = [
        (given.csv.is_none(), "report.csv: it was not given"),
        (given.manifest.is_none() && !sealed, "manifest.json: it was not given"),
        (given.pdf.is_none(), "the PDF: it was not given"),
        (
            given.proof.is_none(),
            "that the log has sealed this report: no proof was given (auditlog.report_proof)",
        ),
        (
            verified.pages == Some(Pages::Unknown),
            "that the pages of the PDF say what report.json says: give the proof, by which the log names the PDF",
        ),
    ];
    for (_, what) in absent.iter().filter(|(open, _)| *open) {
        verified.leave_open((*what).to_owned());
    }
}
