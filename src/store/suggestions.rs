//! What `auditlog.suggest` offers from tables, all read with the caller's rights.

use super::spi::{self, Arg};

/// How many of the newest events are looked at for values: bounded, because it is called while
/// somebody types.
const EVENTS: i64 = 2000;
/// Different values that are kept of them.
const VALUES: i64 = 500;

/// Something and what is said about it.
pub type Described = (String, Option<String>);

fn described(sql: &str) -> Vec<Described> {
    spi::read(sql, &[])
        .iter()
        .filter_map(|row| Some((row[0].text()?, row[1].text())))
        .collect()
}

/// Event types of the catalogue.
pub fn event_types() -> Vec<Described> {
    described("SELECT event_type, description FROM auditlog.event_types ORDER BY event_type COLLATE \"C\"")
}

/// Categories of the catalogue.
pub fn categories() -> Vec<Described> {
    described(
        "SELECT category, count(*)::text || ' event types' FROM auditlog.event_types \
        GROUP BY category ORDER BY category COLLATE \"C\"",
    )
}

/// Saved queries.
pub fn saved_queries() -> Vec<Described> {
    described("SELECT name, coalesce(description, query) FROM auditlog.saved_queries ORDER BY name COLLATE \"C\"")
}

/// The most frequent values of a field among the newest events. `source` is SQL from the table of
/// fields, in which `$1` is the field.
pub fn values(field: &str, source: &str) -> Vec<Described> {
    // LEFT JOIN, so that events without a value count against the bound too
    let sql = format!(
        "SELECT s.value, 'in ' || count(*) || ' of the newest events' FROM (SELECT v.value FROM auditlog.events AS e \
        LEFT JOIN {source} AS v ON true ORDER BY e.\"timestamp\" DESC LIMIT $2) AS s \
        WHERE s.value IS NOT NULL GROUP BY s.value ORDER BY count(*) DESC, s.value COLLATE \"C\" LIMIT $3"
    );
    spi::read(&sql, &[Arg::text(Some(field)), Arg::int(EVENTS), Arg::int(VALUES)])
        .iter()
        .filter_map(|row| Some((row[0].text()?, row[1].text())))
        .collect()
}
