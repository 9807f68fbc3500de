//! Idempotency keys: a repeated call within 24 hours gets the first call's event_id.

use super::spi::{self, Arg};
use crate::store::catalog::as_owner;

/// What became of a key.
pub enum Claim {
    /// The key is new (or its 24 hours are over): record the event.
    New,
    /// The key was used: nothing is to be recorded.
    Repeat {
        /// The first call's event.
        event_id: String,
        /// Did the first call carry the same event?
        same: bool,
    },
}

/// Hours that a key is remembered.
pub const HOURS: i64 = 24;

/// Claims a key for an event. Waits only for a transaction that is using the same key right now.
/// `digest` is a hash of what the caller sent.
pub fn claim(tenant: &str, key: &str, event_id: &str, digest: &[u8]) -> Claim {
    as_owner(|| {
        let args = [
            Arg::text(Some(tenant)),
            Arg::text(Some(key)),
            Arg::text(Some(event_id)),
            Arg::bytea(digest),
        ];
        let claimed = spi::run(
            "INSERT INTO auditlog_data.idempotency AS i (tenant, key, event_id, digest, recorded_at) \
             VALUES ($1, $2, $3, $4, clock_timestamp()) ON CONFLICT (tenant, key) DO UPDATE \
             SET event_id = EXCLUDED.event_id, digest = EXCLUDED.digest, recorded_at = EXCLUDED.recorded_at \
             WHERE i.recorded_at < clock_timestamp() - interval '24 hours' RETURNING 1",
            &args,
        );
        if !claimed.is_empty() {
            return Claim::New;
        }
        let first = spi::run(
            "SELECT event_id, digest FROM auditlog_data.idempotency WHERE tenant = $1 AND key = $2",
            &args[..2],
        );
        match first.first() {
            Some(row) => Claim::Repeat {
                event_id: row[0].text().unwrap_or_default(),
                same: row[1].bytes() == Some(digest),
            },
            None => crate::error::Fault::broken("an idempotency key vanished while it was claimed")
                .hint("Try again.")
                .raise(),
        }
    })
}

/// Forgets keys whose time is over.
pub fn purge() {
    spi::run(
        "DELETE FROM auditlog_data.idempotency WHERE recorded_at < clock_timestamp() - interval '24 hours'",
        &[],
    );
}
