//! Notes, checkpoints and cosignatures: the rules of their texts, and what a signature covers.

mod support;

use auditlog_tlog::checkpoint::CheckpointError;
use auditlog_tlog::cosignature::{self, CosignError, Cosigner};
use auditlog_tlog::note::{
    KeyKind, KeyName, MAX_NOTE_BYTES, MAX_SIGNATURES, NoteError, NoteSigner, Signature, SignedNote, VerifierKey,
};
use auditlog_tlog::{Checkpoint, MAX_SIZE, SigningKey};
use support::{base64, leaf};

const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: "example.com/log".into(),
        size: 20_852_163,
        root: leaf(1),
        extensions: vec![],
    }
}

#[test]
fn names_of_keys() {
    for right in ["a", "example.com/log", "日本", "a—b", "x\u{7f}"] {
        assert_eq!(KeyName::new(right).unwrap().as_str(), right);
    }
    for wrong in [
        "",
        " ",
        "a b",
        "a+b",
        "+",
        "a\u{a0}b",
        "a\u{2003}",
        "a\nb",
        "a\tb",
        "\u{3000}",
        "a\u{1}",
    ] {
        let error = KeyName::new(wrong).unwrap_err();
        assert!(error.to_string().contains("is no name of a key"), "{error}");
    }
}

#[test]
fn texts_that_are_no_notes() {
    let line = "— a AAAAAAA=";
    assert_eq!(
        SignedNote::parse(&format!("x\n\n{line}\n")).unwrap().signatures().len(),
        1
    );
    for (wrong, error) in [
        (String::new(), NoteError::Unsigned),
        ("x\n".into(), NoteError::Unsigned),
        ("x\n\n".into(), NoteError::Unsigned),
        (format!("x\n{line}\n"), NoteError::Unsigned),
        (format!("x\r\n\n{line}\n"), NoteError::Control(b'\r')),
        (format!("x\t\n\n{line}\n"), NoteError::Control(b'\t')),
        (format!("\0\n\n{line}\n"), NoteError::Control(0)),
        (format!("x\n\n{line}"), NoteError::Line("«— a AAAAAAA=»".into())),
        (format!("x\n\n{line}\ny\n"), NoteError::Line("«y»".into())),
    ] {
        assert_eq!(SignedNote::parse(&wrong), Err(error), "{wrong:?}");
    }
    for line in [
        "- a AAAAAAA=",
        "—a AAAAAAA=",
        "—  AAAAAAA=",
        "— a  AAAAAAA=",
        "— a AAAAAAA= ",
        "— a b AAAAAAA=",
        "— a+b AAAAAAA=",
        "— a AAAAAA==",
        "— a AAAAAAB=",
        "— a AAAAAAA",
        "— a AAAA",
        "— a ",
        "— a",
        "— ",
        "— a AAAAA_A=",
    ] {
        let note = format!("x\n\n{line}\n");
        assert!(matches!(SignedNote::parse(&note), Err(NoteError::Line(_))), "{line}");
    }
    assert_eq!(SignedNote::parse_bytes(b"\xff\n\n- a AAAAAAA=\n"), Err(NoteError::Utf8));
    assert_eq!(SignedNote::new("x"), Err(NoteError::Text));
    assert_eq!(SignedNote::new(""), Err(NoteError::Text));
    assert_eq!(SignedNote::new("a\x01\n"), Err(NoteError::Control(1)));
    assert!(
        SignedNote::parse(&SignedNote::new("x\n").unwrap().to_string()).is_err(),
        "nobody has signed"
    );
}

#[test]
fn notes_have_limits() {
    let line = "— a AAAAAAA=\n";
    let most = format!("x\n\n{}", line.repeat(MAX_SIGNATURES));
    assert_eq!(SignedNote::parse(&most).unwrap().signatures().len(), MAX_SIGNATURES);
    assert_eq!(SignedNote::parse(&(most + line)), Err(NoteError::TooMany));
    let long = format!("{}\n\n{line}", "x".repeat(MAX_NOTE_BYTES));
    assert_eq!(SignedNote::parse(&long), Err(NoteError::TooLong(long.len())));
}

#[test]
fn the_text_ends_at_the_last_empty_line() {
    for text in ["\n", "a\n", "a\n\nb\n", "\n\n\n", "— a AAAAAAA=\n\n— b AAAAAAA=\n"] {
        let mut note = SignedNote::new(text).unwrap();
        note.add(NoteSigner::new(name("k"), key(1)).sign(&note));
        let read = SignedNote::parse(&note.to_string()).unwrap();
        assert_eq!((read.text(), &read), (text, &note));
    }
}

