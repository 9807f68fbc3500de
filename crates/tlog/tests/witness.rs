//! What a witness decides, in the order the specification has it.

mod support;

use auditlog_tlog::cosignature::Cosigner;
use auditlog_tlog::hash::{Hash, empty_root};
use auditlog_tlog::note::{KeyName, NoteError, Signature, SignedNote};
use auditlog_tlog::proof::{consistency, root_at};
use auditlog_tlog::witness::{
    AddCheckpoint, Decision, MAX_BODY_BYTES, RequestError, ResponseError, TreeHead, cosignature_body, parse_conflict,
    parse_cosignatures,
};
use auditlog_tlog::{Checkpoint, SigningKey, Witness};
use support::{Tiles, leaf};

const ORIGIN: &str = "example.com/log";

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn signed(origin: &str, size: u64, root: Hash, signer: u8) -> SignedNote {
    let checkpoint = Checkpoint {
        origin: origin.into(),
        size,
        root,
        extensions: vec![],
    };
    checkpoint.sign(&key(signer)).unwrap()
}

fn body(old_size: u64, proof: &[Hash], note: &SignedNote) -> Vec<u8> {
    let request = AddCheckpoint {
        old_size,
        proof: proof.to_vec(),
        checkpoint: note.clone(),
    };
    assert_eq!(AddCheckpoint::parse(request.body().as_bytes()).unwrap(), request);
    request.body().into_bytes()
}

/// Decides as a witness that knows the log's keys 1 and 2.
fn decide(body: &[u8], stored: Option<TreeHead>) -> Decision {
    let witness = Witness::new(vec![
        key(1).vkey(name(ORIGIN)),
        key(2).vkey(name(ORIGIN)),
        key(3).vkey(name("other")),
    ]);
    let decision: Result<_, ()> = witness.decide(body, |origin| {
        assert_eq!(origin, ORIGIN, "only what a known log has signed is looked up");
        Ok(stored)
    });
    decision.unwrap()
}

fn head(tiles: &Tiles, size: u64) -> TreeHead {
    TreeHead {
        size,
        root: root_at(size, tiles).unwrap(),
    }
}

#[test]
fn a_log_that_grows_is_cosigned_all_along() {
    let tiles = Tiles::of(1000);
    let mut stored = None;
    for size in [0, 1, 1, 2, 7, 8, 100, 256, 257, 257, 1000] {
        let old = stored.map_or(0, |head: TreeHead| head.size);
        let TreeHead { root, .. } = head(&tiles, size);
        let note = signed(ORIGIN, size, root, 1 + (size % 2) as u8);
        let proof = consistency(old, size, &tiles).unwrap();
        let expected = Decision::Cosign {
            origin: ORIGIN.into(),
            size,
            root,
            note: note.clone(),
        };
        assert_eq!(decide(&body(old, &proof, &note), stored), expected, "{old} to {size}");
        stored = Some(TreeHead { size, root });
    }
}

