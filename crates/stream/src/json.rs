//! Pieces of JSON that are put together without a tree.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::de::IgnoredAny;

/// Writes a text as a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    // A vector takes everything.
    let _ = serde_json::to_writer(out, text);
}

/// Writes a body as a JSON value: an object as it is, everything else as a string.
pub(crate) fn value(out: &mut Vec<u8>, body: &[u8]) {
    if is_object(body) {
        out.extend_from_slice(body);
    } else {
        string(out, &text(body));
    }
}

/// Whether a body is one JSON object, whole and valid.
pub(crate) fn is_object(body: &[u8]) -> bool {
    body.first() == Some(&b'{') && serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// A body as text.
pub(crate) fn text(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body)
}

/// The bytes that [`value`] writes, without parsing: for an object that is none it is too little.
pub(crate) fn value_len(body: &[u8]) -> usize {
    if body.first() == Some(&b'{') {
        body.len()
    } else {
        string_len(&text(body))
    }
}

/// The bytes that [`string`] writes.
pub(crate) fn string_len(text: &str) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    let _ = serde_json::to_writer(&mut count, text);
    count.0
}

/// Microseconds as decimal seconds, from integers: a floating-point number would lose the last figures.
pub(crate) fn seconds(micros: i64) -> String {
    let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_are_exact() {
        assert_eq!(seconds(1_763_823_600_123_456), "1763823600.123456");
        assert_eq!(seconds(-1), "-0.000001");
        assert_eq!(seconds(0), "0.000000");
        assert_eq!(seconds(i64::MIN), "-9223372036854.775808");
    }

    #[test]
    fn only_whole_objects_stay_as_they_are() {
        let written = |body: &str| {
            let mut out = Vec::new();
            value(&mut out, body.as_bytes());
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written("{\"a\":1}"), "{\"a\":1}");
        assert_eq!(written("{\"a\":1} {"), "\"{\\\"a\\\":1} {\"");
        assert_eq!(written("CEF:0|a=\"b\""), "\"CEF:0|a=\\\"b\\\"\"");
        assert_eq!(written("[1]"), "\"[1]\"");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn lengths_are_those_of_what_is_written(text in "\\PC*|[\\x00-\\x7f]*") {
            let mut out = Vec::new();
            string(&mut out, &text);
            prop_assert_eq!(out.len(), string_len(&text));
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
