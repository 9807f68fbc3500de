//! A transparency log's formats and algorithms, without PostgreSQL, a network, a clock or randomness:
//! what is read, the time and the secret keys are handed in.
//!
//! The tree is RFC 6962's ([`hash`], [`tree`]), stored in tiles ([`tile`]), from which proofs are made
//! and against which nothing is trusted when they are checked ([`proof`]). What a log says about its
//! tree is a [`checkpoint`], a text signed as a [`note`] with a [`key`]; who has seen it adds a
//! [`cosignature`] by the protocol in [`mod@witness`]. A [`tlog_proof`] is a file that proves one entry
//! to whoever has a [`policy`]: which logs and which witnesses to believe.
//!
//! All texts are those of c2sp.org, so any other tool for them reads ours. Parsers take any input and
//! refuse whatever their printers would not have written, so that a text has one meaning and a value
//! one text. Sizes are at most 2⁶³ − 1, the largest `bigint`.
#![forbid(unsafe_code)]

mod appender;
pub mod checkpoint;
pub mod cosignature;
pub mod hash;
pub mod key;
pub mod note;
mod pkcs8;
mod plan;
pub mod policy;
mod policy_text;
pub mod proof;
mod text;
pub mod tile;
pub mod tlog_proof;
pub mod tree;
mod verify;
mod vkey;
pub mod witness;
mod witness_text;

pub use checkpoint::Checkpoint;
pub use hash::Hash;
pub use key::SigningKey;
pub use note::{KeyName, SignedNote, VerifierKey};
pub use policy::Policy;
pub use text::MAX_SIZE;
pub use tile::{Appender, TileId};
pub use tlog_proof::TlogProof;
pub use tree::Frontier;
pub use witness::Witness;
