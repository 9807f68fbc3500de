//! PostgreSQL's hooks that we sit in; each calls the one that was there before.

pub mod access;
pub mod server_log;
pub mod session;
pub mod statement;
mod unguarded;
pub mod utility;
