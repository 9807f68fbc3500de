//! [`CustomReport`] → canonical JSON.

use super::{CustomReport, OrderKey, Since};
use auditlog_core::document::format_timestamp;
use serde_json::{Map, Value, json};

pub(super) fn report(report: &CustomReport) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        if !empty {
            out.insert(key.to_owned(), value);
        }
    };
    put("name", json!(report.name));
    put("title", json!(report.title));
    put("description", json!(report.description));
    let period = match report.period {
        Since::Fixed { since_us, until_us } => {
            json!({"since": format_timestamp(since_us), "until": format_timestamp(until_us)})
        }
        Since::Rolling(rolling) => json!(rolling.to_string()),
    };
    put("period", period);
    put("time_zone", json!(report.time_zone));
    put("filters", json!(report.filters));
    let names = report.group_by.iter().map(|field| json!(field.name));
    put("group_by", names.collect());
    put("interval", json!(report.interval.map(|interval| interval.name())));
    put("metrics", report.metrics.iter().map(|one| json!(one.name())).collect());
    put("top", json!(report.top));
    put("compare", json!(report.compare));
    let key = match report.order_by.key {
        OrderKey::Metric(metric) => Some(metric.name()),
        OrderKey::Group(at) => report.group_by.get(at).map(|field| field.name.as_str()),
    };
    let direction = if report.order_by.descending { "desc" } else { "asc" };
    put("order_by", json!(key.map(|key| format!("{key} {direction}"))));
    let schedule = report.schedule.as_ref().map_or("once".to_owned(), ToString::to_string);
    put("schedule", json!(schedule));
    put(
        "formats",
        report.formats.iter().map(|format| json!(format.name())).collect(),
    );
    let mut deliver = Map::new();
    for (key, names) in [("channels", &report.channels), ("sinks", &report.sinks)] {
        if !names.is_empty() {
            deliver.insert(key.to_owned(), json!(names));
        }
    }
    put("deliver", Value::Object(deliver));
    Value::Object(out)
}
