//! Files that prove an entry: their text, and what they are believed for.

mod support;

use auditlog_tlog::cosignature::Cosigner;
use auditlog_tlog::hash::Hash;
use auditlog_tlog::note::{KeyName, NoteError, SignedNote, VerifierKey};
use auditlog_tlog::policy::UntrustedError;
use auditlog_tlog::proof::{HashSource, VerifyError, root_at};
use auditlog_tlog::tile::TileId;
use auditlog_tlog::tlog_proof::{MakeError, NotProvenError, ProofTextError};
use auditlog_tlog::{Checkpoint, Policy, SigningKey, TlogProof};
use proptest::prelude::*;
use support::{Tiles, leaf};

const ORIGIN: &str = "example.com/log";
const SIZE: u64 = 1000;

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn witness(number: u8) -> Cosigner {
    Cosigner::new(
        KeyName::new(&format!("witness.example/{number}")).unwrap(),
        key(100 + number),
    )
}

/// Two of three witnesses.
fn policy() -> Policy {
    let witnesses = (1..=3)
        .map(|number| format!("witness W{number} {}\n", witness(number).verifier()))
        .collect::<String>();
    let log = key(1).vkey(KeyName::new(ORIGIN).unwrap());
    Policy::parse(&format!("log {log}\n{witnesses}group all 2 W1 W2 W3\nquorum all\n")).unwrap()
}

fn checkpoint(size: u64, root: Hash, witnesses: &[u8]) -> SignedNote {
    let checkpoint = Checkpoint {
        origin: ORIGIN.into(),
        size,
        root,
        extensions: vec![],
    };
    let mut note = checkpoint.sign(&key(1)).unwrap();
    for number in witnesses {
        let cosignature = witness(*number)
            .cosign(&note, 1_700_000_000 + u64::from(*number))
            .unwrap();
        note.add(cosignature);
    }
    note
}

fn proof(index: u64, witnesses: &[u8]) -> TlogProof {
    let tiles = Tiles::of(SIZE);
    let note = checkpoint(SIZE, root_at(SIZE, &tiles).unwrap(), witnesses);
    TlogProof::make(index, note, &tiles).unwrap()
}

#[test]
fn a_proof_is_believed_with_the_log_and_a_quorum() {
    let policy = policy();
    let proof = proof(77, &[1, 3]);
    let trusted = proof.verify(&leaf(77), &policy.log_keys(), &policy).unwrap();
    assert_eq!((trusted.checkpoint.size, &*trusted.checkpoint.origin), (SIZE, ORIGIN));
    let times: Vec<_> = trusted
        .cosigners
        .iter()
        .map(|(key, time)| (key.name().as_str(), *time))
        .collect();
    assert_eq!(
        times,
        [
            ("witness.example/1", 1_700_000_001),
            ("witness.example/3", 1_700_000_003)
        ]
    );
    let parsed = TlogProof::parse(&proof.text()).unwrap();
    assert_eq!(parsed, proof);
    // Without a policy, the log alone.
    assert!(parsed.verify(&leaf(77), &policy.log_keys(), &Policy::none()).is_ok());
}

