//! What is due after the clock has gone on, jumped or gone back.

use auditlog_schedule::{Due, MISSED_LIMIT, Missed, Schedule, Zone};
use chrono::DateTime;
use proptest::prelude::*;
use std::collections::BTreeSet;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

fn us(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).expect(text).timestamp_micros()
}

fn due(schedule: &str, last: &str, now: &str, policy: Missed) -> Due {
    Schedule::parse(schedule)
        .unwrap()
        .due(Some(us(last)), us(now), &Zone::Utc, policy)
}

/// `12:00 12:05 (3 missed)`
fn shown(due: &Due) -> String {
    let mut out: Vec<String> = due
        .runs
        .iter()
        .map(|us| {
            DateTime::from_timestamp_micros(*us)
                .unwrap()
                .format("%H:%M")
                .to_string()
        })
        .collect();
    if due.missed > 0 {
        out.push(format!("({} missed)", due.missed));
    }
    out.join(" ")
}

#[test]
fn nothing_is_due_at_the_first_look() {
    for policy in [Missed::Skip, Missed::RunOnce] {
        for schedule in ["* * * * *", "5 seconds", "@reboot"] {
            let first = Schedule::parse(schedule)
                .unwrap()
                .due(None, us("2026-11-28T12:00:30Z"), &Zone::Utc, policy);
            assert_eq!((first.runs.len(), first.missed), (0, 0), "{schedule}");
            let expected = us(if schedule.starts_with('*') {
                "2026-11-28T12:00:00Z"
            } else {
                "2026-11-28T12:00:30Z"
            });
            assert_eq!(first.last_us, expected, "{schedule}");
        }
    }
}

#[test]
fn late_by_minutes_hours_and_more() {
    for (schedule, now, skip, once) in [
        ("* * * * *", "12:00:59", "", ""),
        ("* * * * *", "12:01:00", "12:01", "12:01"),
        ("* * * * *", "12:03:07", "12:01 12:02 12:03", "12:03 (2 missed)"),
        (
            "* * * * *",
            "12:05:59",
            "12:01 12:02 12:03 12:04 12:05",
            "12:05 (4 missed)",
        ),
        ("* * * * *", "12:06:00", "12:06 (5 missed)", "12:06 (5 missed)"),
        ("*/10 * * * *", "12:05:00", "", ""),
        ("*/10 * * * *", "12:35:00", "(3 missed)", "12:30 (2 missed)"),
        ("0 * * * *", "13:10:00", "(1 missed)", "13:00"),
        ("*/10 12-13 * * *", "13:10:00", "13:10 (6 missed)", "13:10 (6 missed)"),
        (
            "0,10,20 12,13 * * *",
            "13:15:00",
            "12:10 12:20 13:00 13:10",
            "13:10 (3 missed)",
        ),
        ("30 12 * * *", "15:00:59", "12:30", "12:30"),
        ("30 12 * * *", "15:01:00", "(1 missed)", "12:30"),
        ("30 12 * * *", "23:01:00", "(1 missed)", "12:30"),
        ("1 15 * * *", "15:01:00", "15:01", "15:01"),
        ("30 11 * * *", "15:01:00", "", ""),
    ] {
        let now = format!("2026-11-28T{now}Z");
        for (policy, expected) in [(Missed::Skip, skip), (Missed::RunOnce, once)] {
            let due = due(schedule, "2026-11-28T12:00:00Z", &now, policy);
            assert_eq!(shown(&due), expected, "{schedule} at {now}, {policy:?}");
            assert_eq!(due.last_us, us(&now).div_euclid(MINUTE) * MINUTE);
        }
    }
}

#[test]
fn a_clock_that_has_gone_back() {
    let last = "2026-11-28T12:00:00Z";
    for policy in [Missed::Skip, Missed::RunOnce] {
        for now in ["2026-11-28T11:59:59Z", "2026-11-28T09:00:00Z"] {
            let waits = due("* * * * *", last, now, policy);
            assert_eq!((shown(&waits).as_str(), waits.last_us), ("", us(last)), "{now}");
        }
        let anew = due("* * * * *", last, "2026-11-28T08:59:30Z", policy);
        assert_eq!(
            (shown(&anew).as_str(), anew.last_us),
            ("08:59", us("2026-11-28T08:59:00Z"))
        );
        let other = due("58 * * * *", last, "2026-11-28T08:59:30Z", policy);
        assert_eq!(
            (shown(&other).as_str(), other.last_us),
            ("", us("2026-11-28T08:59:00Z"))
        );
    }
}

