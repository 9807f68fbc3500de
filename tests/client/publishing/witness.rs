//! A witness is somebody else: it cosigns a log that only ever grows, and nothing besides.

use super::{checked, cluster, public_key, record, state, status};
use auditlog_testkit::http::{Request, Server};
use auditlog_testkit::log::{text, verify, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, wait_until};
use auditlog_tlog::cosignature::Cosigner;
use auditlog_tlog::witness::{Decision, TreeHead, Witness, cosignature_body};
use auditlog_tlog::{KeyName, Policy, SignedNote, SigningKey, TlogProof, VerifierKey};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A witness of these logs, and its key.
pub fn witness(name: &str, logs: Vec<VerifierKey>) -> (Server, VerifierKey) {
    witness_with_door(name, logs, Arc::new(AtomicBool::new(true)))
}

/// The same, which answers only while the door is open.
fn witness_with_door(name: &str, logs: Vec<VerifierKey>, open: Arc<AtomicBool>) -> (Server, VerifierKey) {
    let cosigner = Cosigner::new(
        KeyName::new(name).expect("a name"),
        SigningKey::from_seed(&[name.len() as u8; 32]),
    );
    let key = cosigner.verifier().clone();
    let witness = Witness::new(logs);
    let heads: Mutex<HashMap<String, TreeHead>> = Mutex::default();
    let server = Server::start(move |request: &Request| {
        assert_eq!(request.path, "/add-checkpoint");
        if !open.load(Ordering::SeqCst) {
            return (503, "text/plain", b"come back later".to_vec());
        }
        let mut heads = heads.lock().expect("no panic");
        let decision = witness
            .decide::<()>(&request.body, |origin| Ok(heads.get(origin).copied()))
            .expect("cannot fail");
        if let Decision::Cosign {
            origin,
            size,
            root,
            note,
        } = &decision
        {
            heads.insert(
                origin.clone(),
                TreeHead {
                    size: *size,
                    root: *root,
                },
            );
            let time = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .expect("now")
                .as_secs();
            let signature = cosigner.cosign(note, time).expect("a cosignature");
            return (200, "text/plain", cosignature_body(&[signature]).into_bytes());
        }
        let (content_type, body) = decision.refusal().expect("a refusal");
        (decision.status(), content_type, body.into_bytes())
    });
    (server, key)
}

pub fn add(client: &mut auditlog_testkit::postgres::Client, name: &str, server: &Server, key: &VerifierKey) {
    client
        .execute(
            "SELECT auditlog.add_checkpoint_sink($1, 'witness', $2, jsonb_build_object('key', $3::text))",
            &[&name, &server.url(), &key.to_string()],
        )
        .expect("add_checkpoint_sink()");
}

/// The size of the largest checkpoint that was anchored; the log may have grown by events of its own since it was asked for one.
fn anchored_size(client: &mut auditlog_testkit::postgres::Client) -> u64 {
    let said = status(client, "anchor");
    let size = said
        .strip_prefix("anchored at ")
        .and_then(|rest| rest.split(' ').next());
    size.map_or(0, |size| size.parse().expect("a size"))
}

#[test]
fn checkpoints_are_anchored_by_a_quorum() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 300);
    let key = public_key(&mut client);
    assert_eq!(status(&mut client, "anchor"), "never anchored outside");
    let (one, one_key) = witness("one.example", vec![key.clone()]);
    let (two, two_key) = witness("second.example", vec![key.clone()]);
    let policy = format!("witness a {one_key}\nwitness b {two_key}\ngroup both all a b\nquorum both\n");
    client
        .execute("SELECT auditlog.set_witness_policy($1)", &[&policy])
        .expect("set_witness_policy()");
    add(&mut client, "one", &one, &one_key);
    text(&mut client, "SELECT auditlog.checkpoint()");
    wait_until("the first has cosigned", LONG, || {
        state(&mut client, "one").starts_with("ok 30")
    });
    assert_eq!(
        status(&mut client, "anchor"),
        "never anchored outside",
        "one of two is not enough"
    );
    add(&mut client, "two", &two, &two_key);
    record(&mut client, 100);
    text(&mut client, "SELECT auditlog.checkpoint()");
    wait_until("both have cosigned", LONG, || {
        status(&mut client, "anchor").starts_with("anchored at 40")
    });
    assert!(status(&mut client, "anchor").contains(" by one.example, second.example at "));
    // whoever has the policy believes the proof
    let note = text(
        &mut client,
        "SELECT note FROM auditlog.checkpoints ORDER BY size DESC LIMIT 1",
    );
    checked(&note, &key);
    let policy = Policy::parse(&policy).expect("a policy");
    let keys = std::slice::from_ref(&key);
    policy
        .check(&SignedNote::parse(&note).expect("a note"), keys)
        .expect("the quorum has cosigned");
    let proof = text(
        &mut client,
        "SELECT auditlog.inclusion_proof(event_id) FROM auditlog.events WHERE log_index = 5",
    );
    let leaf = super::super::proof::entry_hash(&mut client, 5);
    TlogProof::parse(&proof)
        .expect("a proof")
        .verify(&leaf, keys, &policy)
        .expect("the event is in a log that was witnessed");
    assert_eq!(verify(&mut client), []);
}

