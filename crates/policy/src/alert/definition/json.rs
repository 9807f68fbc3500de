//! [`Definition`] → canonical JSON.

use super::{Definition, Notification, Rule, Threshold, Unusual};
use crate::alert::field::Field;
use crate::alert::schedule::Schedule;
use serde_json::{Map, Number, Value, json};

pub(super) fn to_json(definition: &Definition) -> Value {
    let mut out = Map::new();
    out.insert("name".to_owned(), json!(definition.name));
    put(
        &mut out,
        "description",
        definition.description.as_ref().map(|text| json!(text)),
    );
    out.insert("enabled".to_owned(), json!(definition.enabled));
    out.insert("condition".to_owned(), json!(definition.condition));
    match &definition.rule {
        Rule::Threshold(found) => out.insert("threshold".to_owned(), threshold(found)),
        Rule::Unusual(found) => out.insert("unusual".to_owned(), unusual(found)),
    };
    put(&mut out, "suppress", definition.suppress.map(text));
    put(&mut out, "resolve_after", definition.resolve_after.map(text));
    put(&mut out, "schedule", definition.schedule.as_ref().map(schedule));
    if !definition.labels.is_empty() {
        let labels = definition.labels.iter().map(|(name, text)| (name.clone(), json!(text)));
        out.insert("labels".to_owned(), Value::Object(labels.collect()));
    }
    put(
        &mut out,
        "notification",
        definition.notification.as_ref().map(notification),
    );
    Value::Object(out)
}

fn put(out: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        out.insert(key.to_owned(), value);
    }
}

fn text(value: impl ToString) -> Value {
    Value::String(value.to_string())
}

fn names(fields: &[Field]) -> Option<Value> {
    let names: Vec<&str> = fields.iter().map(Field::name).collect();
    (!names.is_empty()).then(|| json!(names))
}

fn threshold(threshold: &Threshold) -> Value {
    let mut out = Map::new();
    match threshold.all_of.as_slice() {
        [] => out.insert("count".to_owned(), json!(threshold.count)),
        all => out.insert("all_of".to_owned(), json!(all)),
    };
    put(&mut out, "window", threshold.window.map(text));
    put(&mut out, "group_by", names(&threshold.group_by));
    put(
        &mut out,
        "distinct",
        threshold.distinct.as_ref().map(|field| json!(field.name())),
    );
    Value::Object(out)
}

fn unusual(unusual: &Unusual) -> Value {
    let mut out = Map::new();
    match unusual {
        Unusual::Count {
            count_by,
            every,
            history,
            sensitivity,
        } => {
            put(&mut out, "count_by", names(count_by));
            out.insert("every".to_owned(), text(every));
            out.insert("history".to_owned(), text(history));
            let number = Number::from_f64(*sensitivity).map(Value::Number);
            put(&mut out, "sensitivity", number);
        }
        Unusual::FirstSeen { field, by, after } => {
            out.insert("first_seen".to_owned(), json!(field.name()));
            put(&mut out, "by", names(by));
            out.insert("after".to_owned(), text(after));
        }
    }
    Value::Object(out)
}

fn schedule(schedule: &Schedule) -> Value {
    let mut out = Map::new();
    out.insert("days".to_owned(), json!(schedule.day_texts()));
    put(&mut out, "hours", schedule.hours_text().map(text));
    out.insert("timezone".to_owned(), json!(schedule.timezone));
    out.insert("outside".to_owned(), json!(schedule.outside));
    Value::Object(out)
}

fn notification(notification: &Notification) -> Value {
    let mut out = Map::new();
    let list = |items: &[String]| (!items.is_empty()).then(|| json!(items));
    put(&mut out, "channels", list(&notification.channels));
    put(&mut out, "recipients", list(&notification.recipients));
    put(
        &mut out,
        "severity",
        notification.severity.as_ref().map(|level| json!(level.written)),
    );
    put(
        &mut out,
        "template",
        notification.template.as_ref().map(|text| json!(text)),
    );
    Value::Object(out)
}
