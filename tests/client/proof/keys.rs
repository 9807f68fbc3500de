//! The signing key is a file: made at first, missed when it is gone, noticed when it is another one.

use super::{checkpoint, public_key, record};
use auditlog_testkit::log::text;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use auditlog_tlog::{KeyName, SigningKey};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

const HEALTH: &str = "SELECT status || ' ' || detail FROM auditlog.health() WHERE \"check\" = 'checkpoints'";

#[test]
fn a_key_is_made_missed_and_recognised() {
    let cluster = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "1"));
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 3);
    let key = public_key(&mut client);
    let file = cluster.data().join("auditlog_signing_key.pem");
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
    let file = cluster.data().join("auditlog_signing_key.pem");
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
