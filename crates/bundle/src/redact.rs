//! Erasure of a record: its personal values make way for their commitments, the salt goes, and the entry stays what it was
//! (docs/format.md §5). The extension does the same to a row; here it is done to events that are in an archive.

use auditlog_core::columns::{COLUMNS, Kind};
use auditlog_core::decode::{decode_json, decode_plain};
use auditlog_core::encode::{Hiding, Value, canonical_json, commit_column, encode_entry};
use auditlog_core::erase::{hex, redact_json};
use auditlog_core::json::Json;
use auditlog_core::personal::Committer;

use crate::content::{ContentError, personal, redactions};
use crate::record::Record;

/// The record without its personal values, and how many they were; `None` when it has no salt, so that nothing is left to erase.
///
/// # Errors
/// [`ContentError`]: no event that was ever recorded looks like this.
pub fn redact(record: &Record<'_>) -> Result<Option<(Vec<u8>, usize)>, ContentError> {
    let Some(salt) = record.salt else { return Ok(None) };
    let mut values = decode_plain(record.values)?;
    let paths = personal(&values)?;
    let known = record.redacted.map(redactions).transpose()?.unwrap_or_default();
    let committer = Committer::new(salt);
    let hiding = Hiding {
        paths: paths.as_deref(),
        committer: Some(Committer::new(salt)),
        redacted: &known,
    };
    let mut redacted: Vec<(String, Json)> = known
        .iter()
        .map(|(path, hash)| (path.clone(), Json::String(hex(hash))))
        .collect();
    let mut erased = 0;
    let mut inside: Vec<(usize, Vec<u8>)> = Vec::new();
    for (at, column) in COLUMNS.iter().enumerate() {
        if values[at] == Value::Null {
            continue;
        }
        let is_known = known.iter().any(|(path, _)| path == column.path);
        if !column.path.is_empty() && hiding.hides(column.path) && !is_known {
            // Where paths inside of it are personal as well, the entry has commitments there already.
            let hidden = match values[at] {
                Value::Json(bytes) if hiding.hides_below(column.path) => {
                    let json = decode_json(bytes).map_err(|problem| ContentError::Json(column.name, problem))?;
                    let mut hidden = Vec::new();
                    canonical_json(&json, column.path, &hiding, &mut hidden)?;
                    Some(hidden)
                }
                _ => None,
            };
            let value = hidden.as_ref().map_or(values[at], |bytes| Value::Json(bytes));
            let commitment = commit_column(at, &value, &committer)?;
            redacted.push((column.path.to_owned(), Json::String(hex(&commitment))));
            values[at] = Value::Null;
            erased += 1;
        } else if column.kind == Kind::Json
            && hiding.hides_below(column.path)
            && let Value::Json(bytes) = values[at]
        {
            let mut json = decode_json(bytes).map_err(|problem| ContentError::Json(column.name, problem))?;
            let replaced = redact_json(&mut json, column.path, &hiding)?;
            if replaced > 0 {
                inside.push((at, plain(&json)?));
                erased += replaced;
            }
        }
    }
    for (at, bytes) in &inside {
        values[*at] = Value::Json(bytes);
    }
    let mut entry = Vec::new();
    encode_entry(&values, &nothing(), &mut entry)?;
    let mut commitments = Vec::new();
    canonical_json(&Json::Object(redacted), "", &nothing(), &mut commitments)?;
    let mut out = Vec::new();
    Record {
        salt: None,
        redacted: Some(&commitments),
        values: &entry,
        ..*record
    }
    .write(&mut out);
    Ok(Some((out, erased)))
}

fn plain(json: &Json) -> Result<Vec<u8>, ContentError> {
    let mut bytes = Vec::new();
    canonical_json(json, "", &nothing(), &mut bytes)?;
    Ok(bytes)
}

/// Hides nothing.
fn nothing() -> Hiding<'static> {
    Hiding {
        paths: Some(&[]),
        committer: None,
        redacted: &[],
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::content::Entries;
    use crate::synthetic::Log;

    #[test]
    fn the_entry_stays_what_it_was() {
        let log = Log::new(7);
        let (mut redacted, mut entries) = (0, Entries::default());
        for index in 0..200 {
            let (bytes, _, _) = log.record(index, [0; 32], &log.row(index));
            let record = Record::parse(&bytes).expect("a record");
            let Some((after, values)) = redact(&record).expect("it can be erased") else {
                continue;
            };
            let new = Record::parse(&after).expect("a record");
            assert_eq!(entries.content(&new).expect("content").entry_hash, record.entry_hash);
            assert_eq!(new.salt, None);
            assert_eq!(redact(&new).expect("nothing left"), None);
            redacted += values;
        }
        assert!(redacted > 0);
    }
}
