//! The cold tier: sealed events as Parquet objects, with manifests that prove them. No I/O beside what is handed
//! in, no clock, no PostgreSQL.
//!
//! An object has the events of one log, class and day: [`ObjectWriter`] writes it from the records that
//! `auditlog.bundle_record` makes, [`ObjectReader`] gives those records back, byte by byte, and any engine for
//! Parquet reads it as it is. The [`manifest`] says which events these are, and is [verified](mod@verify) against
//! the object. When events are erased or go, an object is [rewritten](mod@rewrite). [`layout`] says where objects
//! and manifests are.
//!
//! | column | type | is |
//! | --- | --- | --- |
//! | `log_index` | INT64 | the place in the log |
//! | the columns of docs/format.md §2 | | `timestamp`, `recorded_at`: TIMESTAMP (µs, UTC). Texts and addresses: STRING. JSON: JSON, as text without white space. `tags`, `personal`: LIST of STRING |
//! | `sealed_at` | TIMESTAMP (µs, UTC) | when it was sealed |
//! | `entry_hash` | 32 bytes | the leaf of the log's tree |
//! | `prev_hash` | 32 bytes or NULL | the link before; NULL where the row at the place before is in the same row group and gives it. `hash` follows from these and is not kept |
//! | `salt` | bytes or NULL | what commitments are made with; NULL once erased |
//! | `redacted` | JSON or NULL | commitments in place of erased columns |
//! | `raw` | bytes or NULL | the record, where the other columns can't give it back: rows that were touched |
//!
//! The order of the caller's steps, so that a crash at any point repeats and loses nothing: write the object, create
//! it under its [`layout::Name`] only if it is not there, read it back and [`verify()`] it, create the manifest; then,
//! once the event that tells of it is sealed, remove the rows. A rewritten object and its manifest come before
//! the older ones go.
#![forbid(unsafe_code)]

mod buffer;
pub mod inventory;
mod json_text;
pub mod layout;
pub mod manifest;
mod places;
pub mod reader;
pub mod rewrite;
pub mod row;
mod rows;
mod schema;
pub mod table;
pub mod verify;
pub mod writer;

pub use inventory::{Contents, Inventory};
pub use json_text::JsonTextError;
pub use layout::Name;
pub use manifest::{Manifest, ManifestError, Replaced, SignedManifest};
pub use parquet::file::reader::ChunkReader;
pub use reader::{ObjectReader, ReadError};
pub use rewrite::{Change, RewriteError, rewrite};
pub use row::{Group, RowError};
pub use schema::SCHEMA_VERSION;
pub use table::TableWriter;
pub use verify::{Report, Trust, verify};
pub use writer::{ObjectWriter, Options, Placement, WriteError};
