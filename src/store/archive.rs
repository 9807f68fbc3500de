//! What is in the archive, and what was asked back from it.

use super::catalog::as_owner;
use super::checkpoints::trusted_rows;
use super::columns::LOG;
use super::pace::{self, Pace};
use super::spi::{self, Arg};
use chrono::NaiveDate;
use pgrx::pg_sys::Datum;

/// An object that is to be noted.
pub struct Object<'a> {
    /// Its name below the URL.
    pub name: &'a str,
    /// The move that it is part of.
    pub move_id: i64,
    /// Where the archive is.
    pub url: &'a str,
    /// The class of its events.
    pub class: &'a str,
    /// Their day in UTC.
    pub day: NaiveDate,
    /// The first and the last place.
    pub places: (u64, u64),
    /// How many events.
    pub events: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Its manifest, as the file has it.
    pub manifest: &'a str,
}

/// Notes an object that was written and read back.
pub fn note(object: &Object<'_>) {
    as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.archive_object AS o \
                 (name, move_id, url, retention_class, day, first_index, last_index, events, bytes, manifest) \
             VALUES ($1, $2, $3, $4, $5::date, $6, $7, $8, $9, $10) \
             ON CONFLICT (name) DO UPDATE SET move_id = EXCLUDED.move_id, url = EXCLUDED.url, manifest = EXCLUDED.manifest, \
                 state = CASE WHEN o.state = 'live' THEN 'live' ELSE 'written' END, ended_at = NULL",
            &[
                Arg::text(Some(object.name)),
                Arg::int(object.move_id),
                Arg::text(Some(object.url)),
                Arg::text(Some(object.class)),
                Arg::text(Some(&object.day.to_string())),
                Arg::int(object.places.0 as i64),
                Arg::int(object.places.1 as i64),
                Arg::int(object.events as i64),
                Arg::int(object.bytes as i64),
                Arg::text(Some(object.manifest)),
            ],
        );
    });
}

/// The rows are gone: the objects of a move are instead of them.
pub fn live(move_id: i64) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.archive_object SET state = 'live' WHERE move_id = $1 AND state = 'written'",
            &[Arg::int(move_id)],
        );
    });
}

/// An object has ended: `replaced` by another one, or `gone`.
pub fn ended(name: &str, state: &str) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.archive_object SET state = $2, ended_at = clock_timestamp() WHERE name = $1",
            &[Arg::text(Some(name)), Arg::text(Some(state))],
        );
    });
}

/// An object that is instead of rows.
#[derive(Debug, Clone)]
pub struct Live {
    /// Its name below the URL.
    pub name: String,
    /// Where its archive is.
    pub url: String,
    /// The class of its events.
    pub class: String,
    /// Their day in UTC.
    pub day: NaiveDate,
    /// How many events.
    pub events: i64,
    /// Its bytes.
    pub bytes: i64,
    /// Its manifest, as the file has it.
    pub manifest: String,
}

/// Objects of a class and of days between two times that were written by other moves than this one, and never got rows' places.
pub fn stale(move_id: i64, class: &str, (since, until): (Option<i64>, i64)) -> Vec<Live> {
    select(
        "state = 'written' AND move_id <> $3 AND retention_class = $4 \
         AND NOT EXISTS (SELECT FROM auditlog_data.retention_move AS m WHERE m.id = move_id AND m.state = 'certified')",
        &[
            Arg::time_or_null(since),
            Arg::time_or_null(Some(until)),
            Arg::int(move_id),
            Arg::text(Some(class)),
        ],
    )
}

/// Objects that failed moves have left. Once nothing is due any more, nobody will want them.
pub fn left_over() -> Vec<Live> {
    select(
        "state = 'written' AND EXISTS (SELECT FROM auditlog_data.retention_move AS m \
             WHERE m.id = move_id AND m.state IN ('failed', 'withdrawn'))",
        &[Arg::time_or_null(None), Arg::time_or_null(None)],
    )
}

