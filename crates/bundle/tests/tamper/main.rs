//! The tamper matrix: every attack is found and called by its name, an untouched bundle is not, and
//! without any one check of the verifier at least one attack goes unnoticed.

#[path = "../support/mod.rs"]
mod support;

mod certificates;
mod checkpoints;
mod places;
mod tiles;
mod values;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use auditlog_bundle::Kind;
use auditlog_bundle::synthetic::{Log, Plan};
use auditlog_bundle::verify::{Check, Checks};
use support::{Auditor, Bundle, judge, verify_without};

/// Which bundle is attacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    /// 700 events: three tiles of leaves, the last one partial.
    Small,
    /// 66,000 events: two files, tiles up to level 2.
    Large,
    /// Every seventh of 700.
    Selection,
    /// 700 events, of which retention has removed some, and certificates say so.
    Retained,
}

/// One attack.
struct Attack {
    name: &'static str,
    base: Base,
    /// What is done to the bundle, and what the auditor brings beside the log's key.
    act: fn(&Bundle, &mut Auditor),
    /// Exactly these kinds are found.
    kinds: &'static [Kind],
}

static LOG: LazyLock<Log> = LazyLock::new(|| Log::new(42));

static SMALL: LazyLock<Bundle> = LazyLock::new(|| {
    Bundle::new(
        &LOG,
        &Plan {
            size: 700,
            checkpoints: vec![256, 512, 600, 700],
            every: None,
            ..Plan::default()
        },
    )
});

static LARGE: LazyLock<Bundle> = LazyLock::new(|| {
    Bundle::new(
        &LOG,
        &Plan {
            size: 66_000,
            checkpoints: vec![65_536, 65_800],
            every: None,
            ..Plan::default()
        },
    )
});

static SELECTION: LazyLock<Bundle> = LazyLock::new(|| {
    Bundle::new(
        &LOG,
        &Plan {
            size: 700,
            checkpoints: vec![],
            every: Some(7),
            ..Plan::default()
        },
    )
});

static RETAINED: LazyLock<Bundle> = LazyLock::new(|| Bundle::new(&LOG, &certificates::plan()));

fn bundle(base: Base) -> Bundle {
    match base {
        Base::Small => SMALL.copy(),
        Base::Large => LARGE.copy(),
        Base::Selection => SELECTION.copy(),
        Base::Retained => RETAINED.copy(),
    }
}

fn attacks() -> Vec<Attack> {
    [
        values::attacks(),
        places::attacks(),
        tiles::attacks(),
        checkpoints::attacks(),
        certificates::attacks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn attacked(attack: &Attack) -> (Bundle, Auditor) {
    let bundle = bundle(attack.base);
    let mut auditor = Auditor {
        keys: vec![LOG.vkey()],
        ..Auditor::default()
    };
    (attack.act)(&bundle, &mut auditor);
    (bundle, auditor)
}

#[test]
fn every_attack_is_found_and_called_by_its_name() {
    let attacks = attacks();
    assert!(attacks.len() >= 120, "only {} attacks", attacks.len());
    let names: BTreeSet<&str> = attacks.iter().map(|attack| attack.name).collect();
    assert_eq!(names.len(), attacks.len(), "two attacks have the same name");
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for attack in &attacks {
        let (bundle, auditor) = attacked(attack);
        let report = judge(&bundle.path(), &auditor, Checks::all());
        let found: BTreeSet<Kind> = report.findings.iter().map(|finding| finding.kind).collect();
        let expected: BTreeSet<Kind> = attack.kinds.iter().copied().collect();
        seen.extend(found.iter().copied());
        if found != expected {
            let first: Vec<String> = report.findings.iter().take(6).map(ToString::to_string).collect();
            wrong.push(format!(
                "{}: {found:?} instead of {expected:?}\n    {}",
                attack.name,
                first.join("\n    ")
            ));
        }
        if !expected.is_empty() && report.proven() {
            wrong.push(format!("{}: proven", attack.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all: BTreeSet<Kind> = Kind::ALL.into_iter().collect();
    assert_eq!(seen, all, "some kind is never found");
}

#[test]
fn no_check_is_idle() {
    let mut attacks = attacks();
    // those that take long last, for the checks that are left by then
    attacks.sort_by_key(|attack| attack.base == Base::Large);
    let mut idle: Vec<Check> = Check::ALL.to_vec();
    for attack in &attacks {
        if attack.kinds.is_empty() || idle.is_empty() {
            continue;
        }
        let (bundle, auditor) = attacked(attack);
        idle.retain(|check| !verify_without(&bundle.path(), &auditor, *check).findings.is_empty());
    }
    assert_eq!(idle, [], "without these checks every attack is found all the same");
}

#[test]
fn untouched_bundles_are_proven() {
    for base in [Base::Small, Base::Large, Base::Selection, Base::Retained] {
        let mut auditor = Auditor {
            keys: vec![LOG.vkey()],
            ..Auditor::default()
        };
        let bundle = bundle(base);
        assert_eq!(judge(&bundle.path(), &auditor, Checks::all()).findings, []);
        auditor.known = vec![bundle.head()];
        assert_eq!(judge(&bundle.path(), &auditor, Checks::all()).findings, []);
    }
}
