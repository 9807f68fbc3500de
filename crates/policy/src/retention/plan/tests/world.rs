//! Plans carried out on ranges of events, and compared with the model that knows no ranges.

use super::*;
use crate::retention::model::{Change, Covers, Event, Model, Snapshot, Span};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// How many rows there are of each type, with the holds that cover them.
type Content = BTreeMap<(String, Vec<String>), u64>;

/// Events where they are.
struct World {
    archive: Option<Span>,
    back_to_hot: bool,
    reach: HoldReach,
    /// The class and tier of each event that is there.
    there: BTreeMap<u64, (Event, String, Tier)>,
    gone: BTreeSet<u64>,
    holds: Vec<(Hold, Covers)>,
    policy: RetentionPolicy,
}

impl World {
    fn end(&self, event: &Event, tier: Tier) -> i64 {
        let span = self.archive.filter(|_| tier == Tier::Cold).unwrap_or(Span::Months);
        span.end(event.timestamp)
    }

    fn covering(&self, event: &Event) -> Vec<String> {
        let covering = self.holds.iter().filter(|(_, covers)| covers(event));
        covering.map(|(hold, _)| hold.name.clone()).collect()
    }

    fn held(&self, event: &Event, now: i64) -> bool {
        self.holds.iter().any(|(hold, covers)| hold.holds(now) && covers(event))
    }

    fn partitions(&self) -> Vec<PartitionState> {
        let mut found: BTreeMap<(String, Tier, i64), Content> = BTreeMap::new();
        for (event, class, tier) in self.there.values() {
            let key = (class.clone(), *tier, self.end(event, *tier));
            let kind = (event.event_type.clone(), self.covering(event));
            *found.entry(key).or_default().entry(kind).or_default() += 1;
        }
        let partition = |((class, tier, until), content): ((String, Tier, i64), Content)| PartitionState {
            name: format!("{class} {tier} {until}"),
            class,
            from: None,
            until,
            tier,
            bytes: content.values().sum(),
            content: content
                .into_iter()
                .map(|((event_type, holds), rows)| Rows {
                    event_type,
                    holds,
                    rows,
                })
                .collect(),
            last_index: Some(1),
        };
        found.into_iter().map(partition).collect()
    }

    fn plan(&self, requirements: &[Requirement], now: i64) -> Vec<Move> {
        let holds: Vec<Hold> = self.holds.iter().map(|(hold, _)| hold.clone()).collect();
        let situation = Situation {
            partitions: &self.partitions(),
            holds: &holds,
            sinks: &[],
            requirements,
            reach: self.reach,
            archive: self.archive.is_some(),
            back_to_hot: self.back_to_hot,
        };
        plan(&self.policy, &situation, now)
    }

    fn carry_out(&mut self, moves: &[Move], now: i64) -> Result<(), TestCaseError> {
        for found in moves.iter().filter(|found| found.is_free()) {
            let rows: Vec<u64> = self
                .there
                .iter()
                .filter(|(_, (event, class, tier))| {
                    let part = match found.part {
                        Part::Whole => true,
                        Part::Free => !self.held(event, now),
                        Part::Held => self.held(event, now),
                    };
                    (class, *tier, self.end(event, *tier)) == (&found.class, found.tier, found.until)
                        && found.event_types.contains(&event.event_type)
                        && part
                })
                .map(|(id, _)| *id)
                .collect();
            prop_assert_eq!(rows.len() as u64, found.rows, "{:?}", found);
            for id in rows {
                let Some((event, class, tier)) = self.there.get_mut(&id) else {
                    continue;
                };
                match &found.kind {
                    MoveKind::Reclassify { to } => *class = to.clone(),
                    MoveKind::ToWarm => *tier = Tier::Warm,
                    MoveKind::ToCold => *tier = Tier::Cold,
                    MoveKind::ToHot => *tier = Tier::Hot,
                    MoveKind::Remove => {
                        let life = self.policy.class_of(&event.event_type).tiers.life();
                        let old = life.after(event.timestamp).is_some_and(|end| end <= now);
                        prop_assert!(old, "removed before its end: {:?}", event);
                        self.there.remove(&id);
                        self.gone.insert(id);
                        continue;
                    }
                }
            }
        }
        Ok(())
    }

    fn matches(&self, snapshot: &Snapshot) -> Result<(), TestCaseError> {
        for tier in Tier::KEEPING {
            let ids: BTreeSet<u64> = self
                .there
                .iter()
                .filter(|(_, (_, _, other))| *other == tier)
                .map(|(id, _)| *id)
                .collect();
            prop_assert_eq!(ids, snapshot.tier(tier), "{} at day {}", tier, snapshot.at / DAY_US);
        }
        prop_assert_eq!(&self.gone, &snapshot.tier(Tier::Gone));
        for (id, (_, class, _)) in &self.there {
            prop_assert!(
                snapshot.classes.get(class).is_some_and(|ids| ids.contains(id)),
                "{} {}",
                id,
                class
            );
        }
        Ok(())
    }
}

