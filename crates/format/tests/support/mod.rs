//! Events made by hand, as records.
#![allow(dead_code, clippy::unwrap_used)] // each test uses some of it

pub mod hostile;
pub mod json;
pub mod samples;

use std::collections::BTreeMap;

use auditlog_bundle::Record;
use auditlog_core::chain::{entry_hash, link_hash};
use auditlog_core::columns::position;
use auditlog_core::encode::{Hiding, Value, canonical_json, encode_entry, text_array};
use auditlog_core::json::Json;
use auditlog_format::{Format, Options, Source, Writer};

/// A value of a column.
#[derive(Debug, Clone)]
enum Owned {
    Int(i64),
    Text(Vec<u8>),
    Inet(u8, Vec<u8>),
    List(Vec<u8>),
    Json(Vec<u8>),
}

/// An event that becomes a record.
#[derive(Debug, Clone, Default)]
pub struct Made {
    values: BTreeMap<usize, Owned>,
    pub log_index: u64,
    redacted: Option<Vec<u8>>,
}

impl Made {
    pub fn new(log_index: u64) -> Self {
        Self {
            log_index,
            ..Self::default()
        }
    }

    fn put(mut self, name: &str, value: Owned) -> Self {
        self.values.insert(position(name).expect("a column"), value);
        self
    }

    pub fn int(self, name: &str, value: i64) -> Self {
        self.put(name, Owned::Int(value))
    }

    pub fn text(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        self.put(name, Owned::Text(text.as_ref().to_vec()))
    }

    pub fn inet(self, name: &str, bits: u8, address: &[u8]) -> Self {
        self.put(name, Owned::Inet(bits, address.to_vec()))
    }

    pub fn list(self, name: &str, items: &[&str]) -> Self {
        let mut payload = Vec::new();
        text_array(items.iter().map(|item| item.as_bytes()), &mut payload);
        self.put(name, Owned::List(payload))
    }

    pub fn json(self, name: &str, value: serde_json::Value) -> Self {
        self.core_json(name, &core_json(&value))
    }

    pub fn core_json(self, name: &str, value: &Json) -> Self {
        let bytes = canonical(value);
        self.put(name, Owned::Json(bytes))
    }

    pub fn redacted(mut self, paths: &[&str]) -> Self {
        let pair = |path: &&str| ((*path).to_owned(), Json::String("ab".repeat(32)));
        self.redacted = Some(canonical(&Json::Object(paths.iter().map(pair).collect())));
        self
    }

    /// The bytes of the record.
    pub fn bytes(&self) -> Vec<u8> {
        let values = std::array::from_fn(|at| match self.values.get(&at) {
            None => Value::Null,
            Some(Owned::Int(value)) => Value::Int(*value),
            Some(Owned::Text(text)) => Value::Text(text),
            Some(Owned::Inet(bits, address)) => Value::Inet(*bits, address),
            Some(Owned::List(payload)) => Value::TextArray(payload),
            Some(Owned::Json(json)) => Value::Json(json),
        });
        let nothing = Hiding {
            paths: Some(&[]),
            ..Hiding::default()
        };
        let mut entry = Vec::new();
        encode_entry(&values, &nothing, &mut entry).unwrap();
        let leaf = entry_hash(&entry);
        let prev_hash = [self.log_index as u8; 32];
        let mut out = Vec::new();
        Record {
            log_index: self.log_index,
            sealed_at: 1_773_153_046_000_000 + (self.log_index % 1_000_000) as i64 * 1000,
            prev_hash,
            entry_hash: leaf,
            hash: link_hash(&prev_hash, &leaf, self.log_index),
            salt: Some(b"never to be seen"),
            redacted: self.redacted.as_deref(),
            values: &entry,
        }
        .write(&mut out);
        out
    }

    /// The event in a format, as text.
    pub fn written(&self, writer: &Writer) -> String {
        let bytes = self.bytes();
        let mut out = b"kept".to_vec();
        writer.event(&Record::parse(&bytes).unwrap(), &mut out).unwrap();
        let out = out.strip_prefix(b"kept").expect("what was there stays");
        String::from_utf8(out.to_vec()).expect("every format is UTF-8")
    }
}

fn canonical(json: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    canonical_json(json, "", &Hiding::default(), &mut out).unwrap();
    out
}

pub fn core_json(value: &serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(value) => Json::Bool(*value),
        serde_json::Value::Number(number) => Json::Number(number.to_string()),
        serde_json::Value::String(text) => Json::String(text.clone()),
        serde_json::Value::Array(items) => Json::Array(items.iter().map(core_json).collect()),
        serde_json::Value::Object(pairs) => Json::Object(
            pairs
                .iter()
                .map(|(key, value)| (key.clone(), core_json(value)))
                .collect(),
        ),
    }
}

pub fn source() -> Source {
    Source {
        origin: "example.org/log".to_owned(),
        version: "0.1.0".to_owned(),
        hostname: "db1.example.org".to_owned(),
        database: "shop".to_owned(),
    }
}

pub fn writer(format: Format, options: serde_json::Value) -> Writer {
    Writer::new(Options::parse(format, &options).unwrap(), source())
}
