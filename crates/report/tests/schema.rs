//! The published schema and the model say the same.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_report::files::{from_json, to_json};
use auditlog_report::synthetic::Synthetic;
use serde_json::{Map, Value};

const SCHEMA: &str = include_str!("../schema/report.schema.json");

/// Members that are any JSON: what is in them no schema knows.
const FREE: [&str; 4] = ["filters", "question", "value", "values"];

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("the schema is JSON")
}

fn full() -> Value {
    serde_json::from_slice(&to_json(&Synthetic::new(4).report)).expect("a report is JSON")
}

/// Paths to all objects that the model describes.
fn objects(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.push(path.to_owned());
            for (key, member) in members.iter().filter(|(key, _)| !FREE.contains(&key.as_str())) {
                objects(member, &format!("{path}/{key}"), found);
            }
        }
        // cells of a table
        Value::Array(_) if path.contains("/rows/") => {}
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                objects(item, &format!("{path}/{at}"), found);
            }
        }
        _ => {}
    }
}

/// Which properties of each definition a report has.
fn used(schema: &Value, root: &Value, value: &Value, name: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/$defs/").expect("a definition");
        return used(&root["$defs"][name], root, value, name, found);
    }
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| used(&schema["items"], root, item, name, found)),
        Value::Object(members) if schema["properties"].is_object() => {
            for (key, member) in members {
                found.entry(name.to_owned()).or_default().insert(key.clone());
                used(&schema["properties"][key], root, member, name, found);
            }
        }
        _ => {}
    }
}

#[test]
fn a_full_report_is_valid_and_uses_all_of_the_schema() {
    let (schema, report) = (schema(), full());
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator
        .iter_errors(&report)
        .map(|e| format!("{} {e}", e.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut found = BTreeMap::new();
    used(&schema, &schema, &report, "", &mut found);
    let keys = |object: &Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(found[""], keys(schema["properties"].as_object().expect("properties")));
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        let properties = keys(definition["properties"].as_object().expect("properties"));
        assert_eq!(found[name], properties, "{name}");
    }
}

#[test]
fn what_the_program_refuses_the_schema_refuses() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let report = full();
    let mut paths = Vec::new();
    objects(&report, "", &mut paths);
    assert!(paths.len() > 70, "{}", paths.len());
    let accepted = |value: &Value| {
        let mut bytes = serde_json::to_vec_pretty(value).expect("JSON");
        bytes.push(b'\n');
        from_json(&bytes).is_ok()
    };
    assert!(accepted(&report));
    // of the many alike a few of each kind are enough
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for path in &paths {
        let kind: String = path.split('/').filter(|part| part.parse::<u32>().is_err()).collect();
        let times = seen.entry(kind).or_default();
        *times += 1;
        if *times > 2 {
            continue;
        }
        let keys: Vec<String> = report
            .pointer(path)
            .and_then(Value::as_object)
            .expect("an object")
            .keys()
            .cloned()
            .collect();
        for key in keys {
            let mut without = report.clone();
            let object = without
                .pointer_mut(path)
                .and_then(Value::as_object_mut)
                .expect("an object");
            let value = object.shift_remove(&key).expect("a member");
            assert_eq!(
                validator.is_valid(&without),
                accepted(&without),
                "{path}: without {key}"
            );
            let object = without
                .pointer_mut(path)
                .and_then(Value::as_object_mut)
                .expect("an object");
            object.insert(format!("{key}x"), value.clone());
            assert!(!validator.is_valid(&without), "{path}: {key} under another name");
            assert!(!accepted(&without), "{path}: {key} under another name");
            if !FREE.contains(&key.as_str()) {
                let mut other = report.clone();
                let wrong = if value.is_string() {
                    Value::from(1)
                } else {
                    Value::from("a text")
                };
                *other.pointer_mut(&format!("{path}/{key}")).expect("a member") = wrong;
                assert!(!validator.is_valid(&other), "{path}: {key} of another type");
                assert!(!accepted(&other), "{path}: {key} of another type");
            }
        }
    }
}
