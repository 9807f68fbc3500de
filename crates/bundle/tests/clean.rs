//! Bundles that nobody touched are proven, whatever their size.

mod support;

use std::collections::BTreeSet;

use auditlog_bundle::synthetic::{Log, Plan, Removal};
use support::{Bundle, verify};

fn proven(plan: &Plan) {
    let log = Log::new(plan.size);
    let bundle = Bundle::new(&log, plan);
    let report = verify(&bundle.path(), &[log.vkey()], &[]);
    assert_eq!(report.findings, [], "size {}", plan.size);
    let events = plan.every.map_or(plan.size, |every| plan.size.div_ceil(every));
    assert_eq!((report.events, report.proven, report.size), (events, events, plan.size));
    assert_eq!(report.checkpoints as usize, plan.checkpoints.len());
    assert!(report.text().starts_with("PROVEN"));
    if plan.size > 100 && plan.every.is_none() {
        assert!(report.redacted_values > report.redacted_events && report.redacted_events > 0);
    }
}

fn all(size: u64) {
    let sizes = [1, 2, 100, 255, 256, 257, 5000, 65_535, 65_536, 65_537, 70_001, size];
    let checkpoints: BTreeSet<u64> = sizes.into_iter().filter(|old| *old <= size && *old > 0).collect();
    proven(&Plan {
        size,
        checkpoints: checkpoints.into_iter().collect(),
        every: None,
        ..Plan::default()
    });
}

#[test]
fn small_logs() {
    for size in [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1000] {
        all(size);
    }
}

#[test]
fn logs_of_one_file() {
    all(65_535);
    all(65_536);
}

#[test]
fn logs_of_two_files() {
    all(65_537);
    all(100_000);
}

#[test]
fn selections() {
    for (size, every) in [(1, 1), (300, 7), (70_000, 100), (70_000, 66_000), (66_000, 1)] {
        proven(&Plan {
            size,
            checkpoints: vec![1],
            every: Some(every),
            ..Plan::default()
        });
    }
}

#[test]
fn a_selection_of_nothing() {
    let log = Log::new(5);
    let plan = Plan {
        size: 300,
        checkpoints: vec![],
        every: Some(1000),
        ..Plan::default()
    };
    let bundle = Bundle::new(&log, &plan);
    bundle.edit_file(0, Vec::clear);
    bundle.manifest(|manifest| manifest.events = 0);
    assert_eq!(verify(&bundle.path(), &[log.vkey()], &[]).findings, []);
}

/// A log of which whole files are gone, the first and the last record of others, and every third of one.
#[test]
fn what_retention_has_left_of_a_long_log() {
    let log = Log::new(8);
    let thirds: Vec<(u64, u64)> = (140_000..150_000).step_by(3).map(|place| (place, place)).collect();
    // what tells of erasures stays
    let thirds: Vec<(u64, u64)> = thirds.into_iter().filter(|(place, _)| place % 64 != 63).collect();
    let plan = Plan {
        size: 200_000,
        checkpoints: vec![131_072, 199_000],
        removals: vec![
            Removal::new(198_000, &[(0, 131_071)]),
            Removal::new(198_001, &thirds),
            Removal::new(198_002, &[(196_600, 196_606), (196_608, 196_613)]),
        ],
        ..Plan::default()
    };
    let bundle = Bundle::new(&log, &plan);
    assert!(!bundle.file("events/000000.bin").exists() && !bundle.file("events/000001.bin").exists());
    let report = verify(&bundle.path(), &[log.vkey()], &[]);
    assert_eq!(report.findings, []);
    let covered = 131_072 + thirds.len() as u64 + 13;
    assert_eq!((report.covered, report.proven), (covered, 200_000 - covered));
    assert_eq!((report.certificates, report.checkpoints), (3, 2));
}

/// A certificate is of the log as it was called then.
#[test]
fn a_certificate_of_an_earlier_incarnation() {
    const BEFORE: &str = "example.org/before";
    let log = Log::new(8);
    let before = Log {
        origin: BEFORE.to_owned(),
        ..log.clone()
    };
    let mut removal = Removal::new(300, &[(100, 110)]);
    removal.change = |certificate| certificate.origin = BEFORE.to_owned();
    let plan = Plan {
        size: 700,
        incarnations: vec![(400, BEFORE)],
        removals: vec![removal],
        ..Plan::default()
    };
    let bundle = Bundle::new(&log, &plan);
    let report = verify(&bundle.path(), &[log.vkey(), before.vkey()], &[]);
    assert_eq!((report.findings, report.covered), (vec![], 11));
    // without the key of that time
    let report = verify(&bundle.path(), &[log.vkey()], &[]);
    assert_eq!(report.findings[0].kind, auditlog_bundle::Kind::KeyReplaced);
    // without the event
    let plan = Plan {
        incarnations: vec![],
        ..plan
    };
    let report = verify(&Bundle::new(&log, &plan).path(), &[log.vkey(), before.vkey()], &[]);
    assert_eq!(report.findings[0].kind, auditlog_bundle::Kind::Modified);
}

/// Events that tell of certificates and erasures need not be in a selection.
#[test]
fn a_selection_leaves_open_what_it_has_no_event_for() {
    let log = Log::new(8);
    let plan = Plan {
        size: 700,
        every: Some(7),
        // 350 is in the selection, 351 not
        removals: vec![Removal::new(350, &[(70, 80)]), Removal::new(351, &[(100, 110)])],
        ..Plan::default()
    };
    let bundle = Bundle::new(&log, &plan);
    let report = verify(&bundle.path(), &[log.vkey()], &[]);
    assert_eq!(report.findings, []);
    assert_eq!(
        (report.certificates, report.certificates_open, report.covered),
        (2, 1, 0)
    );
    assert_eq!(report.removed.values().map(|removed| removed.events).sum::<u64>(), 11);
    // 63, 511: of each seventh event, those of their windows only
    assert!(report.redacted_untold > 0 && report.redacted_untold < report.redacted_events);
    let text = report.text();
    for line in [
        "1 certificates are told of by events that are not in the selection",
        "that the log tells of the erasure in ",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert_eq!(report.json()["redacted"]["untold"], report.redacted_untold);
    // a record that a certificate of the selection covers must not be there
    let plan = Plan { left: vec![77], ..plan };
    let report = verify(&Bundle::new(&log, &plan).path(), &[log.vkey()], &[]);
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.kind, finding.log_index))
        .collect();
    assert_eq!(found, [(auditlog_bundle::Kind::Extra, Some(77))]);
}
