//! The file sink, through crashes and concurrent writers.

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use auditlog_sink::{Assurance, FileFormat, Message, Records, Target, deliver, read_all, read_last};
use proptest::prelude::*;
use serde_json::json;
use support::{Directory, MESSAGE, assert_permanent, assert_retry, target, text_of};

fn note(size: u32) -> Vec<u8> {
    format!(
        "example.com/log\n{size}\nhash-of-{size}=\n\n— example.com/log sig-of-{size}=\n— witness cosig-of-{size}=\n"
    )
    .into_bytes()
}

fn line(number: u32) -> Vec<u8> {
    format!("{{\"n\":{number}}}").into_bytes()
}

fn open(path: &Path, format: FileFormat) -> Target {
    let name = if format == FileFormat::Notes { "notes" } else { "lines" };
    target("file", &text_of(path), &json!({"format": name}))
}

fn append(target: &Target, body: &[u8]) -> auditlog_sink::Receipt {
    deliver(target, &Message { body, ..MESSAGE }, Duration::from_secs(10)).unwrap()
}

fn all(path: &Path, format: FileFormat) -> Vec<Vec<u8>> {
    read_all(path, format).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn notes_are_separated_by_empty_lines() {
    let directory = Directory::new();
    let path = directory.join("checkpoints");
    assert_eq!(read_last(&path, FileFormat::Notes).unwrap(), None);
    let target = open(&path, FileFormat::Notes);
    for size in 1..=3 {
        let receipt = append(&target, &note(size));
        assert_eq!(
            (receipt.assurance, receipt.already_there),
            (Assurance::Confirmed, false)
        );
    }
    let expected: Vec<u8> = (1..=3).flat_map(|size| [note(size), b"\n".to_vec()].concat()).collect();
    assert_eq!(fs::read(&path).unwrap(), expected);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777 & !0o640, 0);
    assert_eq!(all(&path, FileFormat::Notes), [note(1), note(2), note(3)]);
    assert_eq!(read_last(&path, FileFormat::Notes).unwrap(), Some(note(3)));
}

#[test]
fn the_last_note_is_not_written_twice_but_an_earlier_one_is() {
    let directory = Directory::new();
    let path = directory.join("checkpoints");
    let target = open(&path, FileFormat::Notes);
    append(&target, &note(1));
    assert!(append(&target, &note(1)).already_there);
    append(&target, &note(2));
    assert!(!append(&target, &note(1)).already_there);
    assert_eq!(all(&path, FileFormat::Notes), [note(1), note(2), note(1)]);
}

/// Also when somebody else's write behind it was torn: the next append ends that.
#[test]
fn the_last_note_counts_over_a_torn_one() {
    let directory = Directory::new();
    let path = directory.join("checkpoints");
    let target = open(&path, FileFormat::Notes);
    append(&target, &note(1));
    let torn = [fs::read(&path).unwrap(), b"example.com/lo".to_vec()].concat();
    fs::write(&path, &torn).unwrap();
    assert!(append(&target, &note(1)).already_there);
    assert_eq!(fs::read(&path).unwrap(), torn);
    append(&target, &note(2));
    assert_eq!(all(&path, FileFormat::Notes), [note(1), note(2)]);
}

#[test]
fn lines_keep_their_order_and_repetitions() {
    let directory = Directory::new();
    let path = directory.join("alerts");
    let target = open(&path, FileFormat::Lines);
    append(&target, b"{\"a\":1}\n");
    append(&target, b"{\"a\":1}");
    append(&target, b"{\"b\":2}");
    assert_eq!(fs::read(&path).unwrap(), b"{\"a\":1}\n{\"a\":1}\n{\"b\":2}\n");
    assert_eq!(all(&path, FileFormat::Lines).len(), 3);
    assert_eq!(read_last(&path, FileFormat::Lines).unwrap().unwrap(), b"{\"b\":2}");
}

