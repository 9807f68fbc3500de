//! Which partition of the log an event belongs to: by retention class, then by the month of its
//! timestamp in UTC. The SQL function `auditlog_data.ensure_partition` makes them.

use super::retention::{self, InForce};
use super::spi::{self, Arg};
use crate::shmem::Slot;
use auditlog_policy::retention::class_name::STANDARD;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use pgrx::pg_sys;
use pgrx::pg_sys::Oid;
use std::collections::HashMap;
use std::rc::Rc;

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

    /// What the name of a partition has behind its class: `_2026_11`, `_before_2020`.
    pub fn of_partition(suffix: &str) -> Option<Month> {
        if suffix == format!("_before_{FIRST_YEAR}") {
            return Some(Month {
                year: FIRST_YEAR,
                month: 0,
            });
        }
        let (year, month) = suffix.strip_prefix('_')?.split_once('_')?;
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        (1..=12).contains(&month).then_some(Month { year, month })
    }

    /// What the name of a partition has behind its class.
    pub fn suffix(self) -> String {
        match self.month {
            0 => format!("_before_{FIRST_YEAR}"),
            month => format!("_{:04}_{month:02}", self.year),
        }
    }

    /// Its first microsecond, and the first one after it, since the Unix epoch; before [`FIRST_YEAR`] there is no first.
    pub fn range(self) -> (Option<i64>, i64) {
        let begin = |month: Month| {
            let date = NaiveDate::from_ymd_opt(month.year, month.month.max(1), 1);
            let midnight = date.and_then(|date| date.and_hms_opt(0, 0, 0));
            midnight.map_or(i64::MAX, |time| time.and_utc().timestamp_micros())
        };
        match self.month {
            0 => (None, begin(self)),
            _ => (Some(begin(self)), begin(self.next())),
        }
    }

    /// Year and month, as the SQL functions take them.
    pub fn numbers(self) -> [Arg; 2] {
        [Arg::int(i64::from(self.year)), Arg::int(i64::from(self.month))]
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

/// The partitions that this process has used, each by its class and month.
#[derive(Default)]
pub struct Partitions {
    known: HashMap<(Rc<str>, Month), State>,
    /// The policy of this round; asked for once there is something to seal.
    policy: Option<InForce>,
    /// Classes by event type, under that policy.
    classes: HashMap<Box<str>, Rc<str>>,
    /// Partitions that this round may write to, and those that it may not because they are being rewritten.
    locked: HashMap<Oid, bool>,
}

/// Types whose classes are remembered: who invents types must not fill the memory.
const KNOWN_TYPES: usize = 10_000;

impl Partitions {
    /// The partition for an event, and its class, when rows may go there now. It is made when it is missing, and then
    /// ready some rounds later: a reader whose plan is older than the partition would miss events that
    /// left the inbox for it. Nobody is blocked, so the events wait until such readers have ended. So do events for a
    /// partition that retention is rewriting.
    pub fn ready(&mut self, us: i64, event_type: &str) -> Option<(Oid, Rc<str>)> {
        let class = self.class(event_type);
        let oid = match self.month(class.clone(), Month::of(us)) {
            State::Ready(oid) => *oid,
            State::New(..) => return None,
        };
        let free = *self.locked.entry(oid).or_insert_with(|| {
            // SAFETY: the lock is kept until the transaction ends.
            unsafe { pg_sys::ConditionalLockRelationOid(oid, pg_sys::RowExclusiveLock as i32) }
        });
        free.then_some((oid, class))
    }

    /// The retention class of events of this type.
    fn class(&mut self, event_type: &str) -> Rc<str> {
        let policy = self.policy.get_or_insert_with(|| {
            let now = retention::in_force();
            self.classes.clear();
            now
        });
        if let Some(class) = self.classes.get(event_type) {
            return class.clone();
        }
        let class: Rc<str> = policy.policy.class_of(event_type).name.as_str().into();
        if self.classes.len() < KNOWN_TYPES {
            self.classes.insert(event_type.into(), class.clone());
        }
        class
    }

    /// Makes the partition of a month when it is missing.
    pub fn prepare(&mut self, month: Month) {
        self.month(STANDARD.into(), month);
    }

    fn month(&mut self, class: Rc<str>, month: Month) -> &State {
        let made = class.clone();
        self.known.entry((class, month)).or_insert_with(|| ensure(&made, month))
    }

    /// At the begin of a round: looks which new partitions have become ready.
    pub fn refresh(&mut self, slot: &Slot) {
        self.policy = None;
        self.locked.clear();
        if !self.known.values().any(|s| matches!(s, State::New(..))) {
            return;
        }
        let mut readers = readers_of_the_log();
        readers.retain(|reader| !slot.is_waiter(*reader));
        for state in self.known.values_mut() {
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
        self.known.clear();
        self.locked.clear();
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

/// Finds or makes the partition of a class and month.
fn ensure(class: &str, month: Month) -> State {
    let (oid, made) = make(class, month);
    if made { State::New(oid, None) } else { State::Ready(oid) }
}

/// Finds or makes the partition of a class and month; says whether it was made.
pub fn make(class: &str, month: Month) -> (Oid, bool) {
    let [year, number] = month.numbers();
    let rows = spi::run(
        "SELECT partition::oid, made FROM auditlog_data.ensure_partition($1, $2::int, $3::int)",
        &[Arg::text(Some(class)), year, number],
    );
    let row = rows.first();
    let oid = row.and_then(|r| r[0].int()).unwrap_or_default();
    (Oid::from_u32(oid as u32), row.and_then(|r| r[1].int()) != Some(0))
}

/// Makes the table above a class' partitions when it is missing.
pub fn make_class(class: &str) {
    spi::run("SELECT auditlog_data.ensure_class($1)", &[Arg::text(Some(class))]);
}
