//! Values that try to be something else.

use proptest::prelude::*;

use super::Made;

/// Bytes of fragments that mean something to some format; often no UTF-8.
pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let fragments: Vec<&'static [u8]> = vec![
        b"=",
        b"|",
        b"]",
        b"[",
        b"\\",
        b"\"",
        b"'",
        b"\n",
        b"\r",
        b"\t",
        b" ",
        b"  ",
        b" act=",
        b"\tact=",
        b"^",
        b";",
        b",",
        b"+1",
        b"-1",
        b"@SUM(",
        b"CEF:0|",
        b"<13>1 ",
        b"#012",
        b"abc",
        b"a",
        b"0",
        b"{\"a\":1}",
        b"null",
        b"NULL",
        b"\x00",
        b"\x1b[31m",
        b"\x7f",
        b"\xff",
        b"\xc3",
        b"\xe2\x80",
        b"\xf0\x9f\x98",
        "é".as_bytes(),
        "漢字".as_bytes(),
        "\u{85}".as_bytes(),
        "\u{2028}".as_bytes(),
        "\u{2029}".as_bytes(),
        "\u{a0}".as_bytes(),
        "\u{feff}".as_bytes(),
        "＝1".as_bytes(),
        "＠".as_bytes(),
        "\u{202e}".as_bytes(),
        "😀".as_bytes(),
    ];
    prop_oneof![
        prop::collection::vec(prop::sample::select(fragments), 0..8).prop_map(|parts| parts.concat()),
        prop::collection::vec(any::<u8>(), 0..20),
        any::<String>().prop_map(String::into_bytes),
    ]
}

/// The columns that [`event`] fills.
pub const TEXTS: [&str; 17] = [
    "severity",
    "event_id",
    "event_type",
    "category",
    "operation",
    "status",
    "method",
    "tenant",
    "actor_type",
    "actor_id",
    "actor_email",
    "actor_user_agent",
    "actor_session_id",
    "resource_type",
    "resource_id",
    "request_id",
    "db_application",
];

/// An event, and the texts of its columns in the order of [`TEXTS`].
pub fn event() -> impl Strategy<Value = (Made, Vec<Option<Vec<u8>>>)> {
    let texts = prop::collection::vec(prop::option::of(bytes()), TEXTS.len());
    let known = prop::option::of(prop::sample::select(vec![
        ("auditlog.alert", "auditlog"),
        ("authentication.login", "authentication"),
        ("authentication.logout", "authentication"),
        ("authentication.password_change", "authentication"),
        ("grant.role", "access"),
        ("role.create", "access"),
        ("data.select", "data"),
        ("ddl.create", "schema"),
        ("resource.view", "resource"),
        ("file.read", "data"),
    ]));
    let items = prop::option::of(prop::collection::vec(any::<String>(), 0..4));
    (any::<u64>(), any::<i64>(), texts, known, items, super::json::value()).prop_map(
        |(log_index, time, mut texts, known, items, extra)| {
            if let Some((event_type, category)) = known {
                texts[2] = Some(event_type.as_bytes().to_vec());
                texts[3] = Some(category.as_bytes().to_vec());
            }
            let mut event = Made::new(log_index).int("timestamp", time).int("recorded_at", time);
            for (name, text) in TEXTS.iter().zip(&texts) {
                if let Some(text) = text {
                    event = event.text(name, text);
                }
            }
            if let Some(items) = items {
                let items: Vec<&str> = items.iter().map(String::as_str).collect();
                event = event.list("tags", &items);
            }
            (event.core_json("after", &extra), texts)
        },
    )
}

/// What a format shows of a text.
pub fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Ends a line for some reader, or drives a terminal.
pub fn is_control(c: char) -> bool {
    c < ' ' || ('\u{7f}'..='\u{9f}').contains(&c) || c == '\u{2028}' || c == '\u{2029}'
}