#[test]
fn each_check_comes_in_its_turn() {
    let tiles = Tiles::of(50);
    let stored = Some(head(&tiles, 20));
    let proof = consistency(20, 50, &tiles).unwrap();
    let right = signed(ORIGIN, 50, head(&tiles, 50).root, 1);
    let status = |old: u64, proof: &[Hash], note: &SignedNote| decide(&body(old, proof, note), stored).status();
    assert_eq!(status(20, &proof, &right), 200);

    // Everything is wrong; then one thing after the other is put right.
    let wrong = [leaf(3)];
    assert_eq!(decide(b"old 20\n", stored).status(), 400);
    let no_checkpoint = {
        let mut note = SignedNote::new("letter\n").unwrap();
        note.add(Signature {
            name: name("x"),
            key_id: 0,
            bytes: vec![1],
        });
        note
    };
    assert_eq!(status(99, &wrong, &no_checkpoint), 400);
    assert_eq!(status(99, &wrong, &signed("unknown", 50, leaf(1), 1)), 404);
    assert_eq!(status(99, &wrong, &signed(ORIGIN, 50, leaf(1), 9)), 403);
    assert_eq!(status(99, &wrong, &signed(ORIGIN, 50, leaf(1), 1)), 400);
    assert_eq!(status(30, &wrong, &signed(ORIGIN, 50, leaf(1), 1)), 409);
    assert_eq!(status(20, &wrong, &signed(ORIGIN, 50, leaf(1), 1)), 422);
    assert_eq!(status(20, &wrong, &right), 422);
    assert_eq!(status(20, &proof, &signed(ORIGIN, 50, leaf(1), 1)), 422);
    assert_eq!(status(20, &[], &right), 422);
    assert_eq!(status(20, &[&proof[..], &wrong].concat(), &right), 422);

    // The same size.
    let same = signed(ORIGIN, 20, head(&tiles, 20).root, 1);
    assert_eq!(status(20, &[], &same), 200);
    assert_eq!(status(20, &wrong, &same), 422);
    let fork = signed(ORIGIN, 20, leaf(1), 1);
    assert_eq!(status(20, &wrong, &fork), 422);
    assert_eq!(decide(&body(20, &[], &fork), stored), Decision::Fork { size: 20 });
    assert_eq!(status(20, &[], &fork), 409);

    // A log that has lost entries, and one that does not know what was cosigned.
    let smaller = signed(ORIGIN, 10, head(&tiles, 10).root, 1);
    assert_eq!(
        decide(&body(10, &[], &smaller), stored),
        Decision::Conflict { size: 20 }
    );
    assert_eq!(decide(&body(0, &[], &right), stored), Decision::Conflict { size: 20 });
    assert_eq!(status(20, &[], &smaller), 400);
    assert_eq!(decide(&body(1, &[], &right), None), Decision::Conflict { size: 0 });
}

/// The cases of torchwood's `TestZeroSize`.
#[test]
fn trees_without_entries() {
    let (empty, one) = (empty_root(), leaf(0));
    let known = Some(TreeHead { size: 1, root: one });
    for (stored, old, size, root, proof, status) in [
        (None, 0, 0, empty, &[][..], 200),
        (Some(TreeHead { size: 0, root: empty }), 0, 0, empty, &[], 200),
        (None, 0, 0, one, &[], 422),
        (None, 0, 0, [0; 32], &[], 422),
        (None, 0, 0, empty, &[one], 422),
        (None, 0, 1, one, &[], 200),
        (None, 0, 1, one, &[one], 422),
        (known, 0, 1, one, &[one], 409),
        (known, 1, 0, empty, &[], 400),
    ] {
        let decision = decide(&body(old, proof, &signed(ORIGIN, size, root, 1)), stored);
        assert_eq!(decision.status(), status, "{old} to {size}: {decision:?}");
    }
}

#[test]
fn signatures_of_keys_it_does_not_know_are_ignored() {
    let mut note = signed(ORIGIN, 1, leaf(0), 1);
    note.add(signed(ORIGIN, 1, leaf(0), 9).signatures()[0].clone());
    assert_eq!(decide(&body(0, &[], &note), None).status(), 200);
    // But one that a known key should have made and has not.
    let mut wrong = note.signatures()[0].clone();
    wrong.bytes[0] ^= 1;
    note.add(signed(ORIGIN, 1, leaf(0), 2).signatures()[0].clone());
    assert_eq!(decide(&body(0, &[], &note), None).status(), 200);
    note.add(wrong);
    assert_eq!(decide(&body(0, &[], &note), None).status(), 403);
    // A key of another log, though it signs for the origin.
    let mut stranger = SignedNote::new(note.text()).unwrap();
    stranger.add(auditlog_tlog::note::NoteSigner::new(name("other"), key(3)).sign(&stranger));
    assert_eq!(decide(&body(0, &[], &stranger), None).status(), 403);
}

