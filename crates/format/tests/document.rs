//! The format `json` says what the log's own document says.

mod support;

use auditlog_bundle::{Record, show};
use auditlog_core::decode::decode_plain;
use auditlog_core::document::to_document;
use auditlog_core::json::Json;
use auditlog_format::Format;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Made, hostile, json as strict_json, samples, writer};

/// The document as the core has it, but for its own member `auditlog`.
fn expected(bytes: &[u8]) -> (Value, Option<Value>) {
    let record = Record::parse(bytes).unwrap();
    let values = decode_plain(record.values).unwrap();
    let mut text = String::new();
    show::write_json(&to_document(&show::event(&values).unwrap()), &mut text);
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let own = value
        .as_object_mut()
        .and_then(|members| members.shift_remove("auditlog"));
    (value, own)
}

/// Checks all but the texts' spelling, the order of members included.
fn check(event: &Made) {
    let text = event.written(&writer(Format::Json, Value::Null));
    let mut found = strict_json::strict(&text);
    let envelope = found.as_object_mut().unwrap().shift_remove("auditlog").unwrap();
    let (document, own) = expected(&event.bytes());
    assert_eq!(found.to_string(), document.to_string());
    assert_eq!(envelope.get("document"), own.as_ref());
    assert_eq!(envelope["log_index"].to_string(), event.log_index.to_string());
}

#[test]
fn samples_are_their_documents() {
    for event in samples::all() {
        check(&event);
    }
}

fn text_of(name: &'static str) -> impl Strategy<Value = Option<(&'static str, String)>> {
    prop::option::of(any::<String>().prop_map(move |text| (name, text)))
}

/// An `extra` whose members often stand where a column stands.
fn extra() -> impl Strategy<Value = Json> {
    let name = prop::sample::select(vec![
        "event_id",
        "timestamp",
        "tenant",
        "actor",
        "resource",
        "action",
        "changes",
        "metadata",
        "auditlog",
        "other",
        "a",
        "",
    ]);
    let inner_name = prop::sample::select(vec![
        "id",
        "type",
        "email",
        "tags",
        "before",
        "after",
        "status",
        "request_id",
        "new",
        "x",
    ]);
    let group = prop::collection::btree_map(inner_name, support::json::value(), 0..4);
    let group =
        group.prop_map(|map| Json::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()));
    let value = prop_oneof![group, support::json::value()];
    prop::collection::btree_map(name, value, 0..5)
        .prop_map(|map| Json::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
}

proptest! {
    #[test]
    fn extra_is_merged_as_the_core_does(
        texts in (text_of("actor_id"), text_of("resource_type"), text_of("status"), text_of("request_id"), text_of("tenant")),
        extra in prop::option::of(extra()),
        (before, after) in (prop::option::of(support::json::value()), prop::option::of(extra())),
        tags in prop::option::of(support::json::value()),
    ) {
        let mut event = Made::new(5).int("timestamp", 1);
        for (name, text) in [texts.0, texts.1, texts.2, texts.3, texts.4].into_iter().flatten() {
            event = event.text(name, text);
        }
        for (name, json) in [("extra", extra), ("before", before), ("after", after), ("resource_tags", tags)] {
            if let Some(json) = json {
                event = event.core_json(name, &json);
            }
        }
        check(&event);
    }

    #[test]
    fn hostile_texts_come_back((event, texts) in hostile::event()) {
        let text = event.written(&writer(Format::Json, Value::Null));
        prop_assert!(!text.contains(hostile::is_control));
        let document = strict_json::strict(&text);
        let paths = ["/severity", "/event_id", "/event_type", "/auditlog/category", "/action/operation", "/action/status",
            "/action/method", "/tenant", "/actor/type", "/actor/id", "/actor/email", "/actor/user_agent", "/actor/session_id",
            "/resource/type", "/resource/id", "/metadata/request_id", "/auditlog/db_application"];
        for (path, text) in paths.iter().zip(&texts) {
            let expected = text.as_ref().map(|text| Value::String(hostile::lossy(text)));
            prop_assert_eq!(document.pointer(path), expected.as_ref(), "{}", path);
        }
    }
}