#[test]
fn known_keys_must_be_right_and_others_are_ignored() {
    let [a, b] = [1, 2].map(|number| NoteSigner::new(name("log"), key(number)));
    let elsewhere = NoteSigner::new(name("other"), key(1));
    let mut note = SignedNote::new("text\n").unwrap();
    [&a, &b, &elsewhere]
        .into_iter()
        .for_each(|signer| note.add(signer.sign(&note)));
    let keys = [a.verifier().clone(), b.verifier().clone(), elsewhere.verifier().clone()];
    let ids = |note: &SignedNote, keys: &[VerifierKey]| -> Result<Vec<u32>, NoteError> {
        Ok(note.verify(keys)?.iter().map(|verified| verified.key.id()).collect())
    };
    assert_eq!(ids(&note, &keys).unwrap(), keys.each_ref().map(VerifierKey::id));
    assert_eq!(ids(&note, &keys[1..2]).unwrap(), [keys[1].id()]);
    let unknown = [
        key(3).vkey(name("log")),
        key(1).vkey(name("nobody")),
        key(1).cosigner_vkey(name("log")),
    ];
    assert_eq!(ids(&note, &unknown), Err(NoteError::Unknown));
    assert_eq!(note.verify_known(&unknown), Ok(vec![]));

    // One wrong signature by a known key spoils the note; by an unknown one it doesn't matter.
    let text = note.to_string().replacen("text", "Text", 1);
    let mut changed = SignedNote::parse(&text).unwrap();
    assert_eq!(
        ids(&changed, &keys),
        Err(NoteError::Wrong {
            name: name("log"),
            id: keys[0].id()
        })
    );
    changed.add(a.sign(&changed));
    assert!(ids(&changed, &keys).is_err());
    assert_eq!(ids(&changed, &keys[..1]).unwrap(), [keys[0].id()]);

    // The same signature twice is one.
    let twice = format!("{note}{}\n", note.signatures()[0]);
    let twice = SignedNote::parse(&twice).unwrap();
    assert_eq!((twice.signatures().len(), ids(&twice, &keys).unwrap().len()), (4, 3));
    // Known twice, too, but a key is not two.
    let doubled = [keys[0].clone(), keys[0].clone()];
    assert_eq!(ids(&note, &doubled).unwrap(), [keys[0].id()]);
}

#[test]
fn a_signature_has_its_length() {
    let signer = NoteSigner::new(name("log"), key(1));
    let note = SignedNote::new("text\n").unwrap();
    let right = signer.sign(&note);
    for bytes in [
        right.bytes[..63].to_vec(),
        [&right.bytes[..], &[0]].concat(),
        vec![0; 64],
        vec![0],
    ] {
        let mut note = note.clone();
        note.add(Signature { bytes, ..right.clone() });
        let keys = [signer.verifier().clone()];
        assert!(matches!(note.verify(&keys), Err(NoteError::Wrong { .. })));
    }
}

#[test]
fn weak_keys_and_what_is_no_key_are_refused() {
    let new = |public: [u8; 32]| VerifierKey::new(name("weak"), KeyKind::Ed25519, &public);
    let number = |low: u8| {
        let mut public = [0; 32];
        public[0] = low;
        public
    };
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    // The points of order 4, 1 and 2: anybody can sign for them.
    for weak in [number(0), number(1), minus_one] {
        assert!(new(weak).unwrap_err().to_string().contains("weak"));
    }
    // About half of all numbers are no coordinate of a point.
    let refused = (2..18).filter(|low| new(number(*low)).is_err()).count();
    assert!((1..16).contains(&refused));
}

#[test]
fn checkpoints_print_and_parse() {
    let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
    let read = Checkpoint::parse(&text).unwrap();
    assert_eq!(
        (read.size, &*read.origin, read.root[..].to_vec()),
        (20_852_163, "example.com/behind-the-sofa", base64(ROOT))
    );
    assert_eq!(read.text().unwrap(), text);
    let with = Checkpoint {
        extensions: vec!["one".into(), "two words".into()],
        size: 0,
        ..read
    };
    assert_eq!(
        with.text().unwrap(),
        format!("example.com/behind-the-sofa\n0\n{ROOT}\none\ntwo words\n")
    );
    assert_eq!(Checkpoint::parse(&with.text().unwrap()).unwrap(), with);
    let largest = Checkpoint { size: MAX_SIZE, ..with };
    assert_eq!(Checkpoint::parse(&largest.text().unwrap()).unwrap(), largest);
}

