//! How long events are kept.

use super::table::Row;
use crate::framework::period::Moment;
use serde::{Deserialize, Serialize};

/// A class of events and how long it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRow {
    /// Its name.
    pub class: String,
    /// Requirements that the policy names for it.
    #[serde(default)]
    pub classification: Vec<String>,
    /// Time of its oldest event; none when it has none.
    #[serde(default)]
    pub oldest_record: Option<Moment>,
    /// Time of its newest event.
    #[serde(default)]
    pub newest_record: Option<Moment>,
    /// The policy in words.
    pub policy: String,
    /// Days for which the policy keeps events; none for ever.
    #[serde(default)]
    pub policy_days: Option<u32>,
    /// Days for which the policy keeps events searchable; none for ever.
    #[serde(default)]
    pub online_policy_days: Option<u32>,
    /// The longest minimum of its requirements, in days.
    #[serde(default)]
    pub required_days: Option<u32>,
    /// The shortest maximum of its requirements, in days; none without.
    #[serde(default)]
    pub maximum_days: Option<u32>,
    /// Age in days, at its removal, of the youngest event that was removed in the period; none when none was.
    #[serde(default)]
    pub removed_after_days: Option<u32>,
    /// The same for events that were moved to where they can't be searched at once.
    #[serde(default)]
    pub archived_after_days: Option<u32>,
    /// Age of its oldest event that is still there, in days.
    pub actual_days: u32,
    /// Age of its oldest event that can be searched at once, in days.
    pub online_days: u32,
    /// Does a hold keep some of it?
    pub legal_hold: bool,
    /// Removals without a policy or a certificate.
    pub unapproved_purges: u64,
    /// Its state in words.
    pub state: String,
}

impl Row for RetentionRow {
    const TABLE: &'static str = "retention";
    const CAPTION: &'static str = "Retention";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("class", "Class"),
        ("classification", "Classification"),
        ("oldest_record", "Oldest"),
        ("newest_record", "Newest"),
        ("policy", "Policy"),
        ("policy_days", "Kept by policy (days)"),
        ("online_policy_days", "Searchable by policy (days)"),
        ("required_days", "Required (days)"),
        ("maximum_days", "Maximum (days)"),
        ("removed_after_days", "Removed after (days)"),
        ("archived_after_days", "Archived after (days)"),
        ("actual_days", "Kept (days)"),
        ("online_days", "Searchable (days)"),
        ("legal_hold", "Held"),
        ("unapproved_purges", "Unapproved removals"),
        ("state", "State"),
    ];
}
