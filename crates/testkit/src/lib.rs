//! Private PostgreSQL clusters and the questions that tests of pg_auditlog ask them.
//!
//! Everything here panics when something goes wrong: it is for tests, and a panic is their failure.
#![forbid(unsafe_code)]

pub mod cluster;
pub mod command;
pub mod crash;
pub mod database;
pub mod http;
mod lifeline;
pub mod log;
pub mod random;
pub mod refused;
pub mod wait;

pub use cluster::{Cluster, Options, Stop};
pub use crash::Victim;
pub use database::Database;
pub use postgres;
pub use random::Random;
pub use wait::{LONG, SetAtEnd, wait_until, wait_until_or_tell};

use std::sync::OnceLock;

/// The cluster that the tests of one test program share, each with a database of its own. It ends
/// with the program.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(&Options::default()))
}
