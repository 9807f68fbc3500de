//! Time zones.

use chrono::{DateTime, FixedOffset, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use std::str::FromStr;

/// A time zone: UTC, an offset, or a name of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// The default, so that a saved query means the same for everybody.
    #[default]
    Utc,
    /// `+02:00`
    Fixed(FixedOffset),
    /// `Europe/Berlin`
    Named(chrono_tz::Tz),
}

/// No zone has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no time zone has this name")]
pub struct UnknownZone;

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Zone, UnknownZone> {
        if text.eq_ignore_ascii_case("utc") || text == "Z" {
            return Ok(Zone::Utc);
        }
        if text.starts_with(['+', '-']) {
            return FixedOffset::from_str(text).map(Zone::Fixed).map_err(|_| UnknownZone);
        }
        text.parse().map(Zone::Named).map_err(|_| UnknownZone)
    }
}

impl Zone {
    /// What the clocks on the wall show.
    pub fn local(&self, us: i64) -> Option<NaiveDateTime> {
        let utc = DateTime::from_timestamp_micros(us)?.naive_utc();
        let offset = match self {
            Zone::Utc => return Some(utc),
            Zone::Fixed(offset) => *offset,
            Zone::Named(zone) => zone.offset_from_utc_datetime(&utc).fix(),
        };
        utc.checked_add_offset(offset)
    }

    /// When the clocks show it: the first time when they do so twice, the moment of the jump when
    /// they never do.
    pub fn instant(&self, local: NaiveDateTime) -> Option<i64> {
        let offset = match self {
            Zone::Utc => return Some(local.and_utc().timestamp_micros()),
            Zone::Fixed(offset) => *offset,
            Zone::Named(zone) => match zone.offset_from_local_datetime(&local) {
                MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => offset.fix(),
                MappedLocalTime::None => return self.after_gap(local),
            },
        };
        Some(local.checked_sub_offset(offset)?.and_utc().timestamp_micros())
    }

    /// The end of a gap: clocks jump at a whole quarter of an hour, by less than two days.
    fn after_gap(&self, local: NaiveDateTime) -> Option<i64> {
        let Zone::Named(zone) = self else { return None };
        let quarter = local.and_utc().timestamp().div_euclid(900) * 900;
        let start = DateTime::from_timestamp(quarter, 0)?.naive_utc();
        (1..=192).find_map(|steps| {
            let later = start.checked_add_signed(TimeDelta::minutes(15 * steps))?;
            let offset = zone.offset_from_local_datetime(&later).earliest()?.fix();
            Some(later.checked_sub_offset(offset)?.and_utc().timestamp_micros())
        })
    }
}