fn any_ages() -> impl Strategy<Value = String> {
    let ages = [
        "hot_days: 10, warm_days: 45, cold_days: 100",
        "hot_days: 40, warm_days: 0, cold_days: 0",
        "hot_days: 5, warm_days: 0, cold_days: 70",
        "hot_days: 0, warm_days: 60, cold_days: 0",
        "hot_days: 0, warm_days: 0, cold_days: 90",
        "hot_days: 30, warm_days: 30, cold_days: 300",
        "hot_days: 20, warm_days: 50, cold_days: 50",
        "hot_days: 1, warm_days: 2, cold_days: 3",
        "hot_days: 10, warm_days: 20, cold_days: 30, classification: [nerc_cip]",
        "hot_days: 10, warm_days: 20, cold_days: 30, classification: [pci_dss, nerc_cip]",
    ];
    proptest::sample::select(ages.to_vec()).prop_map(str::to_owned)
}

fn any_policy() -> impl Strategy<Value = RetentionPolicy> {
    let types = proptest::sample::select(vec!["a.*", "a.x", "b", "\"*\""]);
    let entries = proptest::collection::vec((types, any_ages()), 0..4);
    (entries, any_ages()).prop_map(|(entries, ages)| {
        let items: Vec<String> = entries
            .into_iter()
            .map(|(types, ages)| format!("{{event_types: [{types}], {ages}}}"))
            .collect();
        policy(&format!(
            "retention_policies: [{}]\ndefault: {{{ages}}}",
            items.join(", ")
        ))
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    let types = proptest::sample::select(vec!["a.x", "a.y", "b", "c", "auditlog.erasure"]);
    (types, 0..700 * 24_i64, prop_oneof![3 => Just(0), 1 => 0..200_i64]).prop_map(|(event_type, hour, late)| {
        let timestamp = DAY_US * 20_000 + hour * DAY_US / 24;
        Event {
            id: 0,
            event_type: event_type.to_owned(),
            timestamp,
            sealed_at: timestamp + late * DAY_US,
        }
    })
}

/// A hold on every so many events, when it is placed, how long it holds, and when it is released.
type AnyHold = (u64, i64, Option<i64>, Option<i64>);

fn any_hold() -> impl Strategy<Value = AnyHold> {
    let until = proptest::option::of(1..400_i64);
    (1..6_u64, 0..500_i64, until, proptest::option::of(1..400_i64))
}

fn a_hold(number: usize, any: AnyHold) -> (Hold, impl Fn(&Event) -> bool + Clone) {
    let (every, placed, until, released) = any;
    let at = DAY_US * (20_000 + placed);
    let until = until.map(|days| at + days * DAY_US);
    let options = CheckOptions::default();
    let mut hold = Hold::place(&format!("hold {number}"), "", until, "a case", "carol", at, &options).expect("a hold");
    if let Some(days) = released {
        // over by itself before
        let _ = hold.release("dave", "closed", false, at + days * DAY_US);
    }
    (hold, move |event: &Event| event.id.is_multiple_of(every))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn plans_bring_every_event_where_the_model_has_it(
        events in proptest::collection::vec(any_event(), 1..60),
        policies in proptest::collection::vec((0..900_i64, any_policy()), 0..4),
        holds in proptest::collection::vec(any_hold(), 0..3),
        steps in proptest::collection::vec(1..120_i64, 1..14),
        archive in proptest::sample::select(vec![None, Some(Span::Months), Some(Span::Days)]),
        (whole, back_to_hot) in any::<(bool, bool)>(),
    ) {
        let events: Vec<Event> = events.into_iter().enumerate().map(|(at, event)| Event { id: at as u64, ..event }).collect();
        let reach = if whole { HoldReach::Range } else { HoldReach::Rows };
        let requirements = built_in();
        let mut now = DAY_US * 20_000;
        let times: Vec<i64> = steps.iter().map(|step| { now += step * DAY_US; now }).collect();
        let mut changes: Vec<(i64, Change)> = Vec::new();
        for (day, policy) in &policies {
            changes.push((DAY_US * (20_000 + day), Change::Policy(policy.clone())));
        }
        let mut world_holds: Vec<(Hold, Covers)> = Vec::new();
        for (number, any) in holds.into_iter().enumerate() {
            let (hold, covers) = a_hold(number, any);
            changes.push((hold.placed_at, Change::Place(hold.clone(), Box::new(covers.clone()))));
            world_holds.push((hold, Box::new(covers)));
        }
        let model = Model { events: events.clone(), changes, requirements: requirements.clone(), reach, archive, back_to_hot };
        let snapshots = model.run(&times).expect("a history");

        let mut sorted = policies;
        sorted.sort_by_key(|(day, _)| *day);
        let mut world = World {
            archive,
            back_to_hot,
            reach,
            there: BTreeMap::new(),
            gone: BTreeSet::new(),
            holds: Vec::new(),
            policy: RetentionPolicy::default(),
        };
        let mut before = i64::MIN;
        for (now, snapshot) in times.iter().zip(&snapshots) {
            for event in events.iter().filter(|event| event.sealed_at > before && event.sealed_at <= *now) {
                // sealed under the policy of the run before
                let class = world.policy.class_of(&event.event_type).name.clone();
                world.there.insert(event.id, (event.clone(), class, Tier::Hot));
            }
            let placed: Vec<usize> = (0..world_holds.len()).filter(|at| world_holds[*at].0.placed_at <= *now).collect();
            for at in placed.into_iter().rev() {
                world.holds.push(world_holds.remove(at));
            }
            if let Some((_, policy)) = sorted.iter().rfind(|(day, _)| DAY_US * (20_000 + day) <= *now) {
                world.policy = policy.clone();
            }
            let moves = world.plan(&requirements, *now);
            prop_assert_eq!(&moves, &world.plan(&requirements, *now));
            let held: Vec<u64> = world.there.values().filter(|(event, ..)| world.held(event, *now)).map(|(event, ..)| event.id).collect();
            world.carry_out(&moves, *now)?;
            prop_assert!(held.iter().all(|id| world.there.contains_key(id)), "a hold was bypassed");
            world.matches(snapshot)?;
            if archive != Some(Span::Days) {
                let again = world.plan(&requirements, *now);
                prop_assert!(again.iter().all(|found| !found.is_free()), "{:?}", again);
            }
            before = *now;
        }
    }

    #[test]
    fn a_later_plan_never_has_less_to_remove(
        policy in any_policy(),
        events in proptest::collection::vec(any_event(), 1..40),
        now in 0..900_i64,
        more in 0..900_i64,
    ) {
        let mut world = World {
            archive: Some(Span::Months),
            back_to_hot: false,
            reach: HoldReach::Rows,
            there: BTreeMap::new(),
            gone: BTreeSet::new(),
            holds: Vec::new(),
            policy,
        };
        for (id, event) in events.into_iter().enumerate() {
            let class = world.policy.class_of(&event.event_type).name.clone();
            world.there.insert(id as u64, (Event { id: id as u64, ..event }, class, Tier::Hot));
        }
        let rows = |days: i64| {
            let moves = world.plan(&[], DAY_US * (20_000 + days));
            let count = |kind: MoveKind| moves.iter().filter(|one| one.kind == kind).map(|one| one.rows).sum::<u64>();
            let remove = count(MoveKind::Remove);
            (remove, remove + count(MoveKind::ToCold), moves.iter().map(|one| one.rows).sum::<u64>())
        };
        let (early, late) = (rows(now), rows(now + more));
        prop_assert!(early.0 <= late.0 && early.1 <= late.1 && early.2 <= late.2, "{:?} {:?}", early, late);
    }

    #[test]
    fn a_policy_changed_and_changed_back_moves_nothing(
        here in any_policy(), there in any_policy(), events in proptest::collection::vec(any_event(), 1..40), now in 0..900_i64,
    ) {
        let mut world = World {
            archive: Some(Span::Months),
            back_to_hot: false,
            reach: HoldReach::Rows,
            there: BTreeMap::new(),
            gone: BTreeSet::new(),
            holds: Vec::new(),
            policy: here.clone(),
        };
        for (id, event) in events.into_iter().enumerate() {
            let class = here.class_of(&event.event_type).name.clone();
            world.there.insert(id as u64, (Event { id: id as u64, ..event }, class, Tier::Hot));
        }
        let now = DAY_US * (20_000 + now);
        let moves = world.plan(&[], now);
        world.carry_out(&moves, now)?;
        world.policy = there;
        let planned = world.plan(&[], now);
        world.policy = here;
        prop_assert_eq!(world.plan(&[], now), []);
        // what only classes change is undone by classes
        let classes: Vec<Move> = planned.into_iter().filter(|one| matches!(one.kind, MoveKind::Reclassify { .. })).collect();
        let swapped = std::mem::take(&mut world.there);
        world.there = swapped.clone();
        world.carry_out(&classes, now)?;
        let back = world.plan(&[], now);
        world.carry_out(&back, now)?;
        let places = |there: &BTreeMap<u64, (Event, String, Tier)>| -> Vec<(u64, String, Tier)> {
            there.iter().map(|(id, (_, class, tier))| (*id, class.clone(), *tier)).collect()
        };
        prop_assert_eq!(places(&world.there), places(&swapped));
    }
}
