//! From words to terms, the same for events that are indexed and for queries.

use auditlog_query::fold::fold_char;
use auditlog_query::tokens::{is_value, tokens};

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// The term of a word that is already folded ([`auditlog_query::fold::fold`]).
///
/// Stable for ever, because it is stored: FNV-1a with 64 bits over the UTF-8 bytes (offset basis
/// `cbf29ce484222325`, prime `100000001b3`), then the finalizer of MurmurHash3 (`fmix64`: `h ^= h>>33;
/// h *= ff51afd7ed558ccd; h ^= h>>33; h *= c4ceb9fe1a85ec53; h ^= h>>33`), of which the upper 32 bits
/// are the term. FNV alone leaves the upper bits of short words alike, and chunks are cut by them.
pub fn term(word: &str) -> u32 {
    finish(word.bytes().fold(FNV_OFFSET, step))
}

/// Calls `each` with the term of each word of `text`, in order and with repetitions: exactly
/// `term(fold(word))` for each word of [`auditlog_query::tokens::tokens`]. Allocates nothing.
pub fn terms_of(text: &str, each: &mut dyn FnMut(u32)) {
    if text.is_ascii() {
        return ascii_terms(text.as_bytes(), each);
    }
    for word in tokens(text) {
        let mut hash = FNV_OFFSET;
        for c in word.chars() {
            let mut buffer = [0; 4];
            hash = fold_char(c).encode_utf8(&mut buffer).bytes().fold(hash, step);
        }
        each(finish(hash));
    }
}

/// The term of a whole value that is already folded: as [`term`], with a byte 0 before it, which is in no
/// text of PostgreSQL's.
pub fn value_term(value: &str) -> u32 {
    finish(value.bytes().fold(step(FNV_OFFSET, 0), step))
}

/// `value_term(fold(text))` when the text is known as a whole ([`auditlog_query::tokens::is_value`]).
/// Allocates nothing.
pub fn value_term_of(text: &str) -> Option<u32> {
    if !is_value(text) {
        return None;
    }
    let start = step(FNV_OFFSET, 0);
    if text.is_ascii() {
        let folded = text.bytes().map(|byte| byte.to_ascii_lowercase());
        return Some(finish(folded.fold(start, step)));
    }
    let mut hash = start;
    for c in text.chars() {
        let mut buffer = [0; 4];
        hash = fold_char(c).encode_utf8(&mut buffer).bytes().fold(hash, step);
    }
    Some(finish(hash))
}

/// Most texts are ASCII: one pass over the bytes cuts, folds and hashes.
fn ascii_terms(text: &[u8], each: &mut dyn FnMut(u32)) {
    let mut hash = FNV_OFFSET;
    let mut inside = false;
    for byte in text {
        if byte.is_ascii_alphanumeric() {
            hash = step(hash, byte.to_ascii_lowercase());
            inside = true;
        } else if inside {
            each(finish(hash));
            hash = FNV_OFFSET;
            inside = false;
        }
    }
    if inside {
        each(finish(hash));
    }
}

#[inline]
fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
}

#[inline]
fn finish(mut hash: u64) -> u32 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    (hash >> 32) as u32
}
