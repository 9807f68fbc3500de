//! A database that comes out of a backup does not know what it had signed: what is outside does.

use super::{checked, cluster, public_key, record, state};
use auditlog_testkit::command::{as_server, run};
use auditlog_testkit::log::{count_events, scalar, text, verify, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, Stop, wait_until};
use auditlog_tlog::VerifierKey;

const HEALTH: &str = "SELECT status || ' ' || detail FROM auditlog.health() WHERE \"check\" = 'checkpoints'";

#[test]
fn a_restored_backup_is_noticed_and_goes_on_as_another_log() {
    let source = cluster();
    let mut client = source.create_database_with_extension("audited");
    let file = source.dir().join("checkpoints.txt");
    record(&mut client, 10);
    let key = public_key(&mut client);
    client
        .execute(
            "SELECT auditlog.add_checkpoint_sink('file', 'file', $1)",
            &[&file.display().to_string()],
        )
        .expect("add_checkpoint_sink()");
    record(&mut client, 1);
    text(&mut client, "SELECT auditlog.checkpoint()");
    // last night's backup
    let restored = Cluster::from_base_backup(&source, false);
    let mut copy = restored.connect("audited");
    // today's work
    record(&mut client, 30);
    let today = checked(&text(&mut client, "SELECT auditlog.checkpoint()"), &key);
    wait_until("it is outside", LONG, || {
        state(&mut client, "file").ends_with(&today.size.to_string())
    });
    drop(client);
    source.stop(Stop::Fast);
    // the copy has been up all the time; a start is when it compares
    drop(copy);
    restored.restart();
    copy = restored.connect("audited");
    wait_until("the rollback is noticed", LONG, || {
        text(&mut copy, HEALTH).contains("error No checkpoints: file has a checkpoint over")
    });
    let error = refused_with(&mut copy, "55000", "SELECT auditlog.checkpoint()");
    assert!(
        error.detail().is_some_and(|d| d.starts_with("rolled_back: ")),
        "{error:?}"
    );
    // recording goes on
    let before = count_events(&mut copy);
    record(&mut copy, 5);
    assert_eq!(count_events(&mut copy), before + 5);
    assert_eq!(
        verify(&mut copy).iter().map(|f| f.kind.clone()).collect::<Vec<_>>(),
        ["rolled_back"]
    );
    // even when the log has outgrown what was signed
    record(&mut copy, 100);
    refused_with(&mut copy, "55000", "SELECT auditlog.checkpoint()");
    let origin = text(
        &mut copy,
        "SELECT auditlog.declare_incarnation('restored from last night, disk failure')",
    );
    wait_sealed(&mut copy);
    let note = text(&mut copy, "SELECT auditlog.checkpoint()");
    let new_key = VerifierKey::parse(&text(&mut copy, "SELECT auditlog.public_key()")).expect("a vkey");
    let now = checked(&note, &new_key);
    assert_eq!(now.origin, origin);
    wait_until("it is outside", LONG, || {
        state(&mut copy, "file").ends_with(&now.size.to_string())
    });
    assert_eq!(verify(&mut copy), []);
    assert_eq!(
        scalar(
            &mut copy,
            "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.incarnation'"
        ),
        1
    );
    assert!(text(&mut copy, HEALTH).starts_with("ok"));
}

#[test]
fn a_restored_backup_that_went_its_own_way_is_noticed() {
    let source = cluster();
    let mut client = source.create_database_with_extension("audited");
    let file = source.dir().join("checkpoints.txt");
    record(&mut client, 10);
    let key = public_key(&mut client);
    client
        .execute(
            "SELECT auditlog.add_checkpoint_sink('file', 'file', $1)",
            &[&file.display().to_string()],
        )
        .expect("add_checkpoint_sink()");
    record(&mut client, 1);
    let size = checked(&text(&mut client, "SELECT auditlog.checkpoint()"), &key).size;
    wait_until("it is outside", LONG, || {
        state(&mut client, "file") == format!("ok {size}")
    });
    let copy = Cluster::from_base_backup(&source, false);
    copy.stop(Stop::Fast);
    record(&mut client, 3);
    text(&mut client, "SELECT auditlog.checkpoint()");
    wait_until("it is outside", LONG, || state(&mut client, "file").starts_with("ok"));
    drop(client);
    source.stop(Stop::Fast);
    // the copy grows past it before anybody compares
    copy.set("auditlog.checkpoint_interval", "1h");
    let away = file.with_extension("away");
    std::fs::rename(&file, &away).expect("rename");
    copy.go();
    let mut client = copy.connect("audited");
    record(&mut client, 50);
    // a log that is still shorter than what is outside was rolled back, which is another finding
    wait_sealed(&mut client);
    // a failure from before the next start must not put the comparison off
    text(&mut client, "SELECT auditlog.checkpoint()");
    wait_until("the file is missed", LONG, || {
        state(&mut client, "file").contains("the file is empty")
    });
    std::fs::rename(&away, &file).expect("rename");
    drop(client);
    copy.restart();
    let mut client = copy.connect("audited");
    wait_until("the fork is noticed", LONG, || {
        text(&mut client, HEALTH).contains("events of another log")
    });
    refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");
}

/// Point-in-time recovery: the base backup is old, the archive has all, and somebody chose a point.
#[test]
fn a_log_recovered_to_a_point_in_time_is_noticed() {
    let archive = std::env::temp_dir().join(format!("pgal-archive-{}", std::process::id()));
    run(as_server("mkdir").arg("-p").arg(&archive));
    let source = Cluster::start(
        &Options::default()
            .set("auditlog.checkpoint_interval", "1")
            .set("archive_mode", "on")
            .set("archive_command", &format!("cp %p {}/%f", archive.display())),
    );
    let mut client = source.create_database_with_extension("audited");
    let file = source.dir().join("checkpoints.txt");
    record(&mut client, 10);
    public_key(&mut client);
    client
        .execute(
            "SELECT auditlog.add_checkpoint_sink('file', 'file', $1)",
            &[&file.display().to_string()],
        )
        .expect("add_checkpoint_sink()");
    text(&mut client, "SELECT auditlog.checkpoint()");
    let recovered = Cluster::base_backup(&source, false);
    record(&mut client, 20);
    wait_sealed(&mut client);
    let before = count_events(&mut client);
    client
        .batch_execute("SELECT pg_create_restore_point('before_the_mistake')")
        .expect("a restore point");
    record(&mut client, 30);
    let size = scalar(
        &mut client,
        "SELECT substring(auditlog.checkpoint() FROM '^[^\n]+\n([0-9]+)')::bigint",
    );
    wait_until("it is outside", LONG, || {
        state(&mut client, "file") == format!("ok {size}")
    });
    let last = text(&mut client, "SELECT pg_walfile_name(pg_switch_wal())");
    wait_until("it is in the archive", LONG, || {
        text(
            &mut client,
            "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver",
        ) >= last
    });
    drop(client);
    source.stop(Stop::Fast);
    recovered.recover_to(&archive, "before_the_mistake");
    recovered.go();
    let mut client = recovered.connect("audited");
    wait_until("the rollback is noticed", LONG, || {
        text(&mut client, HEALTH).contains(&format!(
            "error No checkpoints: file has a checkpoint over {size} events"
        ))
    });
    assert_eq!(count_events(&mut client), before);
    refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");
    text(
        &mut client,
        "SELECT auditlog.declare_incarnation('recovered to the point before the mistake')",
    );
    wait_sealed(&mut client);
    text(&mut client, "SELECT auditlog.checkpoint()");
    assert_eq!(verify(&mut client), []);
    run(as_server("rm").arg("-r").arg(&archive));
}
