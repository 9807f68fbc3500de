//! What is read and written, a file for each subject: functions that take a transaction of the caller's and give typed
//! values. The only SQL of the server is here, in [`crate::identity::bearer`] and in [`crate::database`]; every value is bound.

pub mod alerts;
pub mod catalogue;
pub mod configuring;
pub mod delivery;
pub mod event;
pub mod exports;
pub mod figures;
pub mod jobs;
pub mod keeping;
pub mod principals;
pub mod proofs;
pub mod recording;
pub mod reports;
pub mod retention;
pub mod saved;
pub mod search;
pub mod standing;
pub mod state;
pub mod tokens;
pub mod viewer_links;

use crate::database::DatabaseError;

/// What these functions come to.
pub type Answer<T> = Result<T, DatabaseError>;
