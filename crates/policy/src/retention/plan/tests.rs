mod world;

use super::range::shares;
use super::*;
use crate::retention::age::DAY_US;
use crate::retention::requirement::built_in;
use auditlog_query::CheckOptions;

fn policy(text: &str) -> RetentionPolicy {
    RetentionPolicy::parse(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .0
}

/// a: 10, 20, 30 days; b: 5 days; all other as usual
fn two_classes() -> RetentionPolicy {
    policy(
        "retention_policies: [{event_types: [a.*], hot_days: 10, warm_days: 20, cold_days: 30}, {event_types: [b], hot_days: 5, warm_days: 0, cold_days: 0}]",
    )
}

fn partition(name: &str, class: &str, tier: Tier, content: &[(&str, &[&str], u64)]) -> PartitionState {
    let rows = |(event_type, holds, rows): &(&str, &[&str], u64)| Rows {
        event_type: (*event_type).to_owned(),
        holds: holds.iter().map(|name| (*name).to_owned()).collect(),
        rows: *rows,
    };
    PartitionState {
        name: name.to_owned(),
        class: class.to_owned(),
        from: Some(-30 * DAY_US),
        until: 0,
        tier,
        content: content.iter().map(rows).collect(),
        bytes: 1_000,
        last_index: (!content.is_empty()).then_some(77),
    }
}

fn hold(name: &str, until_days: Option<i64>) -> Hold {
    let until = until_days.map(|days| days * DAY_US);
    Hold::place(name, "", until, "a case", "carol", -DAY_US, &CheckOptions::default()).expect("a hold")
}

struct Case {
    partitions: Vec<PartitionState>,
    holds: Vec<Hold>,
    sinks: Vec<SinkState>,
    reach: HoldReach,
    archive: bool,
    back_to_hot: bool,
}

impl Case {
    fn new(partitions: Vec<PartitionState>) -> Case {
        Case {
            partitions,
            holds: Vec::new(),
            sinks: Vec::new(),
            reach: HoldReach::Rows,
            archive: true,
            back_to_hot: false,
        }
    }

    fn moves(&self, policy: &RetentionPolicy, days: i64) -> Vec<Move> {
        let requirements = built_in();
        let situation = Situation {
            partitions: &self.partitions,
            holds: &self.holds,
            sinks: &self.sinks,
            requirements: &requirements,
            reach: self.reach,
            archive: self.archive,
            back_to_hot: self.back_to_hot,
        };
        plan(policy, &situation, days * DAY_US)
    }

    /// «class kind rows [blocks]» of each move
    fn plan(&self, policy: &RetentionPolicy, days: i64) -> Vec<String> {
        let shown = |found: Move| {
            let to = match &found.kind {
                MoveKind::Reclassify { to } => format!("→{to}"),
                kind => kind.label().to_owned(),
            };
            let blocks: Vec<String> = found
                .blocked
                .iter()
                .map(|block| match block {
                    Block::Hold(name) => format!("hold {name}"),
                    Block::Minimum { requirement, until } => format!("{requirement} until {}", until / DAY_US),
                    Block::Sink(name) => format!("sink {name}"),
                })
                .collect();
            let blocks = if blocks.is_empty() {
                String::new()
            } else {
                format!(" [{}]", blocks.join(", "))
            };
            format!("{} {to} {}{blocks}", found.class, found.rows)
        };
        self.moves(policy, days).into_iter().map(shown).collect()
    }
}

#[test]
fn a_range_goes_where_it_belongs_whatever_it_skips() {
    let case = Case::new(vec![partition("p", "a", Tier::Hot, &[("a.x", &[], 7)])]);
    for (days, moves) in [
        (-1, &[][..]),
        (9, &[]),
        (10, &["a to_warm 7"]),
        (20, &["a to_cold 7"]),
        (29, &["a to_cold 7"]),
        (30, &["a remove 7"]),
    ] {
        assert_eq!(case.plan(&two_classes(), days), moves, "{days}");
    }
    let warm = Case::new(vec![partition("p", "a", Tier::Warm, &[("a.x", &[], 7)])]);
    assert_eq!(warm.plan(&two_classes(), 15), Vec::<String>::new());
    let found = &warm.moves(&two_classes(), 25)[0];
    assert_eq!(
        (found.due, found.tier, found.bytes, found.others),
        (Some(20 * DAY_US), Tier::Warm, 1_000, 0)
    );
    assert_eq!(
        (found.partitions.as_slice(), found.event_types.as_slice()),
        (&["p".to_owned()][..], &["a.x".to_owned()][..])
    );
}

#[test]
fn rows_of_another_class_go_there_first() {
    let case = Case::new(vec![
        partition(
            "p",
            "standard",
            Tier::Hot,
            &[("a.x", &[], 3), ("a.y", &[], 2), ("b", &[], 4), ("c", &[], 1)],
        ),
        partition("q", "a", Tier::Hot, &[("a.x", &[], 10)]),
    ]);
    assert_eq!(
        case.plan(&two_classes(), 12),
        ["standard →a 5", "standard →b 4", "b remove 4", "a to_warm 15"]
    );
    let moves = case.moves(&two_classes(), 12);
    assert_eq!((moves[0].bytes, moves[1].bytes), (500, 400));
    assert_eq!((moves[0].others, moves[0].due), (5, None));
    assert_eq!(moves[3].partitions, ["p", "q"]);
    assert_eq!(moves[3].bytes, 1_500);
    // with the policy of before nothing is to be done
    assert_eq!(
        Case::new(case.partitions[..1].to_vec()).plan(&RetentionPolicy::default(), 12),
        Vec::<String>::new()
    );
    // a class that is no more
    let old = Case::new(vec![partition("p", "gone_class", Tier::Cold, &[("a.x", &[], 3)])]);
    assert_eq!(old.plan(&two_classes(), 40), ["gone_class →a 3", "a remove 3"]);
}

#[test]
fn a_hold_keeps_what_it_covers_whatever_the_policy() {
    let content: &[(&str, &[&str], u64)] = &[("a.x", &[], 3), ("a.x", &["one"], 2), ("a.y", &["one", "two"], 1)];
    let mut case = Case::new(vec![partition("p", "a", Tier::Warm, content)]);
    case.holds = vec![hold("one", Some(50)), hold("two", None)];
    // tiers are no matter of a hold
    assert_eq!(case.plan(&two_classes(), 25), ["a to_cold 6"]);
    assert_eq!(
        case.plan(&two_classes(), 30),
        ["a remove 3", "a remove 3 [hold one, hold two]", "a to_cold 3"]
    );
    // «one» is over
    assert_eq!(
        case.plan(&two_classes(), 50),
        ["a remove 5", "a remove 1 [hold two]", "a to_cold 1"]
    );
    case.reach = HoldReach::Range;
    assert_eq!(case.plan(&two_classes(), 50), ["a remove 6 [hold two]", "a to_cold 6"]);
    case.holds[1]
        .release("dave", "closed", false, 60 * DAY_US)
        .expect("a release");
    assert_eq!(case.plan(&two_classes(), 60), ["a remove 6"]);
    // a hold that nobody knows is no reason to remove
    case.holds.clear();
    assert_eq!(case.plan(&two_classes(), 60)[0], "a remove 6 [hold one, hold two]");
}

#[test]
fn what_a_plan_brings_to_a_range_is_not_removed_with_it() {
    // rows in the archive whose time is up, and held rows that go to the same range of the archive
    let mut case = Case::new(vec![
        partition("hot", "a", Tier::Hot, &[("a.x", &["one"], 1)]),
        partition("object", "a", Tier::Cold, &[("a.x", &[], 2)]),
    ]);
    case.holds = vec![hold("one", None)];
    assert_eq!(
        case.plan(&two_classes(), 40),
        ["a remove 1 [hold one]", "a remove 2", "a to_cold 1"]
    );
}

#[test]
fn a_minimum_keeps_what_the_policy_would_remove() {
    let policy = policy("default: {classification: [pci_dss, soc2], hot_days: 10, warm_days: 20, cold_days: 30}");
    let case = Case::new(vec![partition("p", "standard", Tier::Hot, &[("x", &[], 5)])]);
    assert_eq!(
        case.plan(&policy, 40),
        [
            "standard remove 5 [pci_dss until 365, soc2 until 365]",
            "standard to_cold 5"
        ]
    );
    assert_eq!(case.plan(&policy, 365), ["standard remove 5"]);
}

#[test]
fn a_sink_keeps_what_it_has_not_passed_in_the_log() {
    let sink = |delivered| SinkState {
        name: "siem".to_owned(),
        delivered,
    };
    let mut case = Case::new(vec![partition("p", "a", Tier::Hot, &[("a.x", &[], 5)])]);
    for (delivered, blocked) in [(None, " [sink siem]"), (Some(76), " [sink siem]"), (Some(77), "")] {
        case.sinks = vec![sink(delivered)];
        assert_eq!(case.plan(&two_classes(), 15), ["a to_warm 5"]);
        assert_eq!(case.plan(&two_classes(), 25), [format!("a to_cold 5{blocked}")]);
        assert_eq!(case.plan(&two_classes(), 35), [format!("a remove 5{blocked}")]);
    }
    // from the archive no sink reads
    case.sinks = vec![sink(None)];
    case.partitions[0].tier = Tier::Cold;
    assert_eq!(case.plan(&two_classes(), 35), ["a remove 5"]);
}

#[test]
fn rows_are_the_coldest_where_there_is_no_archive() {
    let mut case = Case::new(vec![
        partition("p", "a", Tier::Hot, &[("a.x", &[], 5), ("a.x", &["one"], 2)]),
        partition("q", "a", Tier::Warm, &[("a.x", &[], 1)]),
    ]);
    case.archive = false;
    case.holds = vec![hold("one", None)];
    assert_eq!(case.plan(&two_classes(), 25), ["a to_warm 7"]);
    assert_eq!(case.moves(&two_classes(), 25)[0].due, Some(10 * DAY_US));
    assert_eq!(
        case.plan(&two_classes(), 30),
        ["a remove 5", "a remove 2 [hold one]", "a remove 1", "a to_warm 2"]
    );
}

#[test]
fn warm_rows_get_hot_again_only_when_asked() {
    let content: &[(&str, &[&str], u64)] = &[("a.x", &[], 5)];
    let mut case = Case::new(vec![
        partition("p", "a", Tier::Warm, content),
        partition("q", "a", Tier::Cold, content),
    ]);
    assert_eq!(case.plan(&two_classes(), 5), Vec::<String>::new());
    case.back_to_hot = true;
    assert_eq!(case.plan(&two_classes(), 5), ["a to_hot 5"]);
    assert_eq!(case.moves(&two_classes(), 5)[0].due, None);
    assert_eq!(case.plan(&two_classes(), 10), Vec::<String>::new());
    // before its end a range is hot by definition, and nothing is to be done about it
    assert_eq!(case.plan(&two_classes(), -1), Vec::<String>::new());
}

#[test]
fn empty_partitions_only_go() {
    let case = Case::new(vec![
        partition("p", "a", Tier::Hot, &[]),
        partition("q", "gone_class", Tier::Hot, &[]),
    ]);
    assert_eq!(case.plan(&two_classes(), 15), Vec::<String>::new());
    assert_eq!(case.plan(&two_classes(), 30), ["a remove 0"]);
    assert_eq!(case.plan(&two_classes(), 3_000), ["a remove 0", "gone_class remove 0"]);
    // not counted is not empty
    let mut unknown = case.partitions[0].clone();
    unknown.last_index = Some(5);
    assert_eq!(
        Case::new(vec![unknown]).plan(&two_classes(), 3_000),
        Vec::<String>::new()
    );
}

#[test]
fn bytes_are_shared_out_exactly() {
    let content: Vec<(&str, &[&str], u64)> = vec![("a.x", &[], 3), ("b", &[], 3), ("c", &[], 1)];
    let found = partition("p", "standard", Tier::Hot, &content);
    let bytes: Vec<u64> = shares(&found).iter().map(|share| share.bytes).collect();
    assert_eq!((bytes.iter().sum::<u64>(), bytes), (1_000, vec![428, 429, 143]));
    let full = PartitionState {
        bytes: u64::MAX,
        ..found
    };
    assert_eq!(shares(&full).iter().map(|share| share.bytes).sum::<u64>(), u64::MAX);
}
