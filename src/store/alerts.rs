//! The tables of alerts: what they are, and how far the evaluator is with them.

use super::catalog::as_owner;
use super::checkpoints::trusted;
use super::head;
use super::jsonb;
use super::spi::{self, Arg, Cell};
use auditlog_core::json::Json;

/// An alert as it is defined.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRow {
    /// Number.
    pub id: i64,
    /// Name.
    pub name: String,
    /// The definition as somebody wrote it.
    pub definition: String,
    /// Is it evaluated?
    pub enabled: bool,
    /// Until when nobody is told, microseconds since the Unix epoch.
    pub muted_until: Option<i64>,
    /// Another one whenever what it says has changed.
    pub revision: i64,
    /// Events that the log had when this revision was made.
    pub from_index: i64,
}

const COLUMNS: &str = "id, name, definition, enabled, muted_until, revision, from_index";

fn parse(row: &[Cell]) -> Option<AlertRow> {
    Some(AlertRow {
        id: row[0].int()?,
        name: row[1].text()?,
        definition: row[2].text()?,
        enabled: row[3].int()? != 0,
        muted_until: row[4].int().map(|us| us + super::POSTGRES_EPOCH),
        revision: row[5].int()?,
        from_index: row[6].int()?,
    })
}

/// All alerts.
pub fn all() -> Vec<AlertRow> {
    let sql = format!("SELECT {COLUMNS} FROM auditlog_data.alert ORDER BY id");
    let rows = as_owner(|| spi::read_latest(&sql, &[]));
    rows.iter().filter_map(|row| parse(row)).collect()
}

/// An alert by its name, locked until the end of the transaction.
pub fn lock(name: &str) -> Option<AlertRow> {
    let sql = format!("SELECT {COLUMNS} FROM auditlog_data.alert WHERE name = $1 FOR UPDATE");
    let rows = as_owner(|| spi::run(&sql, &[Arg::text(Some(name))]));
    rows.first().and_then(|row| parse(row))
}

/// An alert by its name.
pub fn get(name: &str) -> Option<AlertRow> {
    let sql = format!("SELECT {COLUMNS} FROM auditlog_data.alert WHERE name = $1");
    let rows = as_owner(|| spi::read_latest(&sql, &[Arg::text(Some(name))]));
    rows.first().and_then(|row| parse(row))
}

/// Something that is another one whenever alerts, or the saved queries that they use, may have changed.
pub fn fingerprint() -> String {
    let sql = "SELECT concat((SELECT sum(hashtextextended(concat(id, ' ', revision, ' ', muted_until), 0)::numeric) FROM auditlog_data.alert), ' ', \
        (SELECT sum(hashtextextended(name || ' ' || query, 0)::numeric) FROM auditlog.saved_queries))";
    let rows = as_owner(|| spi::read_latest(sql, &[]));
    rows.first().and_then(|row| row[0].text()).unwrap_or_default()
}

/// Is there an alert that is to be evaluated?
pub fn any() -> bool {
    let sql = "SELECT EXISTS (SELECT FROM auditlog_data.alert WHERE enabled)";
    as_owner(|| spi::read_latest(sql, &[]))
        .first()
        .and_then(|row| row[0].int())
        == Some(1)
}

/// What is written of an alert.
pub struct Written<'a> {
    /// Its name.
    pub name: &'a str,
    /// As somebody wrote it.
    pub definition: &'a str,
    /// The same in the canonical form.
    pub canonical: &'a Json,
    /// A severity's label.
    pub severity: &'a str,
    /// Is it to be evaluated?
    pub enabled: bool,
}

/// Adds an alert; `None` when there is one of this name.
pub fn add(alert: &Written<'_>, who: &str) -> Option<i64> {
    if get(alert.name).is_some() {
        return None;
    }
    trusted(
        "INSERT INTO auditlog_data.alert (name, definition, canonical, severity, enabled, changed_by, from_index) \
         VALUES ($1, $2, $3, $4::auditlog.severity, $5, $6, $7)",
        &[
            Arg::text(Some(alert.name)),
            Arg::text(Some(alert.definition)),
            Arg::jsonb(alert.canonical),
            Arg::text(Some(alert.severity)),
            Arg::truth(alert.enabled),
            Arg::text(Some(who)),
            size(),
        ],
    );
    lock(alert.name).map(|added| added.id)
}

/// Is there another alert of this name?
pub fn is_taken(name: &str, id: i64) -> bool {
    let sql = "SELECT 1 FROM auditlog_data.alert WHERE name = $1 AND id <> $2";
    !as_owner(|| spi::read_latest(sql, &[Arg::text(Some(name)), Arg::int(id)])).is_empty()
}

/// Puts another definition in the place of an alert's.
pub fn replace(id: i64, alert: &Written<'_>, who: &str) {
    trusted(
        "UPDATE auditlog_data.alert SET name = $2, definition = $3, canonical = $4, severity = $5::auditlog.severity, \
         enabled = $6, revision = revision + 1, changed_at = clock_timestamp(), changed_by = $7, from_index = $8 WHERE id = $1",
        &[
            Arg::int(id),
            Arg::text(Some(alert.name)),
            Arg::text(Some(alert.definition)),
            Arg::jsonb(alert.canonical),
            Arg::text(Some(alert.severity)),
            Arg::truth(alert.enabled),
            Arg::text(Some(who)),
            size(),
        ],
    );
}