#[test]
fn texts_that_are_no_checkpoints() {
    use CheckpointError as E;
    let size = |text: &str| E::Size(format!("«{text}»"));
    for (wrong, error) in [
        ("", E::Lines),
        ("o\n1\n", E::Lines),
        (&format!("o\n1\n{ROOT}"), E::Lines),
        (&format!("\n1\n{ROOT}\n"), E::Origin("«»".into())),
        (&format!("a\rb\n1\n{ROOT}\n"), E::Origin("«a\\rb»".into())),
        (&format!("o\n01\n{ROOT}\n"), size("01")),
        (&format!("o\n00\n{ROOT}\n"), size("00")),
        (&format!("o\n\n{ROOT}\n"), size("")),
        (&format!("o\n+1\n{ROOT}\n"), size("+1")),
        (&format!("o\n-1\n{ROOT}\n"), size("-1")),
        (&format!("o\n1 \n{ROOT}\n"), size("1 ")),
        (&format!("o\n0x1\n{ROOT}\n"), size("0x1")),
        (&format!("o\n١\n{ROOT}\n"), size("١")),
        (
            &format!("o\n9223372036854775808\n{ROOT}\n"),
            size("9223372036854775808"),
        ),
        (
            &format!("o\n18446744073709551617\n{ROOT}\n"),
            size("18446744073709551617"),
        ),
        (&format!("o\n1\n{ROOT}\n\n"), E::Extension("«»".into())),
        (&format!("o\n1\n{ROOT}\n\nx\n"), E::Extension("«»".into())),
        (&format!("o\n1\n{ROOT}\nx\ty\n"), E::Extension("«x\\ty»".into())),
    ] {
        assert_eq!(Checkpoint::parse(wrong), Err(error), "{wrong:?}");
    }
    let unpadded = ROOT.trim_end_matches('=');
    // The last character has two bits that must be 0.
    let untidy = format!("{}J=", &unpadded[..42]);
    let url = ROOT.replace('/', "_");
    for wrong in [
        "",
        "AAAA",
        unpadded,
        &untidy,
        &url,
        &format!("{ROOT} "),
        &format!("{ROOT}{ROOT}"),
        &format!(" {ROOT}"),
    ] {
        let parsed = Checkpoint::parse(&format!("o\n1\n{wrong}\n"));
        assert!(matches!(parsed, Err(E::Root(_))), "{wrong}: {parsed:?}");
    }
    for wrong in [
        Checkpoint {
            origin: String::new(),
            ..checkpoint()
        },
        Checkpoint {
            origin: "a\nb".into(),
            ..checkpoint()
        },
        Checkpoint {
            size: MAX_SIZE + 1,
            ..checkpoint()
        },
        Checkpoint {
            extensions: vec![String::new()],
            ..checkpoint()
        },
        Checkpoint {
            extensions: vec!["a\n\nb".into()],
            ..checkpoint()
        },
    ] {
        assert!(wrong.text().is_err() && wrong.sign(&key(1)).is_err(), "{wrong:?}");
    }
    let spaces = Checkpoint {
        origin: "has a space".into(),
        ..checkpoint()
    };
    assert!(matches!(spaces.sign(&key(1)), Err(E::KeyName(_))));
}

#[test]
fn a_signed_checkpoint_verifies_until_a_byte_changes() {
    let note = checkpoint().sign(&key(1)).unwrap();
    let keys = [key(1).vkey(name("example.com/log"))];
    let text = note.to_string();
    let verified =
        |text: &[u8]| SignedNote::parse_bytes(text).and_then(|note| note.verify(&keys).map(|found| found.len()));
    assert_eq!(verified(text.as_bytes()), Ok(1));
    for place in 0..text.len() {
        for bit in 0..8 {
            let mut changed = text.clone().into_bytes();
            changed[place] ^= 1 << bit;
            assert!(verified(&changed).is_err(), "bit {bit} of byte {place}");
        }
    }
}

