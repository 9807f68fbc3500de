//! What the encoder writes is read back to the same bytes, and nothing else is read at all.

mod support;

use auditlog_core::columns::{COLUMNS, Kind};
use auditlog_core::decode::{DecodeError, Field, JsonError, decode_entry, decode_json, decode_plain, text_items};
use auditlog_core::encode::{Hiding, Value, Values, canonical_json, encode_entry, text_array};
use auditlog_core::json::Json;
use auditlog_core::personal::Commitment;
use proptest::prelude::*;
use support::any_json;
use support::vectors::{FILE, entry, hex, unhex};

const NOTHING: Hiding<'static> = Hiding {
    paths: Some(&[]),
    committer: None,
    redacted: &[],
};

fn cases() -> Vec<serde_json::Value> {
    let file: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(FILE).expect("the vectors are in the repository")).expect("JSON");
    file["cases"].as_array().expect("a list").clone()
}

fn canonical(json: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    canonical_json(json, "", &NOTHING, &mut out).expect("nothing is hidden");
    out
}

/// The entry of these fields.
fn encode(fields: &[Field<'_>; COLUMNS.len()]) -> Vec<u8> {
    let mut values: Values<'_> = [Value::Null; COLUMNS.len()];
    let mut committed: Vec<(String, Commitment)> = Vec::new();
    for ((value, field), column) in values.iter_mut().zip(fields).zip(&COLUMNS) {
        match field {
            Field::Value(found) => *value = *found,
            Field::Committed(commitment) => committed.push((column.path.to_owned(), **commitment)),
        }
    }
    let paths: Vec<String> = committed.iter().map(|(path, _)| path.clone()).collect();
    let hiding = Hiding {
        paths: Some(&paths),
        committer: None,
        redacted: &committed,
    };
    let mut out = Vec::new();
    encode_entry(&values, &hiding, &mut out).expect("what is hidden has its commitment");
    out
}

/// A payload of this kind.
fn payload(kind: Kind) -> BoxedStrategy<Vec<u8>> {
    match kind {
        Kind::Text => prop::collection::vec(any::<u8>(), 0..20).boxed(),
        Kind::Time | Kind::Int => any::<i64>().prop_map(|i| i.to_be_bytes().to_vec()).boxed(),
        Kind::Inet => prop_oneof![
            (0u8..=32, any::<[u8; 4]>()).prop_map(|(bits, a)| [&[bits][..], &a].concat()),
            (0u8..=128, any::<[u8; 16]>()).prop_map(|(bits, a)| [&[bits][..], &a].concat()),
        ]
        .boxed(),
        Kind::TextArray => prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..4)
            .prop_map(|items| {
                let mut out = Vec::new();
                text_array(items.iter().map(Vec::as_slice), &mut out);
                out
            })
            .boxed(),
        Kind::Json => any_json(4).prop_map(|json| canonical(&json)).boxed(),
    }
}

fn value(kind: Kind, payload: &[u8]) -> Value<'_> {
    match kind {
        Kind::Text => Value::Text(payload),
        Kind::Time | Kind::Int => Value::Int(i64::from_be_bytes(payload.try_into().expect("8 bytes"))),
        Kind::Inet => Value::Inet(payload[0], &payload[1..]),
        Kind::TextArray => Value::TextArray(payload),
        Kind::Json => Value::Json(payload),
    }
}

fn row() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
    COLUMNS
        .iter()
        .map(|column| prop::option::of(payload(column.kind)).boxed())
        .collect::<Vec<_>>()
}

fn plain(row: &[Option<Vec<u8>>]) -> Vec<u8> {
    let values: Values<'_> = std::array::from_fn(|at| match &row[at] {
        None => Value::Null,
        Some(payload) => value(COLUMNS[at].kind, payload),
    });
    let mut out = Vec::new();
    encode_entry(&values, &NOTHING, &mut out).expect("nothing is hidden");
    out
}

#[test]
fn the_vectors_are_read_and_written_again() {
    for case in cases() {
        let bytes = entry(&case);
        assert_eq!(hex(&bytes), case["entry"].as_str().expect("text"));
        let fields = decode_entry(&bytes).unwrap_or_else(|error| panic!("{}: {error}", case["name"]));
        assert_eq!(encode(&fields), bytes, "{}", case["name"]);
        let hides = fields.iter().any(|field| matches!(field, Field::Committed(_)));
        if hides {
            assert!(matches!(decode_plain(&bytes), Err(DecodeError::Committed(_))));
        }
    }
}

