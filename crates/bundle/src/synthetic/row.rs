//! Rows in memory: encoded by the core, apart from the verifier's own way to do it.

use auditlog_core::columns::COLUMNS;
use auditlog_core::encode::{Hiding, Value, canonical_json, commit_column, encode_entry};
use auditlog_core::json::Json;
use auditlog_core::personal::{Commitment, Committer, REDACTED_KEY};

use crate::report::hex;

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // those of the core's Value
pub enum Owned {
    Null,
    Int(i64),
    Text(String),
    Inet(u8, Vec<u8>),
    /// The payload of a list.
    List(Vec<u8>),
    Json(Json),
}

/// An event's values, in the order of the columns.
#[derive(Debug, Clone)]
pub struct Row {
    /// The values.
    pub values: Vec<Owned>,
    /// The salt; `None` after erasure.
    pub salt: Option<Vec<u8>>,
    /// The personal paths; `None` for the default ones. The column `personal` has to say the same.
    pub paths: Option<Vec<String>>,
    /// Commitments in place of columns.
    pub erased: Vec<(String, Commitment)>,
}

impl Row {
    /// The record's plain entry.
    pub fn plain(&self) -> Vec<u8> {
        let nothing = Hiding {
            paths: Some(&[]),
            ..Hiding::default()
        };
        self.encode(&nothing)
    }

    /// The entry whose hash is the leaf.
    pub fn entry(&self) -> Vec<u8> {
        self.encode(&self.hiding())
    }

    fn hiding(&self) -> Hiding<'_> {
        Hiding {
            paths: self.paths.as_deref(),
            committer: self.salt.as_deref().map(Committer::new),
            redacted: &self.erased,
        }
    }

    fn encode(&self, hiding: &Hiding<'_>) -> Vec<u8> {
        let payloads: Vec<Vec<u8>> = (0..COLUMNS.len()).map(|at| self.payload(at, hiding)).collect();
        let values = std::array::from_fn(|at| self.value(at, &payloads[at]));
        let mut out = Vec::new();
        encode_entry(&values, hiding, &mut out).expect("what is hidden has a salt or a commitment");
        out
    }

    fn payload(&self, at: usize, hiding: &Hiding<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        if let Owned::Json(json) = &self.values[at] {
            canonical_json(json, COLUMNS[at].path, hiding, &mut out).expect("what is hidden has a salt");
        }
        out
    }

    fn value<'a>(&'a self, at: usize, payload: &'a [u8]) -> Value<'a> {
        match &self.values[at] {
            Owned::Null => Value::Null,
            Owned::Int(i) => Value::Int(*i),
            Owned::Text(text) => Value::Text(text.as_bytes()),
            Owned::Inet(bits, address) => Value::Inet(*bits, address),
            Owned::List(payload) => Value::TextArray(payload),
            Owned::Json(_) => Value::Json(payload),
        }
    }

    /// The column `redacted`.
    pub fn redacted(&self) -> Option<Vec<u8>> {
        if self.erased.is_empty() {
            return None;
        }
        let member = |(path, commitment): &(String, Commitment)| (path.clone(), Json::String(hex(commitment)));
        let json = Json::Object(self.erased.iter().map(member).collect());
        let mut out = Vec::new();
        canonical_json(&json, "", &Hiding::default(), &mut out).expect("nothing is hidden");
        Some(out)
    }

    /// Erases all personal values and the salt.
    pub fn erase(&mut self) {
        let before = self.entry();
        let hiding = self.hiding();
        let mut values = self.values.clone();
        let mut erased = Vec::new();
        if let Some(committer) = &hiding.committer {
            for (at, column) in COLUMNS.iter().enumerate() {
                if !column.path.is_empty() && hiding.hides(column.path) {
                    if values[at] != Owned::Null {
                        let payload = self.payload(at, &hiding);
                        let commitment = commit_column(at, &self.value(at, &payload), committer).expect("short");
                        erased.push((column.path.to_owned(), commitment));
                        values[at] = Owned::Null;
                    }
                } else if let Owned::Json(json) = &mut values[at] {
                    erase_members(json, column.path, &hiding, committer);
                }
            }
        }
        self.values = values;
        self.erased = erased;
        self.salt = None;
        assert_eq!(self.entry(), before, "erasure keeps the entry");
    }
}

fn erase_members(json: &mut Json, path: &str, hiding: &Hiding<'_>, committer: &Committer) {
    let Json::Object(pairs) = json else { return };
    for (key, value) in pairs {
        let below = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if hiding.paths.is_some() && hiding.hides(&below) {
            let nothing = Hiding {
                paths: Some(&[]),
                ..Hiding::default()
            };
            let mut bytes = Vec::new();
            canonical_json(value, &below, &nothing, &mut bytes).expect("nothing is hidden");
            let commitment = Json::String(hex(&committer.commit(&below, &bytes)));
            *value = Json::Object(vec![(REDACTED_KEY.to_owned(), commitment)]);
        } else {
            erase_members(value, &below, hiding, committer);
        }
    }
}