#[test]
fn objects_are_merged_member_by_member() {
    let event = samples::bare()
        .json("before", json!({"a": {"b": 1, "f": [1]}, "c": 2, "g": 7}))
        .json("resource_tags", json!([1]))
        .json("extra", json!({"changes": {"before": {"a": {"d": 3, "f": [2]}, "c": {"x": 4}, "e": 5}}, "resource": {"tags": {"k": 1}}}));
    check(&event);
    let document = strict_json::strict(&event.written(&writer(Format::Json, Value::Null)));
    assert_eq!(
        document["changes"]["before"],
        json!({"a": {"b": 1, "f": [2], "d": 3}, "c": {"x": 4}, "g": 7, "e": 5})
    );
    assert_eq!(document["resource"]["tags"], json!({"k": 1}));
}

#[test]
fn an_extra_that_is_no_object_is_kept_apart() {
    let event = Made::new(1)
        .int("timestamp", 0)
        .text("event_id", "e")
        .json("extra", json!([1, "x"]));
    let document = strict_json::strict(&event.written(&writer(Format::Json, Value::Null)));
    assert_eq!(document["event_id"], "e");
    assert_eq!(document["auditlog"]["extra"], json!([1, "x"]));
}

#[test]
fn nothing_is_left_of_a_record_that_cannot_be_read() {
    let bytes = samples::seed().bytes();
    for format in Format::ALL {
        let writer = writer(format, Value::Null);
        let mut out = b"before".to_vec();
        let mut record = Record::parse(&bytes).unwrap();
        record.values = &record.values[..record.values.len() - 1];
        let error = writer.event(&record, &mut out).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the values of the record cannot be read: the entry ends inside a field"
        );
        assert!(error.hint().contains("auditlog.verify()"));
        assert_eq!(out, b"before");
    }
}

#[test]
fn redactions_that_nest_are_refused_and_not_followed() {
    let bytes = samples::seed().bytes();
    let mut deep = b"{\0\0\0\x01\0\0\0\x01a".to_vec();
    deep.extend(b"[\0\0\0\x01".repeat(1_000_000));
    for format in [Format::Json, Format::Csv, Format::Ecs, Format::Ocsf] {
        let mut record = Record::parse(&bytes).unwrap();
        record.redacted = Some(&deep);
        let error = writer(format, Value::Null).event(&record, &mut Vec::new()).unwrap_err();
        assert!(
            error.to_string().starts_with("json inside the record cannot be read"),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_may_stand_where_redactions_do(mut bytes in prop::collection::vec(any::<u8>(), 0..60), whole in any::<bool>()) {
        if whole {
            bytes.splice(0..0, *b"{\0\0\0\x01\0\0\0\x01p\"\0\0\0\x01c");
        }
        let record_bytes = samples::seed().bytes();
        let mut record = Record::parse(&record_bytes).unwrap();
        record.redacted = Some(&bytes);
        for format in [Format::Json, Format::Csv, Format::Ecs, Format::Ocsf] {
            let written = writer(format, Value::Null).event(&record, &mut Vec::new());
            // one member of one byte and nothing behind it is all that can be right among these
            prop_assert_eq!(written.is_ok(), auditlog_core::decode::decode_json(&bytes).is_ok_and(|json| json.kind() == "object"));
        }
    }
}

#[test]
fn a_megabyte_is_written_whole() {
    let long = "é\"\n=|]".repeat(150_000);
    let event = samples::seed().text("actor_user_agent", &long);
    let document = strict_json::strict(&event.written(&writer(Format::Json, Value::Null)));
    assert_eq!(document["actor"]["user_agent"], long.as_str());
}

#[test]
fn nesting_as_deep_as_events_have_it_is_written() {
    let mut deep = Json::Null;
    for _ in 0..590 {
        deep = Json::Array(vec![deep]);
    }
    let event = samples::bare().core_json("after", &deep);
    for format in Format::ALL {
        assert!(
            event.written(&writer(format, Value::Null)).contains(&"[".repeat(590)),
            "{format}"
        );
    }
}
