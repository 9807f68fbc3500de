//! A log in PostgreSQL.

use std::ops::Range;
use std::time::{Duration, Instant};

use auditlog_bundle::Selection;
use auditlog_connection::Target;
use auditlog_tlog::{Checkpoint, SignedNote};
use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;

use super::{Source, copy};
use crate::failure::Failure;

/// Time for witnesses to cosign.
const WITNESS_PATIENCE: Duration = Duration::from_secs(5);

/// Time for a checkpoint that covers what was erased meanwhile, and between two looks for it.
const ERASURE_PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// A connection.
pub struct Database {
    client: Client,
}

impl Database {
    /// Connects to `dsn`.
    pub fn connect(dsn: &str) -> Result<Self, Failure> {
        let mut client = Target::parse(dsn)?.connect()?;
        // texts with times are read in no zone of the server's
        client.batch_execute("SET TimeZone = 'UTC'; SET standard_conforming_strings = on")?;
        Ok(Self { client })
    }
}

impl Database {
    /// The newest checkpoint over all that is sealed, with the cosignatures that can be had.
    fn newest(&mut self) -> Result<(String, Checkpoint), Failure> {
        let row = self.client.query_one("SELECT auditlog.checkpoint()", &[])?;
        let note: Option<String> = row.try_get(0)?;
        let note = note.ok_or_else(|| Failure::new("the log has no checkpoint yet"))?;
        // Where there are witnesses, one that they have cosigned is worth more; they need a moment.
        let parsed = SignedNote::parse(&note).map_err(|e| Failure::new(e.to_string()))?;
        let checkpoint = Checkpoint::parse(parsed.text()).map_err(|e| Failure::new(e.to_string()))?;
        let size = integer(checkpoint.size)?;
        let witnesses = "SELECT count(*) FROM auditlog.checkpoint_sinks WHERE kind = 'witness'";
        let witnesses: i64 = self.client.query_one(witnesses, &[])?.try_get(0)?;
        let cosigned = "SELECT note, cosignatures FROM auditlog.checkpoints WHERE origin = $1 AND size >= $2 \
            AND cosignatures > 0 ORDER BY cosignatures DESC, size DESC LIMIT 1";
        let until = Instant::now() + WITNESS_PATIENCE;
        let mut best = (note, checkpoint.clone());
        while witnesses > 0 && Instant::now() < until {
            if let Some(row) = self.client.query_opt(cosigned, &[&checkpoint.origin, &size])? {
                let note: String = row.try_get(0)?;
                let parsed = SignedNote::parse(&note).map_err(|e| Failure::new(e.to_string()))?;
                best.1 = Checkpoint::parse(parsed.text()).map_err(|e| Failure::new(e.to_string()))?;
                best.0 = note;
                if row.try_get::<_, i64>(1)? >= witnesses {
                    break;
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(best)
    }
}

impl Source for Database {
    /// Everything else is read in one snapshot, in which each erasure and removal is told of by an event that the
    /// checkpoint covers: otherwise the bundle would have erased values and not the event.
    fn checkpoint(&mut self) -> Result<String, Failure> {
        let behind = "SELECT EXISTS (SELECT FROM auditlog.events WHERE event_type = 'auditlog.erasure' \
            AND (log_index IS NULL OR log_index >= $1)) \
            OR EXISTS (SELECT FROM auditlog.certificates() WHERE log_index >= $1)";
        let until = Instant::now() + ERASURE_PATIENCE;
        loop {
            let (note, checkpoint) = self.newest()?;
            self.client
                .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            let behind: bool = self
                .client
                .query_one(behind, &[&integer(checkpoint.size)?])?
                .try_get(0)?;
            if !behind {
                return Ok(note);
            }
            self.client.batch_execute("ROLLBACK")?;
            if Instant::now() > until {
                return Err(Failure::new(
                    "values were erased or events removed, and no checkpoint covers the event that tells of it: try again in a \
                     moment, or run SELECT * FROM auditlog.status()",
                ));
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    fn checkpoints(
        &mut self,
        origin: &str,
        size: u64,
        each: &mut dyn FnMut(u64, &str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let sql = "SELECT size, note FROM auditlog.checkpoints WHERE origin = $1 AND size <= $2 ORDER BY size";
        let size = integer(size)?;
        let parameters: [&(dyn ToSql + Sync); 2] = [&origin, &size];
        let mut rows = self.client.query_raw(sql, parameters)?;
        while let Some(row) = rows.next()? {
            let size: i64 = row.try_get(0)?;
            let note: String = row.try_get(1)?;
            let size = u64::try_from(size).map_err(|_| Failure::new("a checkpoint has a negative size"))?;
            each(size, &note)?;
        }
        Ok(())
    }

    fn keys(&mut self, origin: &str) -> Result<Vec<String>, Failure> {
        let sql = "SELECT vkey FROM auditlog.signing_keys WHERE origin = $1 ORDER BY since";
        let rows = self.client.query(sql, &[&origin])?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    fn certificates(
        &mut self,
        size: u64,
        each: &mut dyn FnMut(u64, &str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let sql = "SELECT log_index, note FROM auditlog.certificates() WHERE log_index < $1 ORDER BY log_index";
        let size = integer(size)?;
        let parameters: [&(dyn ToSql + Sync); 1] = [&size];
        let mut rows = self.client.query_raw(sql, parameters)?;
        while let Some(row) = rows.next()? {
            let place: i64 = row.try_get(0)?;
            let note: String = row.try_get(1)?;
            let place = u64::try_from(place).map_err(|_| Failure::new("a certificate has a negative place"))?;
            each(place, &note)?;
        }
        Ok(())
    }

    fn tiles(&mut self, level: u8, first: u64, last: u64) -> Result<Vec<(u64, Vec<u8>)>, Failure> {
        let sql = "SELECT tile_index, hashes FROM auditlog.tiles($1, $2, $3) ORDER BY tile_index";
        let rows = self
            .client
            .query(sql, &[&i32::from(level), &integer(first)?, &integer(last)?])?;
        rows.iter()
            .map(|row| {
                let index: i64 = row.try_get(0)?;
                let index = u64::try_from(index).map_err(|_| Failure::new("a tile has a negative index"))?;
                Ok((index, row.try_get(1)?))
            })
            .collect()
    }

    fn records(
        &mut self,
        range: Range<u64>,
        selection: Option<&Selection>,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let sql = copy_statement(&range, selection);
        let reader = self.client.copy_out(&sql)?;
        copy::read(reader, each)
    }
}

fn integer(number: u64) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|_| Failure::new(format!("{number} is no bigint")))
}

/// COPY takes no parameters, so the values are literals in it.
fn copy_statement(range: &Range<u64>, selection: Option<&Selection>) -> String {
    let mut condition = format!("log_index >= {} AND log_index < {}", range.start, range.end);
    if let Some(selection) = selection {
        if let Some(since) = &selection.since {
            condition.push_str(&format!(" AND e.\"timestamp\" >= {}::timestamptz", literal(since)));
        }
        if let Some(until) = &selection.until {
            condition.push_str(&format!(" AND e.\"timestamp\" < {}::timestamptz", literal(until)));
        }
        if let Some(query) = &selection.query {
            condition.push_str(&format!(" AND e @@@ {}", literal(query)));
        }
    }
    format!(
        "COPY (SELECT auditlog.bundle_record(e) FROM auditlog.events e WHERE {condition} ORDER BY log_index) \
         TO STDOUT (FORMAT binary)"
    )
}

/// A string literal; `standard_conforming_strings` is on.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_values() {
        let selection = Selection {
            since: Some("2026-01-01".to_owned()),
            until: None,
            query: Some("a:'x' \\ OR 1=1".to_owned()),
        };
        let sql = copy_statement(&(0..65_536), Some(&selection));
        assert!(sql.contains("log_index >= 0 AND log_index < 65536"), "{sql}");
        assert!(sql.contains("e.\"timestamp\" >= '2026-01-01'::timestamptz"), "{sql}");
        assert!(sql.contains("e @@@ 'a:''x'' \\ OR 1=1' ORDER BY"), "{sql}");
        assert!(!copy_statement(&(0..1), None).contains("@@@"));
    }
}
