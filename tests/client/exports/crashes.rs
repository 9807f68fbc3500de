//! Whatever crashes, and when the disk is full: the files come out the same.

use super::{ask, done, folder, record, sha256, state, wait_ended};
use auditlog_testkit::crash::{Victim, kill9};
use auditlog_testkit::log::{scalar, text};
use auditlog_testkit::random::Random;
use auditlog_testkit::{Cluster, LONG, Options, command, wait_until};
use std::time::Duration;

#[test]
fn kills_of_worker_and_postmaster_change_no_byte() {
    let rounds = if std::env::var_os("AUDITLOG_SOAK").is_some() {
        20
    } else {
        4
    };
    let mut random = Random::from_clock();
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 40_000);
    let folder = folder(&cluster, "out");
    let query = "event_type:export.test";
    for (options, name) in [("{}", "whole"), ("{\"part_bytes\": 3000000}", "parts")] {
        let expected = ask(
            &mut client,
            "json",
            query,
            &folder.join(format!("{name}.ndjson")),
            options,
        );
        done(&mut client, expected);
        let took = "SELECT (extract(epoch FROM ended_at - begun_at) * 1000)::bigint FROM auditlog.exports WHERE id = ";
        let took = scalar(&mut client, &format!("{took}{expected}"));
        let expected = sha256(&mut client, expected);
        let mut interrupted = 0;
        for round in 0..rounds {
            let id = ask(
                &mut client,
                "json",
                query,
                &folder.join(format!("{name}-{round}.ndjson")),
                options,
            );
            wait_until("it runs", LONG, || state(&mut client, id) != "waiting");
            // the first as soon as it runs, so that one at least is interrupted
            let wait = if round == 0 {
                0
            } else {
                random.below(took.max(1) as u64)
            };
            std::thread::sleep(Duration::from_millis(wait));
            if state(&mut client, id) == "running" {
                interrupted += 1;
            }
            if round % 2 == 0 {
                let pid = "SELECT coalesce(max(pid), 0) FROM auditlog.stat_workers WHERE worker = 'exporter'";
                let pid = client.query_one(pid, &[]).expect("stat_workers").get::<_, i32>(0);
                if pid > 0 {
                    // the server throws everybody out, and goes on
                    kill9(pid as u32);
                    std::thread::sleep(Duration::from_millis(300));
                }
                cluster.kill9(Victim::Everybody);
            } else {
                cluster.kill9(Victim::Postmaster);
            }
            cluster.go();
            client = cluster.connect("audited");
            done(&mut client, id);
            assert_eq!(sha256(&mut client, id), expected, "{name}, round {round}");
            let events = format!("SELECT events FROM auditlog.exports WHERE id = {id}");
            assert_eq!(scalar(&mut client, &events), 40_000);
        }
        println!("{interrupted} of {rounds} exports were interrupted");
        assert!(interrupted > 0);
        let left = command::run(command::as_server("ls").arg("-A").arg(&folder));
        assert!(!left.contains(".auditlog-export-"), "{left}");
    }
}

/// Needs a file system of its own: only root makes one.
#[test]
fn a_full_disk_fails_the_export_which_goes_on_when_there_is_room() {
    if !command::is_root() {
        println!("skipped: not root, no small file system can be made");
        return;
    }
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 5_000);
    let folder = folder(&cluster, "small");
    let mount = |options: &str| {
        std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&folder)
            .status()
            .is_ok_and(|status| status.success())
    };
    if !mount("size=2m,mode=777") {
        println!("skipped: no small file system can be made here");
        return;
    }
    let id = ask(
        &mut client,
        "json",
        "event_type:export.test",
        &folder.join("x.ndjson"),
        "{}",
    );
    let failed = wait_ended(&mut client, id);
    let error = text(
        &mut client,
        &format!("SELECT coalesce(error, '') FROM auditlog.exports WHERE id = {id}"),
    );
    let grown = mount("remount,size=64m,mode=777");
    client
        .batch_execute(&format!("SELECT auditlog.resume_export({id})"))
        .ok();
    let resumed = wait_ended(&mut client, id);
    let other = ask(
        &mut client,
        "json",
        "event_type:export.test",
        &folder.join("y.ndjson"),
        "{}",
    );
    let ended = wait_ended(&mut client, other);
    let (one, two) = (sha256(&mut client, id), sha256(&mut client, other));
    let _ = std::process::Command::new("umount").arg("-l").arg(&folder).status();
    assert!(
        failed == "failed" && error.contains("No space left on device"),
        "{failed}: {error}"
    );
    assert!(grown);
    assert_eq!((resumed.as_str(), ended.as_str(), one), ("done", "done", two));
}