#[test]
fn it_is_not_believed_without() {
    use NotProvenError::{Inclusion, Untrusted};
    let policy = policy();
    let keys = policy.log_keys();
    let right = proof(77, &[1, 3]);
    let verify = |proof: &TlogProof, leaf: Hash, keys: &[VerifierKey]| proof.verify(&leaf, keys, &policy).map(|_| ());
    assert_eq!(verify(&right, leaf(78), &keys), Err(Inclusion(VerifyError::Root)));
    let moved = TlogProof {
        index: 78,
        ..right.clone()
    };
    assert_eq!(verify(&moved, leaf(77), &keys), Err(Inclusion(VerifyError::Root)));
    let outside = TlogProof {
        index: SIZE,
        ..right.clone()
    };
    assert_eq!(
        verify(&outside, leaf(77), &keys),
        Err(Inclusion(VerifyError::Index {
            index: SIZE,
            size: SIZE
        }))
    );
    let short = TlogProof {
        hashes: right.hashes[1..].to_vec(),
        ..right.clone()
    };
    assert_eq!(verify(&short, leaf(77), &keys), Err(Inclusion(VerifyError::TooShort)));

    let quorum = |cosigners| {
        Err(Untrusted(UntrustedError::Quorum {
            cosigners,
            witnesses: 3,
        }))
    };
    assert_eq!(verify(&proof(77, &[2]), leaf(77), &keys), quorum(1));
    assert_eq!(verify(&proof(77, &[]), leaf(77), &keys), quorum(0));
    assert_eq!(verify(&proof(77, &[9, 8, 7]), leaf(77), &keys), quorum(0));
    assert_eq!(verify(&proof(77, &[1, 2, 3, 9]), leaf(77), &keys), Ok(()));

    // Keys for another log, another key for this one, and a key of the wrong type.
    let name = |text| KeyName::new(text).unwrap();
    let unknown = Err(Untrusted(UntrustedError::Origin(ORIGIN.into())));
    assert_eq!(verify(&right, leaf(77), &[]), unknown);
    assert_eq!(
        verify(&right, leaf(77), &[key(1).vkey(name("example.com/other"))]),
        unknown
    );
    let unsigned = Err(Untrusted(UntrustedError::Note(NoteError::Unknown)));
    assert_eq!(verify(&right, leaf(77), &[key(2).vkey(name(ORIGIN))]), unsigned);
    assert_eq!(
        verify(&right, leaf(77), &[key(1).cosigner_vkey(name(ORIGIN))]),
        unsigned
    );

    // A tree without the witnesses' knowledge: their cosignatures are of the other.
    let mut forked = checkpoint(SIZE, leaf(5), &[]);
    right.checkpoint.signatures()[1..]
        .iter()
        .for_each(|signature| forked.add(signature.clone()));
    let forked = TlogProof {
        checkpoint: forked,
        ..right
    };
    assert!(matches!(
        verify(&forked, leaf(77), &keys),
        Err(Untrusted(UntrustedError::Note(NoteError::Wrong { .. })))
    ));
}

#[test]
fn every_changed_byte_is_noticed() {
    let policy = policy();
    let text = proof(77, &[1, 3]).text();
    let verifies = |text: &[u8]| {
        let proof = std::str::from_utf8(text)
            .ok()
            .and_then(|text| TlogProof::parse(text).ok());
        proof.is_some_and(|proof| proof.verify(&leaf(77), &policy.log_keys(), &policy).is_ok())
    };
    assert!(verifies(text.as_bytes()));
    for place in 0..text.len() {
        for bit in [0, 1, 3, 5, 7] {
            let mut changed = text.clone().into_bytes();
            changed[place] ^= 1 << bit;
            assert!(!verifies(&changed), "bit {bit} of byte {place}");
        }
        let mut shorter = text.clone().into_bytes();
        shorter.remove(place);
        assert!(!verifies(&shorter), "without byte {place}");
    }
}

