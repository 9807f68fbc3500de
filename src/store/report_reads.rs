//! What reports read of the log: populations, exceptions, rows, samples, evidence (`sql/schema/54_reports.sql`). With the
//! rights of whoever is in effect, which must be the owner: its schema is closed.

use super::POSTGRES_EPOCH;
use super::spi::{self, Arg};
use serde_json::Value;

/// Which events: of what is sealed, those of a period that a query finds, and that belong to what the report is confined to.
#[derive(Debug, Clone, Copy)]
pub struct Population<'a> {
    /// The section's query.
    pub query: &'a str,
    /// What the report is confined to: a query.
    pub scope: &'a str,
    /// From when on, microseconds since the Unix epoch.
    pub since: i64,
    /// Until before when.
    pub until: i64,
    /// Before this place of the log.
    pub size: i64,
}

impl Population<'_> {
    fn arguments(&self) -> [Arg; 5] {
        [
            Arg::text(Some(self.query)),
            Arg::text(Some(self.scope)),
            Arg::time(self.since),
            Arg::time(self.until),
            Arg::int(self.size),
        ]
    }
}

fn json(sql: &str, arguments: &[Arg]) -> Value {
    let rows = spi::read(sql, arguments);
    let text = rows.first().and_then(|row| row[0].text());
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null)
}

/// Counts, groups, course and sample of a section.
pub fn section(
    of: &Population<'_>,
    groups: &[String],
    metrics: &[String],
    seed: &str,
    most: i64,
    sample: i64,
) -> Value {
    let more = [
        Arg::texts(Some(groups)),
        Arg::texts(Some(metrics)),
        Arg::text(Some(seed)),
        Arg::int(most),
        Arg::int(sample),
    ];
    let arguments: Vec<Arg> = of.arguments().into_iter().chain(more).collect();
    json(
        "SELECT auditlog_data.report_section($1, $2, $3, $4, $5, $6, $7, $8, $9::integer, $10::integer)::text",
        &arguments,
    )
}

/// What makes events an exception, beside a query.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trigger<'a> {
    /// `each`, `burst`, `same`, `late`, `unanswered`.
    pub what: &'a str,
    /// Fields.
    pub per: &'a [String],
    /// A query.
    pub other: &'a str,
    /// How many.
    pub at_least: Option<i64>,
    /// Microseconds.
    pub within: Option<i64>,
}

/// How many exceptions there are, where, and of whom.
pub fn exception(of: &Population<'_>, trigger: &Trigger<'_>, most: i64) -> Value {
    let more = [
        Arg::text(Some(trigger.what)),
        Arg::texts(Some(trigger.per)),
        Arg::text(Some(trigger.other)),
        Arg::int_or_null(trigger.at_least),
        Arg::int_or_null(trigger.within),
        Arg::int(most),
    ];
    let arguments: Vec<Arg> = of.arguments().into_iter().chain(more).collect();
    json(
        "SELECT auditlog_data.report_exception($1, $2, $3, $4, $5, $6, $7, $8, $9, make_interval(secs => $10::double precision / 1000000), $11::integer)::text",
        &arguments,
    )
}

/// A row of a section.
pub struct Row {
    /// Its place.
    pub log_index: u64,
    /// Must it be looked at?
    pub is_exception: bool,
    /// The event.
    pub document: Value,
}

/// Rows of a section: those at `exceptions` first.
pub fn rows(of: &Population<'_>, exceptions: &[i64], most: i64) -> Vec<Row> {
    let arguments: Vec<Arg> = (of.arguments().into_iter())
        .chain([Arg::ints(exceptions), Arg::int(most)])
        .collect();
    let sql = "SELECT r.log_index, r.is_exception, r.document FROM auditlog_data.report_rows($1, $2, $3, $4, $5, $6, $7::integer) AS r";
    let rows = spi::read(sql, &arguments);
    rows.iter()
        .filter_map(|row| {
            Some(Row {
                log_index: row[0].int()? as u64,
                is_exception: row[1].int()? != 0,
                document: serde_json::from_str(&row[2].text()?).unwrap_or(Value::Null),
            })
        })
        .collect()
}

/// An event of a sample.
pub struct Drawn {
    /// Its place.
    pub log_index: u64,
    /// The leaf of the tree.
    pub entry_hash: Vec<u8>,
    /// The event as a bundle has it.
    pub record: Vec<u8>,
    /// The event.
    pub document: Value,
}

