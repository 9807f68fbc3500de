use super::*;
use auditlog_tlog::VerifierKey;
use proptest::prelude::*;

fn manifest() -> Manifest {
    Manifest {
        bytes: 1234,
        checkpoint: Some("example.org/log\n10\nAAAA\n\n— example.org/log AAAA\n".to_owned()),
        day: NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day"),
        events: 4,
        first_timestamp: Some(1_773_153_045_000_000),
        last_timestamp: Some(1_773_153_045_000_123),
        log_indexes: vec![(1, 1), (3, 5)],
        origin: "example.org/log".to_owned(),
        replaces: vec![
            Replaced {
                certificate: None,
                sha256: [1; 32],
            },
            Replaced {
                certificate: Some([2; 32]),
                sha256: [3; 32],
            },
        ],
        retention_class: "größe".to_owned(),
        root: [4; 32],
        schema: 1,
        sha256: [5; 32],
    }
}

fn key() -> (SigningKey, VerifierKey) {
    let key = SigningKey::from_seed(&[7; 32]);
    let name = KeyName::new("example.org/log").expect("a name");
    (key.clone(), key.vkey(name))
}

#[test]
fn the_text_is_this_one() {
    let ones = "01".repeat(32);
    let twos = "02".repeat(32);
    let threes = "03".repeat(32);
    let (fours, fives) = ("04".repeat(32), "05".repeat(32));
    let expected = format!(
        "pg_auditlog-archive/1\n{{\"bytes\":\"1234\",\"checkpoint\":\"example.org/log\\n10\\nAAAA\\n\\n— example.org/log \
         AAAA\\n\",\"day\":\"2026-03-10\",\"events\":\"4\",\"first_timestamp\":\"2026-03-10T14:30:45Z\",\
         \"last_timestamp\":\"2026-03-10T14:30:45.000123Z\",\"log_indexes\":[[\"1\",\"1\"],[\"3\",\"5\"]],\
         \"origin\":\"example.org/log\",\"replaces\":[{{\"certificate\":null,\"sha256\":\"{ones}\"}},\
         {{\"certificate\":\"{twos}\",\"sha256\":\"{threes}\"}}],\"retention_class\":\"größe\",\"root\":\"{fours}\",\
         \"schema\":\"1\",\"sha256\":\"{fives}\"}}\n"
    );
    assert_eq!(manifest().text().expect("a text"), expected);
}

/// RFC 8785 sorts members by their names; so must the fields be.
#[test]
fn members_are_in_their_order() {
    let file = manifest().unsigned().file().expect("a file");
    let json: serde_json::Value = serde_json::from_str(&file).expect("JSON");
    let sorted = |value: &serde_json::Value| value.as_object().expect("an object").keys().is_sorted();
    assert!(sorted(&json) && sorted(&json["archive"]) && sorted(&json["archive"]["replaces"][0]));
}

#[test]
fn a_file_is_read_as_it_is_written_and_in_no_other_way() {
    let (key, vkey) = key();
    for signed in [manifest().unsigned(), manifest().sign(&key).expect("signed")] {
        let file = signed.file().expect("a file");
        assert_eq!(SignedManifest::parse(file.as_bytes()), Ok(signed));
        let refused = |file: &str| SignedManifest::parse(file.as_bytes()).expect_err(file);
        assert!(matches!(refused(file.trim_end()), ManifestError::Canonical));
        assert!(matches!(
            refused(&file.replace(":\"4\"", ": \"4\"")),
            ManifestError::Canonical
        ));
        assert!(matches!(
            refused(&file.replace("ö", "\\u00f6")),
            ManifestError::Canonical
        ));
        assert!(matches!(
            refused(&file.replace(":45Z", ":45.000Z")),
            ManifestError::Canonical
        ));
        assert!(matches!(
            refused(&file.replace(":\"4\"", ":\"5\"")),
            ManifestError::Ranges
        ));
        assert!(matches!(
            refused(&file.replace("[\"3\",\"5\"]", "[\"2\",\"4\"]")),
            ManifestError::Ranges
        ));
        assert!(matches!(
            refused(&file.replace(":\"4\"", ":\"04\"")),
            ManifestError::Json(_)
        ));
        assert!(matches!(
            refused(&file.replace("\"schema\"", "\"other\"")),
            ManifestError::Json(_)
        ));
        assert!(matches!(
            refused(&file.replace("archive/1", "archive/2")),
            ManifestError::Format(_)
        ));
        assert!(!refused(&file.replace("archive/1", "archive/2")).hint().is_empty());
    }
    let signed = manifest().sign(&key).expect("signed");
    assert!(
        signed
            .note()
            .expect("a note")
            .verify(std::slice::from_ref(&vkey))
            .is_ok()
    );
    let mut other = signed;
    other.manifest.bytes += 1;
    assert!(other.note().expect("a note").verify(&[vkey]).is_err());
}

#[test]
fn what_cannot_be_read_is_not_written() {
    let mut strange = manifest();
    strange.first_timestamp = Some(i64::MIN);
    assert_eq!(strange.text(), Err(ManifestError::Time));
    strange = manifest();
    strange.log_indexes.clear();
    assert_eq!(strange.clone().unsigned().file(), Err(ManifestError::Ranges));
    strange = manifest();
    strange.origin = "a name with spaces".to_owned();
    assert!(matches!(strange.sign(&key().0), Err(ManifestError::Origin(_))));
}

#[test]
fn the_certificate_is_of_the_same_events() {
    let manifest = manifest();
    let decision = Decision {
        origin: "elsewhere".to_owned(),
        policy: "seven years".to_owned(),
        retention_class: "other".to_owned(),
        event_types: None,
        from: 0,
        until: 1_773_153_046_000_000,
        holds_checked_at: 0,
        actor: "dba".to_owned(),
    };
    let certificate = manifest.certificate(decision);
    assert_eq!(certificate.places(), manifest.events);
    assert_eq!(
        (certificate.root, &certificate.origin),
        (manifest.root, &manifest.origin)
    );
    assert_eq!(certificate.retention_class, "größe");
    assert!(certificate.text().is_ok());
}

proptest! {
    #[test]
    fn any_bytes_may_come(at in 0usize..900, byte: u8) {
        let mut file = manifest().sign(&key().0).expect("signed").file().expect("a file").into_bytes();
        let before = file.clone();
        let at = at.min(file.len() - 1);
        file[at] = byte;
        let read = SignedManifest::parse(&file);
        // what is read has one text
        prop_assert!(read.is_err() || read.expect("read").file().expect("a file").into_bytes() == file);
        prop_assert!(SignedManifest::parse(&before).is_ok());
    }
}
