//! The command line tool against real databases: what an auditor does, and what each attack looks like to
//! whoever has what.

mod attacks;
mod forge;
mod matrix;
mod tls;

use crate::program::Program;
use crate::proof::record;
use auditlog_testkit::Database;
use auditlog_testkit::log::{text, verify, wait_sealed};
use std::path::{Path, PathBuf};
use std::process::Output;

/// Where libpq finds the database.
pub fn dsn(directory: &Path, database: &str) -> String {
    format!("host={} port=5432 user=postgres dbname={database}", directory.display())
}

pub fn bundle(program: &Program, dsn: &str, to: &Path, more: &[&str]) -> Output {
    let to = to.display().to_string();
    program.output(&[&["bundle", "--dsn", dsn, "--out", &to], more].concat())
}

pub fn said(output: &Output) -> String {
    auditlog_testkit::command::both(output)
}

/// A folder of our own that goes with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pgal-offline-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_auditor_needs_a_bundle_and_a_key() {
    let program = Program::ours();
    let db = Database::new();
    let mut client = db.superuser();
    let folder = Folder::new();
    client
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, actor_email, actor_ip, tags, extra, timestamp)
                 SELECT 'a.b', 'Person' || i || '@example.org', '10.0.0.1', ARRAY['x', NULL_TEXT], jsonb_build_object('n', i), now() - i * interval '1 day'
                 FROM generate_series(1, 300) AS i, (VALUES ('é\"\\')) AS v (NULL_TEXT)",
        )
        .expect("INSERT");
    record(&mut client, 700);
    let old = folder.path("old");
    std::fs::write(&old, text(&mut client, "SELECT auditlog.checkpoint()")).expect("write");
    client
        .batch_execute("SELECT auditlog.erase('actor.email:person7@example.org', 'GDPR')")
        .expect("erase()");
    wait_sealed(&mut client);
    let key = text(&mut client, "SELECT auditlog.public_key()");
    let dsn = dsn(auditlog_testkit::shared().dir(), db.name());
    let (whole, part) = (folder.path("whole"), folder.path("part"));
    for (to, more) in [
        (&whole, &[][..]),
        (&part, &["--query", "actor.email:person9@example.org"][..]),
    ] {
        let made = bundle(&program, &dsn, to, more);
        assert!(made.status.success(), "{}", said(&made));
        let to = to.display().to_string();
        let old = old.display().to_string();
        let checked = program.output(&["verify", &to, "--key", &key, "--checkpoint", &old]);
        assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
        assert!(said(&checked).starts_with("PROVEN: "), "{}", said(&checked));
        // another key
        let other = key.replace(char::is_alphabetic, "A");
        let checked = program.output(&["verify", &to, "--key", &other]);
        assert_ne!(checked.status.code(), Some(0), "{}", said(&checked));
    }
    let checked = program.output(&["verify", &whole.display().to_string(), "--key", &key]);
    assert!(
        said(&checked).contains("1 events verify with 2 values redacted"),
        "{}",
        said(&checked)
    );
    // what it shows is what was recorded
    let shown = program.output(&["show", &whole.display().to_string()]);
    assert_eq!(said(&shown).lines().count(), 1001);
    assert!(said(&shown).contains("Person9@example.org") && !said(&shown).contains("Person7@example.org"));
    // one event
    let proof = folder.path("proof");
    std::fs::write(
        &proof,
        text(
            &mut client,
            "SELECT auditlog.inclusion_proof(event_id) FROM auditlog.events WHERE log_index = 77",
        ),
    )
    .expect("write");
    let leaf = text(
        &mut client,
        "SELECT encode(entry_hash, 'hex') FROM auditlog.events WHERE log_index = 77",
    );
    let proof = proof.display().to_string();
    let checked = program.output(&["verify-proof", &proof, "--key", &key, "--leaf", &leaf]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let other = text(
        &mut client,
        "SELECT encode(entry_hash, 'hex') FROM auditlog.events WHERE log_index = 78",
    );
    let checked = program.output(&["verify-proof", &proof, "--key", &key, "--leaf", &other]);
    assert_eq!(checked.status.code(), Some(1), "{}", said(&checked));
    // a role that may not read
    let writer = db.login(&["auditlog_writer"]);
    let made = bundle(
        &program,
        &dsn.replace("user=postgres", &format!("user={writer}")),
        &folder.path("none"),
        &[],
    );
    assert_eq!(made.status.code(), Some(2), "{}", said(&made));
}

/// Who asks for a bundle while values are being erased gets one in which each erasure is told of.
#[test]
fn a_bundle_is_in_order_whatever_is_erased_meanwhile() {
    let program = Program::ours();
    let db = Database::new();
    let mut client = db.superuser();
    client
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, actor_email)
                 SELECT 'a.b', 'person' || i || '@example.org' FROM generate_series(1, 40) AS i",
        )
        .expect("INSERT");
    wait_sealed(&mut client);
    let dsn = dsn(auditlog_testkit::shared().dir(), db.name());
    let key = {
        text(&mut client, "SELECT auditlog.checkpoint()");
        text(&mut client, "SELECT auditlog.public_key()")
    };
    let folder = Folder::new();
    std::thread::scope(|scope| {
        let erasing = scope.spawn(|| {
            let mut client = db.superuser();
            for person in 1..=40 {
                let erase = format!("SELECT auditlog.erase('actor.email:person{person}@example.org', 'GDPR')");
                client.batch_execute(&erase).expect("erase()");
                // the event that tells of it is not sealed yet: verify() has nothing to say about that
                assert_eq!(verify(&mut client), [], "person {person}");
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        });
        for round in 1.. {
            let last = erasing.is_finished();
            let to = folder.path(&round.to_string());
            let made = bundle(&program, &dsn, &to, &[]);
            assert!(made.status.success(), "{}", said(&made));
            let checked = program.output(&["verify", &to.display().to_string(), "--key", &key]);
            assert_eq!(checked.status.code(), Some(0), "round {round}: {}", said(&checked));
            if last {
                assert!(
                    said(&checked).contains("40 events verify with 40 values redacted"),
                    "{}",
                    said(&checked)
                );
                return;
            }
        }
    });
}
