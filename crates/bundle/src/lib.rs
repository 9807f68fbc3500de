//! Bundles: a log, or a selection of its events, as a directory of files that proves itself to whoever
//! has the log's public key. There is the [writer], and the [verifier](mod@verify) that trusts nothing
//! in the directory. No PostgreSQL, no network.
//!
//! ```text
//! bundle.json             what the bundle says of itself (manifest)
//! checkpoint              the signed note that the bundle is about
//! checkpoints/<size>      every known signed note of the log, the name of 20 digits
//! tile/<level>/<index>    the tree of exactly that size, c2sp.org/tlog-tiles
//! events/<number>.bin     65,536 records each (framed), number = log_index / 65,536
//! certificates/<place>    why events are not there (certificate), 20 digits: the event that tells of it
//! ```
//!
//! [`signer`] is the other half of `auditlog signer`, for whoever asks it for a signature.
#![forbid(unsafe_code)]

pub mod certificate;
pub mod content;
pub mod finding;
pub mod frames;
pub mod layout;
pub mod manifest;
mod places;
pub mod record;
pub mod redact;
pub mod report;
pub mod show;
pub mod signer;
#[cfg(feature = "testing")]
pub mod synthetic;
pub mod tiles;
pub mod verify;
pub mod writer;

pub use certificate::Certificate;
pub use finding::{Finding, Kind};
pub use manifest::{Manifest, Selection};
pub use record::Record;
pub use report::Report;
pub use verify::{CannotJudge, Options, verify};
pub use writer::BundleWriter;
