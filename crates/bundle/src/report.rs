//! What a verification says: for people, and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use auditlog_core::document::format_timestamp;
use auditlog_tlog::Hash;
use serde_json::{Value, json};

use crate::certificate::Certificate;
use crate::finding::{Finding, plain};
use crate::manifest::Selection;

/// The result of a verification.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The log's origin, by the checkpoint.
    pub origin: String,
    /// The entries of the checkpoint's tree.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The auditor's keys that have signed the checkpoint.
    pub signed_by: Vec<String>,
    /// The policy's witnesses that have cosigned it, and when, in seconds since 1970.
    pub cosigned_by: Vec<(String, u64)>,
    /// Which events were asked for, by the manifest; `None` for all.
    pub selection: Option<Selection>,
    /// Records in the bundle.
    pub events: u64,
    /// Those that are what the checkpoint's tree has at their place.
    pub proven: u64,
    /// Events that are not there and need not be, by a certificate.
    pub covered: u64,
    /// Events of which values were erased.
    pub redacted_events: u64,
    /// The values that were erased.
    pub redacted_values: u64,
    /// Events of a selection of which values were erased, and no erasure event in it tells of it.
    pub redacted_untold: u64,
    /// Older checkpoints in the bundle that were compared with the tree.
    pub checkpoints: u64,
    /// Those that no key of the auditor's has signed.
    pub checkpoints_of_unknown_keys: u64,
    /// Those of other logs.
    pub checkpoints_of_other_logs: u64,
    /// Checkpoints that the auditor brought.
    pub known: usize,
    /// Whether the auditor has a policy of witnesses.
    pub policy_given: bool,
    /// Keys in the manifest that the auditor did not bring.
    pub untrusted_keys: Vec<String>,
    /// Certificates in the bundle.
    pub certificates: u64,
    /// Those of which a selection does not have the event that tells of them: nothing was made of them.
    pub certificates_open: u64,
    /// What those that fit say was removed, by policy and class.
    pub removed: BTreeMap<(String, String), Removed>,
    /// All findings.
    pub findings: Vec<Finding>,
}

/// What certificates of one policy and class say was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// How many certificates.
    pub certificates: u64,
    /// How many events.
    pub events: u64,
    /// The earliest `timestamp` that they may have had.
    pub from: i64,
    /// They were all before this.
    pub until: i64,
}

impl Report {
    /// Counts a certificate that fits.
    pub(crate) fn accept(&mut self, certificate: &Certificate) {
        let key = (certificate.policy.clone(), certificate.retention_class.clone());
        let removed = self.removed.entry(key).or_insert(Removed {
            certificates: 0,
            events: 0,
            from: certificate.from,
            until: certificate.until,
        });
        removed.certificates += 1;
        removed.events += certificate.events;
        removed.from = removed.from.min(certificate.from);
        removed.until = removed.until.max(certificate.until);
    }

    /// Whether the bundle proves itself.
    pub fn proven(&self) -> bool {
        self.findings.is_empty()
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "format": "pg_auditlog-verify/1",
            "verdict": if self.proven() { "proven" } else { "findings" },
            "origin": self.origin,
            "size": self.size,
            "root": hex(&self.root),
            "signed_by": self.signed_by,
            "cosigned_by": self.cosigned_by.iter()
                .map(|(name, time)| json!({"name": name, "time": time})).collect::<Vec<_>>(),
            "selection": self.selection,
            "events": self.events,
            "proven": self.proven,
            "covered": self.covered,
            "redacted": {
                "events": self.redacted_events,
                "values": self.redacted_values,
                "untold": self.redacted_untold,
            },
            "checkpoints": {
                "checked": self.checkpoints,
                "unknown_keys": self.checkpoints_of_unknown_keys,
                "other_logs": self.checkpoints_of_other_logs,
                "given": self.known,
            },
            "certificates": {
                "found": self.certificates,
                "open": self.certificates_open,
                "removed": self.removed.iter().map(removed).collect::<Vec<_>>(),
            },
            "untrusted_keys": self.untrusted_keys,
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
            "not_proven": self.not_proven(),
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        if self.proven() {
            let _ = writeln!(out, "PROVEN: {}", self.what_is_proven());
        } else {
            let count = self.findings.len();
            let _ = writeln!(out, "NOT PROVEN: {count} finding{}", if count == 1 { "" } else { "s" });
            for finding in &self.findings {
                let _ = writeln!(out, "  {finding}");
            }
            if self.size > 0 {
                let _ = writeln!(out, "{} of {} events are proven.", self.proven, self.events);
            }
        }
        for key in &self.signed_by {
            let _ = writeln!(out, "  signed by {key}");
        }
        for (name, time) in &self.cosigned_by {
            let time = format_timestamp(i64::try_from(*time).unwrap_or(i64::MAX / 1_000_000) * 1_000_000);
            let _ = writeln!(out, "  cosigned by {name} at {time}");
        }
        if self.checkpoints > 0 {
            let _ = writeln!(
                out,
                "  {} checkpoints in the bundle are signed by your keys and were compared with this tree",
                self.checkpoints
            );
        }
        if self.known > 0 {
            let _ = writeln!(
                out,
                "  {} checkpoints that you have kept were compared with this tree",
                self.known
            );
        }
        if self.redacted_values > 0 {
            let _ = writeln!(
                out,
                "  {} events verify with {} values redacted: those were erased, only their commitments are left",
                self.redacted_events, self.redacted_values
            );
        }
        self.write_removed(&mut out);
        let _ = writeln!(out, "What this does not prove:");
        for line in self.not_proven() {
            let _ = writeln!(out, "  - {line}");
        }
        out
    }

