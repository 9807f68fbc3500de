//! The text that names a group: the values of its fields as a JSON array, or a hash of it where that is long.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Longest key in bytes: what PagerDuty takes as a `dedup_key`, less room for the alert's name.
pub const MAX_KEY_BYTES: usize = 200;

/// Characters of a value that are kept for people; the rest is told by a hash.
const MAX_VALUE_CHARS: usize = 256;

/// The key of these values; different values have different keys.
pub(super) fn key(values: &[Option<String>]) -> String {
    let mut json = String::from("[");
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        let _ = write!(json, "{}", value.as_deref().map_or(Value::Null, Value::from));
    }
    json.push(']');
    if json.len() <= MAX_KEY_BYTES {
        return json;
    }
    let hash = hex(&Sha256::digest(json.as_bytes()));
    // a short key ends with a bracket, so that no value can be written to look like a long one
    let mut end = MAX_KEY_BYTES - hash.len() - '…'.len_utf8();
    while !json.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…{hash}", &json[..end])
}

/// A value as it is shown: cut, with a hash of the whole, when it is long.
pub(super) fn shown(value: String) -> String {
    match value.char_indices().nth(MAX_VALUE_CHARS) {
        None => value,
        Some((end, _)) => format!("{}…{}", &value[..end], hex(&Sha256::digest(value.as_bytes()))),
    }
}

/// What stands for a value that is counted.
pub(super) fn hash(value: &str) -> u128 {
    let digest = Sha256::digest(value.as_bytes());
    digest
        .iter()
        .take(16)
        .fold(0, |hash, byte| hash << 8 | u128::from(*byte))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_values_have_different_keys() {
        let text = |text: &str| Some(text.to_owned());
        let long = |last: char| Some(format!("{}{last}", "ü".repeat(300)));
        let groups = [
            vec![],
            vec![None],
            vec![text("null")],
            vec![text("a"), text("b")],
            vec![text("a\",\"b")],
            vec![text("a,b")],
            vec![text("A"), text("b")],
            vec![long('x')],
            vec![long('y')],
            vec![text(&key(&[long('x')]))],
        ];
        let keys: std::collections::HashSet<String> = groups.iter().map(|values| key(values)).collect();
        assert_eq!(keys.len(), groups.len());
        assert!(keys.iter().all(|key| key.len() <= MAX_KEY_BYTES), "{keys:?}");
        assert_eq!(key(&[text("a@b.c"), None]), r#"["a@b.c",null]"#);
    }

    #[test]
    fn long_values_are_cut_but_stay_different() {
        let (a, b) = ("é".repeat(300), format!("{}x", "é".repeat(299)));
        assert_ne!(shown(a.clone()), shown(b));
        assert_eq!(shown(a).chars().count(), 256 + 1 + 64);
        assert_eq!(shown("x".repeat(256)), "x".repeat(256));
        assert_ne!(hash("a"), hash("b"));
    }
}
