//! Which partition of the log an event belongs to: by retention class, then by the month of its
//! timestamp in UTC. The SQL function `auditlog_data.ensure_partition` makes them.

use super::spi::{self, Arg};
use crate::shmem::Slot;
use chrono::{DateTime, Datelike, Utc};
use pgrx::pg_sys;
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
            Some(t) if t.year() >= FIRST_YEAR => Month {
                year: t.year(),
                month: t.month(),
            },
            _ => Month {
                year: FIRST_YEAR,
                month: 0,
            },
        }
    }

    /// The month after this one.
    pub fn next(self) -> Month {
        if self.month == 12 {
            Month {
                year: self.year + 1,
                month: 1,
            }
        } else {
            Month {
                year: self.year,
                month: self.month + 1,
            }
        }
    }
}

/// A transaction that holds a lock, as `GetLockConflicts` names it.
pub type Holder = [u32; 2];

#[derive(Debug)]
enum State {
    /// Rows may go there.
    Ready(Oid),
    /// Just made: transactions that read the log before may use plans that don't know it yet.
    /// `None` until it has committed and they have been listed.
    New(Oid, Option<Vec<Holder>>),
}

/// The partitions that this process has used.
#[derive(Debug, Default)]
pub struct Partitions(HashMap<Month, State>);

impl Partitions {
    /// The partition for a time, when rows may go there now. It is made when it is missing, and then
    /// ready some rounds later: a reader whose plan is older than the partition would miss events that
    /// left the inbox for it. Nobody is blocked, so the events wait until such readers have ended.
    pub fn ready(&mut self, us: i64) -> Option<Oid> {
        match self.month(Month::of(us)) {
            State::Ready(oid) => Some(*oid),
            State::New(..) => None,
        }
    }

    /// Makes the partition of a month when it is missing.
    pub fn prepare(&mut self, month: Month) {
        self.month(month);
    }

    fn month(&mut self, month: Month) -> &State {
        self.0.entry(month).or_insert_with(|| ensure(month))
    }

    /// At the begin of a round: looks which new partitions have become ready.
    pub fn refresh(&mut self, slot: &Slot) {
        if !self.0.values().any(|s| matches!(s, State::New(..))) {
            return;
        }
        let mut readers = readers_of_the_log();
        readers.retain(|reader| !slot.is_waiter(*reader));
        for state in self.0.values_mut() {
            if let State::New(oid, before) = state {
                let before = before.get_or_insert_with(|| readers.clone());
                before.retain(|holder| readers.contains(holder));
                if before.is_empty() {
                    *state = State::Ready(*oid);
                }
            }
        }
    }

    /// Forgets what was found: the extension may have been dropped and created again.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

/// Transactions that hold a lock on the log, other than this one.
fn readers_of_the_log() -> Vec<Holder> {
    // SAFETY: a lock tag as SET_LOCKTAG_RELATION makes it; the result has `count` entries of two
    // 32 bit numbers each, in memory of this transaction.
    unsafe {
        let tag = pg_sys::LOCKTAG {
            locktag_field1: pg_sys::MyDatabaseId.to_u32(),
            locktag_field2: super::catalog::objects().log.to_u32(),
            locktag_field3: 0,
            locktag_field4: 0,
            locktag_type: pg_sys::LockTagType::LOCKTAG_RELATION as u8,
            locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
        };
        const { assert!(size_of::<pg_sys::VirtualTransactionId>() == size_of::<Holder>()) };
        let mut count = 0;
        let holders = pg_sys::GetLockConflicts(&tag, pg_sys::AccessExclusiveLock as i32, &mut count);
        std::slice::from_raw_parts(holders.cast::<Holder>(), count.max(0) as usize).to_vec()
    }
}

/// Finds or makes the partition of a month.
fn ensure(month: Month) -> State {
    let rows = spi::run(
        "SELECT partition::oid, made FROM auditlog_data.ensure_partition($1, $2::int, $3::int)",
        &[
            Arg::text(Some(STANDARD)),
            Arg::int(i64::from(month.year)),
            Arg::int(i64::from(month.month)),
        ],
    );
    let row = rows.first();
    let oid = row.and_then(|r| r[0].int()).unwrap_or_default();
    let oid = Oid::from_u32(oid as u32);
    match row.and_then(|r| r[1].int()) {
        Some(0) => State::Ready(oid),
        _ => State::New(oid, None),
    }
}
