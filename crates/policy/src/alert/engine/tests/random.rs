//! Random alerts over random logs, with and without restarts, against the model.

use super::model::{self, Event};
use super::*;
use proptest::prelude::*;

const LATENESS: i64 = 20;

fn limits() -> Limits {
    Limits {
        lateness_us: LATENESS * S,
        max_entries: 1_000,
        ..Limits::default()
    }
}

fn some_event() -> impl Strategy<Value = (i64, i64, i64, Event)> {
    let late = prop_oneof![6 => Just(0i64), 3 => 0..30i64, 1 => -100..100i64];
    let jump = prop_oneof![12 => Just(0i64), 1 => -200..200i64];
    let group = proptest::option::weighted(0.8, 0..3u8);
    let value = proptest::option::weighted(0.8, 0..4u8);
    let queries = proptest::bits::u8::between(0, 4);
    (
        0..6i64,
        late,
        jump,
        proptest::bool::weighted(0.8),
        group,
        value,
        queries,
    )
        .prop_map(|(step, late, jump, matches, group, value, queries)| {
            let event = Event {
                at: 0,
                arrived: 0,
                matches,
                group,
                value,
                queries,
            };
            (step, late, jump, event)
        })
}

fn some_log() -> impl Strategy<Value = Vec<Event>> {
    proptest::collection::vec(some_event(), 1..120).prop_map(|steps| {
        let mut now = 0;
        let event = |(step, late, jump, event): (i64, i64, i64, Event)| {
            now += step;
            Event {
                at: now - late,
                arrived: now + jump,
                ..event
            }
        };
        steps.into_iter().map(event).collect()
    })
}

fn some_alert() -> impl Strategy<Value = model::Alert> {
    let window = prop_oneof![1 => Just(0i64), 6 => 1..40i64];
    let suppress = prop_oneof![2 => Just(None), 3 => (1..60i64).prop_map(Some)];
    let all_of = prop_oneof![2 => Just(0u32), 1 => 2..5u32];
    (1..5usize, window, suppress, any::<bool>(), any::<bool>(), all_of).prop_map(
        |(count, window, suppress, grouped, distinct, all_of)| {
            let suppress = suppress.unwrap_or(window);
            let all_of = if window == 0 { 0 } else { all_of };
            let count = match all_of {
                0 if window == 0 => 1,
                0 => count,
                queries => queries as usize,
            };
            model::Alert {
                count,
                window,
                suppress,
                grouped,
                distinct: distinct && all_of == 0,
                all_of,
            }
        },
    )
}

fn definition_of(alert: &model::Alert) -> Definition {
    let queries: Vec<String> = (0..alert.all_of).map(|bit| format!("metadata.q:q{bit}")).collect();
    let what = match alert.all_of {
        0 => format!("count: {}", alert.count),
        _ => format!("all_of: [{}]", queries.join(", ")),
    };
    let mut yaml = format!("condition: event_type:hit\nthreshold: {{{what}");
    for (on, part) in [
        (alert.window > 0, format!(", window: {}s", alert.window)),
        (alert.grouped, ", group_by: actor.email".to_owned()),
        (alert.distinct, ", distinct: ip".to_owned()),
        (true, "}".to_owned()),
        (alert.suppress > 0, format!("\nsuppress: {}s", alert.suppress)),
        (true, "\nresolve_after: 25s".to_owned()),
    ] {
        yaml += if on { &part } else { "" };
    }
    definition(&yaml)
}

fn document_of(event: &Event) -> Json {
    let email = event.group.map(|group| format!("{group}@b.c"));
    let ip = event.value.map(|value| format!("10.0.0.{value}"));
    let event_type = if event.matches { "hit" } else { "miss" };
    let bits = (0..8).filter(|bit| event.queries >> bit & 1 == 1);
    let queries: Vec<String> = bits.map(|bit| format!("q{bit}")).collect();
    with_queries(document(event_type, email.as_deref(), ip.as_deref()), &queries)
}

fn seen(events: &[Event], number: usize, replay: bool) -> Seen {
    Seen {
        log_index: number as i64,
        timestamp_us: events[number].at * S,
        arrived_us: events[number].arrived * S,
        replay,
    }
}

/// All that an engine said.
#[derive(Debug, Default, PartialEq)]
struct Told {
    firings: Vec<Firing>,
    resolved: Vec<(usize, Resolved)>,
}

/// A caller as there will be one: it stores firings and the horizon, and nothing else.
struct Caller {
    engine: Engine,
    told: Told,
    stored: Vec<Restored>,
}

fn engine(alerts: &[model::Alert]) -> Engine {
    let mut engine = Engine::new(limits());
    for (id, alert) in (0..).zip(alerts) {
        engine
            .set_alert(id, &definition_of(alert), &CheckOptions::default(), 0)
            .expect("an alert");
    }
    engine
}

impl Caller {
    fn new(alerts: &[model::Alert]) -> Caller {
        Caller {
            engine: engine(alerts),
            told: Told::default(),
            stored: Vec::new(),
        }
    }

