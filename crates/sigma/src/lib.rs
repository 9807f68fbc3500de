//! Sigma rules (specification 2.1) as alerts: [`import`].
//!
//! ```text
//! YAML → rule (detection, condition) ─┐
//!        field map (logsource, own) ──┼→ query's syntax tree → its printer → Definition
//!        correlation ─────────────────┘
//! ```
//!
//! A query is made as a syntax tree and printed by the query language itself, then read again and compared, so
//! that no text of a rule can become another condition.
//!
//! # What is kept
//!
//! A value without wildcards is compared without regard to case, as in Sigma. `*` and `?` are wildcards. `re` is searched in the
//! value; its syntax is Rust's, without look-around. Keywords are words that stand next to each other in any value of the
//! event, so `SAXParse` does not find `SAXParseException`; a field map can name a field for them: then they are texts anywhere in it.
//!
//! # What is refused, by name
//!
//! `fieldref` (two fields of an event can't be compared), `expand`, the modifiers of times, encodings whose bytes are no text,
//! keywords without a letter or digit, aggregations behind `|` in conditions (deprecated), filters, and
//! the correlations `temporal_ordered`, `value_sum`, `value_avg`, `value_percentile`, `value_median`, correlations of correlations, as well
//! as conditions that are true for few events, or for some of the rules of `temporal`. Refused is the whole rule: half of one would say something else.
#![forbid(unsafe_code)]

mod condition;
mod correlation;
mod detection;
mod error;
mod field_map;
mod meta;
mod modifier;
mod query;
mod rule;

pub use error::SigmaError;

use auditlog_policy::alert::definition::Definition;

/// A rule that became an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The alert; author, id, level, status, tags and references are its labels.
    pub definition: Definition,
    /// What whoever imports it should know, a sentence each.
    pub notes: Vec<String>,
}

/// Reads the rules of a text: one, or several in documents of their own, of which correlations count others. A
/// rule that a correlation refers to is no alert of its own, unless it says `generate: true`.
///
/// `field_map` is a JSON object from fields of Sigma to fields of ours, `{"eventName": "metadata.event_name"}`; a
/// field without an entry goes by the nearest field above it (`userIdentity` for `userIdentity.arn`), then by
/// `"*"`, a path that all others begin with; `"keywords"` names a field, or a list of fields, for keywords. It goes
/// before the built-in maps, which are those of AWS CloudTrail and of Kubernetes' audit events as
/// `examples/` of the project load them.
///
/// # Errors
/// It is no Sigma, it can't be expressed, or the map is none.
pub fn import(rule: &str, field_map: Option<&serde_json::Value>) -> Result<Vec<Imported>, SigmaError> {
    rule::import(rule, field_map)
}
