//! Files: rotation, crashes, full disks.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Event, NOW, Safe, assert_all, events, failure, link, refused};

const DAY: i64 = 86_400_000_000;

fn lines(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let number = |line: &str| serde_json::from_str::<Value>(line).unwrap()["n"].as_u64().unwrap();
    text.lines().map(number).collect()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn lines_are_appended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.jsonl");
    let mut link = link("file", &json!({"path": path}));
    let safe = Safe::new();
    let all = events(5);
    assert_all(&safe.once(&mut link, &all[..2]), 2);
    assert_all(&safe.once(&mut link, &all[2..]), 3);
    assert_eq!(lines(&path), [0, 1, 2, 3, 4]);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
}

#[test]
fn files_are_rotated_by_size_and_day() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.jsonl");
    let mut safe = Safe::new();
    let mut link = link("file", &json!({"path": path, "rotate_bytes": 100}));
    let all = events(10);
    for pair in all[..6].chunks(2) {
        assert_all(&safe.once(&mut link, pair), 2);
    }
    safe.now += DAY;
    assert_all(&safe.once(&mut link, &all[6..7]), 1);
    safe.now += DAY;
    assert_all(&safe.once(&mut link, &all[7..]), 3);
    let expected = [
        "a.jsonl",
        "a.jsonl.20251122.1",
        "a.jsonl.20251122.2",
        "a.jsonl.20251122.3",
        "a.jsonl.20251123.1",
    ];
    assert_eq!(names(directory.path()), expected);
    let found: Vec<_> = expected
        .iter()
        .map(|name| lines(&directory.path().join(name)))
        .collect();
    assert_eq!(found, [vec![7, 8, 9], vec![0, 1], vec![2, 3], vec![4, 5], vec![6]]);
}

#[test]
fn a_file_of_another_day_is_rotated_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.jsonl");
    let all = events(2);
    let mut safe = Safe::new();
    assert_all(&safe.once(&mut link("file", &json!({"path": path})), &all[..1]), 1);
    // The file's own time counts then.
    let today = fs::metadata(&path).unwrap().mtime() * 1_000_000;
    safe.now = today;
    assert_all(&safe.once(&mut link("file", &json!({"path": path})), &all[1..]), 1);
    assert_eq!(lines(&path), [0, 1]);
    safe.now = today + DAY;
    assert_all(&safe.once(&mut link("file", &json!({"path": path})), &all[1..]), 1);
    assert_eq!(lines(&path), [1]);
    let off = json!({"path": path, "rotate_daily": false, "rotate_bytes": 0});
    safe.now = today + 3 * DAY;
    assert_all(&safe.once(&mut link("file", &off), &all[1..]), 1);
    assert_eq!(lines(&path), [1, 1]);
}

#[test]
fn what_a_crash_has_torn_is_taken_away() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.jsonl");
    for (torn, left) in [
        ("{\"n\":7}\n{\"n\":8".to_owned(), vec![7, 0]),
        ("{\"n\":".to_owned(), vec![0]),
        (format!("{{\"n\":7}}\n{}", "x".repeat(300_000)), vec![7, 0]),
        ("{\"n\":7}\n".to_owned(), vec![7, 0]),
        (String::new(), vec![0]),
    ] {
        fs::write(&path, torn).unwrap();
        let config = json!({"path": path, "rotate_daily": false});
        assert_all(&Safe::new().once(&mut link("file", &config), &events(1)), 1);
        assert_eq!(lines(&path), left);
    }
}

#[test]
fn a_file_that_was_moved_away_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.jsonl");
    let mut link = link("file", &json!({"path": path}));
    let safe = Safe::new();
    assert_all(&safe.once(&mut link, &events(1)), 1);
    fs::rename(&path, directory.path().join("moved")).unwrap();
    assert_all(&safe.once(&mut link, &events(2)), 2);
    assert_eq!(lines(&path), [0, 1]);
}

#[test]
fn two_sinks_do_not_write_into_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let config = json!({"path": directory.path().join("a.jsonl")});
    let (mut one, mut other) = (link("file", &config), link("file", &config));
    let safe = Safe::new();
    assert_all(&safe.once(&mut one, &events(1)), 1);
    let error = failure(&safe.once(&mut other, &events(1)), "retry");
    assert!(error.message.contains("locked"));
    drop(one);
    assert_all(&safe.once(&mut other, &events(1)), 1);
}

#[test]
fn what_can_not_be_written_waits_or_pauses() {
    let safe = Safe::new();
    let directory = tempfile::tempdir().unwrap();
    let missing = json!({"path": directory.path().join("no/a.jsonl")});
    assert!(
        failure(&safe.once(&mut link("file", &missing), &events(1)), "pause")
            .hint
            .is_some()
    );
    let is_directory = json!({"path": directory.path()});
    failure(&safe.once(&mut link("file", &is_directory), &events(1)), "pause");
    failure(
        &safe.once(&mut link("file", &json!({"path": "/dev/null"})), &events(1)),
        "pause",
    );
    let mut batch = events(3);
    batch[1] = Event::with_body(1, "two\nlines");
    let path = directory.path().join("a.jsonl");
    let sent = safe.deliver(&mut link("file", &json!({"path": path})), &batch);
    assert_eq!((sent.delivered, sent.rejected.len()), (3, 1));
    assert_eq!(lines(&path), [0, 2]);
    assert!(refused("file", &json!({"path": "a.jsonl"})).0.contains("path"));
    assert!(refused("file", &json!({"path": "/var/../a"})).1.contains(".."));
    assert!(refused("file", &json!({})).0.contains("path"));
    assert_eq!(safe.now, NOW);
}

/// A file system of its own that is full: for root only, elsewhere the test says so.
#[test]
fn a_full_disk_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let mount = |args: &[&str]| {
        std::process::Command::new(args[0])
            .args(&args[1..])
            .arg(directory.path())
            .output()
    };
    let mounted = mount(&["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]);
    if !mounted.is_ok_and(|output| output.status.success()) {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "skipped: no file system can be mounted here");
        return;
    }
    let path = directory.path().join("a.jsonl");
    let mut link = link("file", &json!({"path": path, "rotate_daily": false}));
    let safe = Safe::new();
    assert_all(&safe.once(&mut link, &events(2)), 2);
    fs::write(directory.path().join("filler"), vec![0; 56 << 10]).unwrap();
    let many: Vec<Event> = events(1_000);
    let error = failure(&safe.once(&mut link, &many), "retry");
    let torn = lines(&path);
    fs::remove_file(directory.path().join("filler")).unwrap();
    let again = safe.once(&mut link, &many[..500]);
    let after = lines(&path).len();
    drop(link);
    let _ = mount(&["umount"]);
    assert!(error.hint.unwrap().contains("room"));
    assert_eq!(torn, [0, 1]);
    assert_all(&again, 500);
    assert_eq!(after, 502);
}