#[test]
fn the_text_is_that_of_the_specification() {
    let hash = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=";
    let note = checkpoint(2, leaf(1), &[]).to_string();
    for (head, index, hashes, extra) in [
        ("c2sp.org/tlog-proof@v1\nindex 0\n".to_owned(), 0, 0, None),
        (
            format!("c2sp.org/tlog-proof@v1\nindex 73894\n{hash}\n{hash}\n"),
            73894,
            2,
            None,
        ),
        (
            format!("c2sp.org/tlog-proof@v1\nextra YWJj\nindex 1\n{hash}\n"),
            1,
            1,
            Some(b"abc".to_vec()),
        ),
        (
            "c2sp.org/tlog-proof@v1\nextra \nindex 1\n".to_owned(),
            1,
            0,
            Some(vec![]),
        ),
    ] {
        let text = format!("{head}\n{note}");
        let proof = TlogProof::parse(&text).unwrap();
        assert_eq!((proof.index, proof.hashes.len(), &proof.extra), (index, hashes, &extra));
        assert_eq!((proof.text(), proof.checkpoint.to_string()), (text, note.clone()));
    }
    use ProofTextError as E;
    let many = format!("index 1\n{}", format!("{hash}\n").repeat(64));
    for (wrong, error) in [
        ("", E::Unfinished),
        ("c2sp.org/tlog-proof@v2\n", E::Header("«c2sp.org/tlog-proof@v2»".into())),
        ("c2sp.org/tlog-proof@v1", E::Unfinished),
        ("c2sp.org/tlog-proof@v1\nindex 1", E::Unfinished),
        ("c2sp.org/tlog-proof@v1\nindex 1\n", E::Unfinished),
        ("c2sp.org/tlog-proof@v1\nindex 1\n\n", E::Note(NoteError::Unsigned)),
        ("c2sp.org/tlog-proof@v1\nindex 01\n", E::Index("«index 01»".into())),
        ("c2sp.org/tlog-proof@v1\nindex\n", E::Index("«index»".into())),
        (
            "c2sp.org/tlog-proof@v1\nindex 9223372036854775808\n",
            E::Index("«index 9223372036854775808»".into()),
        ),
        (
            "c2sp.org/tlog-proof@v1\nextra YWI\nindex 1\n",
            E::Extra("«extra YWI»".into()),
        ),
        (
            "c2sp.org/tlog-proof@v1\nextra YWJj\nextra YWJj\n",
            E::Index("«extra YWJj»".into()),
        ),
        ("c2sp.org/tlog-proof@v1\nindex 1\nYWJj\n", E::Hash("«YWJj»".into())),
        ("c2sp.org/tlog-proof@v1\nindex 1\r\n", E::Index("«index 1\\r»".into())),
        (&format!("c2sp.org/tlog-proof@v1\n{many}"), E::TooLong),
    ] {
        assert_eq!(TlogProof::parse(wrong), Err(error), "{wrong}");
    }
}

#[test]
fn proofs_are_made_of_checkpoints_with_the_entry() {
    let tiles = Tiles::of(SIZE);
    let note = checkpoint(SIZE, leaf(1), &[]);
    assert!(matches!(TlogProof::make(SIZE, note, &tiles), Err(MakeError::Proof(_))));
    let note = SignedNote::new("letter\n").unwrap();
    assert!(matches!(
        TlogProof::make(0, note, &tiles),
        Err(MakeError::Checkpoint(_))
    ));
}

/// A tree of any size whose tiles have the same hash everywhere.
struct Same;

impl HashSource for Same {
    type Error = std::convert::Infallible;

    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, Self::Error> {
        Ok(wanted
            .iter()
            .map(|(_, width)| vec![leaf(0); usize::from(*width)])
            .collect())
    }
}

#[test]
fn the_file_of_a_proof_in_a_tree_of_a_thousand_million_is_small() {
    let note = checkpoint(1_000_000_000, leaf(1), &[]);
    let proof = TlogProof::make(123_456_789, note.clone(), &Same).unwrap();
    let text = proof.text();
    assert_eq!(proof.hashes.len(), 30);
    // 960 bytes of hashes are 1350 in base64 with their newlines.
    assert_eq!(text.len() - note.to_string().len(), 23 + 16 + 1350 + 1);
    assert!(text.len() < 1700, "{}", text.len());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_text_is_read_as_it_was_written(
        index in 0..=auditlog_tlog::MAX_SIZE, hashes in prop::collection::vec(any::<Hash>(), 0..=63),
        extra in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
    ) {
        let proof = TlogProof { index, hashes, extra, checkpoint: checkpoint(1, leaf(1), &[1]) };
        prop_assert_eq!(TlogProof::parse(&proof.text()).unwrap(), proof);
    }
}
