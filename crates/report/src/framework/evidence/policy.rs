//! What is audited.

use super::table::Row;
use crate::framework::period::Moment;
use serde::{Deserialize, Serialize};

/// An event type and the decision on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyEventType {
    /// Its name.
    pub event_type: String,
    /// Can it be recorded?
    pub capable: bool,
    /// Is it to be recorded? None: nobody has decided.
    #[serde(default)]
    pub selected: Option<bool>,
    /// The reason.
    #[serde(default)]
    pub rationale: Option<String>,
    /// When the decision was reviewed last.
    #[serde(default)]
    pub reviewed_at: Option<Moment>,
    /// Its events in the period.
    pub count: u64,
}

impl Row for PolicyEventType {
    const TABLE: &'static str = "event_types";
    const CAPTION: &'static str = "Choice of event types";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("event_type", "Event type"),
        ("capable", "Can be recorded"),
        ("selected", "Is recorded"),
        ("rationale", "Reason"),
        ("reviewed_at", "Reviewed"),
        ("count", "Events"),
    ];
}

/// A component, or an object of it, and whether it is audited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyObject {
    /// The component: a database, a node, an application.
    pub component: String,
    /// The object; none for the component itself.
    #[serde(default)]
    pub object: Option<String>,
    /// Its classifications.
    #[serde(default)]
    pub classification: Vec<String>,
    /// Is it audited?
    pub audited: bool,
    /// By what.
    #[serde(default)]
    pub policy: Option<String>,
    /// Since when.
    #[serde(default)]
    pub enabled_since: Option<Moment>,
    /// Its last event.
    #[serde(default)]
    pub last_event_at: Option<Moment>,
}

impl Row for PolicyObject {
    const TABLE: &'static str = "coverage";
    const CAPTION: &'static str = "Coverage";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("component", "Component"),
        ("object", "Object"),
        ("classification", "Classification"),
        ("audited", "Audited"),
        ("policy", "Policy"),
        ("enabled_since", "Since"),
        ("last_event_at", "Last event"),
    ];
}
