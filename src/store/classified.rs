//! Tables with protected data: what their rows are.

use super::catalog::as_owner;
use super::checkpoints::trusted;
use super::spi::{self, Arg};
use super::tracked;
use pgrx::pg_sys::Oid;

/// The labels of a table; none when it has none.
pub fn of(relation: Oid) -> Vec<String> {
    let sql = "SELECT classification FROM auditlog_data.classified_table WHERE relation = $1::oid";
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::int(i64::from(relation.to_u32()))]));
    rows.first().and_then(|row| row[0].texts()).unwrap_or_default()
}

/// Gives a table its labels, in place of those that it has; what is captured of its rows has them from now on.
pub fn set(relation: Oid, labels: &[String], who: &str) {
    let relation = Arg::int(i64::from(relation.to_u32()));
    if labels.is_empty() {
        trusted(
            "DELETE FROM auditlog_data.classified_table WHERE relation = $1::oid",
            &[relation],
        );
    } else {
        trusted(
            "INSERT INTO auditlog_data.classified_table (relation, classification, classified_by) VALUES ($1::oid, $2, $3) \
             ON CONFLICT (relation) DO UPDATE SET classification = EXCLUDED.classification, classified_by = EXCLUDED.classified_by, \
             classified_at = clock_timestamp()",
            &[relation, Arg::texts(Some(labels)), Arg::text(Some(who))],
        );
    }
    tracked::announce();
}
