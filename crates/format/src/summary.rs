//! One line for people: who did what to what, and how it ended.

use crate::fields::{Fields, at};
use crate::plain::{one_line, shortened};

/// The most bytes of each part.
const PART: usize = 200;

/// Such as `ann@example.com stop_instance ec2_instance i-0123: success`. On one line, and at most about a kilobyte.
pub(crate) fn summary(fields: &Fields<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    let operation = fields.word(at::OPERATION).unwrap_or_else(|| fields.event_type());
    let kind = fields.word(at::RESOURCE_TYPE).filter(|kind| !names(operation, kind));
    let parts = [
        fields.first_word(&[at::ACTOR_EMAIL, at::ACTOR_ID, at::DB_SESSION_USER]),
        Some(operation).filter(|word| !word.is_empty()),
        kind,
        fields.word(at::RESOURCE_ID),
    ];
    for part in parts.into_iter().flatten() {
        if !out.is_empty() {
            out.push(b' ');
        }
        one_line(shortened(part, PART).as_bytes(), &mut out);
    }
    if let Some(status) = fields.word(at::STATUS) {
        out.extend_from_slice(b": ");
        one_line(shortened(status, PART).as_bytes(), &mut out);
    }
    out
}

/// What was done, without who and to which one: `stop_instance ec2_instance`. The type of an event without operation.
pub(crate) fn title(fields: &Fields<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    let Some(operation) = fields.word(at::OPERATION) else {
        one_line(shortened(fields.event_type(), PART).as_bytes(), &mut out);
        return out;
    };
    one_line(shortened(operation, PART).as_bytes(), &mut out);
    if let Some(kind) = fields.word(at::RESOURCE_TYPE).filter(|kind| !names(operation, kind)) {
        out.push(b' ');
        one_line(shortened(kind, PART).as_bytes(), &mut out);
    }
    out
}

/// Has the operation the kind of thing as its last word, as `drop table` has?
fn names(operation: &[u8], kind: &[u8]) -> bool {
    operation
        .strip_suffix(kind)
        .is_some_and(|before| before.ends_with(b" "))
}