    fn write_removed(&self, out: &mut String) {
        if self.covered > 0 {
            let _ = writeln!(
                out,
                "  {} events are not there, and certificates say why:",
                self.covered
            );
        }
        for ((policy, class), removed) in &self.removed {
            let _ = writeln!(
                out,
                "  policy «{}» has removed {} events of the class «{}» from {} until {} ({} certificates)",
                plain(policy),
                removed.events,
                plain(class),
                format_timestamp(removed.from),
                format_timestamp(removed.until),
                removed.certificates
            );
        }
    }

    fn what_is_proven(&self) -> String {
        let (origin, root) = (self.origin.escape_debug(), hex(&self.root));
        match &self.selection {
            None if self.covered > 0 => format!(
                "all {} events of the log «{origin}» that retention has left are there, unchanged and in their order (root {root})",
                self.size - self.covered
            ),
            None => format!(
                "all {} events of the log «{origin}» are there, unchanged and in their order (root {root})",
                self.size
            ),
            Some(_) => format!(
                "{} of {} events of the log «{origin}», all proven: each is unchanged and at its place (root {root})",
                self.events, self.size
            ),
        }
    }

    /// What the verification leaves open, in plain words.
    pub fn not_proven(&self) -> Vec<String> {
        let mut open = Vec::new();
        if self.policy_given {
            if self.cosigned_by.is_empty() {
                open.push("no witness has cosigned: a fork shown to others is not excluded".to_owned());
            }
        } else {
            open.push("no witness policy given: a fork shown to others is not excluded".to_owned());
        }
        if self.known == 0 {
            let text = "no older checkpoint given: that the log was rewritten by the holder of its key, or cut and continued, before this checkpoint is not excluded";
            open.push(text.to_owned());
        }
        if self.selection.is_some() {
            open.push(
                "a selection: that the events that are not in it do not belong to the query is not proven".to_owned(),
            );
        }
        if self.checkpoints_of_unknown_keys > 0 {
            let count = self.checkpoints_of_unknown_keys;
            open.push(format!("{count} checkpoints in the bundle are signed only by keys that you did not give: give the keys of before a rotation as well"));
        }
        if self.checkpoints_of_other_logs > 0 {
            let count = self.checkpoints_of_other_logs;
            open.push(format!(
                "{count} checkpoints in the bundle are of other logs and were not looked at"
            ));
        }
        if !self.untrusted_keys.is_empty() {
            let keys = self.untrusted_keys.join(", ");
            open.push(format!(
                "the bundle names keys that you did not give, and they were not used: {keys}"
            ));
        }
        if !self.removed.is_empty() {
            open.push(
                "what the removed events were: that they were of the class, types and time that the certificates say, and that no legal hold covered them, is the operator's word".to_owned(),
            );
        }
        if self.certificates_open > 0 {
            open.push(format!(
                "{} certificates are told of by events that are not in the selection: nothing was made of them",
                self.certificates_open
            ));
        }
        if self.redacted_untold > 0 {
            open.push(format!(
                "that the log tells of the erasure in {} events: no event auditlog.erasure in the selection names them; the whole log shows it",
                self.redacted_untold
            ));
        }
        open.push("events that happened after the checkpoint, and what was never recorded".to_owned());
        open.push("sealed_at, the time of sealing, is not hashed".to_owned());
        open
    }
}

fn removed(((policy, class), removed): (&(String, String), &Removed)) -> Value {
    json!({
        "policy": policy,
        "retention_class": class,
        "certificates": removed.certificates,
        "events": removed.events,
        "from": format_timestamp(removed.from),
        "until": format_timestamp(removed.until),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "kind": finding.kind.label(),
        "log_index": finding.log_index,
        "count": finding.count,
        "event_id": finding.event_id,
        "file": finding.file,
        "detail": finding.detail,
    })
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}"); // writing to a String cannot fail
    }
    out
}
