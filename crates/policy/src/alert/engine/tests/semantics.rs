use super::*;

const FIVE: &str =
    "condition: event_type:authentication.login\nthreshold: {count: 5, window: 5m, group_by: actor.email}";

#[test]
fn the_fifth_fires_and_the_fourth_does_not() {
    let mut bench = Bench::new(FIVE);
    for at in [0, 10, 20, 30] {
        assert_eq!(bench.login(Some("a@b.c"), at, at), []);
        assert_eq!(bench.login(Some("other@b.c"), at, at).len(), 0);
        let other = document("authentication.logout", Some("a@b.c"), None);
        assert_eq!(bench.event(&other, at, at), []);
    }
    let firings = bench.login(Some("a@b.c"), 299, 300);
    let [firing] = firings.as_slice() else {
        panic!("{firings:?}")
    };
    assert_eq!((firing.alert, firing.count, firing.needed, firing.events), (1, 5, 5, 5));
    assert_eq!(firing.group, [("actor.email".to_owned(), Some("a@b.c".to_owned()))]);
    assert_eq!(firing.key, r#"["a@b.c"]"#);
    assert_eq!(
        (firing.first.at_us, firing.last.at_us, firing.completed.at_us),
        (0, 299 * S, 299 * S)
    );
    assert_eq!(firing.samples, [0, 3, 6, 9, 12]);
    assert_eq!(
        firing.reason,
        "5 events within 4 minutes and 59 seconds; 5 within 5 minutes are enough"
    );
    // once a window, whatever follows
    for at in 300..599 {
        assert_eq!(bench.login(Some("a@b.c"), at, at), []);
    }
    let updates = bench.updates();
    assert_eq!(updates.len(), 1);
    assert_eq!(
        (updates[0].events, updates[0].last.at_us, updates[0].completed),
        (304, 598 * S, firing.completed)
    );
    assert_eq!(bench.updates(), []);
    assert_eq!(bench.login(Some("a@b.c"), 599, 599).len(), 1);
    assert_eq!(
        bench.engine.stats(1).map(|stats| (stats.matched, stats.fired)),
        Some((5 + 4 + 300, 2))
    );
}

#[test]
fn a_window_has_no_end() {
    for (last, fires) in [(299, true), (300, false)] {
        let mut bench = Bench::new(FIVE);
        for at in [0, 1, 2, 3] {
            bench.login(Some("a"), at, at);
        }
        assert_eq!(bench.login(Some("a"), last, last).len(), usize::from(fires), "{last}");
    }
}

#[test]
fn what_has_no_value_is_one_group() {
    let mut bench = Bench::new(FIVE);
    for (at, email) in [(0, None), (1, Some("")), (2, None), (3, None)] {
        assert_eq!(bench.login(email, at, at), []);
    }
    let no_actor = Json::Object(vec![("event_type".to_owned(), text("authentication.login"))]);
    let firings = bench.event(&no_actor, 4, 4);
    assert_eq!(firings[0].group, [("actor.email".to_owned(), None)]);
    assert_eq!(firings[0].key, "[null]");
}

#[test]
fn late_events_count_where_they_happened() {
    let mut bench = Bench::new(FIVE);
    // four of the morning, by way of a queue that was stuck for half an hour; in between another time
    bench.login(Some("a"), 100, 100);
    bench.login(Some("a"), 1000, 1000);
    for at in [101, 102, 103] {
        assert_eq!(bench.login(Some("a"), at, 1900), []);
    }
    let firings = bench.login(Some("a"), 90, 1901);
    assert_eq!(firings.len(), 1);
    assert_eq!((firings[0].first.at_us, firings[0].last.at_us), (90 * S, 103 * S));
    assert_eq!(firings[0].completed.at_us, 90 * S);
    // the late rest of the same attack is quiet on both sides
    for at in [-209, 389] {
        assert_eq!(bench.login(Some("a"), at, 1902), []);
    }
}

#[test]
fn what_arrives_too_late_counts_no_more() {
    // window and lateness, from the first arrival on
    for (arrived, fires) in [(3_899, true), (3_900, false)] {
        let mut bench = Bench::new(FIVE);
        bench.login(Some("a"), 0, 0);
        for at in [1, 2, 3] {
            bench.login(Some("a"), at, 3_800);
        }
        assert_eq!(
            bench.login(Some("a"), 4, arrived).len(),
            usize::from(fires),
            "{arrived}"
        );
    }
}

#[test]
fn a_clock_that_jumps_back_does_no_harm() {
    let mut bench = Bench::new(FIVE);
    for (at, arrived) in [(0, 10_000), (1, 5), (2, 6), (3, 7)] {
        bench.login(Some("a"), at, arrived);
    }
    let firings = bench.login(Some("a"), 4, 8);
    assert_eq!(firings[0].arrived_us, 10_000 * S);
}

#[test]
fn an_event_from_the_future_holds_nothing_up() {
    let mut bench = Bench::new(FIVE);
    bench.login(Some("a"), 1_000_000_000, 0);
    for at in [1, 2, 3, 4] {
        assert_eq!(bench.login(Some("a"), at, at), []);
    }
    assert_eq!(bench.login(Some("a"), 5, 5).len(), 1);
    let edge = i64::MAX / S;
    bench.login(Some("a"), edge, 6);
    bench.login(Some("a"), i64::MIN / S, 6);
}

#[test]
fn every_event_fires_without_a_threshold() {
    let mut bench = Bench::new("condition: event_type:authentication.login");
    assert_eq!(bench.login(None, 0, 0).len(), 1);
    let firings = bench.login(Some("a"), 0, 0);
    assert_eq!(
        (firings[0].count, firings[0].events, firings[0].samples.as_slice()),
        (1, 1, [1].as_slice())
    );
    assert_eq!(firings[0].reason, "every event that matches fires");
    assert_eq!(bench.engine.groups(), 0);
    // with a quiet time, once each
    let mut bench =
        Bench::new("condition: event_type:authentication.login\nthreshold: {group_by: actor.email}\nsuppress: 1m");
    let fired = |bench: &mut Bench, email, at| bench.login(Some(email), at, at).len();
    assert_eq!(
        [("a", 0), ("a", 59), ("b", 59), ("a", 60), ("a", 61)].map(|(email, at)| fired(&mut bench, email, at)),
        [1, 0, 1, 1, 0]
    );
    assert_eq!(bench.updates().len(), 2);
}

#[test]
fn different_values_are_counted() {
    let mut bench = Bench::new(
        "condition: event_type:authentication.login\nthreshold: {count: 3, window: 1m, group_by: ip, distinct: actor.email}",
    );
    for (at, email) in [
        (0, Some("a")),
        (1, Some("a")),
        (2, Some("b")),
        (3, None),
        (4, Some("A")),
        (5, Some("b")),
    ] {
        let fired = bench.login(email, at, at);
        assert_eq!(fired.len(), usize::from(at == 4), "{at}");
        if let [firing] = fired.as_slice() {
            // case counts
            assert_eq!((firing.count, firing.events), (3, 4));
            assert_eq!(
                firing.reason,
                "3 different values of actor.email in 4 events within 4 seconds; 3 within 1 minute are enough"
            );
        }
    }
}

#[test]
fn what_has_been_counted_counts_for_the_next_firing() {
    let mut bench =
        Bench::new("condition: event_type:authentication.login\nthreshold: {count: 3, window: 10m}\nsuppress: 1m");
    let fired: Vec<usize> = [0, 1, 2, 30, 62, 63].map(|at| bench.login(None, at, at).len()).to_vec();
    assert_eq!(fired, [0, 0, 1, 0, 1, 0]);
}

#[test]
fn a_firing_ends_when_nothing_matches() {
    let mut bench = Bench::new(
        "condition: event_type:authentication.login\nthreshold: {count: 2, window: 1m, group_by: actor.email}\nresolve_after: 10m",
    );
    for at in [0, 1] {
        bench.login(Some("a"), at, at);
        bench.login(Some("b"), at, at);
    }
    bench.login(Some("a"), 300, 300);
    assert_eq!(bench.resolved(600), []);
    let resolved = bench.resolved(601);
    assert_eq!(
        resolved,
        [Resolved {
            alert: 1,
            key: r#"["b"]"#.to_owned(),
            last_match_us: S
        }]
    );
    assert_eq!(bench.resolved(899), []);
    assert_eq!(bench.resolved(900).len(), 1);
    assert_eq!(bench.resolved(10_000), []);
    // the wall clock does not count backwards
    bench.login(Some("c"), 2_000, 20_000);
    bench.login(Some("c"), 2_001, 20_001);
    assert_eq!(bench.resolved(5), []);
    assert_eq!(bench.resolved(20_601).len(), 1);
}

#[test]
fn only_events_of_the_hours_match() {
    let yaml = "condition: event_type:authentication.login\nschedule: {hours: 01:00-02:00}";
    let mut bench = Bench::new(yaml);
    assert_eq!(
        [3_599, 3_600, 7_199, 7_200].map(|at| bench.login(None, at, 100_000).len()),
        [0, 1, 1, 0]
    );
}

#[test]
fn now_is_the_arrival() {
    let mut bench = Bench::new("condition: timestamp:<now-1h");
    let late = |at: i64| {
        let time = auditlog_core::document::format_timestamp(at * S);
        Json::Object(vec![
            ("event_type".to_owned(), text("a")),
            ("timestamp".to_owned(), text(&time)),
        ])
    };
    assert_eq!(bench.event(&late(0), 0, 3_600).len(), 0);
    assert_eq!(bench.event(&late(0), 0, 3_601).len(), 1);
}

#[test]
fn an_alert_begins_where_it_is_told() {
    let mut engine = Engine::new(Limits::default());
    let options = CheckOptions::default();
    let two = "condition: event_type:authentication.login\nthreshold: {count: 2, window: 1m}";
    engine.set_alert(7, &definition(two), &options, 1).expect("an alert");
    let mut bench = Bench { engine, next: 0 };
    assert_eq!([0, 1, 2].map(|at| bench.login(None, at, at).len()), [0, 0, 1]);
}

#[test]
fn words_may_change_and_what_is_counted_stays() {
    let options = CheckOptions::default();
    let mut bench = Bench::new(FIVE);
    for at in 0..4 {
        bench.login(Some("a"), at, at);
    }
    let told = format!("{FIVE}\nlabels: {{a: b}}\nnotification: {{severity: low}}");
    bench
        .engine
        .set_alert(1, &definition(&told), &options, 0)
        .expect("an alert");
    assert_eq!(bench.login(Some("a"), 4, 4).len(), 1);
    // another condition begins anew
    let other = FIVE.replace("condition: ", "condition: actor.email:a AND ");
    bench
        .engine
        .set_alert(1, &definition(&other), &options, 0)
        .expect("an alert");
    assert_eq!(
        [5, 6, 7, 8, 9].map(|at| bench.login(Some("a"), at, at).len()),
        [0, 0, 0, 0, 1]
    );
    let off = format!("{FIVE}\nenabled: false");
    bench
        .engine
        .set_alert(1, &definition(&off), &options, 0)
        .expect("an alert");
    assert_eq!((bench.engine.stats(1), bench.engine.groups()), (None, 0));
    assert!(!bench.engine.remove_alert(1));
}

#[test]
fn a_condition_that_is_wrong_now_is_refused() {
    let lookup = |_: &str| Some("a:b".to_owned());
    let saved = CheckOptions {
        saved: Some(&lookup),
        ..CheckOptions::default()
    };
    let definition = Definition::parse_with("name: a\ncondition: _saved_:x", &saved).expect("an alert");
    let mut engine = Engine::new(Limits::default());
    engine.set_alert(1, &definition, &saved, 0).expect("a saved query");
    engine
        .set_alert(1, &definition, &CheckOptions::default(), 0)
        .expect_err("no saved queries");
    assert!(engine.stats(1).is_some());
}
