//! What the text formats have in common: numbers and hashes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;

/// The largest size of a tree, and so the largest number in any of the texts.
pub const MAX_SIZE: u64 = i64::MAX as u64;

/// The number that `text` writes in decimal, with no sign, leading zero or other way to write the same,
/// if it is at most [`MAX_SIZE`].
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    if !digits || !canonical {
        return None;
    }
    text.parse().ok().filter(|number| *number <= MAX_SIZE)
}

/// Base64 of RFC 4648 §4, with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of which `text` is the one base64: padded, no unused bits set, no white space.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The hash of which `text` is the base64.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    unbase64(text)?.try_into().ok()
}

/// `text` in quotes for a message, cut when it is long.
pub(crate) fn quoted(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        None => format!("«{}»", text.escape_debug()),
        Some((end, _)) => format!("«{}…»", text[..end].escape_debug()),
    }
}

/// Takes the first line off `rest`, without its newline; `None` when no newline is left.
pub(crate) fn line<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let (line, after) = rest.split_once('\n')?;
    *rest = after;
    Some(line)
}
