//! The table of what alerts have found.

use super::catalog::as_owner;
use super::checkpoints::trusted;
use super::spi::{self, Arg};
use auditlog_core::json::Json;
use auditlog_policy::alert::engine::{Firing, Moment, Resolved, Restored, Update};

/// What a firing says of its alert.
pub struct Of<'a> {
    /// The alert's name.
    pub alert: &'a str,
    /// A severity's label.
    pub severity: &'a str,
    /// Is nobody told?
    pub muted: bool,
}

/// Adds a firing, with the event ids of its samples; `None` when it is there already.
pub fn add(firing: &Firing, of: &Of<'_>, samples: &[String]) -> Option<i64> {
    let group = Json::Object(
        firing
            .group
            .iter()
            .map(|(field, value)| {
                (
                    field.clone(),
                    value.as_ref().map_or(Json::Null, |value| Json::String(value.clone())),
                )
            })
            .collect(),
    );
    let window = firing.window.map(|window| window.to_string());
    let rows = as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.firing (alert_id, alert, severity, group_key, group_values, count, needed, time_window, events, \
             first_index, first_at, last_index, last_at, completed_index, completed_at, arrived_at, last_match_at, samples, reason, muted) \
             VALUES ($1, $2, $3::auditlog.severity, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17, $18, $19) \
             ON CONFLICT (alert_id, group_key, completed_index) DO NOTHING RETURNING id",
            &[
                Arg::int(firing.alert),
                Arg::text(Some(of.alert)),
                Arg::text(Some(of.severity)),
                Arg::text(Some(&firing.key)),
                Arg::jsonb(&group),
                Arg::int(firing.count as i64),
                Arg::int(firing.needed as i64),
                Arg::text(window.as_deref()),
                Arg::int(firing.events as i64),
                Arg::int(firing.first.log_index),
                Arg::time(firing.first.at_us),
                Arg::int(firing.last.log_index),
                Arg::time(firing.last.at_us),
                Arg::int(firing.completed.log_index),
                Arg::time(firing.completed.at_us),
                Arg::time(firing.arrived_us),
                Arg::texts(Some(samples)),
                Arg::text(Some(&firing.reason)),
                Arg::truth(of.muted),
            ],
        )
    });
    rows.first()?[0].int()
}

/// An alert has fired so many times more.
pub fn count(alert: i64, times: i64) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.alert_state SET fired = fired + $2, last_fired_at = clock_timestamp() WHERE alert_id = $1",
            &[Arg::int(alert), Arg::int(times)],
        )
    });
}

/// More was counted into a firing.
pub fn update(update: &Update) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.firing SET events = $4, last_index = $5, last_at = $6, last_match_at = $7 \
             WHERE alert_id = $1 AND group_key = $2 AND completed_index = $3",
            &[
                Arg::int(update.alert),
                Arg::text(Some(&update.key)),
                Arg::int(update.completed.log_index),
                Arg::int(update.events as i64),
                Arg::int(update.last.log_index),
                Arg::time(update.last.at_us),
                Arg::time(update.last_match_us),
            ],
        )
    });
}

/// The group's firings are over. Returns the numbers of those that were open.
pub fn resolve(resolved: &Resolved) -> Vec<i64> {
    let rows = as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.firing SET resolved_at = clock_timestamp() \
             WHERE alert_id = $1 AND group_key = $2 AND resolved_at IS NULL RETURNING id",
            &[Arg::int(resolved.alert), Arg::text(Some(&resolved.key))],
        )
    });
    rows.iter().filter_map(|row| row[0].int()).collect()
}

/// Firings of an alert that are open or arrived at `since` or later, those that matched earlier first.
pub fn remembered(alert: i64, since: i64) -> Vec<Restored> {
    let rows = as_owner(|| {
        spi::run(
            "SELECT group_key, completed_index, completed_at, arrived_at, events, last_index, last_at, last_match_at, resolved_at IS NULL \
             FROM auditlog_data.firing WHERE alert_id = $1 AND (resolved_at IS NULL OR arrived_at >= $2) ORDER BY last_match_at, id",
            &[Arg::int(alert), Arg::time(since)],
        )
    });
    let time = |cell: &spi::Cell| cell.int().map(|us| us + super::POSTGRES_EPOCH);
    rows.iter()
        .filter_map(|row| {
            Some(Restored {
                alert,
                key: row[0].text()?,
                completed: Moment {
                    log_index: row[1].int()?,
                    at_us: time(&row[2])?,
                },
                arrived_us: time(&row[3])?,
                events: row[4].int()? as u64,
                last: Moment {
                    log_index: row[5].int()?,
                    at_us: time(&row[6])?,
                },
                last_match_us: time(&row[7])?,
                open: row[8].int()? != 0,
            })
        })
        .collect()
}

/// Somebody has seen to it; false when there is no such firing.
pub fn acknowledge(id: i64, note: Option<&str>, disposition: Option<&str>, who: &str) -> bool {
    let rows = as_owner(|| spi::run("SELECT 1 FROM auditlog_data.firing WHERE id = $1", &[Arg::int(id)]));
    trusted(
        "UPDATE auditlog_data.firing SET acknowledged_at = clock_timestamp(), acknowledged_by = $2, note = $3, \
         disposition = $4 WHERE id = $1",
        &[
            Arg::int(id),
            Arg::text(Some(who)),
            Arg::text(note),
            Arg::text(disposition),
        ],
    );
    !rows.is_empty()
}

/// An alert that is gone, or has become another one, resolves nothing any more.
pub fn close(alert: i64) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.firing SET resolved_at = clock_timestamp() WHERE alert_id = $1 AND resolved_at IS NULL",
            &[Arg::int(alert)],
        )
    });
}
