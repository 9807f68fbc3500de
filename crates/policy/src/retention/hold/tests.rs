use super::*;
use proptest::prelude::*;

fn hold(until: Option<i64>) -> Hold {
    let options = CheckOptions::default();
    Hold::place(
        "case 7",
        "actor.email:alice@example.com",
        until,
        "order of the court",
        "carol",
        100,
        &options,
    )
    .expect("a hold")
}

#[test]
fn two_people_release_a_hold() {
    let mut hold = hold(None);
    assert_eq!(hold.state(100), HoldState::Active);
    assert_eq!(hold.release("dave", "case closed", true, 200), Ok(Outcome::Requested));
    assert_eq!((hold.state(200), hold.holds(200)), (HoldState::ReleaseRequested, true));
    for same in ["dave", "Dave", " dave "] {
        let error = hold
            .release(same, "still closed", true, 300)
            .expect_err("the same person");
        assert!(matches!(error, HoldError::SamePerson { .. }));
        assert!(error.hint().contains("Another person"));
    }
    assert!(hold.holds(300));
    assert_eq!(hold.release("erin", "I agree", true, 400), Ok(Outcome::Released));
    assert_eq!((hold.state(400), hold.holds(400)), (HoldState::Released, false));
    assert_eq!(hold.requested.as_ref().map(|request| request.by.as_str()), Some("dave"));
    assert_eq!(
        hold.released,
        Some(Release {
            by: "erin".to_owned(),
            at: 400
        })
    );
    // it held until then
    assert!(hold.holds(399));
    let error = hold.release("erin", "again", true, 500).expect_err("over");
    assert_eq!(error.to_string(), "the hold \"case 7\" is over: it is released");
    // also for a clock that was set back
    assert!(hold.release("erin", "again", true, 350).is_err());
}

#[test]
fn one_person_is_enough_without_four_eyes() {
    let mut hold = hold(None);
    assert_eq!(hold.release("dave", "closed", false, 200), Ok(Outcome::Released));
    assert_eq!(
        hold.requested.as_ref().map(|request| request.reason.as_str()),
        Some("closed")
    );
    // a request from before it was switched off
    let mut hold = super::tests::hold(None);
    assert_eq!(hold.release("dave", "closed", true, 200), Ok(Outcome::Requested));
    assert_eq!(hold.release("dave", "closed", false, 300), Ok(Outcome::Released));
}

#[test]
fn a_request_waits_for_thirty_days() {
    let mut hold = hold(None);
    let late = 200 + REQUEST_DAYS * DAY_US;
    assert_eq!(hold.release("dave", "closed", true, 200), Ok(Outcome::Requested));
    assert_eq!(hold.state(late - 1), HoldState::ReleaseRequested);
    assert_eq!(hold.state(late), HoldState::Active);
    // the second person comes too late, and is the first of a new request
    assert_eq!(hold.release("erin", "closed", true, late), Ok(Outcome::Requested));
    assert_eq!(hold.release("dave", "closed", true, late + 1), Ok(Outcome::Released));
}

#[test]
fn a_request_can_be_turned_down() {
    let mut hold = hold(None);
    assert_eq!(hold.keep(150), Err(HoldError::NoRequest("case 7".to_owned())));
    hold.release("dave", "closed", true, 200).expect("a request");
    assert_eq!(hold.keep(250).map(|request| request.by), Ok("dave".to_owned()));
    assert_eq!(hold.state(250), HoldState::Active);
    assert_eq!(hold.release("erin", "closed", true, 300), Ok(Outcome::Requested));
}

#[test]
fn a_hold_ends_by_itself_and_can_only_be_made_longer() {
    let mut hold = hold(Some(1_000));
    assert_eq!(
        (hold.state(999), hold.state(1_000)),
        (HoldState::Active, HoldState::Expired)
    );
    assert_eq!(
        hold.extend(Some(999), 200),
        Err(HoldError::Shorter("case 7".to_owned()))
    );
    assert_eq!(hold.extend(Some(2_000), 200), Ok(()));
    assert!(hold.holds(1_500));
    assert_eq!(hold.extend(None, 1_500), Ok(()));
    assert!(hold.holds(i64::MAX));
    assert!(hold.extend(Some(9_000), 1_600).is_err());
    let mut over = super::tests::hold(Some(1_000));
    assert!(matches!(
        over.extend(None, 1_000),
        Err(HoldError::Over { state: "expired", .. })
    ));
    assert!(matches!(
        over.release("dave", "x", false, 1_000),
        Err(HoldError::Over { .. })
    ));
}

#[test]
fn only_what_is_whole_is_placed() {
    let options = CheckOptions::default();
    let place = |name: &str, query: &str, until, reason: &str, by: &str| {
        Hold::place(name, query, until, reason, by, 100, &options).map(|hold| hold.name)
    };
    assert_eq!(place("x", "", None, "why", "carol"), Ok("x".to_owned()));
    assert_eq!(place(" ", "", None, "why", "carol"), Err(HoldError::Text("name", 200)));
    assert_eq!(place("x", "", None, "", "carol"), Err(HoldError::Text("reason", 2_000)));
    assert_eq!(place("x", "", None, "why", "a\nb"), Err(HoldError::Text("person", 200)));
    assert_eq!(
        place(&"x".repeat(201), "", None, "why", "carol"),
        Err(HoldError::Text("name", 200))
    );
    assert_eq!(place("x", "", Some(100), "why", "carol"), Err(HoldError::Past));
    let error = place("x", "status:(failed", None, "why", "carol").expect_err("no query");
    assert!(
        matches!(error, HoldError::Query { .. }) && !error.hint().is_empty(),
        "{error:?}"
    );
}

#[derive(Debug, Clone)]
enum Act {
    Release(u8, bool),
    Keep,
    Extend(Option<i64>),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..3_u8, any::<bool>()).prop_map(|(who, four)| Act::Release(who, four)),
        1 => Just(Act::Keep),
        1 => proptest::option::of(0..4_000_i64).prop_map(|until| Act::Extend(until.map(|days| days * DAY_US))),
    ]
}

proptest! {
    #[test]
    fn with_four_eyes_a_hold_never_ends_by_one_person(acts in proptest::collection::vec((act(), 1..40_i64), 0..20)) {
        let mut found = hold(None);
        let mut at = 100;
        for (act, days) in acts {
            at += days * DAY_US;
            let held = found.holds(at);
            let before = found.clone();
            match act {
                Act::Release(who, four) => {
                    let who = format!("person {who}");
                    let outcome = found.release(&who, "why", four, at);
                    if outcome == Ok(Outcome::Released) && four {
                        let asked = before.request(at).map(|request| request.by.clone());
                        prop_assert!(asked.is_some_and(|by| by != who));
                    }
                    prop_assert_eq!(found.holds(at), held && outcome != Ok(Outcome::Released));
                }
                Act::Keep => { let _ = found.keep(at); prop_assert_eq!(found.holds(at), held); }
                Act::Extend(until) => { let _ = found.extend(until, at); prop_assert!(found.holds(at) == held); }
            }
            if !held {
                prop_assert_eq!(&found, &before);
            }
        }
    }
}
