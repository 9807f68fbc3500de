//! A copy of a log signs nothing under the original's name until somebody says what it is.

use super::{checked, checkpoint, public_key, record};
use auditlog_testkit::log::{scalar, text, verify, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, Stop, wait_until};
use auditlog_tlog::VerifierKey;

#[test]
fn a_dump_goes_on_as_an_incarnation_of_its_own() {
    let source = Cluster::start(&Options::default());
    let mut client = source.create_database_with_extension("audited");
    record(&mut client, 300);
    let key = public_key(&mut client);
    let original = checkpoint(&mut client, &key);
    let target = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "1"));
    target
        .connect("postgres")
        .batch_execute("CREATE DATABASE restored")
        .expect("CREATE DATABASE");
    source.dump_into("audited", &target, "restored");
    let mut copy = target.connect("restored");
    wait_until("the takeover is sealed", LONG, || {
        scalar(
            &mut copy,
            "SELECT count(*) FROM auditlog.events WHERE log_index IS NOT NULL",
        ) == 301
    });
    assert_eq!(verify(&mut copy), []);
    let error = refused_with(&mut copy, "55000", "SELECT auditlog.checkpoint()");
    assert!(
        error.detail().is_some_and(|d| d.contains(&original.origin)),
        "{error:?}"
    );
    // recording goes on
    record(&mut copy, 1);
    let origin = text(
        &mut copy,
        "SELECT auditlog.declare_incarnation('moved to a new machine, ticket 4711')",
    );
    assert_ne!(origin, original.origin);
    wait_sealed(&mut copy);
    let note = text(&mut copy, "SELECT auditlog.checkpoint()");
    let new_key = VerifierKey::parse(&text(&mut copy, "SELECT auditlog.public_key()")).expect("a vkey");
    let now = checked(&note, &new_key);
    assert_eq!((now.origin.as_str(), now.size), (origin.as_str(), 303));
    assert_eq!(
        text(
            &mut copy,
            "SELECT concat_ws(' ', extra #>> '{metadata,previous_origin}', extra #>> '{metadata,previous_size}',
                 extra #>> '{metadata,reason}') FROM auditlog.events WHERE event_type = 'auditlog.incarnation'"
        ),
        format!("{} 300 moved to a new machine, ticket 4711", original.origin)
    );
    assert_eq!(scalar(&mut copy, "SELECT count(*) FROM auditlog.incarnations"), 2);
    assert_eq!(verify(&mut copy), []);
    // the new log still begins with the one that was signed before
    let proof = text(&mut copy, "SELECT auditlog.consistency_proof(300, 303)");
    let proof = super::hashes(&proof);
    auditlog_tlog::proof::verify_consistency(300, &original.root, 303, &now.root, &proof).expect("consistent");
}

#[test]
fn a_copied_database_signs_nothing_by_itself() {
    let cluster = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "1"));
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 10);
    let key = public_key(&mut client);
    drop(client);
    let mut postgres = cluster.connect("postgres");
    wait_until("the workers leave the template alone", LONG, || {
        postgres.batch_execute("CREATE DATABASE copy TEMPLATE audited").is_ok()
    });
    let mut copy = cluster.connect("copy");
    record(&mut copy, 1);
    let error = refused_with(&mut copy, "55000", "SELECT auditlog.checkpoint()");
    assert!(
        error.detail().is_some_and(|d| d.contains("copy of the log")),
        "{error:?}"
    );
    let mut client = cluster.connect("audited");
    record(&mut client, 1);
    assert_eq!(checkpoint(&mut client, &key).size, 11);
}

#[test]
fn a_standby_proves_and_once_promoted_signs() {
    let source = Cluster::start(&Options::default().set("max_wal_senders", "4"));
    let mut client = source.create_database_with_extension("audited");
    record(&mut client, 300);
    let key = public_key(&mut client);
    let before = checkpoint(&mut client, &key);
    let standby = Cluster::from_base_backup(&source, true);
    let mut copy = standby.connect("audited");
    refused_with(&mut copy, "25006", "SELECT auditlog.checkpoint()");
    let proof = "SELECT auditlog.inclusion_proof(event_id) FROM auditlog.events WHERE log_index = 77";
    assert_eq!(text(&mut copy, proof), text(&mut client, proof));
    drop(client);
    source.stop(Stop::Fast);
    copy.batch_execute("SELECT pg_promote()").expect("pg_promote()");
    record(&mut copy, 10);
    let after = checkpoint(&mut copy, &key);
    assert_eq!((after.origin, after.size), (before.origin, 310));
    assert_eq!(verify(&mut copy), []);
}
