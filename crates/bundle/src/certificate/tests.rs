use super::*;

fn decision() -> Decision {
    Decision {
        origin: "example.org/log".to_owned(),
        policy: "ninety days".to_owned(),
        retention_class: "short".to_owned(),
        event_types: Some(vec!["data.export".to_owned()]),
        from: 1_767_225_600_000_000,
        until: 1_769_904_000_000_000,
        holds_checked_at: 1_780_000_000_500_000,
        actor: "officer".to_owned(),
    }
}

fn certificate(places: &[u64]) -> Certificate {
    let mut gathering = Gathering::default();
    for place in places {
        gathering.push(*place, &[*place as u8; 32]).expect("in order");
    }
    gathering.finish(decision()).expect("not empty")
}

#[test]
fn the_text_is_that_of_the_specification() {
    let certificate = certificate(&[0, 1, 2, 7, 9, 10]);
    let text = certificate.text().expect("a text");
    // the root by RFC 6962 §2.1 with hashes of its own
    let leaf = |place: u64| Sha256::digest([&[0][..], &place.to_be_bytes(), &[place as u8; 32]].concat());
    let node = |left: &[u8], right: &[u8]| Sha256::digest([&[1][..], left, right].concat());
    let first = node(&node(&leaf(0), &leaf(1)), &node(&leaf(2), &leaf(7)));
    let root = node(&first, &node(&leaf(9), &leaf(10)));
    let json = format!(
        "{{\"actor\":\"officer\",\"event_types\":[\"data.export\"],\"events\":\"6\",\"from\":\"2026-01-01T00:00:00Z\",\
         \"holds_checked_at\":\"2026-05-28T20:26:40.500Z\",\"log_indexes\":[[\"0\",\"2\"],[\"7\",\"7\"],[\"9\",\"10\"]],\
         \"origin\":\"example.org/log\",\"policy\":\"ninety days\",\"retention_class\":\"short\",\"root\":\"{}\",\
         \"until\":\"2026-02-01T00:00:00Z\"}}",
        crate::report::hex(&root)
    );
    assert_eq!(text, format!("pg_auditlog-certificate/1\n{json}\n"));
    assert_eq!(Certificate::parse(&text), Ok(certificate.clone()));
    assert_eq!(certificate.places(), 6);
    assert_eq!(digest(&text), <[u8; 32]>::from(Sha256::digest(text.as_bytes())));
}

#[test]
fn texts_are_escaped_as_rfc_8785_does() {
    let odd = "€$\u{f}\nA'B\"\\\\\"/\u{8}\u{c}\t\r\u{7f}ö\u{1f600}";
    let mut certificate = certificate(&[5]);
    certificate.policy = odd.to_owned();
    certificate.event_types = None;
    let text = certificate.text().expect("a text");
    // the form of RFC 8785 §3.2.2.2
    let escaped = "\"policy\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\f\\t\\r\u{7f}ö\u{1f600}\"";
    assert!(text.contains(escaped), "{text}");
    assert!(text.contains("\"event_types\":null,"), "{text}");
    assert_eq!(Certificate::parse(&text), Ok(certificate));
}

#[test]
fn another_text_is_no_certificate() {
    let text = certificate(&[3, 4, 9]).text().expect("a text");
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        Certificate::parse(&text.replacen(from, to, 1))
    };
    for (from, to) in [
        (",\"events\"", ", \"events\""),
        ("officer", "\\u006fffice\\u0072"),
        ("00:00:00Z", "00:00:00.000Z"),
        ("T00:00:00Z", "T01:00:00+01:00"),
    ] {
        assert_eq!(changed(from, to), Err(CertificateError::Canonical), "{to}");
        let spoiled = text.replacen(from, to, 1);
        assert!(
            Certificate::read(&spoiled).is_ok_and(|read| !read.is_written_as(&spoiled)),
            "{to}"
        );
    }
    for (from, to) in [
        ("[\"3\",\"4\"]", "[\"4\",\"3\"]"),
        ("[\"3\",\"4\"]", "[\"3\",\"8\"]"),
        ("[\"3\",\"4\"]", "[\"3\",\"9\"]"),
        ("[[\"3\",\"4\"],[\"9\",\"9\"]]", "[]"),
    ] {
        assert_eq!(changed(from, to), Err(CertificateError::Ranges), "{to}");
    }
    for (from, to) in [
        ("\"actor\":\"officer\",", ""),
        ("\"actor\":\"officer\",", "\"actor\":\"officer\",\"actor\":\"officer\","),
        ("\"actor\":", "\"act\":"),
        ("\"events\":\"3\"", "\"events\":3"),
        ("\"events\":\"3\"", "\"events\":\"03\""),
        ("\"events\":\"3\"", "\"events\":\"18446744073709551616\""),
        ("2026-01-01T", "2026-01-32T"),
        ("\"root\":\"", "\"root\":\"0"),
        ("{", "["),
    ] {
        assert!(
            matches!(changed(from, to), Err(CertificateError::Description(_))),
            "{to}"
        );
    }
    assert_eq!(changed("/1\n", "/2\n"), Err(CertificateError::Format));
    assert_eq!(changed("}\n", "}"), Err(CertificateError::Lines));
    assert_eq!(changed("}\n", "}\n\n"), Err(CertificateError::Lines));
    // null takes no member's place
    assert_eq!(
        changed("\"event_types\":[\"data.export\"],", ""),
        Err(CertificateError::Canonical)
    );
}

#[test]
fn what_cannot_be_written_is_not_signed() {
    let key = SigningKey::from_seed(&[3; 32]);
    let note = certificate(&[3]).sign(&key).expect("a note");
    let name = KeyName::new("example.org/log").expect("a name");
    assert_eq!(note.verify(&[key.vkey(name)]).map(|verified| verified.len()), Ok(1));
    let spoiled = |spoil: fn(&mut Certificate)| {
        let mut certificate = certificate(&[3]);
        spoil(&mut certificate);
        certificate.sign(&key).expect_err("no note")
    };
    assert_eq!(spoiled(|c| c.until = i64::MAX), CertificateError::Time);
    assert_eq!(spoiled(|c| c.log_indexes.clear()), CertificateError::Ranges);
    assert_eq!(spoiled(|c| c.log_indexes.push((4, 5))), CertificateError::Ranges);
    assert!(matches!(
        spoiled(|c| c.origin = "two words".to_owned()),
        CertificateError::Origin(_)
    ));
    assert!(matches!(
        spoiled(|c| c.actor = "x".repeat(1_000_000)),
        CertificateError::Note(_)
    ));
}

#[test]
fn a_full_certificate_is_still_a_note() {
    let mut gathering = Gathering::default();
    // the longest numbers that there are
    let place = |number: usize| (1 << 62) + 2 * number as u64;
    for number in 0..MAX_RANGES {
        gathering.push(place(number), &[1; 32]).expect("room");
    }
    assert_eq!(gathering.push(place(MAX_RANGES), &[1; 32]), Err(GatherError::Full));
    // the last range can grow
    assert_eq!(gathering.push(place(MAX_RANGES - 1) + 1, &[1; 32]), Ok(()));
    assert_eq!(gathering.push(7, &[1; 32]), Err(GatherError::Order(7)));
    let certificate = gathering.finish(decision()).expect("not empty");
    assert_eq!(certificate.places(), MAX_RANGES as u64 + 1);
    certificate.sign(&SigningKey::from_seed(&[3; 32])).expect("a note");
    assert_eq!(Gathering::default().finish(decision()), Err(GatherError::Empty));
}
