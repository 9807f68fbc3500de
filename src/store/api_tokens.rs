//! Tokens of ours for programs: of each only the hash is here.

use super::catalog::as_owner;
use super::checkpoints::trusted_rows;
use super::spi::{self, Arg};
use crate::identity::Subject;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// Whom it speaks for.
    pub actor_id: String,
    /// The tenant of that one.
    pub tenant: Option<String>,
    /// What it is good for; `None`: all.
    pub scopes: Option<Vec<String>>,
    /// Why it is not taken: `revoked` or `expired`.
    pub refusal: Option<String>,
}

/// A token that is to be.
pub struct New<'a> {
    /// What its owner calls it.
    pub name: &'a str,
    /// Whom it speaks for.
    pub owner: &'a Subject,
    /// SHA-256 of it.
    pub sha256: &'a [u8],
    /// What of it may be shown.
    pub prefix: &'a str,
    /// What it is good for.
    pub scopes: Option<&'a [String]>,
    /// Until when, microseconds since the Unix epoch.
    pub expires_at: i64,
    /// The login role that makes it.
    pub who: &'a str,
}

/// The token with this SHA-256, as committed: one that was revoked is of no use in any transaction.
pub fn by_hash(sha256: &[u8]) -> Option<Stored> {
    let sql = "SELECT id, name, actor_id, tenant, scopes, \
         CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= clock_timestamp() THEN 'expired' END \
         FROM auditlog_data.api_token WHERE token_sha256 = $1";
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::bytea(sha256)]));
    let row = rows.first()?;
    Some(Stored {
        id: row[0].int()?,
        name: row[1].text()?,
        actor_id: row[2].text()?,
        tenant: row[3].text(),
        scopes: row[4].texts(),
        refusal: row[5].text(),
    })
}

/// Tokens of an owner that are good now.
pub fn count(owner: &Subject) -> i64 {
    let sql = "SELECT count(*) FROM auditlog_data.api_token WHERE actor_id = $1 AND tenant IS NOT DISTINCT FROM $2 \
         AND revoked_at IS NULL AND expires_at > clock_timestamp()";
    let arguments = [Arg::text(Some(&owner.actor_id)), Arg::text(owner.tenant.as_deref())];
    let rows = as_owner(|| spi::read_latest(sql, &arguments));
    rows.first().and_then(|row| row[0].int()).unwrap_or(0)
}

/// Adds a token; returns its number.
pub fn add(new: &New<'_>) -> i64 {
    let rows = trusted_rows(
        "INSERT INTO auditlog_data.api_token (name, actor_id, tenant, token_sha256, prefix, scopes, expires_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        &[
            Arg::text(Some(new.name)),
            Arg::text(Some(&new.owner.actor_id)),
            Arg::text(new.owner.tenant.as_deref()),
            Arg::bytea(new.sha256),
            Arg::text(Some(new.prefix)),
            Arg::texts(new.scopes),
            Arg::time(new.expires_at),
            Arg::text(Some(new.who)),
        ],
    );
    rows.first().and_then(|row| row[0].int()).unwrap_or(0)
}

/// Whose a token is, and what it is called.
pub fn owner(id: i64) -> Option<(Subject, String)> {
    let sql = "SELECT actor_id, tenant, name FROM auditlog_data.api_token WHERE id = $1";
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::int(id)]));
    let row = rows.first()?;
    let owner = Subject {
        actor_id: row[0].text()?,
        tenant: row[1].text(),
    };
    Some((owner, row[2].text()?))
}

/// Takes a token back; false when it was not good any more.
pub fn revoke(id: i64, who: &str) -> bool {
    let rows = trusted_rows(
        "UPDATE auditlog_data.api_token SET revoked_at = clock_timestamp(), revoked_by = $2 \
         WHERE id = $1 AND revoked_at IS NULL AND expires_at > clock_timestamp() RETURNING id",
        &[Arg::int(id), Arg::text(Some(who))],
    );
    !rows.is_empty()
}

/// When a token was used last, as the journal has it: microseconds since 2000.
pub fn used_at(id: i64, owner: &str) -> Option<i64> {
    let sql = "SELECT e.\"timestamp\" FROM auditlog_data.log AS e WHERE e.actor_id = $2 AND e.event_type = 'auditlog.view' \
         AND e.operation = 'authenticate' AND e.extra #>> '{metadata,calls,0,arguments,token_id}' = $1::text \
         AND e.\"timestamp\" >= (SELECT t.created_at FROM auditlog_data.api_token AS t WHERE t.id = $1) \
         ORDER BY e.\"timestamp\" DESC LIMIT 1";
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::int(id), Arg::text(Some(owner))]));
    rows.first()?.first()?.int()
}
