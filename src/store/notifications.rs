//! The outbox: what is to be told through channels. And the channels.

use super::catalog::as_owner;
use super::checkpoints::trusted;
use super::jsonb;
use super::spi::{self, Arg, Cell};
use auditlog_core::json::Json;

/// A channel as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelRow {
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: String,
    /// Options, as JSON text.
    pub config: String,
    /// Label of the least severity that it is told of.
    pub min_severity: String,
    /// Is it used?
    pub enabled: bool,
}

const CHANNEL: &str = "name, kind, config::text, min_severity::text, enabled";

/// The channel in the first columns of a row.
pub(super) fn channel(row: &[Cell]) -> Option<ChannelRow> {
    Some(ChannelRow {
        name: row[0].text()?,
        kind: row[1].text()?,
        config: row[2].text()?,
        min_severity: row[3].text()?,
        enabled: row[4].int()? != 0,
    })
}

/// All channels.
pub fn channels() -> Vec<ChannelRow> {
    let sql = format!("SELECT {CHANNEL} FROM auditlog_data.channel ORDER BY name");
    let rows = as_owner(|| spi::read_latest(&sql, &[]));
    rows.iter().filter_map(|row| channel(row)).collect()
}

/// A channel by its name, locked until the end of the transaction.
pub fn lock_channel(name: &str) -> Option<ChannelRow> {
    let sql = format!("SELECT {CHANNEL} FROM auditlog_data.channel WHERE name = $1 FOR UPDATE");
    let rows = as_owner(|| spi::run(&sql, &[Arg::text(Some(name))]));
    rows.first().and_then(|row| channel(row))
}

/// Adds a channel; false when there is one of this name.
pub fn add_channel(new: &ChannelRow, who: &str) -> bool {
    if lock_channel(&new.name).is_some() {
        return false;
    }
    trusted(
        "INSERT INTO auditlog_data.channel (name, kind, config, min_severity, changed_by) \
         VALUES ($1, $2, $3::jsonb, $4::auditlog.severity, $5)",
        &[
            Arg::text(Some(&new.name)),
            Arg::text(Some(&new.kind)),
            Arg::text(Some(&new.config)),
            Arg::text(Some(&new.min_severity)),
            Arg::text(Some(who)),
        ],
    );
    true
}

/// Changes a channel. What has kept it from working is forgotten.
pub fn replace_channel(new: &ChannelRow, who: &str) {
    trusted(
        "UPDATE auditlog_data.channel SET config = $2::jsonb, min_severity = $3::auditlog.severity, enabled = $4, \
         changed_at = clock_timestamp(), changed_by = $5 WHERE name = $1",
        &[
            Arg::text(Some(&new.name)),
            Arg::text(Some(&new.config)),
            Arg::text(Some(&new.min_severity)),
            Arg::truth(new.enabled),
            Arg::text(Some(who)),
        ],
    );
    trusted(
        "UPDATE auditlog_data.channel_state SET failures = 0, open_until = 0, paused = false WHERE channel = $1",
        &[Arg::text(Some(&new.name))],
    );
    trusted(
        "UPDATE auditlog_data.notification SET next_attempt = clock_timestamp() WHERE channel = $1 AND state = 'waiting'",
        &[Arg::text(Some(&new.name))],
    );
}

/// Removes a channel; what waits for it is a dead letter.
pub fn remove_channel(name: &str) {
    let arguments = [Arg::text(Some(name))];
    trusted("DELETE FROM auditlog_data.channel WHERE name = $1", &arguments);
    trusted("DELETE FROM auditlog_data.channel_state WHERE channel = $1", &arguments);
    trusted(
        "UPDATE auditlog_data.notification SET state = 'dead', ended_at = clock_timestamp(), detail = 'the channel was removed' \
         WHERE channel = $1 AND state = 'waiting'",
        &arguments,
    );
}

/// A channel, for an event.
pub fn described_channel(name: &str) -> Option<Json> {
    let sql = "SELECT jsonb_build_object('kind', kind, 'config', config, 'min_severity', min_severity, 'enabled', enabled) \
        FROM auditlog_data.channel WHERE name = $1";
    let rows = as_owner(|| spi::run(sql, &[Arg::text(Some(name))]));
    jsonb::tree(rows.first()?[0].bytes()?).ok()
}

/// Adds a notification, written down as JSON text, whose `key` no other one has. Returns its number.
pub fn add(firing: Option<i64>, channel: &str, kind: &str, key: &str, body: &str) -> Option<i64> {
    let rows = as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.notification (firing_id, channel, kind, key, body) VALUES ($1, $2, $3, $4, $5::jsonb) \
             ON CONFLICT (key) DO NOTHING RETURNING id",
            &[
                Arg::int_or_null(firing),
                Arg::text(Some(channel)),
                Arg::text(Some(kind)),
                Arg::text(Some(key)),
                Arg::text(Some(body)),
            ],
        )
    });
    rows.first()?[0].int()
}

/// The same, of no firing, by who may write to the outbox at this moment only.
pub fn add_trusted(channel: &str, kind: &str, key: &str, body: &str) {
    trusted(
        "INSERT INTO auditlog_data.notification (channel, kind, key, body) VALUES ($1, $2, $3, $4::jsonb)",
        &[
            Arg::text(Some(channel)),
            Arg::text(Some(kind)),
            Arg::text(Some(key)),
            Arg::text(Some(body)),
        ],
    );
}

/// Bodies and channels of what was told, or is to be told, of a firing when it fired.
pub fn of_firing(firing: i64) -> Vec<(String, String)> {
    let sql = "SELECT channel, body::text FROM auditlog_data.notification WHERE firing_id = $1 AND kind = 'fired'";
    let rows = as_owner(|| spi::run(sql, &[Arg::int(firing)]));
    rows.iter()
        .filter_map(|row| Some((row[0].text()?, row[1].text()?)))
        .collect()
}

/// Has a dead letter sent again; false when there is none.
pub fn redrive(id: i64) -> bool {
    let sql = "SELECT 1 FROM auditlog_data.notification AS n JOIN auditlog_data.channel AS c ON c.name = n.channel \
        WHERE n.id = $1 AND n.state = 'dead'";
    let found = !as_owner(|| spi::run(sql, &[Arg::int(id)])).is_empty();
    if found {
        trusted(
            "UPDATE auditlog_data.notification SET state = 'waiting', attempts = 0, next_attempt = clock_timestamp(), ended_at = NULL \
             WHERE id = $1",
            &[Arg::int(id)],
        );
    }
    found
}
