//! What a verification has found.

use serde_json::{Value, json};

use crate::manifest::Manifest;

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind: `checkpoint`, `file`, `count`, `event` or `tree`.
    pub kind: &'static str,
    /// Where and what, without a full stop.
    pub detail: String,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// SHA-256 of the manifest: what the log has of it.
    pub manifest_sha256: String,
    /// What the manifest says.
    pub manifest: Manifest,
    /// Events in the files.
    pub events: u64,
    /// Places between the first and the last event that were not exported.
    pub gaps: u64,
    /// Were the events found in the tree of a signed checkpoint?
    pub in_log: bool,
    /// Who has signed the checkpoint.
    pub signed_by: Vec<String>,
    /// What does not fit.
    pub findings: Vec<Finding>,
    /// How many findings were not kept.
    pub further: u64,
}

impl Report {
    /// Does everything fit? Of formats other than `json`, that the files are those of the manifest.
    pub fn fits(&self) -> bool {
        self.findings.is_empty()
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| json!({"kind": finding.kind, "detail": finding.detail}))
            .collect();
        json!({
            "fits": self.fits(),
            "in_log": self.in_log,
            "manifest_sha256": self.manifest_sha256,
            "origin": self.manifest.origin,
            "format": self.manifest.format,
            "query": self.manifest.query,
            "events": self.events,
            "gaps": self.gaps,
            "first_log_index": self.manifest.first_log_index,
            "last_log_index": self.manifest.last_log_index,
            "log_size": self.manifest.log_size,
            "signed_by": self.signed_by,
            "findings": findings,
            "further_findings": self.further,
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        let manifest = &self.manifest;
        let mut out = format!(
            "export {} of {}\n  format {}, query «{}», asked by {} at {}\n  {} events, of the log's first {}",
            manifest.export_id,
            manifest.origin,
            manifest.format,
            manifest.query.escape_debug(),
            manifest.asked_by,
            manifest.asked_at,
            self.events,
            manifest.log_size
        );
        if let (Some(first), Some(last)) = (manifest.first_log_index, manifest.last_log_index) {
            out += &format!(", log_index {first} to {last}, {} not exported between them", self.gaps);
        }
        out += &format!("\n  manifest: SHA-256 {}\n", self.manifest_sha256);
        for finding in &self.findings {
            out += &format!("finding: {}: {}\n", finding.kind, finding.detail);
        }
        if self.further > 0 {
            out += &format!("finding: {} more\n", self.further);
        }
        out += match (self.fits(), self.in_log) {
            (true, true) => {
                "verified: the files are those of the manifest, and each event is in the signed log at its place\n"
            }
            (true, false) => {
                "verified: the files are those of the manifest; only the format json proves that the events are in the log\n"
            }
            (false, _) => "NOT verified\n",
        };
        out
    }
}
