//! Schedules as the extension pg_cron 1.6 has them, without PostgreSQL.
//!
//! `text → Schedule::parse → next, due, describe`. Nothing here reads a clock: «now» and the zone are
//! arguments, moments are microseconds since 1970 in UTC. What is read lies in `fields` and `interval`,
//! the moments in `calendar`, what is to be run now in `due`.
//!
//! A schedule names minutes: a run is due in a minute of UTC whose local time, by the clock of the zone,
//! has all of its fields. From this follows, as in pg_cron: a time that the clock skips in spring has no
//! run on that day, and a time that it shows twice in autumn has two.
//!
//! Where we differ from pg_cron, and why, is in `docs/decisions/0026-schedules-as-pg-cron-has-them.md`.
#![forbid(unsafe_code)]

mod calendar;
mod due;
mod error;
mod field;
mod fields;
mod interval;
mod words;

pub use auditlog_query::dates::Zone;
pub use due::{Due, MISSED_LIMIT, Missed};
pub use error::{ErrorKind, ScheduleError};

use fields::Fields;
use std::fmt;
use std::str::FromStr;

/// Microseconds of a second.
const SECOND_US: i64 = 1_000_000;

/// When a job is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    when: When,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum When {
    /// Five fields, or an `@` name that stands for some.
    Fields(Fields),
    /// `30 seconds`: 1 to 59.
    Seconds(u8),
    /// `@reboot`
    Start,
}

impl Schedule {
    /// Reads a schedule: `minute hour day-of-month month day-of-week`, `[1-59] seconds`, or one of
    /// `@hourly @daily @midnight @weekly @monthly @yearly @annually @reboot @restart`.
    ///
    /// # Errors
    /// Everything that pg_cron refuses, and what it takes without doing what it says
    /// ([`ErrorKind::Misread`]).
    pub fn parse(text: &str) -> Result<Schedule, ScheduleError> {
        // as in pg_cron: only what is no fields can be an interval
        let when = match fields::parse(text) {
            Ok(when) => when,
            Err(error) => match interval::parse(text) {
                Some(seconds) => When::Seconds(seconds?),
                None => return Err(error),
            },
        };
        Ok(Schedule { when })
    }

    /// The first moment after `after_us` at which the job is to be run; for `n seconds`, `after_us` is
    /// the last start. None: never within the 400 years after which the calendar repeats (30 February),
    /// at the server's start only ([`Schedule::at_start`]), or outside of the calendar.
    pub fn next(&self, after_us: i64, zone: &Zone) -> Option<i64> {
        match &self.when {
            When::Fields(fields) => calendar::next(fields, after_us, zone),
            When::Seconds(seconds) => after_us.checked_add(i64::from(*seconds) * SECOND_US),
            When::Start => None,
        }
    }

    /// All moments after `after_us`, each found when it is asked for.
    pub fn upcoming(&self, after_us: i64, zone: &Zone) -> impl Iterator<Item = i64> {
        std::iter::successors(self.next(after_us, zone), |us| self.next(*us, zone))
    }

    /// Is the job to be run in the minute of UTC that holds this moment? False for `n seconds`, which
    /// knows no minutes, and for `@reboot`.
    pub fn contains(&self, us: i64, zone: &Zone) -> bool {
        match &self.when {
            When::Fields(fields) => calendar::contains(fields, us, zone),
            When::Seconds(_) | When::Start => false,
        }
    }

    /// Is the job run once when the scheduler starts (`@reboot`), and never by the clock?
    pub fn at_start(&self) -> bool {
        self.when == When::Start
    }

    /// The seconds of `n seconds`.
    pub fn interval(&self) -> Option<u8> {
        match self.when {
            When::Seconds(seconds) => Some(seconds),
            When::Fields(_) | When::Start => None,
        }
    }

    /// The schedule in words: `at 03:30 on Saturday`.
    pub fn describe(&self) -> String {
        match &self.when {
            When::Fields(fields) => words::describe(fields),
            When::Seconds(1) => "every second, counted from the last start".to_owned(),
            When::Seconds(seconds) => format!("every {seconds} seconds, counted from the last start"),
            When::Start => "once whenever the server starts".to_owned(),
        }
    }
}

/// The normalised text: numbers for names, one blank between fields, five fields for `@` names.
impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.when {
            When::Fields(fields) => fields.fmt(out),
            When::Seconds(1) => out.write_str("1 second"),
            When::Seconds(seconds) => write!(out, "{seconds} seconds"),
            When::Start => out.write_str("@reboot"),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Schedule, ScheduleError> {
        Schedule::parse(text)
    }
}
