//! Sealed events in the formats of exports and of those who receive the log: JSON, CSV, syslog, CEF, LEEF,
//! ECS, OCSF and CloudEvents.
//!
//! A [`Writer`] takes [`Record`](auditlog_bundle::Record)s one after the other and appends one line for each.
//! It reads no clock and does no I/O; what it writes depends on the record, the options and the [`Source`]
//! alone, so that an event written twice is the same text twice.
//!
//! Three things hold for every format:
//!
//! - **Key.** `origin`, `log_index` and `entry_hash` are in it. Two lines with the same three are the same event
//!   delivered twice; two lines with the same origin and index but different hashes prove a fork of the log.
//! - **One line.** No line has a line break inside, but for quoted fields of CSV: there RFC 4180 has them.
//! - **No salt.** The salt of the commitments never leaves: erasure would not reach it.
//!
//! Texts that are not UTF-8 (they exist in databases with the encoding `SQL_ASCII`) have U+FFFD in place of what
//! cannot be read, as everywhere outside the log. What each format says where is written in its module.
#![forbid(unsafe_code)]

mod binary;
mod cef;
mod cloudevents;
mod csv;
mod document;
mod ecs;
mod error;
mod fields;
mod format;
mod json;
mod json_text;
mod leef;
mod object;
mod ocsf;
mod option_reader;
mod options;
mod plain;
mod source;
mod summary;
mod syslog;
mod time_text;
mod verb;
mod writer;

pub use csv::is_formula;
pub use error::{FormatError, OptionError};
pub use format::Format;
pub use ocsf::{OCSF_CLASSES, ocsf_class, ocsf_class_name};
pub use options::Options;
pub use source::Source;
pub use writer::Writer;