    fn go_on(&mut self, events: &[Event], number: usize) {
        let mut firings = Vec::new();
        self.engine.observe(
            seen(events, number, false),
            JsonDocument::new(&document_of(&events[number])),
            &mut firings,
        );
        for firing in &firings {
            self.stored.push(Restored {
                alert: firing.alert,
                key: firing.key.clone(),
                completed: firing.completed,
                arrived_us: firing.arrived_us,
                events: firing.events,
                last: firing.last,
                last_match_us: firing.arrived_us,
                open: true,
            });
        }
        self.told.firings.extend(firings);
        let mut updates = Vec::new();
        self.engine.updates(&mut updates);
        for update in updates {
            let same = |stored: &&mut Restored| {
                stored.alert == update.alert && stored.key == update.key && stored.completed == update.completed
            };
            let stored = self
                .stored
                .iter_mut()
                .find(same)
                .expect("an update of a firing that was told");
            assert!(update.events > stored.events);
            (stored.events, stored.last, stored.last_match_us) = (update.events, update.last, update.last_match_us);
        }
        let mut resolved = Vec::new();
        self.engine.tick(events[number].arrived * S, &mut resolved);
        for one in resolved {
            let of_group = |stored: &&mut Restored| stored.alert == one.alert && stored.key == one.key;
            let mut was_open = false;
            for stored in self.stored.iter_mut().filter(of_group) {
                was_open |= std::mem::replace(&mut stored.open, false);
            }
            assert!(was_open, "{one:?}");
            self.told.resolved.push((number, one));
        }
    }

    /// All memory is lost, but for what is stored. A state is as it was some time ago.
    fn restart(
        &mut self,
        alerts: &[model::Alert],
        events: &[Event],
        position: usize,
        state: Option<&serde_json::Value>,
    ) {
        let horizon = self.engine.horizon();
        self.engine = engine(alerts);
        let Some(mut horizon) = horizon else { return };
        if let Some(state) = state {
            let behind = self.engine.restore_state(state, Some(horizon)).expect("a state");
            let has_all = state["alerts"]
                .as_array()
                .is_some_and(|stored| stored.len() == alerts.len());
            assert!(behind.log_index == state["log_index"].as_i64().expect("an index") + 1 || !has_all);
            horizon = behind;
        }
        self.engine.start(horizon);
        self.stored.sort_by_key(|stored| stored.last_match_us);
        for stored in &self.stored {
            assert!(self.engine.restore_firing(stored));
        }
        let mut out = Vec::new();
        for number in horizon.log_index as usize..position {
            self.engine.observe(
                seen(events, number, true),
                JsonDocument::new(&document_of(&events[number])),
                &mut out,
            );
        }
        assert_eq!(out, []);
        self.engine.updates(&mut Vec::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn it_fires_as_the_definition_says(alerts in proptest::collection::vec(some_alert(), 1..4), events in some_log()) {
        let mut caller = Caller::new(&alerts);
        for number in 0..events.len() {
            caller.go_on(&events, number);
        }
        for (id, alert) in (0..).zip(&alerts) {
            let told: Vec<model::Fired> = caller.told.firings.iter().filter(|firing| firing.alert == id).map(|firing| {
                let (completed, first, last) = (firing.completed.log_index, firing.first.log_index, firing.last.log_index);
                (completed, firing.count, firing.events, first, last)
            }).collect();
            prop_assert_eq!(told, model::firings(alert, &events, LATENESS), "alert {}", id);
        }
    }

    #[test]
    fn a_restart_changes_nothing(
        alerts in proptest::collection::vec(some_alert(), 1..4),
        events in some_log(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 1..5),
    ) {
        let mut steady = Caller::new(&alerts);
        let mut restarted = Caller::new(&alerts);
        let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(events.len())).collect();
        for number in 0..events.len() {
            if cuts.contains(&number) {
                restarted.restart(&alerts, &events, number, None);
            }
            steady.go_on(&events, number);
            restarted.go_on(&events, number);
        }
        compare(steady, restarted)?;
    }

    #[test]
    fn nor_does_a_restart_with_a_stored_state(
        alerts in proptest::collection::vec(some_alert(), 1..4),
        events in some_log(),
        saves in proptest::collection::vec(any::<proptest::sample::Index>(), 1..4),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 1..4),
        part in proptest::sample::select(vec![Part::All, Part::Unusual]),
    ) {
        let mut steady = Caller::new(&alerts);
        let mut restarted = Caller::new(&alerts);
        let places = |indexes: &[proptest::sample::Index]| indexes.iter().map(|index| index.index(events.len())).collect::<Vec<_>>();
        let (saves, cuts) = (places(&saves), places(&cuts));
        let mut state = None;
        for number in 0..events.len() {
            if number > 0 && saves.contains(&number) {
                state = Some(restarted.engine.state_json(part));
            }
            if cuts.contains(&number) {
                restarted.restart(&alerts, &events, number, state.as_ref());
            }
            steady.go_on(&events, number);
            restarted.go_on(&events, number);
        }
        compare(steady, restarted)?;
    }
}

fn compare(mut steady: Caller, mut restarted: Caller) -> Result<(), TestCaseError> {
    prop_assert_eq!(&steady.told.firings, &restarted.told.firings);
    let by_key = |told: &Told| {
        let mut resolved = told.resolved.clone();
        resolved.sort_by(|(a, one), (b, other)| (a, one.alert, &one.key).cmp(&(b, other.alert, &other.key)));
        resolved
    };
    prop_assert_eq!(by_key(&steady.told), by_key(&restarted.told));
    let key = |one: &Restored| (one.alert, one.completed, one.key.clone());
    steady.stored.sort_by_key(key);
    restarted.stored.sort_by_key(key);
    prop_assert_eq!(steady.stored, restarted.stored);
    Ok(())
}
