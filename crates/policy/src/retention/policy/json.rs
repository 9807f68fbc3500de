//! [`RetentionPolicy`] → canonical JSON.

use super::{Class, RetentionPolicy};
use crate::retention::age::Age;
use crate::retention::class_name::{EVIDENCE, STANDARD};
use crate::retention::tier::Tier;
use serde_json::{Map, Value, json};

pub(super) fn to_json(policy: &RetentionPolicy) -> Value {
    let own = |class: &&Class| class.name != STANDARD && class.name != EVIDENCE;
    let policies: Vec<Value> = policy.classes.iter().filter(own).map(class).collect();
    json!({ "retention_policies": policies, "default": class(policy.standard()) })
}

fn class(class: &Class) -> Value {
    let mut out = Map::new();
    if class.name != STANDARD {
        let types: Vec<String> = class.event_types.iter().map(ToString::to_string).collect();
        out.insert("name".to_owned(), json!(class.name));
        out.insert("event_types".to_owned(), json!(types));
    }
    for tier in Tier::KEEPING {
        put(&mut out, tier.label(), class.tiers.end(tier));
    }
    if let Some(age) = class.maximum {
        put(&mut out, "maximum", age);
    }
    if !class.classification.is_empty() {
        out.insert("classification".to_owned(), json!(class.classification));
    }
    if let Some(text) = &class.description {
        out.insert("description".to_owned(), json!(text));
    }
    Value::Object(out)
}

fn put(out: &mut Map<String, Value>, key: &str, age: Age) {
    out.insert(format!("{key}_{}", age.unit().suffix()), json!(age.count()));
}
