//! The outbox as the deliverer sees it: what is due, and what became of it.

use super::catalog::as_owner;
use super::notifications::{ChannelRow, channel};
use super::spi::{self, Arg};
use auditlog_notify::breaker::{Breaker, Rate};
use std::time::Duration;

/// What became of a channel so far, as far as it decides when to try again.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChannelState {
    /// Its circuit breaker.
    pub breaker: Breaker,
    /// Its rate limit.
    pub rate: Rate,
}

/// A channel that something waits for.
pub struct Due {
    /// The channel.
    pub channel: ChannelRow,
    /// What became of it so far.
    pub state: ChannelState,
}

/// A notification that is to be delivered.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its number.
    pub id: i64,
    /// Attempts so far.
    pub attempts: i64,
    /// The notification, as JSON text.
    pub body: String,
}

/// Channels that are in use and that something is due for.
pub fn due() -> Vec<Due> {
    let sql = "SELECT c.name, c.kind, c.config::text, c.min_severity::text, c.enabled, \
            COALESCE(s.failures, 0)::bigint, COALESCE(s.open_until, 0), COALESCE(s.idle_at, 0) \
        FROM auditlog_data.channel AS c LEFT JOIN auditlog_data.channel_state AS s ON s.channel = c.name \
        WHERE c.enabled AND EXISTS (SELECT FROM auditlog_data.notification AS n \
            WHERE n.channel = c.name AND n.state = 'waiting' AND n.next_attempt <= clock_timestamp()) ORDER BY c.name";
    let rows = as_owner(|| spi::run(sql, &[]));
    rows.iter()
        .filter_map(|row| {
            Some(Due {
                channel: channel(row)?,
                state: ChannelState {
                    breaker: Breaker {
                        failures: row[5].int()? as u32,
                        open_until_us: row[6].int()?,
                    },
                    rate: Rate {
                        idle_at_us: row[7].int()?,
                    },
                },
            })
        })
        .collect()
}

/// What is due for a channel, the oldest first.
pub fn letters(channel: &str, limit: i64, kinds: &[String]) -> Vec<Letter> {
    let sql = "SELECT id, attempts::bigint, body::text FROM auditlog_data.notification \
        WHERE channel = $1 AND state = 'waiting' AND next_attempt <= clock_timestamp() AND kind = ANY ($3) ORDER BY id LIMIT $2";
    let rows = as_owner(|| {
        spi::run(
            sql,
            &[Arg::text(Some(channel)), Arg::int(limit), Arg::texts(Some(kinds))],
        )
    });
    rows.iter()
        .filter_map(|row| {
            Some(Letter {
                id: row[0].int()?,
                attempts: row[1].int()?,
                body: row[2].text()?,
            })
        })
        .collect()
}

/// Have more than `most` firings and resolutions come for a channel within `within`, or do so many wait? And is the last
/// digest of them younger than `apart`?
pub fn flood(channel: &str, most: i64, within: Duration, apart: Duration) -> (bool, bool) {
    let sql = "SELECT (SELECT count(*) FROM (SELECT FROM auditlog_data.notification AS n WHERE n.channel = $1 AND n.kind IN ('fired', 'resolved') \
                AND n.made_at > clock_timestamp() - $3 * interval '1 second' LIMIT $2 + 1) AS r) > $2 \
            OR (SELECT count(*) FROM (SELECT FROM auditlog_data.notification AS n WHERE n.channel = $1 AND n.kind IN ('fired', 'resolved') \
                AND n.state = 'waiting' LIMIT $2 + 1) AS w) > $2, \
        EXISTS (SELECT FROM auditlog_data.notification AS n WHERE n.channel = $1 AND n.kind = 'digest' \
                AND n.made_at > clock_timestamp() - $4 * interval '1 second')";
    let seconds = |time: Duration| Arg::int(time.as_secs() as i64);
    let rows = as_owner(|| {
        spi::run(
            sql,
            &[
                Arg::text(Some(channel)),
                Arg::int(most),
                seconds(within),
                seconds(apart),
            ],
        )
    });
    rows.first()
        .map_or((false, false), |row| (row[0].int() == Some(1), row[1].int() == Some(1)))
}

/// It has arrived.
pub fn delivered(id: i64, detail: &str) {
    end(id, "delivered", detail);
}

/// It will not arrive, whatever is tried.
pub fn died(id: i64, detail: &str) {
    end(id, "dead", detail);
}

fn end(id: i64, state: &str, detail: &str) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.notification SET state = $2, detail = $3, attempts = attempts + 1, ended_at = clock_timestamp() \
             WHERE id = $1 AND state = 'waiting'",
            &[Arg::int(id), Arg::text(Some(state)), Arg::text(Some(detail))],
        )
    });
}

/// It is tried again at `next` (microseconds since the Unix epoch); `body` is what is left of it.
pub fn again(id: i64, next: i64, detail: &str, body: Option<&str>) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.notification SET next_attempt = $2, detail = $3, attempts = attempts + 1, body = COALESCE($4::jsonb, body) \
             WHERE id = $1 AND state = 'waiting'",
            &[Arg::int(id), Arg::time(next), Arg::text(Some(detail)), Arg::text(body)],
        )
    });
}

/// These are told of in another one.
pub fn digested(ids: &[i64], digest: i64) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.notification SET state = 'digested', digest_id = $2, ended_at = clock_timestamp() \
             WHERE id = ANY ($1) AND state = 'waiting'",
            &[Arg::ints(ids), Arg::int(digest)],
        )
    });
}

/// What a round of deliveries was for a channel.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Notifications that arrived.
    pub delivered: i64,
    /// Attempts that will be repeated.
    pub retried: i64,
    /// Notifications that were given up.
    pub rejected: i64,
    /// Does it wait for somebody to do something?
    pub paused: bool,
    /// The last error.
    pub error: Option<String>,
}

/// Writes down what became of a channel.
pub fn report(channel: &str, state: &ChannelState, report: &Report) {
    as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.channel_state AS s (channel, failures, open_until, idle_at, paused, delivered, retried, rejected, \
                 last_success_at, last_error, last_error_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $6 > 0 THEN clock_timestamp() END, $9, \
                 CASE WHEN $9 IS NOT NULL THEN clock_timestamp() END) \
             ON CONFLICT (channel) DO UPDATE SET failures = EXCLUDED.failures, open_until = EXCLUDED.open_until, idle_at = EXCLUDED.idle_at, \
                 paused = EXCLUDED.paused, delivered = s.delivered + EXCLUDED.delivered, retried = s.retried + EXCLUDED.retried, \
                 rejected = s.rejected + EXCLUDED.rejected, last_success_at = COALESCE(EXCLUDED.last_success_at, s.last_success_at), \
                 last_error = COALESCE(EXCLUDED.last_error, s.last_error), last_error_at = COALESCE(EXCLUDED.last_error_at, s.last_error_at)",
            &[
                Arg::text(Some(channel)),
                Arg::int(i64::from(state.breaker.failures)),
                Arg::int(state.breaker.open_until_us),
                Arg::int(state.rate.idle_at_us),
                Arg::truth(report.paused),
                Arg::int(report.delivered),
                Arg::int(report.retried),
                Arg::int(report.rejected),
                Arg::text(report.error.as_deref()),
            ],
        )
    });
}

/// Has any channel ever been made, or does anything wait?
pub fn is_used() -> bool {
    let sql = "SELECT EXISTS (SELECT FROM auditlog_data.channel WHERE enabled)";
    as_owner(|| spi::run(sql, &[])).first().and_then(|row| row[0].int()) == Some(1)
}
