//! Which partition of the log an event belongs to: by retention class, then by the month of its
//! timestamp in UTC. The SQL function `auditlog_data.ensure_partition` makes them.

use super::spi::{self, Arg};
use chrono::{DateTime, Datelike, Utc};
use pgrx::pg_sys::Oid;
use std::collections::HashMap;

/// The only retention class so far.
pub const STANDARD: &str = "standard";

/// Events before this year share one partition, so that odd timestamps cannot make thousands.
pub const FIRST_YEAR: i32 = 2020;

/// A month in UTC; month 0 stands for everything before [`FIRST_YEAR`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    year: i32,
    month: u32,
}

impl Month {
    /// The month of a time in microseconds since the Unix epoch.
    pub fn of(us: i64) -> Month {
        match DateTime::<Utc>::from_timestamp_micros(us) {
            Some(t) if t.year() >= FIRST_YEAR => Month { year: t.year(), month: t.month() },
            _ => Month { year: FIRST_YEAR, month: 0 },
        }
    }

    /// The month after this one.
    pub fn next(self) -> Month {
        if self.month == 12 {
            Month { year: self.year + 1, month: 1 }
        } else {
            Month { year: self.year, month: self.month + 1 }
        }
    }
}

/// The partitions that this process has used.
#[derive(Default)]
pub struct Partitions(HashMap<Month, Oid>);

impl Partitions {
    /// The partition for a time, made when it is missing.
    pub fn find(&mut self, us: i64) -> Oid {
        self.month(Month::of(us))
    }

    /// The partition of a month, made when it is missing.
    pub fn month(&mut self, month: Month) -> Oid {
        *self.0.entry(month).or_insert_with(|| ensure(month))
    }

    /// Forgets what was found: the extension may have been dropped and created again.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

fn ensure(month: Month) -> Oid {
    let rows = spi::run(
        "SELECT auditlog_data.ensure_partition($1, $2::int, $3::int)::oid",
        &[Arg::text(Some(STANDARD)), Arg::int(i64::from(month.year)), Arg::int(i64::from(month.month))],
    );
    let oid = rows.first().and_then(|r| r[0].int()).unwrap_or_default();
    Oid::from_u32(oid as u32)
}
