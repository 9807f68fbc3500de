//! JSON text: strings and canonical JSON (docs/format.md §4), straight from their bytes.
//!
//! Beside what RFC 8259 asks for, these are escaped: DEL and U+0080 to U+009F, so that a terminal is not driven by
//! what was recorded, and U+2028 and U+2029, which many tools take for the end of a line.

use auditlog_core::decode::JsonError;

use crate::binary::{count, counted};

/// What to do about a byte of valid UTF-8.
const PLAIN: u8 = 0;
const ESCAPE: u8 = 1;
/// The first byte of U+0080 to U+00BF.
const LATIN: u8 = 2;
/// The first byte of U+2000 to U+2FFF.
const GENERAL: u8 = 3;

static CLASSES: [u8; 256] = {
    let mut classes = [PLAIN; 256];
    let mut byte = 0;
    while byte < 0x20 {
        classes[byte] = ESCAPE;
        byte += 1;
    }
    classes[b'"' as usize] = ESCAPE;
    classes[b'\\' as usize] = ESCAPE;
    classes[0x7f] = ESCAPE;
    classes[0xc2] = LATIN;
    classes[0xe2] = GENERAL;
    classes
};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends a string with its quotes.
pub(crate) fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    escaped(text, out);
    out.push(b'"');
}

/// Appends what stands between the quotes.
pub(crate) fn escaped(text: &[u8], out: &mut Vec<u8>) {
    if is_plain(text) {
        out.extend_from_slice(text);
        return;
    }
    if std::str::from_utf8(text).is_ok() {
        escape_valid(text, out);
        return;
    }
    for chunk in text.utf8_chunks() {
        escape_valid(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Is it ASCII of which nothing is escaped? Most values are; the loop has no branches, so the compiler takes many bytes at once.
fn is_plain(text: &[u8]) -> bool {
    let special = |byte: u8| byte.wrapping_sub(b' ') >= 0x5f || byte == b'"' || byte == b'\\';
    let mut chunks = text.chunks_exact(16);
    chunks.all(|chunk| !chunk.iter().fold(false, |found, byte| found | special(*byte)))
        && !text[text.len() / 16 * 16..].iter().any(|byte| special(*byte))
}

fn escape_valid(text: &[u8], out: &mut Vec<u8>) {
    let mut written = 0;
    let mut at = 0;
    while at < text.len() {
        let length = match CLASSES[usize::from(text[at])] {
            PLAIN => {
                at += 1;
                continue;
            }
            ESCAPE => 1,
            LATIN if text.get(at + 1).is_some_and(|byte| *byte < 0xa0) => 2,
            GENERAL if matches!(text.get(at + 1..at + 3), Some([0x80, 0xa8 | 0xa9])) => 3,
            _ => {
                at += 1;
                continue;
            }
        };
        out.extend_from_slice(&text[written..at]);
        escape(&text[at..at + length], out);
        at += length;
        written = at;
    }
    out.extend_from_slice(&text[written..]);
}

#[cold]
fn escape(character: &[u8], out: &mut Vec<u8>) {
    let code: u16 = match character {
        [b'"'] => return out.extend_from_slice(b"\\\""),
        [b'\\'] => return out.extend_from_slice(b"\\\\"),
        [b'\n'] => return out.extend_from_slice(b"\\n"),
        [b'\r'] => return out.extend_from_slice(b"\\r"),
        [b'\t'] => return out.extend_from_slice(b"\\t"),
        [byte] => u16::from(*byte),
        [_, byte] => u16::from(*byte),
        [.., byte] => 0x2000 | u16::from(*byte & 0x3f),
        [] => return,
    };
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(HEX[usize::from(code >> shift & 15)]);
    }
}

/// Appends the canonical JSON that `bytes` begin with as text on one line, and returns what comes after it.
/// Numbers keep their digits.
pub(crate) fn canonical<'a>(bytes: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], JsonError> {
    let (tag, rest) = bytes.split_first().ok_or(JsonError::Short)?;
    match tag {
        b'n' => out.extend_from_slice(b"null"),
        b't' => out.extend_from_slice(b"true"),
        b'f' => out.extend_from_slice(b"false"),
        b'#' => {
            let (digits, rest) = counted(rest)?;
            out.extend_from_slice(digits);
            return Ok(rest);
        }
        b'"' => {
            let (text, rest) = counted(rest)?;
            string(text, out);
            return Ok(rest);
        }
        b'[' => {
            let (items, mut rest) = count(rest)?;
            out.push(b'[');
            for at in 0..items {
                if at > 0 {
                    out.push(b',');
                }
                rest = canonical(rest, out)?;
            }
            out.push(b']');
            return Ok(rest);
        }
        b'{' => {
            let (members, mut rest) = count(rest)?;
            out.push(b'{');
            for at in 0..members {
                if at > 0 {
                    out.push(b',');
                }
                let (key, value) = counted(rest)?;
                string(key, out);
                out.push(b':');
                rest = canonical(value, out)?;
            }
            out.push(b'}');
            return Ok(rest);
        }
        other => return Err(JsonError::Tag(*other)),
    }
    Ok(rest)
}

/// Appends the payload of a list of texts (docs/format.md §3) as an array.
pub(crate) fn list(payload: &[u8], out: &mut Vec<u8>) -> Result<(), JsonError> {
    let (items, mut rest) = count(payload)?;
    out.push(b'[');
    for at in 0..items {
        if at > 0 {
            out.push(b',');
        }
        let (item, after) = counted(rest)?;
        string(item, out);
        rest = after;
    }
    out.push(b']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog_bundle::show::write_json;
    use auditlog_core::encode::{Hiding, canonical_json};
    use auditlog_core::json::Json;
    use proptest::prelude::*;

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?".prop_map(Json::Number),
            any::<String>().prop_map(Json::String),
            "[\u{0}-\u{a1}\u{2020}-\u{2030}\u{10ffff}]{0,8}".prop_map(Json::String),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
                prop::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_text_says_what_the_bytes_say(json in json()) {
            let mut bytes = Vec::new();
            canonical_json(&json, "", &Hiding::default(), &mut bytes).unwrap();
            let mut text = Vec::new();
            prop_assert!(canonical(&bytes, &mut text).unwrap().is_empty());
            let text = String::from_utf8(text).unwrap();
            prop_assert!(!text.contains(crate::plain::is_control));
            let mut plain = String::new();
            write_json(&json, &mut plain);
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            let expected: serde_json::Value = serde_json::from_str(&plain).unwrap();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn bytes_that_are_no_text_become_a_lossy_one(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut out = Vec::new();
            string(&bytes, &mut out);
            let read: String = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(read, String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn escapes_are_the_short_ones() {
        let mut out = Vec::new();
        string(
            "a\"\\\n\r\t\u{1}\u{7f}\u{85}\u{a0}\u{2028}\u{2029}é".as_bytes(),
            &mut out,
        );
        let expected = "\"a\\\"\\\\\\n\\r\\t\\u0001\\u007f\\u0085\u{a0}\\u2028\\u2029é\"";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
