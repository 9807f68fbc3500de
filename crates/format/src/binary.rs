//! Walking through canonical JSON (docs/format.md §4) where it lies, without building a tree.
//!
//! The bytes have gone through [`decode_plain`](auditlog_core::decode::decode_plain), which has checked tags,
//! lengths, depth and the order of keys. Errors here are for a decoder that is wrong.

use auditlog_core::decode::JsonError;

/// A key and a value of an object.
pub(crate) type Member<'a> = (&'a [u8], &'a [u8]);

/// A value and what comes after it.
pub(crate) type Split<'a> = Result<(&'a [u8], &'a [u8]), JsonError>;

/// What a u32 counts, and what comes after it.
#[inline]
pub(crate) fn counted(bytes: &[u8]) -> Split<'_> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(JsonError::Short)?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
        .ok_or(JsonError::Short)
}

/// A number of items or members, and what comes after it.
#[inline]
pub(crate) fn count(bytes: &[u8]) -> Result<(u32, &[u8]), JsonError> {
    let (count, rest) = bytes.split_first_chunk::<4>().ok_or(JsonError::Short)?;
    Ok((u32::from_be_bytes(*count), rest))
}

/// The first value of `bytes`.
pub(crate) fn split(bytes: &[u8]) -> Split<'_> {
    let rest = skip(bytes)?;
    Ok(bytes.split_at(bytes.len() - rest.len()))
}

fn skip(bytes: &[u8]) -> Result<&[u8], JsonError> {
    let (tag, rest) = bytes.split_first().ok_or(JsonError::Short)?;
    match tag {
        b'n' | b't' | b'f' => Ok(rest),
        b'#' | b'"' => Ok(counted(rest)?.1),
        b'[' => {
            let (items, mut rest) = count(rest)?;
            for _ in 0..items {
                rest = skip(rest)?;
            }
            Ok(rest)
        }
        b'{' => {
            let (members, mut rest) = count(rest)?;
            for _ in 0..members {
                rest = skip(counted(rest)?.1)?;
            }
            Ok(rest)
        }
        other => Err(JsonError::Tag(*other)),
    }
}

/// Is the value an object?
pub(crate) fn is_object(value: &[u8]) -> bool {
    value.first() == Some(&b'{')
}

/// The members of an object in their order: keys and values. Nothing when the value is no object.
pub(crate) fn members(value: &[u8]) -> Result<Vec<Member<'_>>, JsonError> {
    let Some(rest) = value.strip_prefix(b"{") else {
        return Ok(Vec::new());
    };
    let (members, mut rest) = count(rest)?;
    // a member takes five bytes at least
    let mut found = Vec::with_capacity((members as usize).min(rest.len() / 5));
    for _ in 0..members {
        let (key, after) = counted(rest)?;
        let (item, after) = split(after)?;
        found.push((key, item));
        rest = after;
    }
    Ok(found)
}

/// The member of that key among [`members`].
pub(crate) fn find<'a>(members: &[Member<'a>], key: &[u8]) -> Option<&'a [u8]> {
    let order = |member: &Member<'a>| (member.0.len(), member.0).cmp(&(key.len(), key));
    members.binary_search_by(order).ok().map(|at| members[at].1)
}

/// The value at a path of keys.
pub(crate) fn get<'a>(value: &'a [u8], path: &[&str]) -> Option<&'a [u8]> {
    let mut value = value;
    'step: for key in path {
        let (members, mut rest) = count(value.strip_prefix(b"{")?).ok()?;
        for _ in 0..members {
            let (name, after) = counted(rest).ok()?;
            if name == key.as_bytes() {
                value = split(after).ok()?.0;
                continue 'step;
            }
            if name.len() > key.len() {
                return None;
            }
            rest = skip(after).ok()?;
        }
        return None;
    }
    Some(value)
}

/// The bytes of a text; nothing for other values.
pub(crate) fn text(value: &[u8]) -> Option<&[u8]> {
    let rest = value.strip_prefix(b"\"")?;
    counted(rest).ok().map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog_core::encode::{Hiding, canonical_json};
    use auditlog_core::json::Json;

    fn bytes(json: &Json) -> Vec<u8> {
        let mut out = Vec::new();
        canonical_json(json, "", &Hiding::default(), &mut out).unwrap();
        out
    }

    #[test]
    fn paths_lead_to_their_values() {
        let inner = Json::Object(vec![
            ("bb".into(), Json::Array(vec![Json::Null, Json::Bool(true)])),
            ("a".into(), Json::String("x".into())),
            ("ccc".into(), Json::Number("1.50".into())),
        ]);
        let outer = bytes(&Json::Object(vec![
            ("inner".into(), inner.clone()),
            ("z".into(), Json::Bool(false)),
        ]));
        assert_eq!(get(&outer, &["inner"]), Some(&bytes(&inner)[..]));
        assert_eq!(get(&outer, &["inner", "a"]).and_then(text), Some(&b"x"[..]));
        assert_eq!(
            get(&outer, &["inner", "ccc"]),
            Some(&bytes(&Json::Number("1.50".into()))[..])
        );
        assert_eq!(get(&outer, &["inner", "b"]), None);
        assert_eq!(get(&outer, &["z", "b"]), None);
        let listed = members(&outer).unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!(find(&listed, b"z"), Some(&b"f"[..]));
        assert_eq!(find(&listed, b"inner").map(<[u8]>::len), Some(bytes(&inner).len()));
        assert_eq!(find(&listed, b"y"), None);
    }

    #[test]
    fn bytes_that_end_early_are_an_error() {
        let whole = bytes(&Json::Array(vec![
            Json::String("text".into()),
            Json::Number("7".into()),
        ]));
        assert_eq!(split(&whole).unwrap().1, b"");
        for end in 0..whole.len() {
            assert!(split(&whole[..end]).is_err());
        }
        assert_eq!(split(b"c"), Err(JsonError::Tag(b'c')));
    }
}
