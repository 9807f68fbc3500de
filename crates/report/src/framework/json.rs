//! [`Framework`] → canonical JSON: keys in a fixed order, nothing that is empty.

use super::{Bound, Check, Control, Exception, Framework, Parameters, RequiredField, Test, Trigger};
use auditlog_query::json::{Spans, to_json};
use auditlog_query::{Limits, parse};
use serde_json::{Map, Value, json};

pub(super) fn framework(framework: &Framework) -> Value {
    let mut out = Map::new();
    put(&mut out, "framework", json!(framework.id));
    put(&mut out, "name", json!(framework.name));
    put(&mut out, "version", json!(framework.version));
    put(&mut out, "as_of", json!(framework.as_of));
    put(&mut out, "authority", json!(framework.authority));
    put(&mut out, "notes", json!(framework.notes));
    let parameters = framework.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "value": parameter.value,
            "unit": parameter.unit.name(),
            "basis": parameter.basis,
            "meaning": parameter.meaning,
        })
    });
    put(&mut out, "parameters", parameters.collect());
    put(&mut out, "controls", framework.controls.iter().map(control).collect());
    Value::Object(out)
}

pub(super) fn control(control: &Control) -> Value {
    let mut out = Map::new();
    put(&mut out, "control", json!(control.control));
    put(&mut out, "title", json!(control.title));
    put(&mut out, "asks", json!(control.asks));
    put(&mut out, "query", json!(control.query));
    put(&mut out, "checks", control.checks.iter().map(check).collect());
    put(&mut out, "group_by", json!(control.group_by));
    let metrics = control.metrics.iter().map(|measure| json!(measure.name()));
    put(&mut out, "metrics", metrics.collect());
    put(&mut out, "fields", json!(control.fields));
    put(&mut out, "derived", json!(control.derived));
    put(
        &mut out,
        "exceptions",
        control.exceptions.iter().map(exception).collect(),
    );
    put(&mut out, "directness", json!(control.directness.label()));
    put(&mut out, "applies_to", json!(control.applies_to));
    put(&mut out, "notes", json!(control.notes));
    Value::Object(out)
}

pub(super) fn question(control: &Control, parameters: &Parameters) -> Value {
    let mut out = Map::new();
    let population = control.population(parameters);
    let parsed = population.and_then(|query| parse(&query, &Limits::default()).ok());
    if let Some(query) = parsed {
        put(&mut out, "conditions", to_json(&query.expr, Spans::Hidden));
    }
    let checks = control.checks.iter().map(|one| {
        let mut value = check(one);
        let tests = one.tests.iter().map(|test| {
            // the parameter's value in place of its name
            let bound = test.limit(parameters).map(Bound::Number);
            json!(Test { kind: test.kind, bound }.to_string())
        });
        value["tests"] = tests.collect();
        value
    });
    put(&mut out, "checks", checks.collect());
    Value::Object(out)
}

fn put(out: &mut Map<String, Value>, key: &str, value: Value) {
    let empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    if !empty {
        out.insert(key.to_owned(), value);
    }
}

fn check(check: &Check) -> Value {
    let mut out = Map::new();
    put(&mut out, "state", json!(check.state.name()));
    let tests = check.tests.iter().map(|test| json!(test.to_string()));
    put(&mut out, "tests", tests.collect());
    if !check.filter.is_empty() {
        let filter = check
            .filter
            .iter()
            .map(|(filter, values)| (filter.name().to_owned(), json!(values)));
        put(&mut out, "filter", Value::Object(filter.collect()));
    }
    let required = check
        .required_fields
        .iter()
        .map(|RequiredField { field, of }| match of {
            None => json!(field),
            Some(of) => json!({"field": field, "of": of}),
        });
    put(&mut out, "required_fields", required.collect());
    Value::Object(out)
}

fn exception(exception: &Exception) -> Value {
    let mut out = Map::new();
    put(&mut out, "kind", json!(exception.kind));
    put(&mut out, "severity", json!(exception.severity));
    put(&mut out, "query", json!(exception.query));
    put(&mut out, "text", json!(exception.text));
    match &exception.trigger {
        Trigger::Each => {}
        Trigger::Burst { per, at_least, within } => {
            // empty is all events together
            out.insert("per".to_owned(), json!(per));
            let bound = match at_least {
                Bound::Number(number) => json!(number),
                Bound::Parameter(name) => json!(format!("${name}")),
            };
            put(&mut out, "at_least", bound);
            put(&mut out, "within", json!(within.to_string()));
        }
        Trigger::Same(fields) => put(&mut out, "same", json!(fields)),
        Trigger::Late { after, within } => {
            put(&mut out, "after", json!(after));
            put(&mut out, "within", json!(within.to_string()));
        }
        Trigger::Unanswered { by, per, within } => {
            put(&mut out, "unless", json!(by));
            out.insert("per".to_owned(), json!(per));
            put(&mut out, "within", json!(within.to_string()));
        }
    }
    Value::Object(out)
}
