//! The fields of an event as the formats ask for them.

use auditlog_bundle::Record;
use auditlog_core::columns::COLUMNS;
use auditlog_core::decode::decode_plain;
use auditlog_core::encode::{Value, Values};
use auditlog_core::event::Severity;

use crate::binary;
use crate::error::FormatError;

/// Positions of columns, found when this is compiled.
pub(crate) mod at {
    use super::COLUMNS;

    const fn same(a: &[u8], b: &[u8]) -> bool {
        if a.len() != b.len() {
            return false;
        }
        let mut at = 0;
        while at < a.len() {
            if a[at] != b[at] {
                return false;
            }
            at += 1;
        }
        true
    }

    const fn column(name: &str) -> usize {
        let mut at = 0;
        while !same(COLUMNS[at].name.as_bytes(), name.as_bytes()) {
            at += 1;
        }
        at
    }

    pub(crate) const TIMESTAMP: usize = column("timestamp");
    pub(crate) const RECORDED_AT: usize = column("recorded_at");
    pub(crate) const DB_XID: usize = column("db_xid");
    pub(crate) const SEVERITY: usize = column("severity");
    pub(crate) const EVENT_ID: usize = column("event_id");
    pub(crate) const EVENT_TYPE: usize = column("event_type");
    pub(crate) const CATEGORY: usize = column("category");
    pub(crate) const OPERATION: usize = column("operation");
    pub(crate) const STATUS: usize = column("status");
    pub(crate) const METHOD: usize = column("method");
    pub(crate) const TENANT: usize = column("tenant");
    pub(crate) const IDEMPOTENCY_KEY: usize = column("idempotency_key");
    pub(crate) const ACTOR_TYPE: usize = column("actor_type");
    pub(crate) const ACTOR_ID: usize = column("actor_id");
    pub(crate) const ACTOR_EMAIL: usize = column("actor_email");
    pub(crate) const ACTOR_IP: usize = column("actor_ip");
    pub(crate) const ACTOR_USER_AGENT: usize = column("actor_user_agent");
    pub(crate) const ACTOR_SESSION_ID: usize = column("actor_session_id");
    pub(crate) const RESOURCE_TYPE: usize = column("resource_type");
    pub(crate) const RESOURCE_ID: usize = column("resource_id");
    pub(crate) const CLOUD_PROVIDER: usize = column("cloud_provider");
    pub(crate) const ACCOUNT_ID: usize = column("account_id");
    pub(crate) const REGION: usize = column("region");
    pub(crate) const RESOURCE_TAGS: usize = column("resource_tags");
    pub(crate) const BEFORE: usize = column("before");
    pub(crate) const AFTER: usize = column("after");
    pub(crate) const REQUEST_ID: usize = column("request_id");
    pub(crate) const TAGS: usize = column("tags");
    pub(crate) const EXTRA: usize = column("extra");
    pub(crate) const DB_SESSION_USER: usize = column("db_session_user");
    pub(crate) const DB_CURRENT_USER: usize = column("db_current_user");
    pub(crate) const DB_CLIENT_ADDR: usize = column("db_client_addr");
    pub(crate) const DB_APPLICATION: usize = column("db_application");
    pub(crate) const PERSONAL: usize = column("personal");
}

/// How something ended, as the SIEM's schemas tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Failure,
    /// The status is there and says neither.
    Other,
    /// There is no status.
    Unknown,
}

/// An event whose values have been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) record: &'a Record<'a>,
    pub(crate) values: Values<'a>,
}

impl<'a> Fields<'a> {
    pub(crate) fn read(record: &'a Record<'a>) -> Result<Self, FormatError> {
        let values = decode_plain(record.values)?;
        Ok(Self { record, values })
    }

    /// The text of a column; nothing when it is NULL.
    #[inline]
    pub(crate) fn text(&self, at: usize) -> Option<&'a [u8]> {
        match self.values[at] {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a column that is neither NULL nor empty.
    pub(crate) fn word(&self, at: usize) -> Option<&'a [u8]> {
        self.text(at).filter(|text| !text.is_empty())
    }

    /// The first of some columns that is neither NULL nor empty.
    pub(crate) fn first_word(&self, columns: &[usize]) -> Option<&'a [u8]> {
        columns.iter().find_map(|at| self.word(*at))
    }

    /// The whole number, or the moment in microseconds since 1970, of a column.
    pub(crate) fn integer(&self, at: usize) -> Option<i64> {
        match self.values[at] {
            Value::Int(value) => Some(value),
            _ => None,
        }
    }

    /// When it happened, in microseconds since 1970. Every event has a `timestamp`; of a row that was touched it is
    /// when it was sealed.
    pub(crate) fn time(&self) -> i64 {
        self.integer(at::TIMESTAMP).unwrap_or(self.record.sealed_at)
    }

    /// The network address of a column: prefix length in bits, 4 or 16 bytes.
    pub(crate) fn address(&self, at: usize) -> Option<(u8, &'a [u8])> {
        match self.values[at] {
            Value::Inet(bits, address) => Some((bits, address)),
            _ => None,
        }
    }

    /// The address of a single host: not of a network.
    pub(crate) fn host(&self, at: usize) -> Option<(u8, &'a [u8])> {
        self.address(at)
            .filter(|(bits, address)| usize::from(*bits) == 8 * address.len())
    }

    /// The canonical JSON of a column.
    pub(crate) fn json(&self, at: usize) -> Option<&'a [u8]> {
        match self.values[at] {
            Value::Json(json) => Some(json),
            _ => None,
        }
    }

    /// The payload of a column that is a list of texts.
    pub(crate) fn list(&self, at: usize) -> Option<&'a [u8]> {
        match self.values[at] {
            Value::TextArray(payload) => Some(payload),
            _ => None,
        }
    }

    /// A text of the event's `metadata` that has no column.
    pub(crate) fn metadata(&self, key: &str) -> Option<&'a [u8]> {
        let value = binary::get(self.json(at::EXTRA)?, &["metadata", key])?;
        binary::text(value).filter(|text| !text.is_empty())
    }

    /// The event's type; empty when there is none.
    pub(crate) fn event_type(&self) -> &'a [u8] {
        self.text(at::EVENT_TYPE).unwrap_or_default()
    }

    /// The event's severity; `info` when it has none that we know.
    pub(crate) fn severity(&self) -> Severity {
        self.text(at::SEVERITY)
            .and_then(|label| std::str::from_utf8(label).ok())
            .and_then(Severity::from_label)
            .unwrap_or(Severity::Info)
    }

    /// What the status says of the outcome.
    pub(crate) fn outcome(&self) -> Outcome {
        const SUCCESS: [&str; 12] = [
            "success",
            "succeeded",
            "successful",
            "ok",
            "allow",
            "allowed",
            "granted",
            "complete",
            "completed",
            "passed",
            "permitted",
            "accepted",
        ];
        const FAILURE: [&str; 15] = [
            "failed",
            "failure",
            "fail",
            "denied",
            "deny",
            "error",
            "errored",
            "refused",
            "rejected",
            "blocked",
            "forbidden",
            "unauthorized",
            "aborted",
            "timeout",
            "cancelled",
        ];
        let Some(status) = self.word(at::STATUS) else {
            return Outcome::Unknown;
        };
        let is = |word: &&str| status.eq_ignore_ascii_case(word.as_bytes());
        if SUCCESS.iter().any(is) {
            Outcome::Success
        } else if FAILURE.iter().any(is) {
            Outcome::Failure
        } else {
            Outcome::Other
        }
    }
}
