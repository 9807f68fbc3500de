//! No input upsets a parser, and what one takes it prints the same.

mod support;

use auditlog_tlog::note::{KeyName, Signature};
use auditlog_tlog::tile::{self, Appender, TileId};
use auditlog_tlog::witness::{AddCheckpoint, Witness, parse_conflict, parse_cosignatures};
use auditlog_tlog::{Checkpoint, Policy, SignedNote, SigningKey, TlogProof, VerifierKey};
use proptest::prelude::*;
use support::leaf;

/// Every parser of texts, each with what it prints again.
fn parse(text: &str) {
    if let Ok(note) = SignedNote::parse(text) {
        assert_eq!(note.to_string(), text);
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.text().unwrap(), text);
    }
    if let Ok(proof) = TlogProof::parse(text) {
        assert_eq!(proof.text(), text);
    }
    if let Ok(request) = AddCheckpoint::parse(text.as_bytes()) {
        assert_eq!(request.body(), text);
    }
    if let Ok(key) = VerifierKey::parse(text) {
        assert!(key.to_string().eq_ignore_ascii_case(text));
    }
    if let Ok((id, width)) = TileId::parse(text) {
        assert_eq!(id.path(width), text);
    }
    if let Ok(signature) = Signature::parse(text) {
        assert_eq!(signature.to_string(), text);
    }
    if let Ok(policy) = Policy::parse(text) {
        assert_eq!(Policy::parse(&policy.to_string()).unwrap(), policy);
    }
    if let Ok(key) = SigningKey::from_pem(text) {
        assert_eq!(SigningKey::from_pem(&key.to_pem()).unwrap().public(), key.public());
    }
    let _ = KeyName::new(text);
}

/// A valid text of each kind.
fn texts() -> Vec<String> {
    let key = SigningKey::from_seed(&[1; 32]);
    let log = key.vkey(KeyName::new("example.com/log").unwrap());
    let checkpoint = Checkpoint {
        origin: "example.com/log".into(),
        size: 7,
        root: leaf(1),
        extensions: vec!["e".into()],
    };
    let note = checkpoint.sign(&key).unwrap();
    let proof = TlogProof {
        index: 3,
        hashes: vec![leaf(1); 2],
        extra: Some(vec![1, 2]),
        checkpoint: note.clone(),
    };
    let request = AddCheckpoint {
        old_size: 3,
        proof: vec![leaf(1); 2],
        checkpoint: note.clone(),
    };
    let witness = key.cosigner_vkey(KeyName::new("w").unwrap());
    vec![
        note.to_string(),
        note.signatures()[0].to_string(),
        checkpoint.text().unwrap(),
        proof.text(),
        request.body(),
        log.to_string(),
        TileId {
            level: 3,
            index: 1_234_067,
        }
        .path(9),
        format!("log {log} u\nwitness W {witness}\ngroup G any W\nquorum G\n"),
        key.to_pem().to_string(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_texts(text in any::<String>()) {
        parse(&text);
    }

    #[test]
    fn texts_of_the_characters_that_matter(text in "[—+/=\n \tx0-9A-D.p#-]{0,200}") {
        parse(&text);
    }

    #[test]
    fn changed_texts(
        which: prop::sample::Index,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4, any::<char>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let texts = texts();
        let mut text: Vec<char> = which.get(&texts).chars().collect();
        for (place, how, new, other) in changes {
            if text.is_empty() {
                break;
            }
            let place = place.index(text.len());
            match how {
                0 => text[place] = new,
                1 => drop(text.remove(place)),
                2 => text.truncate(place),
                _ => text.insert(place, text[other.index(text.len())]),
            }
        }
        parse(&text.into_iter().collect::<String>());
    }

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400), size: u64) {
        let _ = SignedNote::parse_bytes(&bytes);
        let _ = AddCheckpoint::parse(&bytes);
        let _ = tile::from_bytes(&bytes);
        let _ = parse_conflict("text/x.tlog.size", &bytes);
        let note = SignedNote::new("o\n").unwrap();
        prop_assert!(parse_cosignatures(&bytes, &note, &[]).is_err());
        let decision: Result<_, ()> = Witness::new(vec![]).decide(&bytes, |_| Ok(None));
        prop_assert!(matches!(decision.unwrap().status(), 400 | 404));
        let hashes = bytes.as_chunks::<32>().0.to_vec();
        let _ = Appender::from_edge(size, vec![hashes]);
        // A key file may hold any bytes.
        let text = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", encode(&bytes));
        prop_assert!(SigningKey::from_pem(&text).is_err());
    }

    #[test]
    fn arbitrary_der(
        start in prop::sample::select(vec![0x30u8, 0x02, 0x04]), bytes in prop::collection::vec(prop_oneof![
            Just(0x30u8), Just(0x02), Just(0x04), Just(0x06), Just(0x80), Just(0x81), Just(0x82), Just(0xff), any::<u8>(),
        ], 0..80),
    ) {
        let text = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", encode(&[&[start][..], &bytes].concat()));
        let _ = SigningKey::from_pem(&text);
    }
}

#[test]
fn the_texts_that_are_changed_are_valid() {
    let texts = texts();
    assert!(SignedNote::parse(&texts[0]).is_ok() && Signature::parse(&texts[1]).is_ok());
    assert!(Checkpoint::parse(&texts[2]).is_ok() && TlogProof::parse(&texts[3]).is_ok());
    assert!(AddCheckpoint::parse(texts[4].as_bytes()).is_ok() && VerifierKey::parse(&texts[5]).is_ok());
    assert!(
        TileId::parse(&texts[6]).is_ok() && Policy::parse(&texts[7]).is_ok() && SigningKey::from_pem(&texts[8]).is_ok()
    );
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