#[test]
fn cosignatures() {
    let cosigner = Cosigner::new(name("witness.example/w1"), key(7));
    assert_eq!(cosigner.verifier().kind(), KeyKind::CosignatureV1);
    let vkey = cosigner.verifier().to_string();
    assert_eq!(VerifierKey::parse(&vkey).unwrap(), *cosigner.verifier());
    let mut note = checkpoint().sign(&key(1)).unwrap();
    let signature = cosigner.cosign(&note, 1_679_315_147).unwrap();
    // The id, the time as 8 bytes and 64 bytes; what is signed, word for word.
    assert_eq!(signature.bytes.len(), 72);
    assert_eq!(signature.bytes[..8], 1_679_315_147u64.to_be_bytes());
    let message = format!("cosignature/v1\ntime 1679315147\n{}", note.text());
    assert_eq!(signature.bytes[8..], key(7).sign(message.as_bytes()));
    note.add(signature.clone());
    let keys = [key(1).vkey(name("example.com/log")), cosigner.verifier().clone()];
    let times: Vec<_> = note
        .verify(&keys)
        .unwrap()
        .iter()
        .map(|verified| verified.time)
        .collect();
    assert_eq!(times, [None, Some(1_679_315_147)]);
    assert_eq!(
        cosignature::verify(&signature, note.text(), &keys[1]),
        Ok(1_679_315_147)
    );
    assert_eq!(
        cosignature::verify(&signature, note.text(), &keys[0]),
        Err(NoteError::Unknown)
    );
    let other = Cosigner::new(name("witness.example/w2"), key(7));
    assert_eq!(
        cosignature::verify(&signature, note.text(), other.verifier()),
        Err(NoteError::Unknown)
    );

    for place in 0..72 {
        let mut changed = signature.clone();
        changed.bytes[place] ^= 1;
        assert!(
            cosignature::verify(&changed, note.text(), &keys[1]).is_err(),
            "byte {place}"
        );
    }
    assert!(cosignature::verify(&signature, &note.text().replace("163", "164"), &keys[1]).is_err());
    // A plain signature by the same key is not a cosignature, whatever id it claims.
    let plain = Signature {
        bytes: key(7).sign(note.text().as_bytes()).to_vec(),
        ..signature.clone()
    };
    assert!(cosignature::verify(&plain, note.text(), &keys[1]).is_err());

    for time in [0, MAX_SIZE + 1, u64::MAX] {
        assert_eq!(cosigner.cosign(&note, time), Err(CosignError::Time(time)));
    }
    assert!(cosigner.cosign(&note, MAX_SIZE).is_ok());
    let letter = SignedNote::new("Dear all,\nno checkpoint.\n").unwrap();
    assert!(matches!(cosigner.cosign(&letter, 1), Err(CosignError::Checkpoint(_))));
    // A time that no cosignature has, though the signature is right.
    let time = u64::MAX;
    let message = format!("cosignature/v1\ntime {time}\n{}", note.text());
    let bytes = [&time.to_be_bytes()[..], &key(7).sign(message.as_bytes())].concat();
    assert!(cosignature::verify(&Signature { bytes, ..signature }, note.text(), &keys[1]).is_err());
}

#[test]
fn extension_lines_are_cosigned() {
    let cosigner = Cosigner::new(name("w"), key(7));
    let with = Checkpoint {
        extensions: vec!["extension 1".into()],
        ..checkpoint()
    };
    let note = with.sign(&key(1)).unwrap();
    let signature = cosigner.cosign(&note, 5).unwrap();
    assert_eq!(cosignature::verify(&signature, note.text(), cosigner.verifier()), Ok(5));
    let changed = note.text().replace("extension 1", "extension X");
    assert!(cosignature::verify(&signature, &changed, cosigner.verifier()).is_err());
}

/// The example of c2sp.org/tlog-cosignature, whose keys are not given.
#[test]
fn the_specifications_example_is_read() {
    let text = format!(
        "example.com/behind-the-sofa\n20852163\n{ROOT}\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+Z\
         JurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/\
         zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    );
    let note = SignedNote::parse(&text).unwrap();
    assert_eq!(note.to_string(), text);
    let [log, witness] = note.signatures() else {
        panic!("two signatures")
    };
    assert_eq!((log.bytes.len(), log.key_id), (64, 0x033d_e0ae));
    assert_eq!(
        (witness.bytes.len(), &witness.bytes[..8]),
        (72, &0x6418_50cbu64.to_be_bytes()[..])
    );
}
