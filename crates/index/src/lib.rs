//! The term index: which word occurs in which event, as an LSM of immutable runs, without PostgreSQL.
//!
//! A *term* is the 32-bit hash of a folded word ([`term`](mod@term)), a *posting* says that the event at
//! one place in the log contains it. A *run* ([`run`]) holds the postings of a contiguous range of the
//! log, cut by the terms' upper bits into chunks ([`chunk`] has the format). Runs are built beside the
//! log, merged by [`mod@merge`] in the order [`policy`] gives, and read by [`postings`] and [`sets`].
//!
//! Different words may share a term, so what the index finds are candidates: the reader checks each
//! event. An event that has the word is always among them.
#![forbid(unsafe_code)]

pub mod chunk;
mod encode;
mod list;
pub mod merge;
pub mod policy;
pub mod run;
pub mod sets;
pub mod term;
mod varint;

pub use chunk::{Corrupt, Postings, postings};
pub use merge::{Merge, MergeError};
pub use policy::next_merge;
pub use run::{BuildError, Builder, Run, RunHead};
pub use term::{term, terms_of, value_term, value_term_of};
