//! Is the database one that this server may serve? Its version, the extension's, and the authenticator's rights.

use tokio_postgres::types::Type;

use super::target::Connection;
use super::{DatabaseError, Login, Target};

/// The extension's version that this server was made for.
pub const EXTENSION: &str = env!("CARGO_PKG_VERSION");

/// First good minor version of each major one, and what is wrong below it.
///
/// All of them let rows past policies, or their values past the planner: CVE-2016-2193 and CVE-2023-2455 (a plan made
/// for one role used for another), CVE-2024-10976 (the same below subqueries), CVE-2025-8713 (statistics of hidden rows).
const FIXED: &[(i32, i32, &str)] = &[
    (15, 3, "CVE-2023-2455"),
    (15, 9, "CVE-2024-10976"),
    (15, 14, "CVE-2025-8713"),
    (16, 5, "CVE-2024-10976"),
    (16, 10, "CVE-2025-8713"),
    (17, 1, "CVE-2024-10976"),
    (17, 6, "CVE-2025-8713"),
];

/// Why a database is not served.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It cannot be asked.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Row-level security has a known flaw there.
    #[error(
        "PostgreSQL {version} has {flaw}: row-level security does not hold there; update to {major}.{minor} or later"
    )]
    Flaw {
        /// What is there.
        version: String,
        /// What is wrong with it.
        flaw: &'static str,
        /// Where it is right.
        major: i32,
        /// Where it is right.
        minor: i32,
    },
    /// Older than the extension knows.
    #[error("PostgreSQL {0} is too old: 15 or later is needed")]
    Old(String),
    /// No extension.
    #[error("the database has no extension pg_auditlog")]
    NoExtension,
    /// Another version.
    #[error("the database has pg_auditlog {found}, this server is for {EXTENSION}")]
    Version {
        /// What is there.
        found: String,
    },
}

impl From<tokio_postgres::Error> for Unfit {
    fn from(error: tokio_postgres::Error) -> Unfit {
        Unfit::Database(error.into())
    }
}

/// What the database is.
#[derive(Debug, Clone)]
pub struct Fit {
    /// PostgreSQL's version.
    pub postgres: String,
    /// The extension's.
    pub extension: String,
    /// Does it only follow another one?
    pub is_standby: bool,
}

/// Asks the database through the service login.
///
/// # Errors
/// When it cannot be asked, or must not be served.
pub async fn check(target: &Target) -> Result<Fit, Unfit> {
    ask(&target.connect(&Login::Configured).await?).await
}

/// Asks over a connection.
///
/// # Errors
/// When the database cannot be asked, or must not be served.
pub async fn ask(connection: &Connection) -> Result<Fit, Unfit> {
    let sql = "SELECT pg_catalog.current_setting('server_version_num')::integer, pg_catalog.current_setting('server_version'), \
               (SELECT extversion FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) $1), pg_catalog.pg_is_in_recovery()";
    let rows = connection
        .client
        .query_typed(sql, &[(&"pg_auditlog", Type::NAME)])
        .await?;
    let row = rows.first().ok_or(Unfit::NoExtension)?;
    let postgres: String = row.try_get(1)?;
    judge(row.try_get(0)?, &postgres)?;
    let extension: Option<String> = row.try_get(2)?;
    let extension = extension.ok_or(Unfit::NoExtension)?;
    if extension != EXTENSION {
        return Err(Unfit::Version { found: extension });
    }
    Ok(Fit {
        postgres,
        extension,
        is_standby: row.try_get(3)?,
    })
}

fn judge(number: i32, version: &str) -> Result<(), Unfit> {
    let (major, minor) = (number / 10_000, number % 10_000);
    if major < 15 {
        return Err(Unfit::Old(version.to_owned()));
    }
    let mut flaws = FIXED.iter().filter(|(of, fixed, _)| *of == major && minor < *fixed);
    match flaws.next_back() {
        None => Ok(()),
        Some((major, minor, flaw)) => Err(Unfit::Flaw {
            version: version.to_owned(),
            flaw,
            major: *major,
            minor: *minor,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaws_are_named() {
        for good in [150_014, 150_020, 160_010, 170_006, 180_000, 190_001] {
            assert!(judge(good, "x").is_ok(), "{good}");
        }
        let why = |number| judge(number, "x").expect_err("refused").to_string();
        assert!(why(150_002).contains("15.14"), "the last fix is what is needed");
        assert!(why(150_013).contains("CVE-2025-8713"));
        assert!(why(170_000).contains("17.6"));
        assert!(why(140_019).contains("too old"));
    }
}
