//! The audit log without PostgreSQL: event model, binary entry encoding, hash chain, verification.
//!
//! Nothing here reads a clock, draws random numbers or does I/O; the extension and the command line
//! tool hand those in. The byte formats are specified in `docs/format.md`.
#![forbid(unsafe_code)]

pub mod capture;
pub mod chain;
pub mod columns;
pub mod context;
pub mod decode;
pub mod document;
pub mod encode;
pub mod erase;
pub mod event;
pub mod json;
pub mod personal;
pub mod runs;
pub mod schema;
pub mod view;
