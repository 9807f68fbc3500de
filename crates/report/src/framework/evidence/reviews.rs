//! Reviews of the log.

use super::table::Row;
use crate::framework::period::Moment;
use serde::{Deserialize, Serialize};

/// A review of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// What it covers, from here ...
    pub period_start: Moment,
    /// ... until before here.
    pub period_end: Moment,
    /// Classifications that it is confined to; empty for the whole log.
    #[serde(default)]
    pub classification: Vec<String>,
    /// Who.
    pub reviewer: String,
    /// Events that it covers.
    pub events_in_scope: u64,
    /// Exceptions that it found.
    pub exceptions: u64,
    /// When it was signed; none while it is open.
    #[serde(default)]
    pub signed_off_at: Option<Moment>,
    /// What it was signed with: hash of the event of the sign-off.
    #[serde(default)]
    pub signature: Option<String>,
}

impl Row for Review {
    const TABLE: &'static str = "reviews";
    const CAPTION: &'static str = "Reviews";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("period_start", "From"),
        ("period_end", "Until"),
        ("classification", "Classification"),
        ("reviewer", "Reviewer"),
        ("events_in_scope", "Events"),
        ("exceptions", "Exceptions"),
        ("signed_off_at", "Signed off"),
        ("signature", "Signature"),
    ];
}
