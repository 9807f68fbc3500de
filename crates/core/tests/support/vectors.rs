//! From a case of `tests/vectors/entries.json` to its entry.

use super::{from_serde, json};
use auditlog_core::columns::{COLUMNS, Kind};
use auditlog_core::document::parse_inet;
use auditlog_core::encode::{Hiding, Value as Column, canonical_json, encode_entry, parse_hex, text_array};
use auditlog_core::json::Json;
use auditlog_core::personal::{Commitment, Committer};
use serde_json::Value;
use std::net::IpAddr;

/// Where the vectors are.
pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/entries.json");

/// The bytes of one column's value, before they are borrowed as a [`Column`].
pub enum Owned {
    Null,
    Int(i64),
    Text(Vec<u8>),
    Inet(u8, Vec<u8>),
    TextArray(Vec<u8>),
    Json(Vec<u8>),
}

impl Owned {
    pub fn borrow(&self) -> Column<'_> {
        match self {
            Owned::Null => Column::Null,
            Owned::Int(i) => Column::Int(*i),
            Owned::Text(b) => Column::Text(b),
            Owned::Inet(bits, b) => Column::Inet(*bits, b),
            Owned::TextArray(b) => Column::TextArray(b),
            Owned::Json(b) => Column::Json(b),
        }
    }
}

/// The value of one column as a case gives it: integers and lists as JSON, the rest as text; JSON
/// columns as JSON text, so that numbers keep their digits.
pub fn column(kind: Kind, path: &str, value: &Value, hiding: &Hiding<'_>) -> Owned {
    let text = || value.as_str().expect("a text");
    match kind {
        _ if value.is_null() => Owned::Null,
        Kind::Text => Owned::Text(text().as_bytes().to_vec()),
        Kind::Time | Kind::Int => Owned::Int(value.as_i64().expect("a 64 bit integer")),
        Kind::Inet => {
            let inet = parse_inet(text()).expect("an address");
            let address = match inet.address {
                IpAddr::V4(v4) => v4.octets().to_vec(),
                IpAddr::V6(v6) => v6.octets().to_vec(),
            };
            Owned::Inet(inet.bits, address)
        }
        Kind::TextArray => {
            let mut out = Vec::new();
            let items = value.as_array().expect("a list").iter();
            text_array(items.map(|item| item.as_str().expect("a text").as_bytes()), &mut out);
            Owned::TextArray(out)
        }
        Kind::Json => {
            let mut out = Vec::new();
            canonical_json(&json(text()), path, hiding, &mut out).expect("salt or placeholder");
            Owned::Json(out)
        }
    }
}

/// Path under which a column's JSON members are hidden: `extra` holds the document itself.
pub fn path_of(name: &str) -> &'static str {
    COLUMNS
        .iter()
        .find(|column| column.name == name)
        .expect("a column")
        .path
}

pub fn entry(case: &Value) -> Vec<u8> {
    let columns = &case["columns"];
    let personal: Option<Vec<String>> = match from_serde(columns["personal"].clone()) {
        Json::Array(items) => Some(
            items
                .iter()
                .map(|item| item.as_str().expect("a text").to_owned())
                .collect(),
        ),
        _ => None,
    };
    let redacted: Vec<(String, Commitment)> = match from_serde(case["redacted"].clone()) {
        Json::Object(pairs) => pairs
            .iter()
            .map(|(path, hex)| {
                (
                    path.clone(),
                    parse_hex(hex.as_str().expect("a text")).expect("64 digits"),
                )
            })
            .collect(),
        _ => Vec::new(),
    };
    let committer = case["salt"].as_str().map(|hex| Committer::new(&unhex(hex)));
    let hiding = Hiding {
        paths: personal.as_deref(),
        committer,
        redacted: &redacted,
    };
    let owned: Vec<Owned> = COLUMNS
        .iter()
        .map(|c| column(c.kind, c.path, columns.get(c.name).unwrap_or(&Value::Null), &hiding))
        .collect();
    let values = std::array::from_fn(|at| owned[at].borrow());
    let mut out = Vec::new();
    encode_entry(&values, &hiding, &mut out).expect("salt or commitment");
    out
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(pair).collect()
}
