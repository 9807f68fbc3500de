//! A local directory.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use auditlog_objects::Created;
use auditlog_sink::FailureKind;
use serde_json::Value;
use support::{DEADLINE, behaves, open};

#[test]
fn a_directory_behaves_as_a_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&format!("file://{}", directory.path().display()), &Value::Null);
    assert!(store.hosts().is_empty());
    assert_eq!(store.directory(), Some(directory.path()));
    behaves(&store);
    let file = directory.path().join("class=default/day=2026-03-10/a-1.zstd.parquet");
    assert_eq!(
        fs::metadata(file).expect("a file").len(),
        400_000,
        "names are paths as they are"
    );
}

#[test]
fn a_directory_that_is_not_there_is_not_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let missing = directory.path().join("mount");
    let store = open(&format!("file://{}", missing.display()), &Value::Null);
    let error = store.put_new("a", "b", DEADLINE).expect_err("nothing is mounted");
    assert_eq!(error.kind, FailureKind::Permanent);
    assert!(error.hint.is_some());
    assert!(!missing.exists());
    fs::create_dir(&missing).expect("mounted");
    assert_eq!(store.put_new("a", "b", DEADLINE), Ok(Created::Created));
}

#[test]
fn two_at_a_time_do_not_both_create() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("file://{}", directory.path().display());
    for round in 0..20 {
        let name = format!("object-{round}");
        let created: Vec<Created> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|number| {
                    let (url, name) = (&url, &name);
                    scope.spawn(move || {
                        open(url, &Value::Null)
                            .put_new(name, vec![number; 5000], DEADLINE)
                            .expect("put")
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("a thread"))
                .collect()
        });
        let count = |what| created.iter().filter(|created| **created == what).count();
        assert_eq!(
            (count(Created::Created), count(Created::AlreadyThereOther)),
            (1, 3),
            "{created:?}"
        );
    }
}

#[test]
fn what_cannot_be_written_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("file://{}", directory.path().display());
    // a file where a folder is needed stops root as well
    fs::write(directory.path().join("class=a"), "").expect("a file");
    let error = open(&url, &Value::Null)
        .put_new("class=a/b", "c", DEADLINE)
        .expect_err("no folder");
    assert!(!error.message.is_empty());
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o500)).expect("rights");
    let refused = open(&url, &Value::Null).put_new("d", "e", DEADLINE);
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).expect("rights");
    // root may write anyway
    if let Err(error) = refused {
        assert_eq!(error.kind, FailureKind::Permanent);
    }
}