#[test]
fn bytes_that_no_encoder_writes_are_refused() {
    let refused = |entry: &str| decode_entry(&unhex(entry)).expect_err(entry);
    assert_eq!(refused("7067616c02"), DecodeError::Magic);
    assert_eq!(refused("7067616c"), DecodeError::Magic);
    assert_eq!(refused("7067616c0123010000000161"), DecodeError::UnknownColumn(0x23));
    assert_eq!(refused("7067616c0100010000000161"), DecodeError::UnknownColumn(0));
    // tenant before event_id, and tenant twice
    assert_eq!(
        refused("7067616c010b010000000161050100000001aa"),
        DecodeError::Order("event_id")
    );
    assert_eq!(
        refused("7067616c010b0100000001610b010000000161"),
        DecodeError::Order("tenant")
    );
    assert_eq!(
        refused("7067616c010b0600000001 6e".replace(' ', "").as_str()),
        DecodeError::Type {
            column: "tenant",
            found: 6
        }
    );
    assert_eq!(
        refused("7067616c010b0100000002 61".replace(' ', "").as_str()),
        DecodeError::Short
    );
    assert_eq!(refused("7067616c010b01000000"), DecodeError::Short);
    assert_eq!(refused("7067616c010b"), DecodeError::Short);
    // a commitment for a column that is never hidden, and one of 31 bytes
    let commitment = format!("7067616c010207 00000020{}", "11".repeat(32)).replace(' ', "");
    assert_eq!(refused(&commitment), DecodeError::Committed("recorded_at"));
    let short = format!("7067616c010b07 0000001f{}", "11".repeat(31)).replace(' ', "");
    assert!(matches!(refused(&short), DecodeError::Payload { column: "tenant", .. }));
    // addresses: family, prefix and length must go together
    for payload in ["0420c0000201", "0421c0000201ff", "06800102", "0520c0000201"] {
        let entry = format!("7067616c012004{:08x}{payload}", payload.len() / 2);
        if payload == "0420c0000201" {
            assert!(decode_entry(&unhex(&entry)).is_ok(), "{payload}");
        } else {
            assert!(
                matches!(refused(&entry), DecodeError::Payload { what: "address", .. }),
                "{payload}"
            );
        }
    }
}

#[test]
fn json_that_is_not_canonical_is_refused() {
    let number = |text: &str| [b"#\0\0\0", &[text.len() as u8][..], text.as_bytes()].concat();
    for text in ["0", "-1", "0.00", "10.50", "123456789012345678901234567890.5"] {
        assert_eq!(decode_json(&number(text)), Ok(Json::Number(text.to_owned())));
    }
    for text in [
        "", "-", "00", "01", "1.", ".5", "1e3", "+1", "1.2.3", "NaN", "--1", " 1",
    ] {
        assert_eq!(decode_json(&number(text)), Err(JsonError::Number), "{text:?}");
    }
    let object = |keys: &[&str]| {
        let mut bytes = vec![b'{', 0, 0, 0, keys.len() as u8];
        for key in keys {
            bytes.extend([0, 0, 0, key.len() as u8]);
            bytes.extend(key.as_bytes());
            bytes.push(b'n');
        }
        bytes
    };
    assert!(decode_json(&object(&["", "b", "aa"])).is_ok());
    for keys in [&["aa", "b"][..], &["b", "a"], &["a", "a"]] {
        assert_eq!(decode_json(&object(keys)), Err(JsonError::Order));
    }
    assert_eq!(decode_json(b"nn"), Err(JsonError::Trailing));
    assert_eq!(decode_json(b""), Err(JsonError::Short));
    assert_eq!(decode_json(b"[\xff\xff\xff\xff"), Err(JsonError::Short));
    assert_eq!(decode_json(b"\"\0\0\0\x01\xff"), Err(JsonError::Utf8));
    assert_eq!(decode_json(b"x"), Err(JsonError::Tag(b'x')));
    assert_eq!(decode_json(&[b'c'; 33]), Err(JsonError::Committed));
    let deep = [b"[\0\0\0\x01".repeat(601), b"n".to_vec()].concat();
    assert_eq!(decode_json(&deep), Err(JsonError::Deep));
    assert!(decode_json(&deep[5..]).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn an_entry_is_read_and_written_again(row in row()) {
        let bytes = plain(&row);
        let values = decode_plain(&bytes).expect("an entry");
        let mut again = Vec::new();
        encode_entry(&values, &NOTHING, &mut again).expect("nothing is hidden");
        prop_assert_eq!(&again, &bytes);
        prop_assert_eq!(encode(&decode_entry(&bytes).expect("an entry")), bytes);
    }

    #[test]
    fn json_is_read_and_written_again(json in any_json(5)) {
        let bytes = canonical(&json);
        prop_assert_eq!(canonical(&decode_json(&bytes).expect("canonical JSON")), bytes);
    }

    #[test]
    fn what_is_read_has_one_encoding(row in row(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = plain(&row);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(fields) = decode_entry(&bytes) {
            prop_assert_eq!(encode(&fields), bytes);
        }
    }

    #[test]
    fn no_bytes_are_too_much(tail in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = b"pgal\x01".to_vec();
        bytes.extend(&tail);
        if let Ok(fields) = decode_entry(&bytes) {
            prop_assert_eq!(encode(&fields), bytes);
        }
        if let Ok(json) = decode_json(&tail) {
            prop_assert_eq!(canonical(&json), tail.clone());
        }
        if let Ok(items) = text_items(&tail) {
            let mut again = Vec::new();
            text_array(items.into_iter(), &mut again);
            prop_assert_eq!(again, tail);
        }
    }
}