/// A crash leaves any beginning of the last write. Whatever is appended then, once or after another crash
/// at any place of it, no earlier record is lost, and none that is torn is taken for whole.
fn crashes(format: FileFormat, record: fn(u32) -> Vec<u8>) {
    let directory = Directory::new();
    let path = directory.join("file");
    let target = open(&path, format);
    append(&target, &record(1));
    append(&target, &record(2));
    let before = fs::metadata(&path).unwrap().len();
    append(&target, &record(3));
    let whole = fs::read(&path).unwrap();
    for cut in usize::try_from(before).unwrap()..=whole.len() {
        let torn = &whole[..cut];
        fs::write(&path, torn).unwrap();
        let kept: Vec<_> = if cut == whole.len() {
            (1..=3).collect()
        } else {
            vec![1, 2]
        };
        let kept: Vec<_> = kept.into_iter().map(record).collect();
        assert_eq!(all(&path, format), kept, "cut at {cut}");
        assert_eq!(read_last(&path, format).unwrap().as_ref(), kept.last(), "cut at {cut}");

        // The message is delivered again, and then another.
        append(&target, &record(3));
        append(&target, &record(4));
        let mut expected = vec![record(1), record(2), record(3), record(4)];
        let once = all(&path, format);
        if format == FileFormat::Lines && cut == whole.len() {
            expected.insert(2, record(3));
        }
        assert_eq!(once, expected, "cut at {cut}");
        assert_eq!(read_last(&path, format).unwrap(), Some(record(4)), "cut at {cut}");

        // The machine crashes again while that is written.
        let again = fs::read(&path).unwrap();
        assert!(again.starts_with(torn), "truncated at {cut}");
        for second in cut..again.len() {
            fs::write(&path, &again[..second]).unwrap();
            let seen = all(&path, format);
            assert!(
                expected.starts_with(&seen) && seen.starts_with(&kept[..2]),
                "cut at {cut} and {second}"
            );
            assert_eq!(
                read_last(&path, format).unwrap().as_ref(),
                seen.last(),
                "cut at {cut} and {second}"
            );
            append(&target, &record(5));
            let mut then = seen;
            then.push(record(5));
            assert_eq!(all(&path, format), then, "cut at {cut} and {second}");
        }
    }
}

#[test]
fn notes_survive_crashes() {
    crashes(FileFormat::Notes, note);
}

#[test]
fn lines_survive_crashes() {
    crashes(FileFormat::Lines, line);
}

/// Some file systems leave zeros where the data did not arrive.
#[test]
fn a_tail_of_zeros_is_torn() {
    for (format, record) in [
        (FileFormat::Notes, note as fn(u32) -> Vec<u8>),
        (FileFormat::Lines, line),
    ] {
        let directory = Directory::new();
        let path = directory.join("file");
        let target = open(&path, format);
        append(&target, &record(1));
        let start = fs::metadata(&path).unwrap().len();
        append(&target, &record(2));
        let mut bytes = fs::read(&path).unwrap();
        let start = usize::try_from(start).unwrap();
        for end in start + 1..bytes.len() {
            bytes[start..end].fill(0);
            fs::write(&path, &bytes).unwrap();
            append(&target, &record(3));
            assert_eq!(all(&path, format), [record(1), record(3)], "zeros to {end}");
        }
    }
}

#[test]
fn a_first_write_that_was_torn_is_no_note() {
    let directory = Directory::new();
    let path = directory.join("file");
    for cut in 1..note(1).len() {
        fs::write(&path, &note(1)[..cut]).unwrap();
        assert_eq!(read_last(&path, FileFormat::Notes).unwrap(), None);
        append(&open(&path, FileFormat::Notes), &note(1));
        assert_eq!(all(&path, FileFormat::Notes), [note(1)]);
    }
}

#[test]
fn the_last_note_is_found_behind_a_lot_of_rubbish() {
    let directory = Directory::new();
    let path = directory.join("file");
    let target = open(&path, FileFormat::Notes);
    for size in 0..3_000 {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
        file.write_all(&[note(size), b"\n".to_vec()].concat()).unwrap();
    }
    assert_eq!(read_last(&path, FileFormat::Notes).unwrap(), Some(note(2_999)));
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&vec![b'x'; 20 << 20]).unwrap();
    assert_eq!(read_last(&path, FileFormat::Notes).unwrap(), Some(note(2_999)));
    append(&target, &note(3_000));
    assert_eq!(read_last(&path, FileFormat::Notes).unwrap(), Some(note(3_000)));
    assert_eq!(all(&path, FileFormat::Notes).len(), 3_001);
    assert_eq!(all(&path, FileFormat::Notes).pop(), Some(note(3_000)));
}