/// Objects that are instead of rows, of days between two times in microseconds since the Unix epoch.
pub fn objects(since: Option<i64>, until: Option<i64>) -> Vec<Live> {
    select("state = 'live'", &[Arg::time_or_null(since), Arg::time_or_null(until)])
}

fn select(condition: &str, arguments: &[Arg]) -> Vec<Live> {
    let rows = as_owner(|| {
        spi::read_latest(
            &format!(
                "SELECT name, url, retention_class, day::text, events, bytes, manifest FROM auditlog_data.archive_object \
             WHERE {condition} AND ($1 IS NULL OR (day + 1)::timestamp AT TIME ZONE 'UTC' > $1) \
                 AND ($2 IS NULL OR day::timestamp AT TIME ZONE 'UTC' < $2) ORDER BY day, first_index"
            ),
            arguments,
        )
    });
    rows.iter()
        .filter_map(|row| {
            Some(Live {
                name: row[0].text()?,
                url: row[1].text()?,
                class: row[2].text()?,
                day: row[3].text()?.parse().ok()?,
                events: row[4].int()?,
                bytes: row[5].int()?,
                manifest: row[6].text()?,
            })
        })
        .collect()
}

/// The days on which a partition has events.
pub fn days(relation: &str) -> Vec<NaiveDate> {
    let sql = format!(
        "SELECT DISTINCT (\"timestamp\" AT TIME ZONE 'UTC')::date::text FROM auditlog_data.{} ORDER BY 1",
        spi::identifier(relation)
    );
    let rows = as_owner(|| spi::read_latest(&sql, &[]));
    rows.iter().filter_map(|row| row[0].text()?.parse().ok()).collect()
}

/// Hands the rows of a partition's day to `each`, in the order of the log.
pub fn rows(relation: &str, day: NaiveDate, mut each: impl FnMut(&[Datum; LOG], &[bool; LOG])) {
    let sql = format!(
        "SELECT * FROM auditlog_data.{} WHERE \"timestamp\" >= $1::date::timestamp AT TIME ZONE 'UTC' \
             AND \"timestamp\" < ($1::date + 1)::timestamp AT TIME ZONE 'UTC' ORDER BY log_index",
        spi::identifier(relation)
    );
    let mut pace = Pace::default();
    spi::stream_rows_while::<LOG>(
        &sql,
        &[Arg::text(Some(&day.to_string()))],
        pace::ROWS.into(),
        |values, nulls| {
            pace.row();
            each(values, nulls);
            true
        },
    );
}

/// Somebody wants events back.
pub struct Restore {
    /// Its number.
    pub id: i64,
    /// From when on, microseconds since the Unix epoch.
    pub since: Option<i64>,
    /// Before when.
    pub until: Option<i64>,
    /// Which events.
    pub query: String,
}

/// Asks for events.
pub fn ask(since: Option<i64>, until: Option<i64>, query: &str, who: &str) -> i64 {
    let rows = trusted_rows(
        "INSERT INTO auditlog_data.restore (since, until, query, asked_by) VALUES ($1, $2, $3, $4) RETURNING id",
        &[
            Arg::time_or_null(since),
            Arg::time_or_null(until),
            Arg::text(Some(query)),
            Arg::text(Some(who)),
        ],
    );
    rows.first().and_then(|row| row[0].int()).unwrap_or_default()
}

/// The next that was asked for.
pub fn asked() -> Option<Restore> {
    let rows = as_owner(|| {
        spi::run(
            "SELECT id, since, until, query FROM auditlog_data.restore WHERE ended_at IS NULL ORDER BY id LIMIT 1",
            &[],
        )
    });
    let row = rows.first()?;
    Some(Restore {
        id: row[0].int()?,
        since: row[1].int().map(|us| us + super::POSTGRES_EPOCH),
        until: row[2].int().map(|us| us + super::POSTGRES_EPOCH),
        query: row[3].text()?,
    })
}

/// It is there, or can't be.
pub fn restored(id: i64, objects: i64, events: i64, error: Option<&str>) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.restore SET ended_at = clock_timestamp(), objects = $2, events = $3, error = $4 WHERE id = $1",
            &[Arg::int(id), Arg::int(objects), Arg::int(events), Arg::text(error)],
        );
    });
}

