//! From a record's values to the entry whose hash is in the tree: personal values become commitments
//! again (docs/format.md §5).

use auditlog_core::chain::{Hash, entry_hash};
use auditlog_core::columns::{COLUMNS, Kind};
use auditlog_core::decode::{DecodeError, JsonError, decode_json, decode_plain, text_items};
use auditlog_core::encode::{
    EncodeError, Hiding, Value, Values, canonical_json, encode_entry, parse_hex, redacted_commitment,
};
use auditlog_core::json::Json;
use auditlog_core::personal::{Commitment, Committer, DEFAULT_COLUMNS};

use crate::record::Record;

/// Why a record's values have no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The values are no plain entry.
    #[error("the values cannot be read: {0}")]
    Values(#[from] DecodeError),
    /// The list of personal paths has a text that is not UTF-8.
    #[error("the list of personal paths is not UTF-8")]
    Personal,
    /// The redactions are no JSON object from paths to 64 hexadecimal digits.
    #[error("the redactions are no object of commitments")]
    Redacted,
    /// JSON in which something is hidden, with a text that is not UTF-8.
    #[error("the field {0}, in which values are personal, cannot be read: {1}")]
    Json(&'static str, JsonError),
    /// A personal value without salt and commitment.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// What a record says, once its entry has been computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content<'a> {
    /// The hash of its entry.
    pub entry_hash: Hash,
    /// The event's id; empty when there is none.
    pub event_id: &'a [u8],
    /// The event's type; empty when there is none.
    pub event_type: &'a [u8],
    /// How many values are erased: only their commitments are left.
    pub redacted: u32,
    /// A column that has a value although it is erased. Nothing vouches for that value.
    pub value_beside_erased: Option<&'static str>,
}

/// The position of `event_id` in [`COLUMNS`].
const EVENT_ID: usize = 4;

/// The position of `event_type` in [`COLUMNS`].
const EVENT_TYPE: usize = 5;

/// The position of `personal` in [`COLUMNS`].
const PERSONAL: usize = COLUMNS.len() - 1;

/// Computes entries, with memory that is used again.
#[derive(Debug, Default)]
pub struct Entries {
    entry: Vec<u8>,
    payloads: Vec<u8>,
}

impl Entries {
    /// The entry of `record`, and what it says.
    ///
    /// # Errors
    /// [`ContentError`]: no event that was ever recorded looks like this.
    pub fn content<'a>(&mut self, record: &Record<'a>) -> Result<Content<'a>, ContentError> {
        let values = decode_plain(record.values)?;
        let paths = personal(&values)?;
        let redacted = record.redacted.map(redactions).transpose()?.unwrap_or_default();
        let text = |at: usize| match values[at] {
            Value::Text(text) => text,
            _ => &[],
        };
        let (event_id, event_type) = (text(EVENT_ID), text(EVENT_TYPE));
        let mut hiding = Hiding {
            paths: paths.as_deref(),
            committer: None,
            redacted: &redacted,
        };
        let mut content = Content {
            entry_hash: [0; 32],
            event_id,
            event_type,
            redacted: 0,
            value_beside_erased: None,
        };
        if redacted.is_empty() && !hides_something(&values, &hiding) {
            // the plain entry is the entry: there is one way only to write these values
            content.entry_hash = entry_hash(record.values);
            return Ok(content);
        }
        hiding.committer = record.salt.map(Committer::new);
        count_columns(&values, &hiding, &mut content);
        self.hide(values, &hiding, &mut content)?;
        Ok(content)
    }

    /// Puts commitments in place of what is hidden, and computes the hash.
    fn hide<'v>(
        &'v mut self,
        mut values: Values<'v>,
        hiding: &Hiding<'_>,
        content: &mut Content<'_>,
    ) -> Result<(), ContentError> {
        let Self { entry, payloads } = self;
        payloads.clear();
        let mut written = Vec::new();
        if hiding.paths.is_some_and(|paths| !paths.is_empty()) {
            for (at, column) in COLUMNS.iter().enumerate() {
                let Value::Json(bytes) = values[at] else { continue };
                if !hiding.hides_below(column.path) {
                    continue;
                }
                let json = decode_json(bytes).map_err(|problem| ContentError::Json(column.name, problem))?;
                let start = payloads.len();
                canonical_json(&json, column.path, hiding, payloads)?;
                written.push((at, start..payloads.len()));
                if hiding.committer.is_none() {
                    content.redacted += placeholders(&json, column.path, hiding);
                }
            }
        }
        let payloads: &'v [u8] = payloads;
        for (at, range) in written {
            values[at] = Value::Json(&payloads[range]);
        }
        entry.clear();
        encode_entry(&values, hiding, entry)?;
        content.entry_hash = entry_hash(entry);
        Ok(())
    }
}

/// The paths of the column `personal`.
pub fn personal(values: &Values<'_>) -> Result<Option<Vec<String>>, ContentError> {
    let Value::TextArray(payload) = values[PERSONAL] else {
        return Ok(None);
    };
    let items = text_items(payload).map_err(|_| ContentError::Personal)?;
    let path = |item: &[u8]| String::from_utf8(item.to_vec()).map_err(|_| ContentError::Personal);
    items.into_iter().map(path).collect::<Result<_, _>>().map(Some)
}

/// The commitments in a record's redactions.
pub(crate) fn redactions(bytes: &[u8]) -> Result<Vec<(String, Commitment)>, ContentError> {
    let Ok(Json::Object(pairs)) = decode_json(bytes) else {
        return Err(ContentError::Redacted);
    };
    pairs
        .into_iter()
        .map(|(path, value)| Some((path, parse_hex(value.as_str()?)?)))
        .collect::<Option<_>>()
        .ok_or(ContentError::Redacted)
}

/// Whether there is a value to make a commitment to.
fn hides_something(values: &Values<'_>, hiding: &Hiding<'_>) -> bool {
    if hiding.paths.is_none() {
        return DEFAULT_COLUMNS.iter().any(|at| values[*at] != Value::Null);
    }
    COLUMNS.iter().zip(values).any(|(column, value)| {
        *value != Value::Null
            && ((!column.path.is_empty() && hiding.hides(column.path))
                || (column.kind == Kind::Json && hiding.hides_below(column.path)))
    })
}

fn count_columns(values: &Values<'_>, hiding: &Hiding<'_>, content: &mut Content<'_>) {
    if hiding.redacted.is_empty() {
        return;
    }
    for (column, value) in COLUMNS.iter().zip(values) {
        let erased = !column.path.is_empty()
            && hiding.hides(column.path)
            && hiding.redacted.iter().any(|(path, _)| path == column.path);
        if erased {
            content.redacted += 1;
            if *value != Value::Null {
                content.value_beside_erased = Some(column.name);
            }
        }
    }
}

/// How many hidden members of `json` are placeholders.
fn placeholders(json: &Json, path: &str, hiding: &Hiding<'_>) -> u32 {
    let Json::Object(pairs) = json else { return 0 };
    pairs
        .iter()
        .map(|(key, value)| {
            let below = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            if hiding.hides(&below) {
                u32::from(redacted_commitment(value).is_some())
            } else {
                placeholders(value, &below, hiding)
            }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog_core::columns::position;

    #[test]
    fn positions_are_those_of_the_columns() {
        assert_eq!(position("event_id"), Some(EVENT_ID));
        assert_eq!(position("event_type"), Some(EVENT_TYPE));
        assert_eq!(position("personal"), Some(PERSONAL));
    }
}
