//! Alerts and their rules.

use super::table::Row;
use crate::framework::period::Moment;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An alert that fired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRow {
    /// When.
    pub fired_at: Moment,
    /// Name of its rule.
    pub rule: String,
    /// As the log names severities: `warning`, `error`, `critical`.
    pub severity: String,
    /// Tags of its rule.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whom it is about.
    #[serde(rename = "actor.id")]
    #[serde(default)]
    pub actor_id: Option<String>,
    /// What it is about.
    #[serde(rename = "resource.id")]
    #[serde(default)]
    pub resource_id: Option<String>,
    /// When somebody took it.
    #[serde(default)]
    pub acknowledged_at: Option<Moment>,
    /// Who took it.
    #[serde(default)]
    pub acknowledged_by: Option<String>,
    /// When it was closed.
    #[serde(default)]
    pub closed_at: Option<Moment>,
    /// The verdict: `true_positive`, `false_positive`, ...
    #[serde(default)]
    pub disposition: Option<String>,
}

impl Row for AlertRow {
    const TABLE: &'static str = "alerts";
    const CAPTION: &'static str = "Alerts";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("fired_at", "Fired"),
        ("rule", "Rule"),
        ("severity", "Severity"),
        ("tags", "Tags"),
        ("actor.id", "Actor"),
        ("resource.id", "Resource"),
        ("acknowledged_at", "Acknowledged"),
        ("acknowledged_by", "By"),
        ("minutes_to_ack", "Minutes to acknowledge"),
        ("closed_at", "Closed"),
        ("disposition", "Verdict"),
    ];

    fn derived(&self, column: &str) -> Value {
        match column {
            "minutes_to_ack" => self.minutes_to_ack().map_or(Value::Null, |minutes| json!(minutes)),
            _ => Value::Null,
        }
    }
}

impl AlertRow {
    /// Minutes from the alert until somebody took it, cut down.
    pub fn minutes_to_ack(&self) -> Option<i64> {
        let taken = self.acknowledged_at?;
        Some((taken.0 - self.fired_at.0).max(0) / 60_000_000)
    }
}

/// A time for which an alert rule was on; a rule that was off between has several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleUptime {
    /// Its name.
    pub rule: String,
    /// Severity of its alerts.
    pub severity: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Since when.
    pub enabled_from: Moment,
    /// Until when; none while it is on.
    #[serde(default)]
    pub enabled_until: Option<Moment>,
    /// Runs that were left out.
    pub missed_runs: u64,
}

impl Row for RuleUptime {
    const TABLE: &'static str = "rules";
    const CAPTION: &'static str = "When alert rules were on";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("rule", "Rule"),
        ("severity", "Severity"),
        ("tags", "Tags"),
        ("enabled_from", "On from"),
        ("enabled_until", "On until"),
        ("missed_runs", "Missed runs"),
    ];
}
