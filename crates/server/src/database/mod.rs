//! Connections to PostgreSQL: who connects as whom, a pool for each identity, one transaction for each request.

pub mod pool;
pub mod readiness;
pub mod target;
pub mod transaction;

pub use pool::{Lease, Pools};
pub use target::{Login, Target};
pub use transaction::{Access, Transaction};

use crate::http::Problem;

/// Why the database did not do something.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It refused, or the connection broke.
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
    /// No connection came free.
    #[error("all connections are in use")]
    Busy,
    /// Nobody answers.
    #[error("no connection to the database: {0}")]
    Unreachable(String),
    /// Name or password is not right.
    #[error("the database does not let this login in")]
    Refused,
    /// The database asks nobody for a password, so that a password proves nothing.
    #[error("the database does not ask for passwords")]
    Trusting,
    /// A superuser, or a role that row-level security does not hold.
    #[error("row-level security does not hold this role")]
    Unlimited,
    /// It answered something else than was asked.
    #[error("an answer of the database cannot be read: {0}")]
    Strange(#[from] serde_json::Error),
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Problem {
        match error {
            DatabaseError::Postgres(error) => crate::http::sqlstate::problem(&error),
            DatabaseError::Busy => Problem::unavailable("All connections to the database are in use."),
            DatabaseError::Unreachable(cause) => {
                tracing::warn!(cause = %crate::logs::visible(&cause), "the database cannot be reached");
                Problem::unavailable("The database cannot be reached.")
            }
            DatabaseError::Refused => {
                Problem::unauthenticated("Name or password is not right, or the role may not log in.")
            }
            DatabaseError::Trusting => {
                tracing::error!("pg_hba.conf lets people in without a password: nobody may log in");
                Problem::forbidden(
                    "The database does not ask for passwords: pg_hba.conf lets this role in without one, so that a password proves nothing.",
                )
                .hint("Have pg_hba.conf ask connections of this server for scram-sha-256.")
            }
            DatabaseError::Unlimited => {
                Problem::forbidden("Superusers and roles with BYPASSRLS see everything, so they may not come in here.")
                    .hint("Log in as a role that is a member of auditlog_administrator.")
            }
            DatabaseError::Strange(error) => {
                tracing::error!(error = %crate::logs::visible(&error.to_string()), "an answer of the database cannot be read");
                Problem::internal()
            }
        }
    }
}
