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
pub use problem::{FieldError, Problem};
