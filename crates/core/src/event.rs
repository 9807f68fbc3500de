//! An event as the application gives it: typed columns plus `extra` for all that has no column.

use crate::json::Json;
use std::net::IpAddr;

/// How grave an event is; ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Severity {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
}

impl Severity {
    /// All of them, in order.
    pub const ALL: [Severity; 6] = [
        Severity::Debug,
        Severity::Info,
        Severity::Notice,
        Severity::Warning,
        Severity::Error,
        Severity::Critical,
    ];

    /// The label, as in JSON and in the SQL enum `auditlog.severity`.
    pub fn label(self) -> &'static str {
        match self {
            Severity::Debug => "debug",
            Severity::Info => "info",
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Critical => "critical",
        }
    }

    /// The severity with this label.
    pub fn from_label(label: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|s| s.label() == label)
    }
}

/// An IP address with prefix length in bits, like PostgreSQL's `inet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inet {
    /// The address.
    pub address: IpAddr,
    /// Prefix length: 0–32 or 0–128.
    pub bits: u8,
}

/// What a caller may say of an event. Provenance, hashes and `recorded_at` are set by the trigger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the names are those of columns.rs and of the public document
pub struct Event {
    pub event_id: Option<String>,
    /// Microseconds since the Unix epoch.
    pub timestamp: Option<i64>,
    pub event_type: Option<String>,
    pub severity: Option<Severity>,
    pub tenant: Option<String>,
    pub idempotency_key: Option<String>,
    pub operation: Option<String>,
    pub status: Option<String>,
    pub method: Option<String>,
    pub actor_type: Option<String>,
    pub actor_id: Option<String>,
    pub actor_email: Option<String>,
    pub actor_ip: Option<Inet>,
    pub actor_user_agent: Option<String>,
    pub actor_session_id: Option<String>,
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
    pub cloud_provider: Option<String>,
    pub account_id: Option<String>,
    pub region: Option<String>,
    pub resource_tags: Option<Json>,
    pub before: Option<Json>,
    pub after: Option<Json>,
    pub request_id: Option<String>,
    pub tags: Option<Vec<String>>,
    /// Everything of the document that has no column, or whose column cannot hold it unchanged:
    /// merging it over the columns' document gives the original back.
    pub extra: Option<Json>,
}