#[test]
fn a_record_that_cannot_be_read_is_no_decision() {
    let witness = Witness::new(vec![key(1).vkey(name(ORIGIN))]);
    let body = body(0, &[], &signed(ORIGIN, 1, leaf(0), 1));
    assert_eq!(witness.decide(&body, |_| Err("disk")), Err("disk"));
}

#[test]
fn bodies_that_are_no_requests() {
    use RequestError as E;
    let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=";
    let note = signed(ORIGIN, 1, leaf(0), 1).to_string();
    let many = format!("old 1\n{}\n{note}", format!("{hash}\n").repeat(63));
    assert_eq!(AddCheckpoint::parse(many.as_bytes()).unwrap().proof.len(), 63);
    let too_many = format!("old 1\n{}\n{note}", format!("{hash}\n").repeat(64));
    for (wrong, error) in [
        (String::new(), E::Unfinished),
        ("old 1".into(), E::Unfinished),
        ("old 1\n".into(), E::Unfinished),
        (format!("old 1\n{hash}\n"), E::Unfinished),
        ("old 1\n\n".into(), E::Note(NoteError::Unsigned)),
        (format!("old 01\n\n{note}"), E::Old("«old 01»".into())),
        (format!("old  1\n\n{note}"), E::Old("«old  1»".into())),
        (format!("old -1\n\n{note}"), E::Old("«old -1»".into())),
        (format!("old\n\n{note}"), E::Old("«old»".into())),
        (format!("1\n\n{note}"), E::Old("«1»".into())),
        (
            format!("old 9223372036854775808\n\n{note}"),
            E::Old("«old 9223372036854775808»".into()),
        ),
        (format!("old 1\nx\n\n{note}"), E::Hash("«x»".into())),
        (format!("old 1\n{hash}{note}"), E::Hash(format!("«{hash}{ORIGIN}»"))),
        (too_many, E::Proof),
    ] {
        assert_eq!(AddCheckpoint::parse(wrong.as_bytes()), Err(error), "{wrong}");
        assert_eq!(decide(wrong.as_bytes(), None).status(), 400);
    }
    assert_eq!(AddCheckpoint::parse(b"old 1\n\xff\n"), Err(E::Utf8));
    let long = vec![b'x'; MAX_BODY_BYTES + 1];
    assert_eq!(AddCheckpoint::parse(&long), Err(E::TooLong(long.len())));
}

/// The example of c2sp.org/tlog-witness.
#[test]
fn the_specifications_example_is_read() {
    let text = "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\njrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n\
        example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
    let request = AddCheckpoint::parse(text.as_bytes()).unwrap();
    assert_eq!((request.old_size, request.proof.len()), (20_852_014, 4));
    assert_eq!(request.checkpoint.signatures().len(), 2);
    assert_eq!(request.body(), text);
    let witness = Witness::new(vec![]);
    let decision = witness.decide(text.as_bytes(), |_| Err("asked")).unwrap();
    assert_eq!(
        decision,
        Decision::UnknownLog("no log «example.com/behind-the-sofa» is known".into())
    );
}

