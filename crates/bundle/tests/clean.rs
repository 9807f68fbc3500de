//! Bundles that nobody touched are proven, whatever their size.

mod support;

use std::collections::BTreeSet;

use auditlog_bundle::synthetic::{Log, Plan};
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
    };
    let bundle = Bundle::new(&log, &plan);
    bundle.edit_file(0, Vec::clear);
    bundle.manifest(|manifest| manifest.events = 0);
    assert_eq!(verify(&bundle.path(), &[log.vkey()], &[]).findings, []);
}
