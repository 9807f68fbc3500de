use super::*;
use crate::retention::age::{DAY_US, Unit};
use proptest::prelude::*;

fn tiers(hot: u16, warm: u16, cold: u16) -> Tiers {
    Tiers {
        hot: Age::of_days(hot),
        warm: Age::of_days(warm),
        cold: Age::of_days(cold),
    }
}

#[test]
fn a_range_moves_when_all_of_it_is_older() {
    let tiers = tiers(90, 365, 700);
    let until = 1_000 * DAY_US;
    for (days, tier) in [
        (-400, Tier::Hot),
        (0, Tier::Hot),
        (89, Tier::Hot),
        (90, Tier::Warm),
        (364, Tier::Warm),
        (365, Tier::Cold),
        (699, Tier::Cold),
        (700, Tier::Gone),
        (90_000, Tier::Gone),
    ] {
        assert_eq!(tiers.tier(until, until + days * DAY_US), tier, "{days}");
    }
    assert_eq!(tiers.tier(until, until + 90 * DAY_US - 1), Tier::Hot);
    let at = |days: i64| until + days * DAY_US;
    assert_eq!(
        tiers.schedule(Tier::Hot, until),
        [
            Step {
                to: Tier::Warm,
                at: at(90)
            },
            Step {
                to: Tier::Cold,
                at: at(365)
            },
            Step {
                to: Tier::Gone,
                at: at(700)
            },
        ]
    );
    assert_eq!(
        tiers.schedule(Tier::Cold, until),
        [Step {
            to: Tier::Gone,
            at: at(700)
        }]
    );
    assert_eq!(tiers.schedule(Tier::Gone, until), []);
    assert_eq!(
        (tiers.life().days(), tiers.at_hand().days(), tiers.last()),
        (700, 365, Tier::Cold)
    );
}

#[test]
fn tiers_that_are_not_there_are_skipped() {
    let until = 0;
    for (tiers, steps, at_hand, last) in [
        (
            tiers(30, 90, 0),
            vec![(Tier::Warm, 30), (Tier::Gone, 90)],
            90,
            Tier::Warm,
        ),
        (
            tiers(30, 0, 90),
            vec![(Tier::Cold, 30), (Tier::Gone, 90)],
            30,
            Tier::Cold,
        ),
        (
            tiers(0, 30, 90),
            vec![(Tier::Warm, 0), (Tier::Cold, 30), (Tier::Gone, 90)],
            30,
            Tier::Cold,
        ),
        (tiers(0, 0, 90), vec![(Tier::Cold, 0), (Tier::Gone, 90)], 0, Tier::Cold),
        (tiers(30, 0, 0), vec![(Tier::Gone, 30)], 30, Tier::Hot),
        // two that end together
        (
            tiers(30, 30, 90),
            vec![(Tier::Cold, 30), (Tier::Gone, 90)],
            30,
            Tier::Cold,
        ),
        (
            tiers(30, 90, 90),
            vec![(Tier::Warm, 30), (Tier::Gone, 90)],
            90,
            Tier::Warm,
        ),
    ] {
        let found: Vec<_> = tiers
            .schedule(Tier::Hot, until)
            .iter()
            .map(|step| (step.to, step.at / DAY_US))
            .collect();
        assert_eq!(found, steps, "{tiers:?}");
        assert_eq!(
            (i64::from(tiers.at_hand().days()), tiers.last()),
            (at_hand, last),
            "{tiers:?}"
        );
        // what is in a tier that is no more goes on when it is due
        assert_eq!(tiers.next(Tier::Cold, until).map(|step| step.to), Some(Tier::Gone));
    }
}

#[test]
fn what_has_no_end_stays() {
    let tiers = Tiers {
        hot: Age::of_days(1),
        warm: Age::FOREVER,
        cold: Age::NONE,
    };
    assert_eq!(tiers.tier(0, i64::MAX), Tier::Warm);
    assert_eq!(tiers.next(Tier::Warm, 0), None);
    assert_eq!(tiers.enters(Tier::Gone, 0), None);
    assert_eq!(tiers.life(), Age::FOREVER);
    // a range without an end, as of a clock at the end of time
    assert_eq!(Tiers::DEFAULT.tier(i64::MAX, i64::MAX), Tier::Hot);
    assert_eq!(Tiers::DEFAULT.next(Tier::Hot, i64::MAX), None);
    assert_eq!(Tiers::DEFAULT.life(), Age::new(7, Unit::Years).expect("short"));
}

fn any_tiers() -> impl Strategy<Value = Tiers> {
    let age = || prop_oneof![1 => Just(0_u16), 4 => 1..400_u16];
    (age(), age(), age()).prop_filter_map("an order", |(hot, warm, cold)| {
        let some: Vec<u16> = [hot, warm, cold].into_iter().filter(|age| *age > 0).collect();
        (!some.is_empty() && some.is_sorted()).then(|| tiers(hot, warm, cold))
    })
}

proptest! {
    #[test]
    fn time_never_brings_anything_back(tiers in any_tiers(), until in -500..500_i64, now in -500..900_i64, more in 0..900_i64) {
        let (until, now) = (until * DAY_US, now * DAY_US);
        prop_assert!(tiers.tier(until, now) <= tiers.tier(until, now + more * DAY_US));
        // and a later range is never ahead of an earlier one
        prop_assert!(tiers.tier(until + more * DAY_US, now) <= tiers.tier(until, now));
    }

    #[test]
    fn nothing_moves_before_its_age(tiers in any_tiers(), until in -500..500_i64, now in -500..900_i64) {
        let (until, now) = (until * DAY_US, now * DAY_US);
        let tier = tiers.tier(until, now);
        for earlier in Tier::KEEPING.into_iter().filter(|earlier| *earlier < tier) {
            let age = (now - until) / DAY_US;
            prop_assert!(now >= until && age >= i64::from(tiers.end(earlier).days()), "{:?} {}", earlier, age);
        }
        if tier != Tier::Gone && now >= until {
            prop_assert!(now - until < i64::from(tiers.end(tier).days()) * DAY_US);
        }
    }

    #[test]
    fn the_schedule_says_when_the_tier_changes(tiers in any_tiers(), until in -500..500_i64) {
        let until = until * DAY_US;
        let mut tier = Tier::Hot;
        for step in tiers.schedule(Tier::Hot, until) {
            prop_assert!(step.to > tier);
            prop_assert_eq!(tiers.tier(until, step.at), step.to);
            prop_assert!(tiers.tier(until, step.at - 1) < step.to);
            prop_assert_eq!(tiers.enters(step.to, until), Some(step.at));
            tier = step.to;
        }
        prop_assert_eq!(tier, Tier::Gone);
    }
}
