//! Checkpoints and proofs, checked as somebody outside does: with the public key and nothing else of ours.

mod copies;
mod keys;
mod tamper;

use auditlog_testkit::Database;
use auditlog_testkit::log::{assert_intact, scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_tlog::proof::verify_consistency;
use auditlog_tlog::tile::{TileId, from_bytes};
use auditlog_tlog::{Checkpoint, Hash, Policy, SignedNote, TlogProof, VerifierKey};

pub fn record(client: &mut Client, events: i64) {
    client
        .batch_execute(&format!(
            "SELECT auditlog.record_batch(jsonb_agg(jsonb_build_object('event_type', 'proof.test', 'metadata',
                 jsonb_build_object('n', i)))) FROM generate_series(1, {events}) AS i"
        ))
        .expect("record_batch()");
    wait_sealed(client);
}

/// A checkpoint, checked with the key.
pub fn checkpoint(client: &mut Client, key: &VerifierKey) -> Checkpoint {
    checked(&text(client, "SELECT auditlog.checkpoint()"), key)
}

pub fn checked(note: &str, key: &VerifierKey) -> Checkpoint {
    let note = SignedNote::parse(note).expect("a signed note");
    note.verify(std::slice::from_ref(key)).expect("a signature by the key");
    Checkpoint::parse(note.text()).expect("a checkpoint")
}

/// The key, once there is one.
pub fn public_key(client: &mut Client) -> VerifierKey {
    text(client, "SELECT auditlog.checkpoint()");
    VerifierKey::parse(&text(client, "SELECT auditlog.public_key()")).expect("a vkey")
}

pub fn entry_hash(client: &mut Client, index: i64) -> Hash {
    let row = client
        .query_one("SELECT entry_hash FROM auditlog.events WHERE log_index = $1", &[&index])
        .expect("the event");
    row.get::<_, Vec<u8>>(0).try_into().expect("32 bytes")
}

#[test]
fn proofs_hold_for_whoever_has_the_key() {
    let db = Database::new();
    let mut client = db.superuser();
    record(&mut client, 3);
    let key = public_key(&mut client);
    let mut checkpoints = vec![checkpoint(&mut client, &key)];
    for events in [1, 250, 2, 1000, 64_280] {
        record(&mut client, events);
        checkpoints.push(checkpoint(&mut client, &key));
    }
    let sizes: Vec<u64> = checkpoints.iter().map(|c| c.size).collect();
    assert_eq!(sizes, [3, 4, 254, 256, 1256, 65_536]);
    for old in &checkpoints {
        for new in checkpoints.iter().filter(|new| new.size >= old.size) {
            let proof = text(
                &mut client,
                &format!("SELECT auditlog.consistency_proof({}, {})", old.size, new.size),
            );
            let hashes = hashes(&proof);
            verify_consistency(old.size, &old.root, new.size, &new.root, &hashes)
                .expect("the later log begins with the earlier");
        }
    }
    for index in [0, 1, 2, 3, 253, 255, 256, 1255, 32_767, 65_535] {
        let proof = text(
            &mut client,
            &format!("SELECT auditlog.inclusion_proof(event_id) FROM auditlog.events WHERE log_index = {index}"),
        );
        assert!(proof.len() < 1500, "{} bytes", proof.len());
        let proof = TlogProof::parse(&proof).expect("a tlog-proof");
        assert_eq!(proof.index, index as u64);
        let leaf = entry_hash(&mut client, index);
        let keys = std::slice::from_ref(&key);
        proof
            .verify(&leaf, keys, &Policy::none())
            .expect("the event is in the log");
        let mut other = leaf;
        other[7] ^= 1;
        assert!(proof.verify(&other, keys, &Policy::none()).is_err());
    }
    assert_intact(&mut client, 65_536);
}

fn hashes(proof: &str) -> Vec<Hash> {
    // The witness protocol has these lines too, and a parser for them.
    let request = format!("old 1\n{proof}\nx\n\n— x AAAAAAA=\n");
    auditlog_tlog::witness::AddCheckpoint::parse(request.as_bytes())
        .unwrap_or_else(|e| panic!("{proof}: {e}"))
        .proof
}

