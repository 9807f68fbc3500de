//! When an alert is evaluated: days, hours and a zone.

use crate::alert::definition::Fault;
use auditlog_query::dates::Zone;
use chrono::{Datelike, Timelike};
use std::fmt::Write;

/// Short names, from Monday on.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const WORDS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Hours of some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// From Monday on.
    pub days: [bool; 7],
    /// Minutes of the day: from, and to (exclusive). When «to» is not after «from» the hours go past midnight
    /// and belong to the day on which they begin. None: the whole day.
    pub hours: Option<(u16, u16)>,
    /// The name of [`Schedule::zone`].
    pub timezone: String,
    /// Whose clocks count.
    pub zone: Zone,
    /// Is it about the time outside of the hours?
    pub outside: bool,
}

impl Schedule {
    /// Is the moment one in which the alert is evaluated?
    pub fn contains(&self, us: i64) -> bool {
        self.is_inside(us) != self.outside
    }

    fn is_inside(&self, us: i64) -> bool {
        // outside of every calendar no day has a name
        let Some(local) = self.zone.local(us) else { return false };
        let today = local.weekday().num_days_from_monday() as usize;
        let minute = (local.hour() * 60 + local.minute()) as u16;
        let Some((from, to)) = self.hours else {
            return self.days[today];
        };
        if from < to {
            return self.days[today] && (from..to).contains(&minute);
        }
        (self.days[today] && minute >= from) || (self.days[(today + 6) % 7] && minute < to)
    }

    /// The days as `mon-fri`, `sat`.
    pub fn day_texts(&self) -> Vec<String> {
        self.ranges(&DAYS, "-")
    }

    /// The hours as `08:00-18:00`.
    pub fn hours_text(&self) -> Option<String> {
        let (from, to) = self.hours?;
        Some(format!(
            "{:02}:{:02}-{:02}:{:02}",
            from / 60,
            from % 60,
            to / 60,
            to % 60
        ))
    }

    /// For people.
    pub fn words(&self) -> String {
        let mut out = String::from(if self.outside { "outside of " } else { "" });
        out += &match (self.days, &self.hours) {
            ([true, true, true, true, true, true, true], _) => "every day".to_owned(),
            _ => self.ranges(&WORDS, " to ").join(", "),
        };
        if let Some((from, to)) = self.hours {
            let _ = write!(
                out,
                " from {:02}:{:02} to {:02}:{:02}",
                from / 60,
                from % 60,
                to / 60,
                to % 60
            );
            out += if to <= from { " of the next day" } else { "" };
        }
        format!("{out} ({})", self.timezone)
    }

    fn ranges(&self, names: &[&str; 7], to: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut day = 0;
        while day < 7 {
            let length = self.days[day..].iter().take_while(|on| **on).count();
            match length {
                0 => {}
                1 => found.push(names[day].to_owned()),
                2 => found.extend([names[day].to_owned(), names[day + 1].to_owned()]),
                length => found.push(format!("{}{to}{}", names[day], names[day + length - 1])),
            }
            day += length.max(1);
        }
        found
    }
}

/// Adds a day (`mon`, `monday`) or several (`mon-fri`, `sat-mon`).
pub(crate) fn add_days(days: &mut [bool; 7], text: &str) -> Result<(), Fault> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (Some(first), Some(last)) = (day(first), day(last)) else {
        let message = format!("{text:?} names no days");
        return Err(Fault::new(
            message,
            "Write mon, tue, wed, thu, fri, sat, sun, or several as mon-fri.",
        ));
    };
    let mut at = first;
    loop {
        days[at] = true;
        if at == last {
            return Ok(());
        }
        at = (at + 1) % 7;
    }
}

fn day(text: &str) -> Option<usize> {
    let text = text.trim().to_ascii_lowercase();
    let known = |at: &usize| text == DAYS[*at] || text == WORDS[*at].to_ascii_lowercase();
    (0..7).find(known)
}

