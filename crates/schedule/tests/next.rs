//! Next runs: cases of the calendar and the clock, and a check of every minute by other means.

use auditlog_schedule::{Schedule, Zone};
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike};
use proptest::prelude::*;

fn zone(name: &str) -> Zone {
    name.parse().expect("a zone")
}

fn us(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).expect(text).timestamp_micros()
}

fn runs(schedule: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
    let zone = zone(zone_name);
    Schedule::parse(schedule)
        .expect(schedule)
        .upcoming(us(after), &zone)
        .take(count)
        .map(|us| {
            let utc = DateTime::from_timestamp_micros(us).expect("in the calendar");
            utc.format("%Y-%m-%dT%H:%M:%SZ").to_string()
        })
        .collect()
}

#[test]
fn cases_of_the_calendar() {
    for (schedule, after, expected) in [
        ("* * * * *", "2026-11-28T13:41:59.999999Z", "2026-11-28T13:42:00Z"),
        ("* * * * *", "2026-11-28T13:42:00Z", "2026-11-28T13:43:00Z"),
        ("0 0 1 1 *", "2026-11-28T13:42:00Z", "2027-01-01T00:00:00Z"),
        ("59 23 31 12 *", "2026-12-31T23:58:59Z", "2026-12-31T23:59:00Z"),
        ("59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"),
        // 2100 is no leap year
        ("0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"),
        ("0 12 $ * *", "2028-02-01T00:00:00Z", "2028-02-29T12:00:00Z"),
        ("0 12 $ * *", "2026-02-28T12:00:00Z", "2026-03-31T12:00:00Z"),
        // both fields say something: one of them is enough
        ("0 0 13 * 5", "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"),
        ("0 0 $ * mon", "2026-11-28T00:00:00Z", "2026-11-30T00:00:00Z"),
        // one begins with a star: both must hold, even with a step
        ("0 0 */13 * 5", "2026-11-02T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("0 0 13 * */5", "2026-11-01T00:00:00Z", "2026-11-13T00:00:00Z"),
        ("0 0 * * 7", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"),
        ("0 0 * * 5-7/2", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"),
        // before 1970
        ("30 6 * * *", "1969-12-31T06:30:00Z", "1970-01-01T06:30:00Z"),
        ("* * * * *", "1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z"),
        ("30 seconds", "2026-11-28T13:41:59.5Z", "2026-11-28T13:42:29Z"),
    ] {
        assert_eq!(runs(schedule, "GMT", after, 1), [expected], "{schedule} after {after}");
    }
}

#[test]
fn what_never_comes_is_never() {
    for schedule in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "@reboot"] {
        assert_eq!(
            Schedule::parse(schedule).unwrap().next(0, &Zone::Utc),
            None,
            "{schedule}"
        );
    }
    // at the ends of the calendar there is no minute, and no panic
    let minutely = Schedule::parse("* * * * *").unwrap();
    for end in [i64::MAX, i64::MAX - 1, i64::MIN] {
        minutely.next(end, &Zone::Utc);
        minutely.contains(end, &Zone::Utc);
        Schedule::parse("59 seconds").unwrap().next(end, &Zone::Utc);
    }
}

#[test]
fn a_time_that_the_clock_skips_has_no_run() {
    // Berlin: 02:00 to 03:00 on 2027-03-28 is not there
    assert_eq!(
        runs("30 2 * * *", "Europe/Berlin", "2027-03-26T12:00:00Z", 2),
        ["2027-03-27T01:30:00Z", "2027-03-29T00:30:00Z"]
    );
    // the hours on both sides are one hour apart
    assert_eq!(
        runs("0 * * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", 2),
        ["2027-03-28T01:00:00Z", "2027-03-28T02:00:00Z"]
    );
    // Samoa had no 2011-12-30
    assert_eq!(
        runs("0 12 30 12 *", "Pacific/Apia", "2010-12-31T12:00:00Z", 1),
        ["2012-12-29T22:00:00Z"]
    );
}

#[test]
fn a_time_that_the_clock_shows_twice_has_two_runs() {
    // Berlin: 02:00 to 03:00 on 2026-10-25 is there twice
    assert_eq!(
        runs("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 3),
        ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"]
    );
    // Lord Howe's clocks go back by 30 minutes only
    assert_eq!(
        runs("45 1 * * *", "Australia/Lord_Howe", "2027-04-03T00:00:00Z", 3),
        ["2027-04-03T14:45:00Z", "2027-04-03T15:15:00Z", "2027-04-04T15:15:00Z"]
    );
}

#[test]
fn the_last_day_is_that_of_the_calendar() {
    // 24 hours after 23:30 on 2024-03-30 is 00:30 on 1 April in Berlin; pg_cron takes that for the last day
    assert_eq!(
        runs("30 23 $ * *", "Europe/Berlin", "2024-03-29T23:00:00Z", 1),
        ["2024-03-31T21:30:00Z"]
    );
    // and 24 hours after 00:30 on 2021-10-31 are on the same day; pg_cron runs nothing
    assert_eq!(
        runs("30 0 $ * *", "Europe/Berlin", "2021-10-30T12:00:00Z", 1),
        ["2021-10-30T22:30:00Z"]
    );
}

#[test]
fn offsets_with_seconds_are_cut_to_minutes() {
    // Monrovia was 44:30 behind Greenwich until 1972
    assert_eq!(
        runs("0 0 * * *", "Africa/Monrovia", "1971-06-01T12:00:00Z", 1),
        ["1971-06-02T00:45:00Z"]
    );
}

/// The fields by their definition, on the text, sharing nothing with the crate but chrono.
fn holds(text: &str, local: NaiveDateTime) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let has = |word: &str, low: u32, high: u32, value: u32| {
        word.split(',').any(|part| {
            let (range, step) = part.split_once('/').unwrap_or((part, "1"));
            let (first, last) = match range.split_once('-') {
                Some((first, last)) => (first.parse().unwrap(), last.parse().unwrap()),
                None if range == "*" => (low, high),
                None => (range.parse().unwrap(), range.parse().unwrap()),
            };
            (first..=last).step_by(step.parse().unwrap()).any(|x| x == value)
        })
    };
    let sunday = local.weekday().num_days_from_sunday();
    let weekday = has(words[4], 0, 7, sunday) || (sunday == 0 && has(words[4], 0, 7, 7));
    let day = match words[2] {
        "$" => (local + TimeDelta::days(1)).day() == 1,
        word => has(word, 1, 31, local.day()),
    };
    has(words[0], 0, 59, local.minute())
        && has(words[1], 0, 23, local.hour())
        && has(words[3], 1, 12, local.month())
        && if words[2].starts_with('*') || words[4].starts_with('*') {
            day && weekday
        } else {
            day || weekday
        }
}

fn field(low: u32, high: u32) -> impl Strategy<Value = String> {
    let value = low..=high;
    let range = (low..=high, low..=high).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let item = prop_oneof![
        4 => Just("*".to_owned()),
        2 => (1_u32..=high + 3).prop_map(|step| format!("*/{step}")),
        3 => value.prop_map(|value| value.to_string()),
        2 => range.clone().prop_map(|(a, b)| format!("{a}-{b}")),
        1 => (range, 1_u32..10).prop_map(|((a, b), step)| format!("{a}-{b}/{step}")),
    ];
    prop::collection::vec(item, 1..=3).prop_map(|items| items.join(","))
}

fn schedule() -> impl Strategy<Value = String> {
    let day = prop_oneof![4 => field(1, 31), 1 => Just("$".to_owned())];
    (field(0, 59), field(0, 23), day, field(1, 12), field(0, 7))
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

/// Moments near changes of clocks, and elsewhere.
fn moment() -> impl Strategy<Value = (&'static str, i64)> {
    let near = [
        ("Europe/Berlin", "2027-03-28T01:00:00Z"),
        ("Europe/Berlin", "2026-10-25T01:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
        ("Australia/Lord_Howe", "2027-04-03T15:00:00Z"),
        ("America/New_York", "2026-11-01T06:00:00Z"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("Africa/Casablanca", "2027-02-07T02:00:00Z"),
        ("Africa/Monrovia", "1972-01-07T00:44:30Z"),
        ("Asia/Kathmandu", "2026-02-28T18:15:00Z"),
        ("GMT", "2028-02-29T00:00:00Z"),
    ];
    (0..near.len(), -3 * 86_400_000_000_i64..86_400_000_000).prop_map(move |(index, away)| {
        let (zone, at) = near[index];
        (zone, us(at) + away)
    })
}

/// Minutes that are looked at one by one.
const SPAN: i64 = 4 * 24 * 60;
const MINUTE: i64 = 60_000_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_next_run_is_the_first_minute_that_holds(text in schedule(), (name, after) in moment()) {
        let zone = zone(name);
        let schedule = Schedule::parse(&text).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        prop_assert_eq!(Schedule::parse(&schedule.to_string()), Ok(schedule.clone()));
        let next = schedule.next(after, &zone);
        prop_assert!(next.is_none_or(|next| next > after && next % MINUTE == 0));
        let first = (after.div_euclid(MINUTE) + 1) * MINUTE;
        let expected = (0..SPAN).map(|i| first + i * MINUTE).find(|us| holds(&text, zone.local(*us).unwrap()));
        match expected {
            Some(_) => prop_assert_eq!(next, expected, "{} in {}", text, name),
            None => prop_assert!(next.is_none_or(|next| next >= first + SPAN && holds(&text, zone.local(next).unwrap()))),
        }
        if let Some(next) = next {
            prop_assert!(schedule.contains(next, &zone) && schedule.contains(next + MINUTE - 1, &zone));
        }
        let here = holds(&text, zone.local(after.div_euclid(MINUTE) * MINUTE).unwrap());
        prop_assert_eq!(schedule.contains(after, &zone), here);
    }
}