#[test]
fn answers() {
    let note = signed(ORIGIN, 1, leaf(0), 1);
    let [a, b] = [11, 12].map(|number| Cosigner::new(name("witness.example"), key(number)));
    let stranger = Cosigner::new(name("stranger"), key(13));
    let signatures = [&a, &stranger, &b].map(|cosigner| cosigner.cosign(&note, 1_700_000_000).unwrap());
    let text = cosignature_body(&signatures);
    assert_eq!(text.lines().count(), 3);
    assert!(text.starts_with("— witness.example ") && text.ends_with('\n'));
    let keys = [a.verifier().clone(), b.verifier().clone()];
    let found = parse_cosignatures(text.as_bytes(), &note, &keys).unwrap();
    assert_eq!(found, [signatures[0].clone(), signatures[2].clone()]);
    // They may be added to the note, which then is what the body makes of it.
    let mut cosigned = note.clone();
    signatures.iter().for_each(|signature| cosigned.add(signature.clone()));
    assert_eq!(cosigned.to_string(), format!("{note}{text}"));

    let parse = |body: &[u8]| parse_cosignatures(body, &note, &keys);
    assert_eq!(parse(b""), Err(ResponseError::Note(NoteError::Unsigned)));
    assert_eq!(parse(b"\xff\n"), Err(ResponseError::Utf8));
    assert_eq!(parse(b"OK\n"), Err(ResponseError::Note(NoteError::Line("«OK»".into()))));
    assert_eq!(
        parse(text.trim_end().as_bytes())
            .unwrap_err()
            .to_string()
            .split(" «")
            .next(),
        Some("the answer: the line")
    );
    let stranger = cosignature_body(&signatures[1..2]);
    assert_eq!(parse(stranger.as_bytes()), Err(ResponseError::Note(NoteError::Unknown)));
    let other = signed(ORIGIN, 2, leaf(0), 1);
    let wrong = parse_cosignatures(text.as_bytes(), &other, &keys);
    assert!(matches!(wrong, Err(ResponseError::Note(NoteError::Wrong { .. }))));
    // A plain signature is none of a witness, even by a key that is known.
    let log = [key(1).vkey(name(ORIGIN))];
    let plain = parse_cosignatures(cosignature_body(note.signatures()).as_bytes(), &note, &log);
    assert_eq!(plain, Err(ResponseError::Time(name(ORIGIN))));
    // A cosignature must say when.
    let message = format!("cosignature/v1\ntime 0\n{}", note.text());
    let mut timeless = signatures[0].clone();
    timeless.bytes = [&[0; 8][..], &key(11).sign(message.as_bytes())].concat();
    assert_eq!(
        parse(cosignature_body(&[timeless]).as_bytes()),
        Err(ResponseError::Time(name("witness.example")))
    );
}

#[test]
fn refusals() {
    let (content_type, body) = Decision::Conflict { size: 20 }.refusal().unwrap();
    assert_eq!((content_type, &*body), ("text/x.tlog.size", "20\n"));
    assert_eq!(parse_conflict(content_type, body.as_bytes()), Ok(20));
    // A fork has the same status, but nothing that a log could go on with.
    let (content_type, body) = Decision::Fork { size: 20 }.refusal().unwrap();
    assert!(parse_conflict(content_type, body.as_bytes()).is_err());
    for (content_type, body, size) in [
        ("text/plain", "10", None),
        ("text/x.tlog.size", "", None),
        ("text/x.tlog.size", "0\n", Some(0)),
        ("text/x.tlog.size", "50\n", Some(50)),
        ("text/x.tlog.size", "50", None),
        ("text/x.tlog.size", "050\n", None),
        ("text/x.tlog.size", "50\n\n", None),
        ("text/x.tlog.size", "9223372036854775808\n", None),
        ("text/x.tlog.size; charset=utf8", "51\n", None),
    ] {
        assert_eq!(
            parse_conflict(content_type, body.as_bytes()).ok(),
            size,
            "{content_type} {body:?}"
        );
    }
    for (decision, status) in [
        (Decision::BadRequest("why".into()), 400),
        (Decision::Unauthorized("why".into()), 403),
        (Decision::UnknownLog("why".into()), 404),
        (Decision::Unprocessable("why".into()), 422),
    ] {
        assert_eq!(
            (decision.status(), decision.refusal().unwrap().1),
            (status, "why\n".to_owned())
        );
    }
    let cosign = Decision::Cosign {
        origin: ORIGIN.into(),
        size: 1,
        root: leaf(0),
        note: signed(ORIGIN, 1, leaf(0), 1),
    };
    assert_eq!(cosign.refusal(), None);
}