/// The events at these places.
pub fn sample(places: &[i64]) -> Vec<Drawn> {
    let sql = "SELECT s.log_index, s.entry_hash, s.record, s.document FROM auditlog_data.report_sample($1) AS s";
    let rows = spi::read(sql, &[Arg::ints(places)]);
    rows.iter()
        .filter_map(|row| {
            Some(Drawn {
                log_index: row[0].int()? as u64,
                entry_hash: row[1].bytes()?.to_vec(),
                record: row[2].bytes()?.to_vec(),
                document: serde_json::from_str(&row[3].text()?).unwrap_or(Value::Null),
            })
        })
        .collect()
}

/// How many events a period has.
pub fn events(since: i64, until: i64, size: i64) -> u64 {
    let sql = "SELECT count(*) FROM auditlog.events AS e WHERE e.\"timestamp\" >= $1 AND e.\"timestamp\" < $2 AND e.log_index < $3";
    let rows = spi::read(sql, &[Arg::time(since), Arg::time(until), Arg::int(size)]);
    let count = rows.first().and_then(|row| row[0].int());
    count.unwrap_or(0) as u64
}

/// Figures of the whole: `metrics`, `first` and `last` place, `types` (events by type), and what charts show.
pub fn counts(of: &Population<'_>) -> Value {
    json(
        "SELECT auditlog_data.report_counts($2, $3, $4, $5)::text FROM (SELECT $1::text) AS q",
        &of.arguments(),
    )
}

/// How many events have a field.
pub fn field(of: &Population<'_>, field: &str) -> Value {
    let arguments: Vec<Arg> = of.arguments().into_iter().chain([Arg::text(Some(field))]).collect();
    json(
        "SELECT auditlog_data.report_field($6, $1, $2, $3, $4, $5)::text",
        &arguments,
    )
}

/// Events of each `interval` (hour, day, week, month) of the period, on the clocks of a zone: its beginning, and how many.
pub fn histogram(of: &Population<'_>, interval: &str, zone: &str) -> Vec<(String, i64)> {
    let sql = "SELECT to_char(h.bucket AT TIME ZONE $7, CASE $6 WHEN 'hour' THEN 'YYYY-MM-DD HH24:MI' ELSE 'YYYY-MM-DD' END), h.count \
        FROM auditlog.histogram_buckets(concat_ws(' AND ', '(' || NULLIF($1, '') || ')', '(' || NULLIF($2, '') || ')'), ('1 ' || $6)::interval, \
            $3, LEAST($4, clock_timestamp()), NULL, $7) AS h WHERE $5 IS NOT NULL ORDER BY h.bucket";
    let more = [Arg::text(Some(interval)), Arg::text(Some(zone))];
    let arguments: Vec<Arg> = of.arguments().into_iter().chain(more).collect();
    spi::read(sql, &arguments)
        .iter()
        .filter_map(|row| Some((row[0].text()?, row[1].int()?)))
        .collect()
}

/// What checks read, by the names of `auditlog_report::framework::evidence::Evidence`.
/// `types`: how many events of each type there are.
pub fn evidence(since: i64, until: i64, size: i64, types: &Value) -> Value {
    let types = types.as_object().map(|_| types.to_string());
    json(
        "SELECT auditlog_data.report_evidence($1, $2, $3, COALESCE($4, '{}')::jsonb)::text",
        &[
            Arg::time(since),
            Arg::time(until),
            Arg::int(size),
            Arg::text(types.as_deref()),
        ],
    )
}

/// Places from `first` to `last` that hold no row, as ranges with both ends.
pub fn holes(first: u64, last: u64) -> Vec<(u64, u64)> {
    let arguments = [Arg::int(first as i64), Arg::int(last as i64)];
    let found = json("SELECT auditlog_data.report_holes($1, $2)::text", &arguments);
    serde_json::from_value(found).unwrap_or_default()
}

/// Times of a retention class.
pub struct ClassTimes {
    /// Its name.
    pub class: String,
    /// Its first event that is still anywhere, microseconds since the Unix epoch.
    pub oldest: Option<i64>,
    /// Its newest event.
    pub newest: Option<i64>,
    /// Its first event that can be searched at once.
    pub online_oldest: Option<i64>,
    /// Events that were removed in the period, by policy.
    pub removed: i64,
    /// Age in days of the youngest of them, when they went.
    pub removed_after: Option<u32>,
    /// The same of those that went into the archive.
    pub archived_after: Option<u32>,
}

/// Times of all retention classes.
pub fn retention(since: i64, until: i64) -> Vec<ClassTimes> {
    let sql = "SELECT r.class, r.oldest, r.newest, r.online_oldest, r.removed, r.removed_after, r.archived_after \
        FROM auditlog_data.report_retention($1, $2) AS r ORDER BY r.class";
    let time = |cell: &spi::Cell| cell.int().map(|at| at + POSTGRES_EPOCH);
    spi::read(sql, &[Arg::time(since), Arg::time(until)])
        .iter()
        .filter_map(|row| {
            Some(ClassTimes {
                class: row[0].text()?,
                oldest: time(&row[1]),
                newest: time(&row[2]),
                online_oldest: time(&row[3]),
                removed: row[4].int()?,
                removed_after: row[5].int().map(|days| days as u32),
                archived_after: row[6].int().map(|days| days as u32),
            })
        })
        .collect()
}

