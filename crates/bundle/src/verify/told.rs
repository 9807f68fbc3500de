//! What the log says about itself: events of its own types, which nobody else can record. They count once
//! their record is what the tree has at its place, so that the checkpoint vouches for them.

use std::collections::{BTreeSet, HashMap};

use auditlog_core::columns::position;
use auditlog_core::decode::{decode_json, decode_plain};
use auditlog_core::encode::{Value, parse_hex};
use auditlog_core::json::Json;
use auditlog_tlog::Hash;

use super::{Check, Checks};
use crate::certificate::{EVENT_TYPE, Range};
use crate::places::Places;

/// What one event says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Personal values were erased at these places.
    Erasure(Vec<Range>),
    /// Retention has removed what the certificate with this digest says; `None` when it names none.
    Retention(Option<Hash>),
    /// Up to here the log was of this origin.
    Origin(String),
}

impl Said {
    /// What the event of this type and these plain values says; `None` for almost all events.
    #[inline]
    pub(super) fn of(event_type: &[u8], values: &[u8]) -> Option<Self> {
        let rest = event_type.strip_prefix(b"auditlog.")?;
        let metadata = || -> Option<Json> {
            let values = decode_plain(values).ok()?;
            let Value::Json(bytes) = values[position("extra")?] else {
                return None;
            };
            decode_json(bytes).ok()?.take("metadata")
        };
        match rest {
            b"erasure" => {
                let ranges = metadata().and_then(|mut metadata| metadata.take("log_indexes"));
                Some(Self::Erasure(ranges.as_ref().map(pairs).unwrap_or_default()))
            }
            b"incarnation" => Some(Self::Origin(metadata()?.get("previous_origin")?.as_str()?.to_owned())),
            _ if event_type == EVENT_TYPE.as_bytes() => {
                let metadata = metadata();
                let digest = metadata
                    .as_ref()
                    .and_then(|metadata| metadata.get("certificate")?.as_str());
                Some(Self::Retention(digest.and_then(parse_hex)))
            }
            _ => None,
        }
    }
}

/// The pairs in a list of them; whatever else is in it names nothing.
fn pairs(list: &Json) -> Vec<Range> {
    let Json::Array(items) = list else { return Vec::new() };
    let place = |json: &Json| match json {
        Json::Number(digits) | Json::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok()
        }
        _ => None,
    };
    let pair = |item: &Json| match item {
        Json::Array(pair) => match pair.as_slice() {
            [first, last] => Some((place(first)?, place(last)?)),
            _ => None,
        },
        _ => None,
    };
    items.iter().filter_map(pair).collect()
}

/// What all of them say.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Places where an event says that values were erased.
    pub(super) erased: Places,
    /// By the place of each event of retention, the digest of the certificate that it tells of.
    pub(super) certificates: HashMap<u64, Option<Hash>>,
    /// Earlier origins of the log.
    pub(super) origins: BTreeSet<String>,
}

impl Told {
    /// Adds what the event at `place` of a tree of `size` entries says. It may be added twice.
    pub(super) fn add(&mut self, place: u64, said: Said, size: u64, checks: Checks) {
        match said {
            Said::Erasure(ranges) => {
                // nobody erases what is not there yet
                let end = if checks.on(Check::ErasureOrder) { place } else { size };
                for (first, last) in ranges {
                    if first < end {
                        self.erased.add(first, last.min(end - 1));
                    }
                }
            }
            Said::Retention(digest) => drop(self.certificates.insert(place, digest)),
            Said::Origin(origin) => drop(self.origins.insert(origin)),
        }
    }
}
