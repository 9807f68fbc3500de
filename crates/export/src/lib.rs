//! Exports as files (docs/export.md): [`Output`] writes sealed events in one format into one file or several, so that
//! a crash at any point loses nothing and leaves no torn file; a [`Manifest`] says what they are; [`verify()`] checks both
//! against the log's public key, without PostgreSQL.
//!
//! A file is written under a name of its own (`files`), synchronised, and only then linked to its name, which
//! never overwrites another file. [`Progress`] is what the caller keeps to go on after a crash: what was written behind it
//! is cut off, and written again.
//!
//! # Proof
//!
//! Beside lines of the format `json` lies a file of hashes: for each gap between two exported events, and before the first and
//! after the last, the hashes of the largest complete subtrees of the log's tree that lie in the gap, from left to right
//! ([`tree`]). With the `entry_hash` of each line they give the root of the tree of [`Manifest::log_size`] leaves, of which a
//! consistency proof leads to the signed checkpoint. So no line can be added, left out, moved or given another entry hash.
//! That a line says what its entry hash was made of, the SHA-256 of the file vouches for, which the manifest has; and the
//! manifest's own SHA-256 is in the log, in the event `auditlog.export` that ends the export.
#![forbid(unsafe_code)]

pub mod content;
pub mod destination;
pub mod files;
mod line;
pub mod manifest;
pub mod output;
mod reading;
mod report;
pub mod tree;
pub mod verify;

pub use content::{Content, PARQUET};
pub use destination::Destination;
pub use manifest::{FileEntry, Manifest, ManifestError, ProofEntry};
pub use output::{Ended, Output, OutputError, Plan, Progress};
pub use report::{Finding, Report};
pub use verify::{CannotVerify, verify};
