//! The keys that tokens are checked with, as an administrator has set them.

use super::catalog::as_owner;
use super::checkpoints::trusted;
use super::spi::{self, Arg};

/// A JWK Set and what its tokens must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The JWK Set.
    pub jwks: String,
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud`.
    pub audience: String,
}

/// What is set now, as committed: a key that was taken away is gone for every transaction.
pub fn get() -> Option<Stored> {
    let sql = "SELECT jwks, issuer, audience FROM auditlog_data.token_keys";
    let rows = as_owner(|| spi::read_latest(sql, &[]));
    let row = rows.first()?;
    Some(Stored {
        jwks: row[0].text()?,
        issuer: row[1].text()?,
        audience: row[2].text()?,
    })
}

/// Sets it; `None` takes it away.
pub fn set(stored: Option<&Stored>, who: &str) {
    match stored {
        None => trusted("DELETE FROM auditlog_data.token_keys", &[]),
        Some(stored) => trusted(
            "INSERT INTO auditlog_data.token_keys (jwks, issuer, audience, set_by) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (single) DO UPDATE SET jwks = EXCLUDED.jwks, issuer = EXCLUDED.issuer, \
             audience = EXCLUDED.audience, set_by = EXCLUDED.set_by, set_at = clock_timestamp()",
            &[&stored.jwks, &stored.issuer, &stored.audience, who].map(|text| Arg::text(Some(text))),
        ),
    }
}
