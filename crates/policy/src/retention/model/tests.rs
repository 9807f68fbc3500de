use super::*;
use auditlog_query::CheckOptions;

fn time(year: i32, month: u32, day: u32) -> i64 {
    let date = NaiveDate::from_ymd_opt(year, month, day).and_then(|day| day.and_hms_opt(0, 0, 0));
    date.expect("a day").and_utc().timestamp_micros()
}

fn event(id: u64, event_type: &str, timestamp: i64) -> Event {
    Event {
        id,
        event_type: event_type.to_owned(),
        timestamp,
        sealed_at: timestamp,
    }
}

fn hold(name: &str, until: Option<i64>, at: i64) -> Hold {
    Hold::place(name, "", until, "a case", "carol", at, &CheckOptions::default()).expect("a hold")
}

fn policy(text: &str) -> RetentionPolicy {
    RetentionPolicy::parse(text).expect("a policy").0
}

fn ids(list: &[u64]) -> BTreeSet<u64> {
    list.iter().copied().collect()
}

#[test]
fn ranges_end_at_midnight() {
    assert_eq!(Span::Months.end(time(2024, 2, 29)), time(2024, 3, 1));
    assert_eq!(Span::Months.end(time(2024, 3, 1) - 1), time(2024, 3, 1));
    assert_eq!(Span::Months.end(time(2024, 12, 31)), time(2025, 1, 1));
    assert_eq!(Span::Months.end(time(1999, 12, 31)), time(2020, 1, 1));
    assert_eq!(Span::Days.end(time(2024, 2, 29)), time(2024, 3, 1));
    assert_eq!(Span::Days.end(time(1999, 12, 31) + 1), time(2000, 1, 1));
    assert_eq!(Span::Days.end(-1), 0);
}

#[test]
fn years_go_by() {
    let text = "retention_policies: [{event_types: [a.*], hot_days: 31, warm_days: 62, cold_days: 93}, {event_types: [b], hot_days: 10, warm_days: 0, cold_days: 0}]";
    let model = Model {
        events: vec![
            event(1, "a.x", time(2024, 1, 10)),
            event(2, "a.x", time(2024, 1, 20)),
            event(3, "b", time(2024, 1, 15)),
            event(4, "c", time(2024, 1, 15)),
            event(5, "auditlog.retention", time(2024, 1, 15)),
            Event {
                sealed_at: time(2024, 6, 2),
                ..event(6, "a.x", time(2024, 1, 12))
            },
        ],
        changes: vec![
            (time(2024, 1, 1), Change::Policy(policy(text))),
            (
                time(2024, 4, 20),
                Change::Place(hold("one", None, time(2024, 4, 20)), Box::new(|event| event.id == 2)),
            ),
            (time(2024, 4, 21), Change::Erase(ids(&[1, 2, 3]))),
            (
                time(2024, 8, 2),
                Change::Release {
                    hold: "one".to_owned(),
                    by: "dave".to_owned(),
                    four_eyes: true,
                },
            ),
            (
                time(2024, 9, 2),
                Change::Release {
                    hold: "one".to_owned(),
                    by: "erin".to_owned(),
                    four_eyes: true,
                },
            ),
            (
                time(2024, 9, 3),
                Change::Release {
                    hold: "one".to_owned(),
                    by: "dave".to_owned(),
                    four_eyes: true,
                },
            ),
        ],
        requirements: Vec::new(),
        reach: HoldReach::Rows,
        archive: Some(Span::Days),
        back_to_hot: false,
    };
    let times: Vec<i64> = (1..=12)
        .map(|month| time(2024, month, 28))
        .chain([time(2033, 1, 1)])
        .collect();
    let found = model.run(&times).expect("a history");
    let at = |month: usize, tier| found[month - 1].tier(tier).into_iter().collect::<Vec<_>>();
    // January ended on the 1st of February: 27 days later nothing has moved but what is over after ten
    assert_eq!(at(2, Tier::Hot), [1, 2, 4, 5]);
    assert_eq!(at(2, Tier::Gone), [3]);
    assert_eq!(at(3, Tier::Warm), [1, 2]);
    // in the archive days count, not months: both are older than 93 days in April but for the hold
    assert_eq!(at(4, Tier::Cold), [1, 2]);
    assert_eq!(at(5, Tier::Gone), [1, 3]);
    assert_eq!(found[4].erased, ids(&[2]));
    // sealed late, and old at once
    assert_eq!(at(6, Tier::Gone), [1, 3, 6]);
    // the second person came after thirty days: that was a new request
    assert_eq!(at(8, Tier::Cold), [2]);
    assert_eq!(at(9, Tier::Gone), [1, 2, 3, 6]);
    assert_eq!(found[9].classes["standard"], ids(&[4]));
    assert_eq!(at(5, Tier::Warm), [4, 5]);
    assert_eq!(found[12].tier(Tier::Warm), ids(&[5]));
    assert_eq!(found[12].tier(Tier::Gone), ids(&[1, 2, 3, 4, 6]));
}

#[test]
fn what_comes_back_when_a_policy_keeps_more() {
    let short = "default: {hot_days: 10, warm_days: 60, cold_days: 1000}";
    let long = "default: {hot_days: 500, warm_days: 900, cold_days: 1000}";
    let history = |archive, back_to_hot| {
        let model = Model {
            events: vec![
                event(1, "a", time(2024, 1, 10)),
                event(2, "a", time(2024, 3, 10)),
                event(3, "a", time(2024, 4, 10)),
            ],
            changes: vec![
                (time(2024, 1, 1), Change::Policy(policy(short))),
                (time(2024, 4, 15), Change::Policy(policy(long))),
            ],
            requirements: Vec::new(),
            reach: HoldReach::Range,
            archive,
            back_to_hot,
        };
        let found = model.run(&[time(2024, 4, 12), time(2024, 9, 1)]).expect("a history");
        let places = |snapshot: &Snapshot| Tier::KEEPING.map(|tier| snapshot.tier(tier));
        found.iter().map(places).collect::<Vec<_>>()
    };
    let none = BTreeSet::new;
    let months = Some(Span::Months);
    assert_eq!(history(months, false)[0], [ids(&[3]), ids(&[2]), ids(&[1])]);
    assert_eq!(history(months, false)[1], [ids(&[3]), ids(&[2]), ids(&[1])]);
    assert_eq!(history(months, true)[1], [ids(&[2, 3]), none(), ids(&[1])]);
    // without an archive rows are the coldest that there is
    assert_eq!(history(None, false)[0], [ids(&[3]), ids(&[1, 2]), none()]);
    assert_eq!(history(None, true)[1], [ids(&[1, 2, 3]), none(), none()]);
}
