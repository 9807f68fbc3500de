//! The signing key is a file: made at first, missed when it is gone, noticed when it is another one.

use super::{checkpoint, public_key, record};
use auditlog_testkit::log::{scalar, text, verify};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use auditlog_tlog::{KeyName, SignedNote, SigningKey, VerifierKey};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

const HEALTH: &str = "SELECT status || ' ' || detail FROM auditlog.health() WHERE \"check\" = 'checkpoints'";

#[test]
fn a_key_is_made_missed_and_recognised() {
    let cluster = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "1"));
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 3);
    let key = public_key(&mut client);
    let file = key_file(&cluster, &mut client);
    let metadata = std::fs::metadata(&file).expect("the key file");
    assert_eq!(metadata.mode() & 0o777, 0o600);
    let pem = std::fs::read_to_string(&file).expect("the key file");
    let signing = SigningKey::from_pem(&pem).expect("a key");
    assert_eq!(signing.vkey(key.name().clone()).to_string(), key.to_string());

    // gone
    let away = cluster.data().join("away.pem");
    std::fs::rename(&file, &away).expect("rename");
    record(&mut client, 1);
    let error = refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");
    assert!(error.detail().is_some_and(|d| d.contains("is not there")), "{error:?}");
    assert!(text(&mut client, HEALTH).starts_with("error No checkpoints: the key file"));
    assert!(!file.exists(), "no new key may be made in silence");

    // another one
    let other = SigningKey::from_seed(&[7; 32]);
    write(&file, &other.to_pem(), metadata.uid());
    let error = refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");
    assert!(error.detail().is_some_and(|d| d.contains("another key")), "{error:?}");
    write(&file, "-----BEGIN nonsense", metadata.uid());
    refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");

    // back again
    std::fs::rename(&away, &file).expect("rename");
    assert_eq!(checkpoint(&mut client, &key).size, 4);
    wait_until("health() is content", LONG, || {
        text(&mut client, HEALTH).starts_with("ok")
    });

    // lost for good: under a new origin, with whatever key there is
    write(&file, &other.to_pem(), metadata.uid());
    record(&mut client, 1);
    refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");
    let origin = text(&mut client, "SELECT auditlog.declare_incarnation('the key burnt')");
    auditlog_testkit::log::wait_sealed(&mut client);
    let key = other.vkey(KeyName::new(&origin).expect("a name"));
    assert_eq!(checkpoint(&mut client, &key).size, 6);
    assert_eq!(text(&mut client, "SELECT auditlog.public_key()"), key.to_string());
    assert_eq!(
        text(
            &mut client,
            "SELECT extra #>> '{metadata,found}' FROM auditlog.events WHERE event_type = 'auditlog.incarnation'"
        ),
        "key_replaced"
    );
}

fn key_file(cluster: &Cluster, client: &mut Client) -> PathBuf {
    let oid = scalar(
        client,
        "SELECT oid::bigint FROM pg_database WHERE datname = current_database()",
    );
    cluster.data().join(format!("auditlog_signing_key_{oid}.pem"))
}

fn write(file: &std::path::Path, pem: &str, owner: u32) {
    std::fs::write(file, pem).expect("write");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    if auditlog_testkit::command::is_root() {
        std::os::unix::fs::chown(file, Some(owner), None).expect("chown");
    }
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 3);
    let key = public_key(&mut client);
    let file = key_file(&cluster, &mut client);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    record(&mut client, 1);
    let error = refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");
    assert!(
        error.detail().is_some_and(|d| d.contains("group or world access")),
        "{error:?}"
    );
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    assert_eq!(checkpoint(&mut client, &key).size, 4);
}

#[test]
fn a_rotation_is_signed_by_both_keys() {
    let cluster = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "1"));
    let mut client = cluster.create_database_with_extension("audited");
    refused_with(&mut client, "55000", "SELECT auditlog.rotate_key()");
    record(&mut client, 3);
    let old = public_key(&mut client);
    client
        .batch_execute("BEGIN; SELECT auditlog.rotate_key(); ROLLBACK")
        .expect("ROLLBACK");
    cluster.create_login("boss", &["auditlog_administrator"]);
    let mut boss = cluster.connect_as("boss", "audited");
    boss.batch_execute("SELECT auditlog.rotate_key()")
        .expect("rotate_key()");
    wait_until("the key is another one", LONG, || {
        text(&mut client, "SELECT auditlog.public_key()") != old.to_string()
    });
    let new = VerifierKey::parse(&text(&mut client, "SELECT auditlog.public_key()")).expect("a vkey");
    let wait =
        "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.key_rotate' AND log_index IS NOT NULL";
    wait_until("the rotation is sealed", LONG, || scalar(&mut client, wait) == 1);
    // the event
    let statement = text(
        &mut client,
        "SELECT extra #>> '{metadata,statement}' FROM auditlog.events WHERE event_type = 'auditlog.key_rotate' AND actor_id = 'boss'",
    );
    let statement = SignedNote::parse(&statement).expect("a signed note");
    let both = [old.clone(), new.clone()];
    assert_eq!(statement.verify(&both).expect("signed").len(), 2);
    assert!(
        statement.text().ends_with(&format!("{old}\n{new}\n")),
        "{}",
        statement.text()
    );
    // one checkpoint by both, later ones by the new key alone
    let note = text(&mut client, "SELECT auditlog.checkpoint()");
    assert_eq!(
        SignedNote::parse(&note)
            .expect("a note")
            .verify(&both)
            .expect("signed")
            .len(),
        2
    );
    record(&mut client, 1);
    let note = text(&mut client, "SELECT auditlog.checkpoint()");
    let note = SignedNote::parse(&note).expect("a note");
    assert!(note.verify(std::slice::from_ref(&new)).is_ok());
    assert!(note.verify(std::slice::from_ref(&old)).is_err());
    let file = key_file(&cluster, &mut client);
    wait_until("the old key is gone", LONG, || {
        record(&mut client, 1);
        !file.with_extension("pem.retired").exists() && !file.with_extension("pem.next").exists()
    });
    assert_eq!(verify(&mut client), []);
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.signing_keys WHERE retired_at IS NOT NULL"
        ),
        1
    );
}

/// The server may die between the commit of a rotation and the move of its files.
#[test]
fn a_rotation_that_was_cut_short_is_finished() {
    let cluster = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "1"));
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 3);
    public_key(&mut client);
    let file = key_file(&cluster, &mut client);
    let before = std::fs::read_to_string(&file).expect("the key file");
    client
        .batch_execute("SELECT auditlog.rotate_key()")
        .expect("rotate_key()");
    wait_until("the rotation is committed", LONG, || {
        scalar(&mut client, "SELECT count(*) FROM auditlog.signing_keys") == 2
    });
    wait_until("the files are moved", LONG, || {
        std::fs::read_to_string(&file).is_ok_and(|now| now != before)
    });
    // as it was between the two
    let owner = std::fs::metadata(&file).expect("the key file").uid();
    let next = file.with_extension("pem.next");
    std::fs::rename(&file, &next).expect("rename");
    write(&file, &before, owner);
    cluster.restart();
    let mut client = cluster.connect("audited");
    record(&mut client, 1);
    let key = VerifierKey::parse(&text(&mut client, "SELECT auditlog.public_key()")).expect("a vkey");
    checkpoint(&mut client, &key);
    assert_eq!(verify(&mut client), []);
}
