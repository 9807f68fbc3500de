//! Hourly samples, copies outside, and fields of events.

use super::table::Row;
use crate::framework::period::Moment;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What was measured in an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthSample {
    /// When.
    pub checked_at: Moment,
    /// Where.
    pub host: String,
    /// Was auditing on?
    pub audit_enabled: bool,
    /// What the clock is set by.
    #[serde(default)]
    pub source: Option<String>,
    /// How far the clock was off, in milliseconds; none when it was not measured.
    #[serde(default)]
    pub offset_ms: Option<f64>,
    /// Is the clock synchronised? None when it was not measured.
    #[serde(default)]
    pub ntp_synchronised: Option<bool>,
    /// Events since the last sample that were recorded at an earlier time than the one before them.
    #[serde(default)]
    pub regressions: Option<u64>,
    /// Are times kept in UTC?
    #[serde(default)]
    pub utc: Option<bool>,
    /// How fine times are, in microseconds.
    #[serde(default)]
    pub granularity_us: Option<u32>,
    /// Age of the oldest event that was not chained yet, in seconds.
    #[serde(default)]
    pub sealer_lag_seconds: Option<f64>,
    /// Events that waited to be recorded.
    #[serde(default)]
    pub queue: Option<u64>,
    /// Room that the log takes.
    #[serde(default)]
    pub used_bytes: Option<u64>,
    /// Room that it may take.
    #[serde(default)]
    pub limit_bytes: Option<u64>,
    /// Growth in bytes a day, averaged over the last 30 days.
    #[serde(default)]
    pub growth_per_day: Option<f64>,
    /// Hash of the configuration of auditing.
    #[serde(default)]
    pub config_hash: Option<String>,
    /// Hash of the extension's library.
    #[serde(default)]
    pub library_hash: Option<String>,
}

impl Row for HealthSample {
    const TABLE: &'static str = "samples";
    const CAPTION: &'static str = "Samples of the state of auditing";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("checked_at", "Checked"),
        ("host", "Host"),
        ("audit_enabled", "Auditing on"),
        ("source", "Clock source"),
        ("offset_ms", "Offset (ms)"),
        ("ntp_synchronised", "Synchronised"),
        ("regressions", "Regressions"),
        ("utc", "UTC"),
        ("granularity_us", "Granularity (µs)"),
        ("sealer_lag_seconds", "Sealing lag (s)"),
        ("queue", "Queue"),
        ("used_bytes", "Used (bytes)"),
        ("limit_bytes", "Limit (bytes)"),
        ("growth_per_day", "Growth (bytes/day)"),
        ("days_to_full", "Days to full"),
        ("config_hash", "Hash of configuration"),
        ("library_hash", "Hash of library"),
    ];

    fn derived(&self, column: &str) -> Value {
        match column {
            "days_to_full" => self.days_to_full().map_or(Value::Null, |days| json!(days)),
            _ => Value::Null,
        }
    }
}

impl HealthSample {
    /// Days until the room is full at the growth that was measured; none when that is not known. A log that does not grow is never full.
    pub fn days_to_full(&self) -> Option<u64> {
        let left = self.limit_bytes?.saturating_sub(self.used_bytes?);
        let growth = self.growth_per_day?;
        // more days than anybody asks for
        let most = 36_500.0;
        let days = if growth > 0.0 {
            (left as f64 / growth).min(most)
        } else {
            most
        };
        Some(days as u64)
    }
}

/// How far a copy outside was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkSample {
    /// When.
    pub checked_at: Moment,
    /// Its name.
    pub sink: String,
    /// The last place that it has; none when it has nothing.
    #[serde(default)]
    pub last_log_index: Option<u64>,
    /// Age of the oldest event that it did not have, in seconds; none when that is not known.
    #[serde(default)]
    pub lag_seconds: Option<f64>,
    /// Failed deliveries since the last sample.
    pub failures: u64,
}

impl Row for SinkSample {
    const TABLE: &'static str = "sinks";
    const CAPTION: &'static str = "Copies outside";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("checked_at", "Checked"),
        ("sink", "Sink"),
        ("last_log_index", "Last log_index"),
        ("lag_seconds", "Lag (s)"),
        ("failures", "Failures"),
    ];
}

/// How many events have a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldPresence {
    /// Its path.
    pub field: String,
    /// Which events must have it, as the check has it; none for all.
    #[serde(default)]
    pub of: Option<String>,
    /// Events that have it.
    pub present: u64,
    /// Events that must have it.
    pub total: u64,
    /// Places of some events that lack it.
    #[serde(default)]
    pub missing_examples: Vec<u64>,
}

impl Row for FieldPresence {
    const TABLE: &'static str = "fields";
    const CAPTION: &'static str = "Fields of events";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("field", "Field"),
        ("of", "Of the events"),
        ("present", "Present"),
        ("total", "Events"),
        ("present_pct", "Present (%)"),
        ("missing_examples", "Missing, for example"),
    ];

    fn derived(&self, column: &str) -> Value {
        match column {
            "present_pct" => self.present_pct().map_or(Value::Null, |share| json!(share)),
            _ => Value::Null,
        }
    }
}

impl FieldPresence {
    /// Percent of the events that have the field, with two decimals, cut down so that 100 means all; none without events.
    pub fn present_pct(&self) -> Option<f64> {
        let hundredths = (u128::from(self.present) * 10_000).checked_div(u128::from(self.total))?;
        Some(hundredths as f64 / 100.0)
    }
}