/// Events of the log now, from which on an alert that is made now is about them.
fn size() -> Arg {
    let newest = head::committed().or_else(head::of_the_rows);
    Arg::int(newest.map_or(0, |head| head.size))
}

/// Switches an alert on or off.
pub fn enable(id: i64, enabled: bool, who: &str) {
    trusted(
        "UPDATE auditlog_data.alert SET enabled = $2, revision = revision + 1, changed_at = clock_timestamp(), \
         changed_by = $3, from_index = $4 WHERE id = $1",
        &[Arg::int(id), Arg::truth(enabled), Arg::text(Some(who)), size()],
    );
}

/// Says until when nobody is told; `None` ends it. What was counted goes on counting.
pub fn mute(id: i64, until: Option<i64>, reason: Option<&str>, who: &str) {
    let time = until.map(Arg::time).unwrap_or_else(|| Arg::text(None));
    trusted(
        "UPDATE auditlog_data.alert SET muted_until = $2::timestamptz, mute_reason = $3, changed_at = clock_timestamp(), \
         changed_by = $4 WHERE id = $1",
        &[Arg::int(id), time, Arg::text(reason), Arg::text(Some(who))],
    );
}

/// Removes an alert.
pub fn remove(id: i64) {
    trusted("DELETE FROM auditlog_data.alert WHERE id = $1", &[Arg::int(id)]);
}

/// How far the evaluator is with an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The alert.
    pub id: i64,
    /// The revision that is evaluated.
    pub revision: i64,
    /// The first event that it is about.
    pub since: i64,
}

/// Of all alerts that have been evaluated.
pub fn states() -> Vec<State> {
    let rows = as_owner(|| spi::run("SELECT alert_id, revision, since FROM auditlog_data.alert_state", &[]));
    rows.iter()
        .filter_map(|row| {
            Some(State {
                id: row[0].int()?,
                revision: row[1].int()?,
                since: row[2].int()?,
            })
        })
        .collect()
}

/// From now on this revision is evaluated, about events from `since` on.
pub fn set_state(state: &State, error: Option<&str>) {
    as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.alert_state AS s (alert_id, revision, since, error) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (alert_id) DO UPDATE SET revision = EXCLUDED.revision, since = EXCLUDED.since, error = EXCLUDED.error \
             WHERE (s.revision, s.since, s.error) IS DISTINCT FROM (EXCLUDED.revision, EXCLUDED.since, EXCLUDED.error)",
            &[
                Arg::int(state.id),
                Arg::int(state.revision),
                Arg::int(state.since),
                Arg::text(error),
            ],
        )
    });
}

/// Forgets alerts that are gone.
pub fn forget_states() {
    as_owner(|| {
        spi::run(
            "DELETE FROM auditlog_data.alert_state AS s WHERE NOT EXISTS (SELECT FROM auditlog_data.alert AS a WHERE a.id = s.alert_id)",
            &[],
        )
    });
}

/// Where the evaluator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The next event to be evaluated.
    pub next: i64,
    /// From where the log must be read again after a restart, and what the clock showed there (microseconds).
    pub horizon: Option<(i64, i64)>,
}

/// Where the evaluator is; `None` when it has never worked here.
pub fn position() -> Option<Position> {
    let sql = "SELECT position, horizon_index, horizon_clock FROM auditlog_data.evaluator";
    let rows = as_owner(|| spi::run(sql, &[]));
    let row = rows.first()?;
    Some(Position {
        next: row[0].int()?,
        horizon: row[1].int().zip(row[2].int()),
    })
}

/// Moves the evaluator.
pub fn set_position(position: Position) {
    let (index, clock) = position.horizon.unzip();
    as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.evaluator (position, horizon_index, horizon_clock) VALUES ($1, $2, $3) \
             ON CONFLICT (single) DO UPDATE SET position = EXCLUDED.position, horizon_index = EXCLUDED.horizon_index, \
             horizon_clock = EXCLUDED.horizon_clock, updated_at = clock_timestamp()",
            &[
                Arg::int(position.next),
                Arg::int_or_null(index),
                Arg::int_or_null(clock),
            ],
        )
    });
}

/// What alerts remember, as it was stored last, as JSON text.
pub fn memory() -> Option<String> {
    let rows = as_owner(|| spi::run("SELECT state::text FROM auditlog_data.evaluator", &[]));
    rows.first()?[0].text()
}

/// Stores it.
pub fn set_memory(state: &str) {
    let sql = "UPDATE auditlog_data.evaluator SET state = $1::jsonb";
    as_owner(|| spi::run(sql, &[Arg::text(Some(state))]));
}

/// The canonical form of an alert, for an event.
pub fn described(id: i64) -> Option<Json> {
    let sql = "SELECT a.canonical || jsonb_build_object('enabled', a.enabled) || CASE WHEN a.muted_until IS NULL THEN '{}' \
        ELSE jsonb_build_object('muted_until', a.muted_until, 'mute_reason', a.mute_reason) END \
        FROM auditlog_data.alert AS a WHERE a.id = $1";
    let rows = as_owner(|| spi::run(sql, &[Arg::int(id)]));
    jsonb::tree(rows.first()?[0].bytes()?).ok()
}