/// Names of places outside that have checkpoints, their states, and how many events each covers.
pub fn anchors() -> Vec<(String, String, String, Option<u64>)> {
    let sql = "SELECT s.name, s.kind, s.state, s.delivered_size FROM auditlog.checkpoint_sinks AS s ORDER BY s.name";
    spi::read(sql, &[])
        .iter()
        .filter_map(|row| {
            let size = row[3].int().filter(|size| *size > 0).map(|size| size as u64);
            Some((row[0].text()?, row[1].text()?, row[2].text()?, size))
        })
        .collect()
}

/// How far the log was verified by a time: when, of how many events, what was found, the first of it. The run in the background that has come
/// farthest counts, or the one that is under way when it has found something.
pub fn verified(before: i64) -> Option<(i64, u64, i64, Option<String>)> {
    let sql = "SELECT v.at, v.size, v.findings, v.first FROM ( \
            SELECT r.ended_at AS at, r.to_index AS size, r.findings, r.first_finding AS first FROM auditlog_data.verification_run AS r \
                WHERE r.ended_at <= $1 AND r.ended_at > $1 - interval '7 days' \
            UNION ALL SELECT p.verified_at, p.verified_size, p.verify_findings, p.verify_first FROM auditlog_data.publisher AS p) AS v \
        WHERE v.at IS NOT NULL ORDER BY v.findings > 0 DESC, v.size DESC, v.at DESC LIMIT 1";
    let rows = spi::read(sql, &[Arg::time(before)]);
    let row = rows.first()?;
    Some((
        row[0].int()? + POSTGRES_EPOCH,
        row[1].int()? as u64,
        row[2].int()?,
        row[3].text(),
    ))
}

/// The offset of the clock that was measured last before a time, in milliseconds.
pub fn clock_offset(before: i64) -> Option<f64> {
    let sql = "SELECT s.clock_offset_ms::text FROM auditlog.health_samples AS s WHERE s.at <= $1 AND s.clock_offset_ms IS NOT NULL ORDER BY s.at DESC LIMIT 1";
    let rows = spi::read(sql, &[Arg::time(before)]);
    rows.first()?.first()?.text()?.parse().ok()
}

/// Hash of the chain after so many events; `None` when the row is not there.
pub fn head_hash(size: i64) -> Option<Vec<u8>> {
    let sql = "SELECT e.hash FROM auditlog.events AS e WHERE e.log_index = $1";
    let rows = spi::read(sql, &[Arg::int(size - 1)]);
    rows.first()?.first()?.bytes().map(<[u8]>::to_vec)
}

/// The timeline of what a query finds in a period, oldest first: at most so many rows.
pub fn timeline(of: &Population<'_>, most: i64) -> Value {
    let sql = "SELECT COALESCE(jsonb_agg(to_jsonb(t) ORDER BY t.\"timestamp\", t.log_index), '[]')::text \
        FROM auditlog.timeline(query => $1, since => $3, until => $4, max_rows => $6::integer) AS t WHERE t.log_index < $5 AND $2 IS NOT NULL";
    let arguments: Vec<Arg> = of.arguments().into_iter().chain([Arg::int(most.max(1))]).collect();
    json(sql, &arguments)
}

/// Changes among what a query finds in a period, those without an approval first.
pub fn changes(of: &Population<'_>, most: i64) -> Value {
    let sql = "SELECT COALESCE(jsonb_agg(to_jsonb(c)), '[]')::text \
        FROM auditlog.changes(query => $1, since => $3, until => $4, max_rows => $6::integer) AS c WHERE c.log_index < $5 AND $2 IS NOT NULL";
    let arguments: Vec<Arg> = of.arguments().into_iter().chain([Arg::int(most.max(1))]).collect();
    json(sql, &arguments)
}

/// Who and what an incident is about.
pub fn incident(of: &Population<'_>) -> Value {
    let sql = "SELECT auditlog.incident_summary($1, $3, $4)::text WHERE $2 IS NOT NULL AND $5 IS NOT NULL";
    json(sql, &of.arguments())
}

/// Who did both of two things that should be two people's.
pub fn segregation(of: &Population<'_>) -> Value {
    let sql = "SELECT COALESCE(jsonb_agg(to_jsonb(s)), '[]')::text FROM auditlog.segregation_of_duties($3, $4) AS s \
        WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND $5 IS NOT NULL";
    json(sql, &of.arguments())
}
