//! Erasure: personal values make way for the commitments that stand for them in the entry, so that the
//! entry stays what it was (docs/format.md, «After erasure»).

use crate::encode::{EncodeError, Hiding, canonical_json};
use crate::json::Json;
use crate::personal::REDACTED_KEY;
use std::fmt::Write;

/// Replaces the personal values inside `json`, the value at `path`, by placeholders; returns how many.
///
/// With a salt every hidden value is replaced, also one that looks like a placeholder: it is a value
/// like any other until the salt is gone.
///
/// # Errors
/// [`EncodeError::NoSalt`] when the event has no salt (any more).
pub fn redact_json(json: &mut Json, path: &str, hiding: &Hiding<'_>) -> Result<usize, EncodeError> {
    let Json::Object(pairs) = json else { return Ok(0) };
    let mut replaced = 0;
    for (key, value) in pairs {
        let below = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if hiding.paths.is_some() && hiding.hides(&below) {
            *value = placeholder(value, &below, hiding)?;
            replaced += 1;
        } else if hiding.hides_below(&below) {
            replaced += redact_json(value, &below, hiding)?;
        }
    }
    Ok(replaced)
}

fn placeholder(value: &Json, path: &str, hiding: &Hiding<'_>) -> Result<Json, EncodeError> {
    let committer = hiding
        .committer
        .as_ref()
        .ok_or_else(|| EncodeError::NoSalt(path.to_owned()))?;
    let nothing = Hiding {
        paths: Some(&[]),
        ..Hiding::default()
    };
    let mut bytes = Vec::new();
    canonical_json(value, path, &nothing, &mut bytes)?;
    let commitment = hex(&committer.commit(path, &bytes));
    Ok(Json::Object(vec![(REDACTED_KEY.to_owned(), Json::String(commitment))]))
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personal::Committer;

    fn object(pairs: &[(&str, Json)]) -> Json {
        Json::Object(pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect())
    }

    #[test]
    fn what_is_replaced_still_gives_the_same_bytes() {
        let text = |s: &str| Json::String(s.to_owned());
        let paths: Vec<String> = ["a.b", "c", "d.e.f"].map(str::to_owned).to_vec();
        let before = object(&[
            ("a", object(&[("b", text("secret")), ("x", Json::Null)])),
            ("c", Json::Array(vec![text("list"), Json::Number("1.0".to_owned())])),
            (
                "d",
                object(&[("e", object(&[("f", object(&[(REDACTED_KEY, text("looks like one"))]))]))]),
            ),
            ("list", Json::Array(vec![object(&[("c", text("stays"))])])),
        ]);
        let with = |committer| Hiding {
            paths: Some(&paths),
            committer,
            redacted: &[],
        };
        let hidden = with(Some(Committer::new(b"salt")));
        let mut after = before.clone();
        assert_eq!(redact_json(&mut after, "", &hidden), Ok(3));
        let (mut one, mut other) = (Vec::new(), Vec::new());
        canonical_json(&before, "", &hidden, &mut one).expect("with the salt");
        canonical_json(&after, "", &with(None), &mut other).expect("without the salt");
        assert_eq!(one, other);
        let mut again = after.clone();
        assert!(
            redact_json(&mut again, "", &with(None)).is_err(),
            "nothing can be erased twice"
        );
    }
}