/// `08:00-18:00`
pub(crate) fn hours(text: &str) -> Result<(u16, u16), Fault> {
    let hint = "Write from and to as 08:00-18:00; 22:00-06:00 goes past midnight.";
    let ends = text
        .split_once('-')
        .and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
    match ends {
        None => Err(Fault::new(format!("{text:?} is no span of hours"), hint)),
        Some((from, to)) if from == to || from == DAY => Err(Fault::new(
            format!("{text:?} is no time at all"),
            "Leave hours out when the whole day is meant.",
        )),
        Some(ends) => Ok(ends),
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse::<u16>().ok())?
    };
    let (hour, minute) = (number(hour)?, number(minute).filter(|_| minute.len() == 2)?);
    let at = hour.checked_mul(60)? + minute;
    (minute < 60 && at <= DAY).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog_query::dates::parse_value;

    fn schedule(days: &str, hours_text: Option<&str>, timezone: &str, outside: bool) -> Schedule {
        let mut on = [false; 7];
        days.split(' ').for_each(|text| add_days(&mut on, text).expect("days"));
        Schedule {
            days: on,
            hours: hours_text.map(|text| hours(text).expect("hours")),
            timezone: timezone.to_owned(),
            zone: timezone.parse().expect("a zone"),
            outside,
        }
    }

    fn at(schedule: &Schedule, time: &str) -> bool {
        schedule.contains(parse_value(time).expect("a time"))
    }

    #[test]
    fn hours_begin_and_end() {
        let office = schedule("mon-fri", Some("08:00-18:00"), "UTC", false);
        for (time, inside) in [
            ("2026-11-27T08:00:00Z", true), // a Friday
            ("2026-11-27T07:59:59.999999Z", false),
            ("2026-11-27T17:59:59.999999Z", true),
            ("2026-11-27T18:00:00Z", false),
            ("2026-11-28T12:00:00Z", false),
        ] {
            assert_eq!(at(&office, time), inside, "{time}");
            assert_ne!(
                at(
                    &Schedule {
                        outside: true,
                        ..office.clone()
                    },
                    time
                ),
                inside,
                "{time}"
            );
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let night = schedule("fri", Some("22:00-06:00"), "UTC", false);
        for (time, inside) in [
            ("2026-11-27T05:00:00Z", false),
            ("2026-11-27T22:00:00Z", true),
            ("2026-11-28T05:59:00Z", true),
            ("2026-11-28T06:00:00Z", false),
            ("2026-11-28T22:00:00Z", false),
        ] {
            assert_eq!(at(&night, time), inside, "{time}");
        }
    }

    #[test]
    fn clocks_are_those_of_the_zone() {
        let berlin = schedule("mon-sun", Some("08:00-24:00"), "Europe/Berlin", false);
        assert!(at(&berlin, "2026-07-01T06:00:00Z"));
        assert!(!at(&berlin, "2026-12-01T06:00:00Z"));
        assert!(at(&berlin, "2026-12-01T22:59:00Z"));
        assert!(!at(&berlin, "2026-12-01T23:00:00Z"));
    }

    #[test]
    fn words_and_texts() {
        let schedule = schedule("sat-mon wed", Some("22:00-06:00"), "Europe/Berlin", true);
        assert_eq!(schedule.day_texts(), ["mon", "wed", "sat", "sun"]);
        assert_eq!(schedule.hours_text().as_deref(), Some("22:00-06:00"));
        assert_eq!(
            schedule.words(),
            "outside of Monday, Wednesday, Saturday, Sunday from 22:00 to 06:00 of the next day (Europe/Berlin)"
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "8-18",
            "08:00",
            "08:60-09:00",
            "24:01-25:00",
            "24:00-06:00",
            "08:00-08:00",
            "+8:00-09:00",
            "",
            "8:0-9:00",
        ] {
            assert!(hours(text).is_err(), "{text}");
        }
        for text in ["", "mo", "mon-", "mon-tue-wed", "1"] {
            assert!(add_days(&mut [false; 7], text).is_err(), "{text}");
        }
    }
}
