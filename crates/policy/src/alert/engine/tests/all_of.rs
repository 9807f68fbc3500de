//! Alerts that want an event for each of several queries.

use super::*;
use proptest::prelude::*;

const THREE: &str =
    "threshold: {all_of: ['metadata.q:a', 'metadata.q:b', 'metadata.q:c'], window: 5m, group_by: actor.email}";

/// An event of somebody that matches the queries of these names.
fn event(email: &str, queries: &[&str]) -> Json {
    with_queries(document("x", Some(email), None), queries)
}

impl Bench {
    fn now(&mut self, email: &str, queries: &[&str], at: i64) -> usize {
        self.event(&event(email, queries), at, at).len()
    }
}

#[test]
fn it_fires_when_each_query_is_matched_in_any_order() {
    for order in [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]] {
        let mut bench = Bench::new(THREE);
        assert_eq!(bench.now("x", &[order[0]], 0), 0);
        assert_eq!(bench.now("x", &[order[0], "other"], 10), 0);
        assert_eq!(bench.now("x", &[order[1]], 20), 0);
        // others have a set of their own, and what matches no query is nothing
        assert_eq!(bench.now("y", &[order[2]], 30), 0);
        assert_eq!(bench.now("x", &["other"], 40), 0);
        let firings = bench.event(&event("x", &[order[2]]), 50, 50);
        let [firing] = firings.as_slice() else {
            panic!("{firings:?}")
        };
        assert_eq!((firing.count, firing.needed, firing.events), (3, 3, 4));
        assert_eq!((firing.first.log_index, firing.completed.log_index), (0, 5));
        assert_eq!(firing.samples, [0, 1, 2, 5]);
        assert_eq!(firing.key, r#"["x"]"#);
        assert_eq!(
            firing.reason,
            "all 3 queries are matched by 4 events within 50 seconds; 5 minutes is enough"
        );
        // quiet, and counted into the firing
        assert_eq!(bench.now("x", &["a", "b", "c"], 60), 0);
        assert_eq!(bench.updates()[0].events, 5);
        let stats = bench.engine.stats(1).expect("stats");
        assert_eq!((stats.matched, stats.fired), (6, 1));
    }
}

#[test]
fn one_event_may_match_several_queries() {
    let mut bench = Bench::new(THREE);
    assert_eq!(bench.now("x", &["a", "c"], 0), 0);
    assert_eq!(bench.now("x", &["b", "a"], 1), 1);
    assert_eq!(bench.now("y", &["a", "b", "c"], 1), 1);
}

#[test]
fn a_window_has_no_end_and_slides() {
    for (last, fires) in [(299, 1), (300, 0)] {
        let mut bench = Bench::new(THREE);
        bench.now("x", &["a"], 0);
        bench.now("x", &["b"], 100);
        assert_eq!(bench.now("x", &["c"], last), fires, "{last}");
    }
    // never two of them at once in five minutes, for hours
    let mut bench = Bench::new(THREE);
    for n in 0..1_000 {
        assert_eq!(bench.now("x", &[["a", "b", "c"][n % 3]], n as i64 * 150), 0);
    }
    assert_eq!(bench.now("x", &["a"], 150_000), 0);
    assert_eq!(bench.now("x", &["b"], 150_100), 0);
    assert_eq!(bench.now("x", &["c"], 150_101), 1);
}

#[test]
fn late_events_count_where_they_happened() {
    let mut bench = Bench::new(THREE);
    for (query, at, arrived, fires) in [
        ("a", 0, 0, 0),
        ("c", 1_000, 1_000, 0),
        ("b", 10, 1_500, 0),
        ("b", 990, 1_600, 0),
        ("c", 299, 1_700, 1),
        ("a", 1_001, 1_800, 1),
    ] {
        assert_eq!(
            bench.event(&event("x", &[query]), at, arrived).len(),
            fires,
            "{query} {at}"
        );
    }
}

#[test]
fn the_condition_narrows_all_of_them() {
    let mut bench = Bench::new(&format!("condition: event_type:y\n{THREE}"));
    let typed = |event_type: &str, queries: &[&str]| with_queries(document(event_type, Some("x"), None), queries);
    let mut fired = |event_type, queries: &[&str], at| bench.event(&typed(event_type, queries), at, at).len();
    assert_eq!(fired("y", &["a", "b"], 0), 0);
    assert_eq!(fired("x", &["a", "b", "c"], 1), 0);
    assert_eq!(fired("y", &[], 2), 0);
    assert_eq!(fired("y", &["c"], 3), 1);
}

#[test]
fn each_query_has_an_event_among_the_samples() {
    let mut bench = Bench::new(THREE);
    for at in 0..100 {
        let query = match at {
            31 => "b",
            _ => "a",
        };
        assert_eq!(bench.now("x", &[query], at), 0);
    }
    let firing = bench.event(&event("x", &["c"]), 100, 100).remove(0);
    assert_eq!(firing.events, 101);
    assert_eq!(firing.samples.len(), MAX_SAMPLES);
    assert!(firing.samples.is_sorted());
    for index in [0, 31, 100] {
        assert!(firing.samples.contains(&index), "{:?}", firing.samples);
    }
}

