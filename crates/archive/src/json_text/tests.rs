use auditlog_core::decode::decode_json;
use auditlog_core::encode::{Hiding, canonical_json};
use auditlog_core::json::Json;
use proptest::prelude::*;

use super::{from_text, to_text};

fn canonical(json: &Json) -> Vec<u8> {
    let nothing = Hiding {
        paths: Some(&[]),
        ..Hiding::default()
    };
    let mut out = Vec::new();
    canonical_json(json, "", &nothing, &mut out).expect("nothing is hidden");
    out
}

fn text_of(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    to_text(bytes, &mut text).expect("canonical JSON");
    String::from_utf8(text).expect("UTF-8")
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        "-?(0|[1-9][0-9]{0,39})(\\.[0-9]{1,40})?".prop_map(Json::Number),
        any::<String>().prop_map(Json::String),
        "[\\x00-\\x1f\"\\\\\\u{7f}-\\u{a0}]{0,8}".prop_map(Json::String),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn text_gives_the_bytes_back(json in any_json()) {
        let bytes = canonical(&json);
        let text = text_of(&bytes);
        prop_assert!(!text.chars().any(char::is_control));
        let parsed: serde_json::Value = serde_json::from_str(&text).expect("others read it");
        drop(parsed);
        let mut back = Vec::new();
        from_text(text.as_bytes(), &mut back).expect("our own text");
        prop_assert_eq!(&back, &bytes);
        prop_assert!(decode_json(&back).is_ok());
    }

    #[test]
    fn any_bytes_may_come(bytes in prop::collection::vec(any::<u8>(), 0..60), text in "[\\[\\]{}:,\"\\\\u0-9a-f.-]{0,40}") {
        let mut out = Vec::new();
        let _ = to_text(&bytes, &mut out);
        out.clear();
        let _ = from_text(&bytes, &mut out);
        let _ = from_text(text.as_bytes(), &mut out);
    }
}

#[test]
fn the_text_is_compact_and_keeps_digits() {
    let bytes = canonical(&Json::Object(vec![
        ("b".to_owned(), Json::Number("1.00".to_owned())),
        (
            "a".to_owned(),
            Json::Array(vec![Json::Null, Json::Bool(true), Json::Object(Vec::new())]),
        ),
        ("key".to_owned(), Json::String("\"\\\n\u{0}\u{9b}é".to_owned())),
    ]));
    assert_eq!(
        text_of(&bytes),
        r#"{"a":[null,true,{}],"b":1.00,"key":"\"\\\n\u0000\u009bé"}"#
    );
}

#[test]
fn depth_takes_no_stack() {
    let depth = 200_000;
    let text = [b"[".repeat(depth), b"]".repeat(depth)].concat();
    let mut bytes = Vec::new();
    from_text(&text, &mut bytes).expect("arrays");
    let mut again = Vec::new();
    to_text(&bytes, &mut again).expect("arrays");
    assert_eq!(again, text);
}

#[test]
fn other_texts_are_refused_at_their_place() {
    for (text, at) in [
        ("", 0),
        ("[1,", 3),
        ("[1 ,2]", 2),
        ("nul", 0),
        ("1x", 1),
        (r#""\x""#, 3),
        ("{\"a\":1,}", 7),
    ] {
        let error = from_text(text.as_bytes(), &mut Vec::new()).expect_err(text);
        assert_eq!(error.at, at, "{text}");
    }
    assert_eq!(to_text(b"\"\0\0\0\x01\xff", &mut Vec::new()), None);
    assert_eq!(to_text(b"nn", &mut Vec::new()), None);
}
