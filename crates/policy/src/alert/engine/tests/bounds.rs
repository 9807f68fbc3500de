use super::*;

#[test]
fn events_in_order_fire_as_if_all_were_kept() {
    let yaml = "condition: '*'\nthreshold: {count: 20, window: 1m, group_by: actor.email}\nsuppress: 5s";
    let fired = |max_entries: usize| {
        let limits = Limits {
            max_entries,
            ..Limits::default()
        };
        let mut bench = Bench::with(yaml, limits);
        // bursts and pauses
        let times = (0..3_000).map(|n| n / 3 + (n / 100) * 40);
        let firings: Vec<Firing> = times.flat_map(|at| bench.login(Some("a"), at, at)).collect();
        (
            firings
                .iter()
                .map(|firing| firing.completed.log_index)
                .collect::<Vec<_>>(),
            bench.engine.stats(1).expect("stats"),
        )
    };
    let (all, full) = fired(10_000);
    let (few, bounded) = fired(1);
    assert!(all.len() > 50);
    assert_eq!(all, few);
    assert_eq!((full.dropped_entries, full.lost_groups), (0, 0));
    assert!(bounded.entries <= 20 && bounded.dropped_entries > 2_000, "{bounded:?}");
}

#[test]
fn a_flood_of_one_value_hides_no_others() {
    let yaml = "condition: '*'\nthreshold: {count: 4, window: 1h, distinct: actor.email}";
    let mut bench = Bench::with(
        yaml,
        Limits {
            max_entries: 4,
            ..Limits::default()
        },
    );
    for (at, email) in (0..).zip(["a", "b", "c"]) {
        // the flood is the fourth value
        assert_eq!(bench.login(Some(email), at, at).len(), usize::from(email == "c"));
        for _ in 0..100 {
            assert_eq!(bench.login(Some("flood"), at, at), []);
        }
    }
    assert_eq!(bench.engine.stats(1).map(|stats| stats.entries), Some(4));
}

#[test]
fn invented_groups_push_out_themselves() {
    let yaml = "condition: '*'\nthreshold: {count: 3, window: 1h, group_by: actor.email}";
    let mut bench = Bench::with(
        yaml,
        Limits {
            max_groups: 100,
            ..Limits::default()
        },
    );
    let options = CheckOptions::default();
    let other =
        definition("condition: event_type:authentication.login\nthreshold: {count: 2, window: 1h, group_by: ip}");
    bench.engine.set_alert(2, &other, &options, 0).expect("an alert");
    bench.login(Some("attacked"), 0, 0);
    bench.login(Some("attacked"), 1, 1);
    for n in 0..10_000 {
        let name = format!("invented{n}");
        bench.event(&document("other", Some(&name), None), 2, 2);
        assert!(bench.engine.groups() <= 100);
    }
    assert_eq!(
        bench
            .login(Some("attacked"), 3, 3)
            .iter()
            .filter(|firing| firing.alert == 1)
            .count(),
        1
    );
    let stats = bench.engine.stats(1).expect("stats");
    assert_eq!(
        (stats.lost_groups, bench.engine.stats(2).expect("stats").lost_groups),
        (10_000 + 2 - 100, 0)
    );
}

#[test]
fn what_counts_no_more_is_forgotten() {
    let yaml = "condition: '*'\nthreshold: {count: 3, window: 1m, group_by: actor.email}\nsuppress: 2m";
    let mut bench = Bench::with(
        yaml,
        Limits {
            lateness_us: 60 * S,
            ..Limits::default()
        },
    );
    for n in 0..1_000 {
        bench.login(Some(&n.to_string()), n, n);
        bench.resolved(n);
    }
    // suppress and lateness are three minutes
    assert_eq!(bench.engine.groups(), 180);
    assert_eq!(bench.engine.stats(1).map(|stats| stats.entries), Some(180));
    bench.login(None, 0, 100_000);
    bench.resolved(0);
    assert_eq!(bench.engine.groups(), 1);
}

#[test]
fn terms_of_alerts_that_are_gone_go_too() {
    let mut engine = Engine::new(Limits::default());
    let options = CheckOptions::default();
    for n in 0..5_000 {
        let yaml = format!("condition: 'event_type:a{n} OR metadata.x:{n}'");
        engine
            .set_alert(n % 10, &definition(&yaml), &options, 0)
            .expect("an alert");
        assert!(engine.terms.len() < 1_200, "{}", engine.terms.len());
    }
    let mut bench = Bench { engine, next: 0 };
    let fired = bench.event(&document("a4997", None, None), 0, 0);
    assert_eq!(fired.iter().map(|firing| firing.alert).collect::<Vec<_>>(), [7]);
}

#[test]
fn equal_terms_are_evaluated_once() {
    let mut terms = Terms::default();
    let compile = |query: &str| {
        let query = auditlog_query::parse(query, &auditlog_query::Limits::default()).expect("a query");
        auditlog_query::check(&query, &CheckOptions::default()).expect("a query")
    };
    let a = terms.add(&compile("status:failed AND (ip:10.0.0.1 OR word)"));
    let few = terms.len();
    let b = terms.add(&compile("(word OR ip:10.0.0.1) AND status:failed"));
    assert_eq!((a, terms.len()), (b, few));
    let c = terms.add(&compile("NOT (word OR ip:10.0.0.1)"));
    assert_eq!(terms.len(), few + 1);
    let document = document("a", None, Some("10.0.0.1"));
    terms.next_event();
    assert!(!terms.holds(a, JsonDocument::new(&document), 0));
    assert!(!terms.holds(c, JsonDocument::new(&document), 0));
    terms.next_event();
    assert!(terms.holds(c, JsonDocument::new(&Json::Null), 0));
}