#[test]
fn what_would_not_come_back_is_refused() {
    let directory = Directory::new();
    let path = directory.join("file");
    let refused: [&[u8]; 14] = [
        b"",
        b"\n",
        b"text\n",
        b"text",
        "— a b\n".as_bytes(),
        "text\n\n— a b".as_bytes(),
        "text\n\n— a b\n\n".as_bytes(),
        "text\n\nmore\n\n— a b\n".as_bytes(),
        "text\n\n— a b\nc\n".as_bytes(),
        "\ntext\n\n— a b\n".as_bytes(),
        "text [torn]\n\n— a b\n".as_bytes(),
        "text\n\n— a b\n\ntext\n\n— a b\n".as_bytes(),
        "te\0xt\n\n— a b\n".as_bytes(),
        "text\r\n\r\n— a b\r\n".as_bytes(),
    ];
    let notes = open(&path, FileFormat::Notes);
    for body in refused {
        assert_permanent(
            deliver(&notes, &Message { body, ..MESSAGE }, Duration::from_secs(1)),
            "no signed note",
        );
    }
    let lines = open(&path, FileFormat::Lines);
    let long = vec![b'x'; auditlog_sink::MAX_RECORD_BYTES + 1];
    for body in [&b""[..], b"\n", b"a\nb", b"a\0b", b"a [torn]", &long] {
        assert_permanent(
            deliver(&lines, &Message { body, ..MESSAGE }, Duration::from_secs(1)),
            "not one line",
        );
    }
    assert!(!path.exists());
    append(&lines, &long[1..]);
    assert_eq!(
        read_last(&path, FileFormat::Lines).unwrap().as_deref(),
        Some(&long[1..])
    );
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let directory = Directory::new();
    let path = directory.join("file");
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let target = open(&path, FileFormat::Notes);
            std::thread::spawn(move || {
                for number in 0..50 {
                    append(&target, &note(thread * 1_000 + number));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let notes = all(&path, FileFormat::Notes);
    assert_eq!(notes.len(), 200);
    for thread in 0..4 {
        let own: Vec<_> = (0..50).map(|number| note(thread * 1_000 + number)).collect();
        let seen: Vec<_> = notes.iter().filter(|note| own.contains(note)).cloned().collect();
        assert_eq!(seen, own);
    }
}

#[test]
fn a_lock_that_is_held_ends_with_the_deadline() {
    let directory = Directory::new();
    let path = directory.join("file");
    let target = open(&path, FileFormat::Notes);
    append(&target, &note(1));
    let other = fs::File::open(&path).unwrap();
    other.lock().unwrap();
    let start = Instant::now();
    let result = deliver(
        &target,
        &Message {
            body: &note(2),
            ..MESSAGE
        },
        Duration::from_millis(300),
    );
    assert_retry(result, "lock");
    assert!(start.elapsed() >= Duration::from_millis(300) && start.elapsed() < Duration::from_millis(1_300));
    other.unlock().unwrap();
    append(&target, &note(2));
}

#[test]
fn what_is_no_file_is_refused() {
    let directory = Directory::new();
    let pipe = directory.join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for path in [pipe, directory.join("no/such/directory"), std::env::temp_dir()] {
        let target = open(&path, FileFormat::Notes);
        assert_permanent(
            deliver(
                &target,
                &Message {
                    body: &note(1),
                    ..MESSAGE
                },
                Duration::from_secs(1),
            ),
            "",
        );
    }
    let full = open(Path::new("/dev/full"), FileFormat::Notes);
    assert_permanent(
        deliver(
            &full,
            &Message {
                body: &note(1),
                ..MESSAGE
            },
            Duration::from_secs(1),
        ),
        "no regular",
    );
}

proptest! {
    /// What was accepted comes back, whatever stands before it in the file.
    #[test]
    fn what_is_accepted_comes_back(
        before in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b' '), Just(0xe2), Just(b'x'), any::<u8>()], 0..60),
        body in "[a—\\n \\[\\]ton]{0,40}(\n\n— [a-z]{1,3} [a-z]{1,3}\n)?",
        lines in any::<bool>(),
    ) {
        let format = if lines { FileFormat::Lines } else { FileFormat::Notes };
        let directory = Directory::new();
        let path = directory.join("file");
        fs::write(&path, &before).unwrap();
        let earlier = all(&path, format);
        let target = open(&path, format);
        let message = Message { body: body.as_bytes(), ..MESSAGE };
        if deliver(&target, &message, Duration::from_secs(5)).is_ok() {
            let mut expected = earlier;
            let stored = body.strip_suffix('\n').filter(|_| lines).unwrap_or(&body);
            expected.push(stored.as_bytes().to_vec());
            prop_assert_eq!(all(&path, format), expected);
            prop_assert_eq!(read_last(&path, format).unwrap(), Some(stored.as_bytes().to_vec()));
        } else {
            prop_assert_eq!(fs::read(&path).unwrap(), before);
        }
    }

    /// Reading never fails for what is in the file, and the last is the last.
    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'x'), any::<u8>()], 0..200)) {
        for format in [FileFormat::Notes, FileFormat::Lines] {
            let records: Vec<_> = Records::new(bytes.as_slice(), format).collect::<Result<_, _>>().unwrap();
            let directory = Directory::new();
            let path = directory.join("file");
            fs::write(&path, &bytes).unwrap();
            prop_assert_eq!(read_last(&path, format).unwrap(), records.last().cloned());
        }
    }
}
