//! The description of the API in the repository is that of the code. `UPDATE_SNAPSHOT=1` writes it anew.

use std::path::Path;

#[test]
fn the_description_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let document = auditlog_server::openapi::document();
    let mut text = serde_json::to_string_pretty(&document).expect("JSON");
    text.push('\n');
    if std::env::var_os("UPDATE_SNAPSHOT").is_some() {
        std::fs::write(&path, &text).expect("the snapshot can be written");
    }
    let snapshot = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        snapshot == text,
        "crates/server/openapi.json is not the code's: look at the difference after UPDATE_SNAPSHOT=1"
    );
    assert!(text.contains("\"openapi\": \"3.1"));
}

#[test]
fn every_operation_has_an_id_of_its_own() {
    let document = serde_json::to_value(auditlog_server::openapi::document()).expect("JSON");
    let mut ids = std::collections::HashSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            assert!(!id.is_empty() && ids.insert(id.clone()), "{method} {path}: «{id}»");
        }
    }
}