/// Events that are no more wanted, or not all there; returns how many.
pub fn forget(id: i64) -> i64 {
    let rows = trusted_rows(
        "WITH gone AS (DELETE FROM auditlog_data.restored WHERE restore_id = $1 RETURNING 1) SELECT count(*) FROM gone",
        &[Arg::int(id)],
    );
    rows.first().and_then(|row| row[0].int()).unwrap_or(0)
}

/// Adds events, a JSON array of rows as the log has them.
pub fn add(id: i64, rows: &str) {
    as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.restored SELECT r.*, $1 \
             FROM jsonb_array_elements($2::jsonb) AS e, LATERAL jsonb_populate_record(NULL::auditlog_data.log, e) AS r",
            &[Arg::int(id), Arg::text(Some(rows))],
        );
    });
}

/// How many events of a partition have their personal values erased, and the place of the last one.
pub fn erased_and_last(relation: &str) -> (i64, i64) {
    let sql = format!(
        "SELECT count(*) FILTER (WHERE redacted IS NOT NULL), COALESCE(max(log_index), -1) FROM auditlog_data.{}",
        spi::identifier(relation)
    );
    let rows = as_owner(|| spi::read_latest(&sql, &[]));
    rows.first()
        .map_or((0, -1), |row| (row[0].int().unwrap_or(0), row[1].int().unwrap_or(-1)))
}

/// An erasure that has to reach the archive.
pub struct Erasure {
    /// Its number.
    pub id: i64,
    /// Whose values.
    pub query: String,
    /// Why.
    pub reason: String,
    /// Who wants it.
    pub who: String,
}

/// Has an erasure reach the archive, if there is one. What was brought back from there goes at once.
pub fn erase(query: &str, reason: &str, who: &str) {
    trusted_rows("DELETE FROM auditlog_data.restored", &[]);
    trusted_rows(
        "INSERT INTO auditlog_data.archive_erasure (query, reason, asked_by) SELECT $1, $2, $3 \
         WHERE EXISTS (SELECT FROM auditlog_data.archive_object WHERE state IN ('live', 'written'))",
        &[Arg::text(Some(query)), Arg::text(Some(reason)), Arg::text(Some(who))],
    );
}

/// The next erasure that has not reached the archive.
pub fn next_erasure() -> Option<Erasure> {
    let rows = as_owner(|| {
        spi::run(
            "SELECT id, query, reason, asked_by FROM auditlog_data.archive_erasure WHERE ended_at IS NULL ORDER BY id LIMIT 1",
            &[],
        )
    });
    let row = rows.first()?;
    Some(Erasure {
        id: row[0].int()?,
        query: row[1].text()?,
        reason: row[2].text()?,
        who: row[3].text()?,
    })
}

/// An erasure has reached so many events of another object.
pub fn reached(id: i64, events: i64) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.archive_erasure SET events = events + $2 WHERE id = $1",
            &[Arg::int(id), Arg::int(events)],
        );
    });
}

/// An erasure is everywhere, or could not be done yet.
pub fn erased(id: i64, error: Option<&str>) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.archive_erasure SET error = $2, \
                 ended_at = CASE WHEN $2 IS NULL THEN clock_timestamp() END, query = CASE WHEN $2 IS NOT NULL THEN query END WHERE id = $1",
            &[Arg::int(id), Arg::text(error)],
        );
    });
}

/// Objects that others are instead of, and that are to go.
pub fn replaced() -> Vec<(String, String)> {
    let rows = as_owner(|| {
        spi::read_latest(
            "SELECT name, url FROM auditlog_data.archive_object WHERE state = 'replaced' ORDER BY name",
            &[],
        )
    });
    rows.iter()
        .filter_map(|row| Some((row[0].text()?, row[1].text()?)))
        .collect()
}

/// The object is instead of rows.
pub fn set_live(name: &str) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.archive_object SET state = 'live' WHERE name = $1",
            &[Arg::text(Some(name))],
        );
    });
}