#[test]
fn years_of_missed_runs_are_one_and_quickly_counted() {
    for schedule in ["* * * * *", "* * * 1 *", "0 0 29 2 *", "0 0 30 2 *"] {
        let once = due(
            schedule,
            "1990-01-01T00:00:00Z",
            "2026-11-28T12:00:30Z",
            Missed::RunOnce,
        );
        let (run, missed) = match schedule {
            "* * * * *" => (Some("2026-11-28T12:00:00Z"), MISSED_LIMIT),
            "* * * 1 *" => (Some("2026-01-31T23:59:00Z"), MISSED_LIMIT),
            // 1992 to 2024
            "0 0 29 2 *" => (Some("2024-02-29T00:00:00Z"), 8),
            _ => (None, 0),
        };
        assert_eq!(once.runs, run.map(us).into_iter().collect::<Vec<_>>(), "{schedule}");
        assert_eq!(once.missed, missed, "{schedule}");
    }
}

#[test]
fn seconds_count_from_the_last_start() {
    let every = Schedule::parse("10 seconds").unwrap();
    let at = |last: i64, now: i64| {
        let due = every.due(Some(last), now, &Zone::Utc, Missed::Skip);
        (due.runs, due.last_us)
    };
    assert_eq!(at(0, 10 * SECOND - 1), (vec![], 0));
    assert_eq!(at(0, 10 * SECOND), (vec![10 * SECOND], 10 * SECOND));
    // once, however late, and 10 seconds after that
    assert_eq!(at(0, HOUR), (vec![HOUR], HOUR));
    // the clock went back
    assert_eq!(at(HOUR, 5 * SECOND), (vec![], 5 * SECOND));
}

#[test]
fn a_local_hour_that_is_shown_twice_is_due_twice() {
    let berlin: Zone = "Europe/Berlin".parse().unwrap();
    let schedule = Schedule::parse("30 2 * * *").unwrap();
    let (last, now) = (us("2026-10-25T00:00:00Z"), us("2026-10-25T02:00:00Z"));
    let due = schedule.due(Some(last), now, &berlin, Missed::Skip);
    assert_eq!(due.runs, [us("2026-10-25T00:30:00Z"), us("2026-10-25T01:30:00Z")]);
}

fn schedule() -> impl Strategy<Value = Schedule> {
    prop::sample::select(vec![
        "* * * * *",
        "*/5 * * * *",
        "7 * * * *",
        "0,20,40 0-23 * * *",
        "30 2 * * *",
        "15 3,15 * * mon-fri",
        "0 0 $ * *",
        "0-59 0-23 1 * 1",
    ])
    .prop_map(|text| Schedule::parse(text).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// A scheduler that looks at least every five minutes runs each moment once, in order, with any policy
    /// that is asked once a minute, and whatever the clock does by small steps back.
    #[test]
    fn each_moment_once(
        schedule in schedule(),
        start in 1_790_000_000_i64..1_800_000_000,
        steps in prop::collection::vec(prop_oneof![9 => 1_i64..300, 1 => -7200_i64..0], 1..400),
    ) {
        let start = start * SECOND;
        let first = schedule.due(None, start, &Zone::Utc, Missed::Skip);
        let (mut last, mut now, mut top, mut ran) = (first.last_us, start, start, Vec::new());
        for step in steps {
            // no more than two hours back in all
            now = (now + step * SECOND).max(last - 2 * HOUR);
            top = top.max(now);
            let due = schedule.due(Some(last), now, &Zone::Utc, Missed::Skip);
            prop_assert_eq!(due.missed, 0);
            ran.extend(due.runs);
            last = due.last_us;
        }
        let expected: Vec<i64> = schedule.upcoming(first.last_us, &Zone::Utc).take_while(|us| *us <= top).collect();
        prop_assert_eq!(ran, expected);
    }

    /// Whatever the clock does, a run lies in what has passed, and RunOnce never runs twice at once.
    #[test]
    fn runs_lie_between_the_looks(
        schedule in schedule(),
        start in 1_790_000_000_i64..1_800_000_000,
        steps in prop::collection::vec(-20_000_i64..40_000, 1..60),
    ) {
        for policy in [Missed::Skip, Missed::RunOnce] {
            let (mut last, mut now) = (start * SECOND, start * SECOND);
            for step in &steps {
                now += step * SECOND;
                let due = schedule.due(Some(last), now, &Zone::Utc, policy);
                let passed: BTreeSet<i64> =
                    schedule.upcoming(last.div_euclid(MINUTE) * MINUTE, &Zone::Utc).take_while(|us| *us <= now).collect();
                if now >= last {
                    prop_assert!(due.runs.iter().all(|run| passed.contains(run)));
                    prop_assert_eq!(due.missed, passed.len() - due.runs.len());
                }
                prop_assert!(due.runs.is_sorted() && due.runs.len() <= 180);
                if policy == Missed::RunOnce && now >= last {
                    prop_assert_eq!(due.runs.as_slice(), passed.last().map_or(&[][..], std::slice::from_ref));
                }
                last = due.last_us;
            }
        }
    }
}
