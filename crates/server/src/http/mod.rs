//! What all answers have in common: problem details, request ids, headers, limits, cursors, formats.

pub mod conditional;
pub mod cursor;
pub mod exchange;
pub mod idempotency;
pub mod inputs;
pub mod ndjson;
pub mod problem;
pub mod rate;
pub mod sqlstate;

pub use inputs::{Body, Params};
pub use problem::{Details, FieldError, Problem};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// What is escaped in a part of an address: all but RFC 3986's unreserved characters.
pub const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