#[test]
fn tiles_are_those_of_the_entries_in_the_log() {
    let db = Database::new();
    let mut client = db.superuser();
    record(&mut client, 700);
    let tiles = client
        .query("SELECT tile_index, hashes FROM auditlog.tiles(0, 0, 100)", &[])
        .expect("tiles()");
    let leaves: Vec<Hash> = tiles
        .iter()
        .flat_map(|row| from_bytes(row.get(1)).expect("hashes"))
        .collect();
    assert_eq!(leaves.len(), 700);
    for (index, leaf) in leaves.iter().enumerate() {
        assert_eq!(*leaf, entry_hash(&mut client, index as i64));
    }
    assert_eq!(TileId { level: 0, index: 2 }.path(188), "tile/0/002.p/188");
}

#[test]
fn what_cannot_be_proven_is_refused_with_advice() {
    let db = Database::new();
    let mut client = db.superuser();
    refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");
    refused_with(&mut client, "22023", "SELECT auditlog.consistency_proof(0)");
    refused_with(&mut client, "P0002", "SELECT auditlog.inclusion_proof('nowhere')");
    record(&mut client, 5);
    for sql in [
        "SELECT auditlog.consistency_proof(6)",
        "SELECT auditlog.consistency_proof(3, 2)",
        "SELECT auditlog.consistency_proof(-1, 5)",
        "SELECT auditlog.consistency_proof(1, 99999999999)",
    ] {
        refused_with(&mut client, "22023", sql);
    }
    refused_with(&mut client, "22004", "SELECT auditlog.declare_incarnation(' ')");
    // an event of this very transaction
    client
        .batch_execute("BEGIN; SELECT auditlog.record(jsonb_build_object('event_id', 'mine', 'event_type', 'a.b'))")
        .expect("record()");
    let error = refused_with(&mut client, "55000", "SELECT auditlog.inclusion_proof('mine')");
    assert!(error.message().contains("not sealed"), "{error:?}");
    client.batch_execute("ROLLBACK").expect("ROLLBACK");
}

#[test]
fn a_checkpoint_covers_what_is_sealed_whatever_the_snapshot() {
    let db = Database::new();
    let mut client = db.superuser();
    record(&mut client, 5);
    let key = public_key(&mut client);
    let mut old = db.superuser();
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM auditlog.events")
        .expect("a snapshot");
    record(&mut client, 7);
    assert_eq!(checkpoint(&mut old, &key).size, 12);
    assert_eq!(scalar(&mut old, "SELECT count(*) FROM auditlog.events"), 5);
    old.batch_execute("COMMIT").expect("COMMIT");
}

#[test]
fn who_reads_the_log_may_prove_it() {
    let db = Database::new();
    record(&mut db.superuser(), 5);
    for (group, allowed) in [
        ("auditlog_administrator", true),
        ("auditlog_analyst", true),
        ("auditlog_compliance", true),
        ("auditlog_manager", false),
        ("auditlog_user", false),
        ("auditlog_writer", false),
    ] {
        let mut client = db.connect_as(&db.login(&[group]));
        for sql in [
            "SELECT auditlog.checkpoint()",
            "SELECT auditlog.public_key()",
            "SELECT auditlog.consistency_proof(2)",
            "SELECT auditlog.inclusion_proof(min(event_id)) FROM auditlog.events",
            "SELECT auditlog.tiles(0, 0, 10)",
            "SELECT auditlog.bundle_record(e) FROM auditlog.events AS e",
            "SELECT * FROM auditlog.checkpoints",
            "SELECT * FROM auditlog.signing_keys",
            "SELECT * FROM auditlog.incarnations",
        ] {
            if allowed {
                client
                    .query(sql, &[])
                    .unwrap_or_else(|e| panic!("{group}: {sql}: {e:?}"));
            } else {
                refused_with(&mut client, "42501", sql);
            }
        }
        if group != "auditlog_administrator" {
            refused_with(&mut client, "42501", "SELECT auditlog.declare_incarnation('x')");
        }
        for sql in [
            "DELETE FROM auditlog.signing_keys",
            "INSERT INTO auditlog.signing_keys VALUES ('x', 'y', 0, now())",
            "SELECT * FROM auditlog_data.tile",
        ] {
            refused_with(&mut client, "42501", sql);
        }
    }
    let mut superuser = db.superuser();
    auditlog_testkit::log::wait_sealed(&mut superuser);
    for sql in [
        "UPDATE auditlog_data.tile SET hashes = ''",
        "DELETE FROM auditlog_data.checkpoint",
        "TRUNCATE auditlog_data.signing_key",
        "INSERT INTO auditlog_data.incarnation VALUES (9, 'x', 0, now(), 0, 0, 0, 'me', 'x')",
        "UPDATE auditlog_data.publisher SET state = 'ok'",
    ] {
        refused_with(&mut superuser, "42501", sql);
    }
}
