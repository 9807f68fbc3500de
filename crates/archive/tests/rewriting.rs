//! Objects that are written anew, after erasure and when events go.

mod support;

use auditlog_archive::{Change, Options, RewriteError, Trust, rewrite, verify};
use auditlog_bundle::Record;
use auditlog_bundle::synthetic::Log;
use support::{object, plan, read, records, small};

#[test]
fn kept_rows_are_the_same_object() {
    let records = records(300);
    let (bytes, manifest) = object(&records, small());
    let (out, new) = rewrite(bytes.clone(), &manifest, Vec::new(), small(), |_| Change::Keep)
        .expect("rewritten")
        .expect("something is left");
    assert_eq!(out, bytes);
    assert_eq!(new.replaces.len(), 1);
    assert_eq!(new.replaces[0].sha256, manifest.sha256);
}

#[test]
fn rows_that_go_leave_the_others_whole() {
    let records = records(900);
    let (bytes, mut manifest) = object(&records, small());
    manifest.checkpoint = Some("kept".to_owned());
    let held = |record: &Record<'_>| record.log_index % 10 < 3;
    let (out, new) = rewrite(bytes, &manifest, Vec::new(), Options::default(), |record| {
        if held(record) { Change::Keep } else { Change::Drop }
    })
    .expect("rewritten")
    .expect("something is left");
    let left: Vec<_> = records
        .into_iter()
        .filter(|bytes| held(&Record::parse(bytes).expect("a record")))
        .collect();
    assert_eq!(read(&out.clone().into()), left);
    assert_eq!((new.events, new.log_indexes.len()), (270, 90));
    assert_eq!(new.checkpoint.as_deref(), Some("kept"));
    assert_eq!(object(&left, Options::default()).1.root, new.root);
    let report = verify(new_file(new).as_bytes(), bytes::Bytes::from(out), Trust::default());
    // «kept» is no checkpoint
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    assert_eq!(report.events, 270);
}

fn new_file(manifest: auditlog_archive::Manifest) -> String {
    manifest.unsigned().file().expect("a file")
}

#[test]
fn nothing_may_be_left() {
    let (bytes, manifest) = object(&records(20), small());
    assert!(
        rewrite(bytes, &manifest, Vec::new(), small(), |_| Change::Drop)
            .expect("rewritten")
            .is_none()
    );
}

/// Erasure in the archive: the values and the salt go, the entry stays, so the proof stays.
#[test]
fn erasure_keeps_the_root() {
    let records = records(200);
    let (bytes, manifest) = object(&records, small());
    let (log, plan) = (Log::new(7), plan(200));
    let erase = |record: &Record<'_>| {
        if record.log_index != 77 {
            return Change::Keep;
        }
        let mut row = log.row_of(77, &plan);
        assert!(row.salt.is_some(), "not erased yet");
        row.erase();
        Change::Replace(log.record(77, record.prev_hash, &row).0)
    };
    let (out, new) = rewrite(bytes.clone(), &manifest, Vec::new(), small(), erase)
        .expect("rewritten")
        .expect("something is left");
    assert_eq!((new.root, new.events), (manifest.root, manifest.events));
    assert_ne!(new.sha256, manifest.sha256);
    let before = verify(new_file(manifest).as_bytes(), bytes, Trust::default());
    let after = verify(
        new_file(new).as_bytes(),
        bytes::Bytes::from(out.clone()),
        Trust::default(),
    );
    assert_eq!(
        (before.findings.len(), after.findings.len()),
        (0, 0),
        "{:?}",
        after.findings
    );
    assert!(!before.redacted.contains(&(77, 77)));
    assert!(after.redacted.contains(&(77, 77)));
    let old = Record::parse(&records[77]).expect("a record");
    let salt = old.salt.expect("a salt");
    assert!(!out.windows(salt.len()).any(|bytes| bytes == salt), "the salt is gone");
}

#[test]
fn another_event_is_no_replacement() {
    let records = records(20);
    let (bytes, manifest) = object(&records, small());
    let other = |record: &Record<'_>| match record.log_index {
        3 => Change::Replace(records[4].clone()),
        _ => Change::Keep,
    };
    let refused = rewrite(bytes.clone(), &manifest, Vec::new(), small(), other);
    assert!(matches!(refused, Err(RewriteError::Replacement(3))));
    let mut changed = support::records(20)[3].clone();
    let entry_hash = 5 + 8 + 8 + 32;
    changed[entry_hash] ^= 1;
    let other = |record: &Record<'_>| match record.log_index {
        3 => Change::Replace(changed.clone()),
        _ => Change::Keep,
    };
    let refused = rewrite(bytes.clone(), &manifest, Vec::new(), small(), other);
    assert!(matches!(refused, Err(RewriteError::Replacement(3))));
    let mut elsewhere = manifest;
    elsewhere.sha256[0] ^= 1;
    let refused = rewrite(bytes, &elsewhere, Vec::new(), small(), |_| Change::Keep);
    assert!(matches!(refused, Err(RewriteError::Other)));
}
