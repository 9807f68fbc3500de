//! JSON Schemas of the catalogue.

mod support;

use auditlog_core::schema::Schema;
use support::json;

fn schema(text: &str) -> Schema {
    Schema::compile(&json(text)).expect("a schema")
}

fn violations(schema: &Schema, document: &str) -> Vec<(String, String)> {
    schema
        .validate(&json(document))
        .into_iter()
        .map(|violation| (violation.path, violation.message))
        .collect()
}

#[test]
fn violations_have_path_and_message_but_not_the_value() {
    let schema = schema(
        r#"{"type": "object", "required": ["actor"], "properties": {
            "actor": {"type": "object", "required": ["id"], "properties": {"email": {"type": "string", "pattern": "@"}}},
            "list": {"items": {"type": "integer"}}}}"#,
    );
    assert_eq!(
        violations(
            &schema,
            r#"{"actor": {"id": "a", "email": "a@example.com"}, "list": [1]}"#
        ),
        []
    );
    let found = violations(&schema, r#"{"actor": {"email": "secret"}, "list": [1, "secret"]}"#);
    let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths.len(), 3, "{found:?}");
    for path in ["$.actor", "$.actor.email", "$.list[1]"] {
        assert!(paths.contains(&path), "{path} in {paths:?}");
    }
    assert!(
        found
            .iter()
            .all(|(_, message)| !message.contains("secret") && !message.is_empty()),
        "{found:?}"
    );
}

#[test]
fn numbers_are_compared_exactly() {
    let schema = schema(r#"{"properties": {"n": {"maximum": 9007199254740992}, "i": {"type": "integer"}}}"#);
    assert_eq!(violations(&schema, r#"{"n": 9007199254740992}"#), []);
    assert_eq!(violations(&schema, r#"{"n": 9007199254740993}"#).len(), 1);
    assert_eq!(
        violations(&schema, r#"{"i": 1234567890123456789012345678901234567890}"#),
        []
    );
    assert_eq!(violations(&schema, r#"{"i": 1.5}"#).len(), 1);
}

#[test]
fn at_most_ten_violations_are_reported() {
    let schema = schema(r#"{"items": {"type": "string"}}"#);
    let many = format!("[{}]", vec!["1"; 50].join(","));
    assert_eq!(violations(&schema, &many).len(), 10);
}

#[test]
fn what_is_no_schema_is_refused() {
    for (text, path) in [
        (r#"{"properties": {"a": {"type": "strin"}}}"#, "$.properties.a.type"),
        (r#"{"$ref": "https://example.com/schema.json"}"#, "$"),
        (r#"{"$ref": "file:///etc/passwd"}"#, "$"),
        (r#"{"pattern": "("}"#, "$.pattern"),
    ] {
        let error = Schema::compile(&json(text)).expect_err(text);
        assert_eq!(error.path, path, "{error}");
        assert!(!error.message.is_empty());
    }
}

#[test]
fn a_hostile_pattern_takes_linear_time() {
    let schema = schema(r#"{"pattern": "^(a+)+$"}"#);
    let text = format!("\"{}b\"", "a".repeat(50_000));
    assert_eq!(violations(&schema, &text).len(), 1); // would not end with a backtracking engine
}