#[test]
fn equal_parts_are_one_term_and_another_order_begins_anew() {
    let mut bench = Bench::new(THREE);
    let few = bench.engine.terms.len();
    let options = CheckOptions::default();
    let more = definition("condition: 'metadata.q:c OR metadata.q:b OR metadata.q:a'");
    bench.engine.set_alert(2, &more, &options, 0).expect("an alert");
    assert_eq!(bench.engine.terms.len(), few);
    bench.engine.remove_alert(2);
    bench.now("x", &["a", "b"], 0);
    let worded = definition(&format!("{THREE}\ndescription: other words"));
    bench.engine.set_alert(1, &worded, &options, 0).expect("an alert");
    assert_eq!(bench.engine.groups(), 1);
    let turned = definition(&THREE.replace("q:a", "q:z").replace("q:b", "q:a").replace("q:z", "q:b"));
    bench.engine.set_alert(1, &turned, &options, 0).expect("an alert");
    assert_eq!(bench.engine.groups(), 0);
}

#[test]
fn saved_queries_that_mean_something_else_begin_anew() {
    let one = |name: &str| {
        (name == "one")
            .then(|| "metadata.q:a".to_owned())
            .or(Some("metadata.q:b".to_owned()))
    };
    let two = |name: &str| {
        (name == "two")
            .then(|| "metadata.q:a".to_owned())
            .or(Some("metadata.q:b".to_owned()))
    };
    let saved = |lookup| CheckOptions {
        saved: Some(lookup),
        ..CheckOptions::default()
    };
    let yaml = "name: a\nthreshold: {all_of: ['_saved_:one', '_saved_:two'], window: 5m}";
    let definition = Definition::parse_with(yaml, &saved(&one)).expect("an alert");
    let mut engine = Engine::new(Limits::default());
    engine.set_alert(1, &definition, &saved(&one), 0).expect("an alert");
    let mut bench = Bench { engine, next: 0 };
    assert_eq!(bench.now("x", &["a"], 0), 0);
    bench
        .engine
        .set_alert(1, &definition, &saved(&one), 0)
        .expect("an alert");
    assert_eq!(bench.engine.groups(), 1);
    bench
        .engine
        .set_alert(1, &definition, &saved(&two), 0)
        .expect("an alert");
    assert_eq!(bench.engine.groups(), 0);
    assert_eq!((bench.now("x", &["a"], 1), bench.now("x", &["b"], 2)), (0, 1));
}

#[test]
fn terms_that_are_built_anew_keep_their_queries() {
    let mut bench = Bench::new(THREE);
    let options = CheckOptions::default();
    assert_eq!(bench.now("x", &["a"], 0), 0);
    // one that goes before it when they are built anew
    let first = definition("condition: 'metadata.y:1 OR metadata.y:2'");
    bench.engine.set_alert(0, &first, &options, 0).expect("an alert");
    for n in 0..3_000 {
        let other = definition(&format!("condition: 'metadata.x:{n}'"));
        bench.engine.set_alert(2, &other, &options, 0).expect("an alert");
    }
    assert!(bench.engine.terms.len() < 1_200);
    assert_eq!(bench.now("x", &["b"], 1), 0);
    assert_eq!(bench.now("x", &["c"], 2), 1);
}

#[test]
fn a_flood_of_one_query_hides_no_others() {
    let limits = Limits {
        max_entries: 1,
        ..Limits::default()
    };
    let mut bench = Bench::with(THREE, limits);
    assert_eq!(bench.now("x", &["a", "b"], 0), 0);
    for at in 1..290 {
        assert_eq!(bench.now("x", &["a"], at), 0);
    }
    let stats = bench.engine.stats(1).expect("stats");
    assert_eq!((stats.entries, stats.dropped_entries), (3, 287));
    assert_eq!(bench.now("x", &["c"], 299), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn events_in_order_fire_as_if_all_were_kept(
        steps in proptest::collection::vec((0..90i64, 0..8u8), 1..300),
        suppress in 1..600i64,
    ) {
        let fired = |max_entries: usize| {
            let limits = Limits { max_entries, ..Limits::default() };
            let mut bench = Bench::with(&format!("{THREE}\nsuppress: {suppress}s"), limits);
            let mut at = 0;
            let mut one = |(step, bits): &(i64, u8)| {
                at += step;
                let names = ["a", "b", "c"].into_iter().enumerate();
                let names: Vec<&str> = names.filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| name).collect();
                bench.now("x", &names, at)
            };
            steps.iter().map(&mut one).collect::<Vec<usize>>()
        };
        prop_assert_eq!(fired(10_000), fired(1));
    }
}
