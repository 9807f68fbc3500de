//! Alerts that compare with the past.

use super::*;
use proptest::prelude::*;

const MANY: &str = "condition: event_type:authentication.login\nunusual: {count_by: actor.email, every: 1h, history: 40h, sensitivity: 3.5}";
const NEW: &str = "condition: event_type:authentication.login\nunusual: {first_seen: ip, by: actor.email, after: 1d}";
const HOUR: i64 = 3_600;

/// So many logins in an hour, a second apart; how many of them fired.
fn hour(bench: &mut Bench, hour: i64, count: i64) -> Vec<Firing> {
    (0..count)
        .flat_map(|n| bench.login(Some("a"), hour * HOUR + n, hour * HOUR + n))
        .collect()
}

#[test]
fn many_more_than_usual_fire_once() {
    let mut bench = Bench::new(MANY);
    for n in 0..20 {
        assert_eq!(hour(&mut bench, n, 9 + n % 3), [], "{n}");
    }
    // a median of 10, a deviation of 1: the square root of 10 is more
    let firings = hour(&mut bench, 20, 60);
    let [firing] = firings.as_slice() else {
        panic!("{firings:?}")
    };
    assert_eq!((firing.count, firing.needed, firing.events), (22, 22, 1));
    assert_eq!(firing.key, r#"["a"]"#);
    assert_eq!(
        firing.reason,
        "22 events in a period of 1 hour; usual are 10 (the median of 20 periods before), and this is 3.8 robust standard deviations of 3.2 above"
    );
    assert_eq!(bench.updates()[0].events, 1 + 38);
    // one attack does not make the next one usual
    assert_eq!(hour(&mut bench, 22, 60).len(), 1);
    // nor others: an hour of nothing is usual for nobody here
    assert_eq!(hour(&mut bench, 24, 10), []);
}

#[test]
fn who_is_new_or_does_little_is_not_judged() {
    let mut bench = Bench::new(MANY);
    assert_eq!(hour(&mut bench, 0, 100), []);
    assert_eq!(hour(&mut bench, 9, 100), []);
    // a quarter of forty periods
    assert_eq!(hour(&mut bench, 10, 100).len(), 1);
    // hours without events count as such; from the fifth event on
    let mut bench = Bench::new(MANY);
    hour(&mut bench, 0, 1);
    assert_eq!(hour(&mut bench, 20, 4), []);
    let firings = hour(&mut bench, 30, 5);
    assert_eq!((firings.len(), firings[0].count, firings[0].needed), (1, 5, 4));
}

#[test]
fn events_count_in_the_period_of_their_own_time() {
    let mut bench = Bench::new(MANY);
    for n in 0..20 {
        hour(&mut bench, n, 10);
    }
    // thirty that come two hours late are too many for their period, not for this one
    let fired: usize = (0..30)
        .map(|n| bench.login(Some("a"), 17 * HOUR + n, 20 * HOUR).len())
        .sum();
    assert_eq!(fired, 1);
    assert_eq!(hour(&mut bench, 20, 12), []);
    // a time in the future is now; one before the history counts nowhere
    let fired: usize = (0..11)
        .map(|_| bench.login(Some("a"), 1_000 * HOUR, 20 * HOUR).len())
        .sum();
    assert_eq!(fired, 1);
    let fired: usize = (0..100)
        .map(|_| bench.login(Some("a"), -30 * HOUR, 20 * HOUR).len())
        .sum();
    assert_eq!(fired, 0);
}

fn from(bench: &mut Bench, email: &str, ip: Option<&str>, at: i64) -> Vec<Firing> {
    bench.event(&document("authentication.login", Some(email), ip), at, at)
}

#[test]
fn a_value_is_new_once_and_after_learning() {
    let day = 24 * HOUR;
    let mut bench = Bench::new(NEW);
    for (ip, at) in [
        ("10.0.0.1", 0),
        ("10.0.0.2", day - 1),
        ("10.0.0.1", day),
        ("10.0.0.2", 3 * day),
    ] {
        assert_eq!(from(&mut bench, "a", Some(ip), at), [], "{ip} {at}");
    }
    assert_eq!(from(&mut bench, "a", None, 3 * day), []);
    let firings = from(&mut bench, "a", Some("10.0.0.3"), 3 * day);
    assert_eq!(
        firings[0].reason,
        "ip is \"10.0.0.3\" for the first time; 2 other values are known since 1970-01-01T00:00:00Z"
    );
    assert_eq!((firings[0].count, firings[0].key.as_str()), (1, r#"["a"]"#));
    assert_eq!(from(&mut bench, "a", Some("10.0.0.3"), 3 * day), []);
    assert_eq!(from(&mut bench, "a", Some("10.0.0.4"), 3 * day).len(), 1);
    // others learn for themselves
    assert_eq!(from(&mut bench, "b", Some("10.0.0.3"), 3 * day), []);
    // who does not come for long begins anew
    from(&mut bench, "b", Some("10.0.0.3"), 95 * day);
    assert_eq!(bench.resolved(0), []);
    assert_eq!(from(&mut bench, "a", Some("10.0.0.9"), 95 * day), []);
}

#[test]
fn memory_is_bounded() {
    let limits = Limits {
        max_entries: 4,
        max_groups: 10,
        ..Limits::default()
    };
    let mut bench = Bench::with(NEW, limits);
    from(&mut bench, "a", Some("10.0.0.0"), 0);
    for n in 0..1_000 {
        let ip = format!("10.0.{}.{}", n / 250, n % 250);
        from(&mut bench, "a", Some(&ip), 86_400 + n);
        from(&mut bench, &format!("invented{n}"), Some(&ip), 86_400 + n);
    }
    let stats = bench.engine.stats(1).expect("stats");
    // «a» has been learnt, and stays
    assert_eq!(
        (stats.groups, stats.entries, stats.lost_groups, stats.dropped_entries),
        (10, 4 + 9, 991, 996)
    );
    assert_eq!(from(&mut bench, "a", Some("192.0.2.1"), 90_000).len(), 1);
}

#[test]
fn state_is_taken_back_by_the_same_alert_only() {
    let mut bench = Bench::new(NEW);
    from(&mut bench, "a", Some("10.0.0.1"), 0);
    let state = bench.engine.state_json(Part::Unusual);
    let state: serde_json::Value = serde_json::from_str(&state.to_string()).expect("JSON");
    let groups = |yaml: &str| {
        let mut other = Bench::new(yaml);
        let horizon = other.engine.restore_state(&state, None).expect("a state");
        assert_eq!((horizon.log_index, horizon.clock_us), (1, 0));
        other.engine.groups()
    };
    assert_eq!(groups(NEW), 1);
    assert_eq!(groups(&NEW.replace("1d", "2d")), 0);
    assert_eq!(groups(&NEW.replace("login", "logout")), 0);
    assert_eq!(groups(MANY), 0);
    for (path, value) in [
        ("/version", "2"),
        ("/clock_us", "null"),
        ("/alerts", "{}"),
        ("/alerts/0/groups", "7"),
        ("/alerts/0/groups/0/0", "7"),
        ("/alerts/0/groups/0/3/0/0", "\"x\""),
    ] {
        let mut wrong = state.clone();
        *wrong.pointer_mut(path).expect(path) = serde_json::from_str(value).expect("JSON");
        let mut other = Bench::new(NEW);
        other.engine.restore_state(&wrong, None).expect_err(path);
        assert_eq!(other.engine.groups(), 0);
    }
}

/// An event: step of time, lateness, who, from where.
type Step = (i64, i64, u8, u8);

fn some_log() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![6 => 0..3i64, 2 => 3..30i64];
    let late = prop_oneof![6 => Just(0i64), 1 => -50..120i64];
    proptest::collection::vec((step, late, 0..2u8, 0..5u8), 1..200)
}

const SHORT: &str =
    "condition: '*'\nunusual: {count_by: actor.email, every: 5s, history: 60s, sensitivity: 1}\nsuppress: 1s";
const SOON: &str = "condition: '*'\nunusual: {first_seen: ip, by: actor.email, after: 40s}";

fn both() -> Engine {
    let mut engine = Engine::new(Limits {
        lateness_us: 20 * S,
        ..Limits::default()
    });
    for (id, yaml) in [(1, SHORT), (2, SOON)] {
        engine
            .set_alert(id, &definition(yaml), &CheckOptions::default(), 0)
            .expect("an alert");
    }
    engine
}

/// The events with their times, and their documents.
fn log(steps: &[Step]) -> Vec<(Seen, Json)> {
    let mut now = 0;
    let event = |(number, (step, late, who, from)): (i64, &Step)| {
        now += step;
        let seen = Seen {
            log_index: number,
            timestamp_us: (now - late) * S,
            arrived_us: now * S,
            replay: false,
        };
        (
            seen,
            document("a", Some(&who.to_string()), Some(&format!("10.0.0.{from}"))),
        )
    };
    (0..).zip(steps).map(event).collect()
}

/// Which events make a period of their group unusual, by the words of the documentation.
fn unusual(events: &[(Seen, Json)], steps: &[Step]) -> Vec<i64> {
    let (every, history) = (5, 12);
    let mut fired: Vec<(u8, i64, i64)> = Vec::new();
    for (at, (seen, _)) in events.iter().enumerate() {
        let who = steps[at].2;
        let period = |seen: &Seen| (seen.timestamp_us.min(seen.arrived_us) / S).div_euclid(every);
        let current = |seen: &Seen| (seen.arrived_us / S).div_euclid(every);
        let now = current(seen);
        // what was older than the history when it came has never counted
        let mine: Vec<i64> = (0..=at)
            .filter(|other| steps[*other].2 == who && period(&events[*other].0) >= current(&events[*other].0) - history)
            .map(|other| period(&events[other].0))
            .collect();
        let judged = period(seen);
        let Some(first) = mine.iter().min() else { continue };
        let from = (*first).max(now - history);
        if judged < now - history || judged - from < 8 {
            continue;
        }
        let count = mine.iter().filter(|other| **other == judged).count();
        let mut past: Vec<f64> = (from..judged)
            .map(|one| mine.iter().filter(|other| **other == one).count() as f64)
            .collect();
        let middle = |numbers: &mut Vec<f64>| {
            numbers.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
            let n = numbers.len();
            if n % 2 == 1 {
                numbers[n / 2]
            } else {
                f64::midpoint(numbers[n / 2 - 1], numbers[n / 2])
            }
        };
        let median = middle(&mut past);
        let mut apart: Vec<f64> = past.iter().map(|count| (count - median).abs()).collect();
        let scale = (1.4826 * middle(&mut apart)).max(median.sqrt()).max(1.0);
        let time = seen.timestamp_us;
        let quiet = fired.iter().any(|(other, other_time, arrived)| {
            *other == who && (time - other_time).abs() < S && seen.arrived_us - arrived < 21 * S
        });
        if count >= 5 && count as f64 > median + scale && !quiet {
            fired.push((who, time, seen.arrived_us));
        }
    }
    fired.iter().map(|(_, _, arrived)| *arrived).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn it_is_unusual_as_the_documentation_says(steps in some_log()) {
        let events = log(&steps);
        let mut engine = both();
        let mut out = Vec::new();
        for (seen, document) in &events {
            engine.observe(*seen, JsonDocument::new(document), &mut out);
        }
        let counted: Vec<i64> = out.iter().filter(|firing| firing.alert == 1).map(|firing| firing.arrived_us).collect();
        prop_assert_eq!(counted, unusual(&events, &steps));
        let new: Vec<i64> = out.iter().filter(|firing| firing.alert == 2).map(|firing| firing.completed.log_index).collect();
        let is_new = |at: &usize| {
            let (_, _, who, from) = steps[*at];
            let mine = |other: &usize| steps[*other].2 == who;
            let since = (0..*at).find(mine).map(|first| events[first].0.arrived_us);
            let known = (0..*at).filter(mine).any(|other| steps[other].3 == from);
            !known && since.is_some_and(|since| events[*at].0.arrived_us - since >= 40 * S)
        };
        prop_assert_eq!(new, (0..events.len()).filter(is_new).map(|at| at as i64).collect::<Vec<_>>());
    }

    #[test]
    fn a_restart_with_a_stored_state_changes_nothing(
        steps in some_log(),
        saves in proptest::collection::vec(any::<proptest::sample::Index>(), 1..4),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 1..4),
    ) {
        let events = log(&steps);
        let places = |indexes: &[proptest::sample::Index]| indexes.iter().map(|index| index.index(events.len())).collect::<Vec<_>>();
        let (saves, cuts) = (places(&saves), places(&cuts));
        let (mut steady, mut restarted) = (both(), both());
        let (mut wanted, mut out) = (Vec::new(), Vec::new());
        let mut state = restarted.state_json(Part::Unusual);
        for (at, (seen, document)) in events.iter().enumerate() {
            if saves.contains(&at) {
                state = restarted.state_json(Part::Unusual);
            }
            if cuts.contains(&at) {
                restarted = both();
                let horizon = restarted.restore_state(&state, None).expect("a state");
                restarted.start(horizon);
                for firing in &out {
                    restarted.restore_firing(&restored(firing));
                }
                let mut none = Vec::new();
                for (seen, document) in &events[horizon.log_index as usize..at] {
                    restarted.observe(Seen { replay: true, ..*seen }, JsonDocument::new(document), &mut none);
                }
                prop_assert_eq!(&none, &[]);
            }
            steady.observe(*seen, JsonDocument::new(document), &mut wanted);
            restarted.observe(*seen, JsonDocument::new(document), &mut out);
        }
        prop_assert_eq!(wanted, out);
    }
}

fn restored(firing: &Firing) -> Restored {
    Restored {
        alert: firing.alert,
        key: firing.key.clone(),
        completed: firing.completed,
        arrived_us: firing.arrived_us,
        events: firing.events,
        last: firing.last,
        last_match_us: firing.arrived_us,
        open: false,
    }
}