#[test]
fn two_clones_of_a_log_cannot_both_go_on() {
    let source = cluster();
    let mut client = source.create_database_with_extension("audited");
    record(&mut client, 20);
    let key = public_key(&mut client);
    let open = Arc::new(AtomicBool::new(true));
    let (server, witness_key) = witness_with_door("one.example", vec![key.clone()], open.clone());
    add(&mut client, "one", &server, &witness_key);
    text(&mut client, "SELECT auditlog.checkpoint()");
    wait_until("it is anchored", LONG, || anchored_size(&mut client) >= 20);
    let clone = Cluster::base_backup(&source, false);
    // both go on
    record(&mut client, 5);
    let first = checked(&text(&mut client, "SELECT auditlog.checkpoint()"), &key);
    wait_until("the first is anchored", LONG, || {
        anchored_size(&mut client) >= first.size
    });
    // A copy that is still smaller than what the witness knows would be called rolled back, not forked.
    open.store(false, Ordering::SeqCst);
    clone.go();
    let mut copy = clone.connect("audited");
    record(&mut copy, 50);
    open.store(true, Ordering::SeqCst);
    wait_until("the second is refused", LONG, || {
        status(&mut copy, "publishing").starts_with("stopped (forked)")
    });
    let error = refused_with(&mut copy, "55000", "SELECT auditlog.checkpoint()");
    assert!(
        error.detail().is_some_and(|d| d.contains("another log of this origin")),
        "{error:?}"
    );
    // the first is as it was
    record(&mut client, 5);
    checked(&text(&mut client, "SELECT auditlog.checkpoint()"), &key);
    assert_eq!(status(&mut client, "publishing"), "going on");
}

#[test]
fn a_witness_that_has_seen_more_stops_a_rolled_back_log() {
    let source = cluster();
    let mut client = source.create_database_with_extension("audited");
    record(&mut client, 20);
    let key = public_key(&mut client);
    let (server, witness_key) = witness("one.example", vec![key]);
    add(&mut client, "one", &server, &witness_key);
    text(&mut client, "SELECT auditlog.checkpoint()");
    wait_until("it is anchored", LONG, || {
        status(&mut client, "anchor").starts_with("anchored at")
    });
    let backup = Cluster::from_base_backup(&source, false);
    backup.stop(auditlog_testkit::Stop::Fast);
    record(&mut client, 30);
    text(&mut client, "SELECT auditlog.checkpoint()");
    wait_until("it is anchored", LONG, || state(&mut client, "one").starts_with("ok 5"));
    drop(client);
    source.stop(auditlog_testkit::Stop::Fast);
    // nothing is recorded: the start alone must show it
    backup.go();
    let mut copy = backup.connect("audited");
    wait_until("the rollback is noticed", LONG, || {
        status(&mut copy, "publishing").starts_with("stopped (rolled_back): one has a checkpoint over")
    });
    let origin = text(&mut copy, "SELECT auditlog.declare_incarnation('restored')");
    wait_sealed(&mut copy);
    text(&mut copy, "SELECT auditlog.checkpoint()");
    // the witness does not know this log yet
    wait_until("it is refused", LONG, || state(&mut copy, "one").contains("no log"));
    let refused = state(&mut copy, "one");
    assert!(
        refused.starts_with("retrying") && refused.contains(&origin),
        "{refused}"
    );
    assert_eq!(status(&mut copy, "publishing"), "going on");
}

#[test]
fn a_witness_with_another_key_is_not_believed() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 20);
    let key = public_key(&mut client);
    let (server, _) = witness("one.example", vec![key]);
    let other = SigningKey::from_seed(&[99; 32]).cosigner_vkey(KeyName::new("one.example").expect("a name"));
    add(&mut client, "one", &server, &other);
    text(&mut client, "SELECT auditlog.checkpoint()");
    wait_until("it is refused", LONG, || {
        state(&mut client, "one").starts_with("retrying")
    });
    let refused = state(&mut client, "one");
    assert!(refused.contains("no signature of a known key"), "{refused}");
    assert_eq!(status(&mut client, "anchor"), "never anchored outside");
}
