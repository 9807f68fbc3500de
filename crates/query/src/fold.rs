//! Case folding, the one definition for literals, values and (by a later stage) indexed columns.
//!
//! Each character is folded by itself: to the lower case of its upper case, where both are single
//! characters. That joins `ς` with `σ`, `ſ` with `s` and the Kelvin sign with `k`, as Unicode's simple
//! folding does, and never changes the number of characters. `ı` and `İ` stay themselves, because
//! folding them would need a language. No locale and no normalisation takes part.

use std::borrow::Cow;
use std::cmp::Ordering;

/// One character, folded.
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    if c == 'ı' {
        return c;
    }
    let upper = single(c.to_uppercase()).unwrap_or(c);
    single(upper.to_lowercase()).unwrap_or(c)
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next()?;
    chars.next().is_none().then_some(first)
}

/// A text, folded; borrowed when nothing changes.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(fold_char).collect())
}

/// Is the text, as it is, the only one that folds to it? Right for what has no letters at all.
pub fn is_caseless(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii() && !b.is_ascii_alphabetic())
}

/// Is `text`, folded, equal to `folded`? Allocates nothing.
pub fn equals(text: &str, folded: &str) -> bool {
    if text.is_ascii() {
        return text.len() == folded.len() && text.eq_ignore_ascii_case(folded);
    }
    text.chars().map(fold_char).eq(folded.chars())
}

/// The order of `text`, folded, and `folded` by code points. Allocates nothing.
pub fn compare(text: &str, folded: &str) -> Ordering {
    text.chars().map(fold_char).cmp(folded.chars())
}
