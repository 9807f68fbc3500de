//! The chain: its parts, verifications, and what binds people and nodes.

use super::table::Row;
use crate::framework::period::Moment;
use serde::{Deserialize, Serialize};

/// A part of the log, checked as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSegment {
    /// Its name: a partition, or a range.
    pub segment: String,
    /// First place.
    pub from_log_index: u64,
    /// Last place.
    pub to_log_index: u64,
    /// Rows that it has.
    pub records: u64,
    /// Places without a row that no certificate explains.
    pub gaps: u64,
    /// Places whose rows were removed or moved away under a certificate.
    pub certified: u64,
    /// Hash of the chain at its end, hexadecimal.
    #[serde(default)]
    pub head_hash: Option<String>,
    /// Is the signature of the checkpoint valid that covers it? None: no checkpoint covers it.
    #[serde(default)]
    pub signature_valid: Option<bool>,
    /// The place outside that has a checkpoint which covers it.
    #[serde(default)]
    pub anchor: Option<String>,
    /// Does the log agree with that checkpoint? None: there is none.
    #[serde(default)]
    pub anchor_matches: Option<bool>,
    /// When it was verified last.
    #[serde(default)]
    pub verified_at: Option<Moment>,
    /// What the verification found: `clean`, or what is wrong in words.
    #[serde(default)]
    pub result: Option<String>,
}

impl Row for ChainSegment {
    const TABLE: &'static str = "segments";
    const CAPTION: &'static str = "Parts of the log";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("segment", "Segment"),
        ("from_log_index", "From"),
        ("to_log_index", "To"),
        ("records", "Records"),
        ("gaps", "Gaps"),
        ("certified", "Certified"),
        ("head_hash", "Hash at its end"),
        ("signature_valid", "Signature valid"),
        ("anchor", "Anchor"),
        ("anchor_matches", "Agrees with anchor"),
        ("verified_at", "Verified"),
        ("result", "Result"),
    ];
}

/// A verification of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// When it ended.
    pub verified_at: Moment,
    /// First place that it covers.
    pub from_log_index: u64,
    /// Last place that it covers.
    pub to_log_index: u64,
    /// Rows that were read.
    pub records: u64,
    /// `clean`, or what is wrong in words.
    pub result: String,
}

impl Row for Verification {
    const TABLE: &'static str = "verifications";
    const CAPTION: &'static str = "Verifications";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("verified_at", "Verified"),
        ("from_log_index", "From"),
        ("to_log_index", "To"),
        ("records", "Records"),
        ("result", "Result"),
    ];
}

/// An event of a sample, with what binds it to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityBinding {
    /// Its place.
    pub log_index: u64,
    /// Its actor.
    #[serde(rename = "actor.id")]
    #[serde(default)]
    pub actor_id: Option<String>,
    /// What proves the actor: a token's issuer and number, or the method of a login of the person's own.
    #[serde(default)]
    pub authn_assertion: Option<String>,
    /// The key that signs the checkpoint over it.
    #[serde(default)]
    pub signature_key: Option<String>,
    /// Was the proof checked when the event was recorded, and is the event covered by a valid signature?
    pub verified: bool,
}

impl Row for IdentityBinding {
    const TABLE: &'static str = "identities";
    const CAPTION: &'static str = "Events and who vouches for their actor";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("log_index", "log_index"),
        ("actor.id", "Actor"),
        ("authn_assertion", "Proof of identity"),
        ("signature_key", "Key"),
        ("verified", "Verified"),
    ];
}

/// The log of a database or node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeTrail {
    /// Its name.
    pub node: String,
    /// First place of the period.
    pub from_log_index: u64,
    /// Last place of the period.
    pub to_log_index: u64,
    /// Its events in the period.
    pub records: u64,
    /// Events whose order the merge could not tell within the tolerance.
    pub out_of_order: u64,
    /// Largest measured difference of its clock to the others, in milliseconds.
    #[serde(default)]
    pub skew_ms: Option<f64>,
    /// What is tolerated, in milliseconds.
    pub tolerance_ms: f64,
}

impl Row for NodeTrail {
    const TABLE: &'static str = "nodes";
    const CAPTION: &'static str = "Logs of the nodes";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("node", "Node"),
        ("from_log_index", "From"),
        ("to_log_index", "To"),
        ("records", "Records"),
        ("out_of_order", "Out of order"),
        ("skew_ms", "Skew (ms)"),
        ("tolerance_ms", "Tolerance (ms)"),
    ];
}
