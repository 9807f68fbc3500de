//! `/alerts/new` and `/alerts/{id}/edit`: an alert is tried in a transaction that is taken back, before it is made.

use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::alert_form::{self as pages, Fields, Model, Wrong};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::alerts::{by_id, channels, steps};
use super::firing::texts;
use super::visit::{Sent, Visit};
use super::{forms, html, is_of_input, query_problem, see_other};
use crate::data::{alerts as data, event};
use crate::database::{Access, DatabaseError, Transaction};
use crate::http::Problem;
use crate::http::inputs::Place;

/// What a new definition begins with.
const TEMPLATE: &str = "name: \"Multiple failed logins\"\ncondition: \"event_type:authentication.login AND status:failed\"\n\
    threshold:\n  count: 5\n  window: 5m\n  group_by: actor.email\nnotification:\n  channels: []\n  severity: high\n";

/// `GET /alerts/new`.
pub async fn new(visit: Visit) -> Result<Response, Problem> {
    let is_yaml = auditlog_pages::url::pairs(&visit.query).contains(&("as".to_owned(), "yaml".to_owned()));
    let model = Model {
        definition: is_yaml.then(|| TEMPLATE.to_owned()),
        fields: Fields {
            count: "1".to_owned(),
            severity: "warning".to_owned(),
            ..Fields::default()
        },
        ..Model::default()
    };
    show(&visit, StatusCode::OK, model).await
}

/// `GET /alerts/{id}/edit`.
pub async fn edit(visit: Visit, Place(id): Place<i64>) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::administers).await?;
    let found = by_id(&open.transaction, id).await?;
    open.transaction.commit().await?;
    let simple = of_definition(&found.definition);
    let model = Model {
        id: Some(id),
        definition: simple
            .is_none()
            .then(|| serde_json::to_string_pretty(&found.definition).unwrap_or_default()),
        fields: simple.unwrap_or_default(),
        ..Model::default()
    };
    show(&visit, StatusCode::OK, model).await
}

async fn show(visit: &Visit, status: StatusCode, model: Model) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::administers).await?;
    let model = Model {
        channels: channels(&open.transaction).await?,
        ..model
    };
    let chrome = visit.chrome(open, Section::Alerts).await?;
    Ok(html(status, pages::page(&chrome, &model).into_string()))
}

/// `POST /alerts/new`.
pub async fn create(sent: Sent) -> Result<Response, Problem> {
    send(sent, None).await
}

/// `POST /alerts/{id}/edit`.
pub async fn change(Place(id): Place<i64>, sent: Sent) -> Result<Response, Problem> {
    send(sent, Some(id)).await
}

async fn send(sent: Sent, id: Option<i64>) -> Result<Response, Problem> {
    let visit = &sent.visit;
    let mut model = filled(&sent.fields, id);
    let definition = match &model.definition {
        Some(definition) => definition.clone(),
        None => to_definition(&model.fields).to_string(),
    };
    let open = visit.begin_as(Access::Write, Viewer::administers).await?;
    let database = &open.transaction;
    let name = match id {
        Some(id) => Some(by_id(database, id).await?.name),
        None => None,
    };
    // By itself first: then the place that is wrong is one of the query, and not of the definition around it.
    let checked = match model.definition {
        Some(_) => Ok(()),
        None => event::check_query(database, &model.fields.condition).await,
    };
    let made = match checked {
        Ok(()) => put(database, name.as_deref(), &definition).await,
        Err(error) => Err(error),
    };
    let made = match made {
        Ok(made) => made,
        Err(error) => return again(visit, model, open.end::<()>(Err(error)).await).await,
    };
    match sent.fields.get("do") {
        "save" => {
            open.end(Ok(())).await?;
            visit.tell(match id {
                Some(_) => "The alert was changed. It counts from now on.",
                None => "The alert was made. It counts from now on.",
            });
            return see_other(&format!("/alerts/{made}"));
        }
        tried => {
            let name = by_id(database, made).await?.name;
            let outcome = if tried == "test" {
                data::test(database, &name, None, false)
                    .await
                    .map(|found| model.test = Some(steps(found)))
            } else {
                data::explain(database, &name, 7)
                    .await
                    .map(|lines| model.preview = Some(lines))
            };
            if outcome.is_err() {
                return again(visit, model, open.end(outcome).await).await;
            }
            // It was made to be tried, and never was.
            open.transaction.roll_back().await;
        }
    }
    show(visit, StatusCode::OK, model).await
}

async fn put(database: &Transaction, name: Option<&str>, definition: &str) -> Result<i64, DatabaseError> {
    let Some(name) = name else {
        return Ok(data::create(database, definition).await?.unwrap_or(0));
    };
    let before = data::one(database, name).await?.map_or(0, |alert| alert.id);
    data::alter(database, name, definition).await?;
    Ok(before)
}

/// The form once more, with what is wrong.
async fn again(visit: &Visit, model: Model, outcome: Result<(), Problem>) -> Result<Response, Problem> {
    let Err(problem) = outcome else {
        return show(visit, StatusCode::OK, model).await;
    };
    if !is_of_input(&problem) {
        return Err(problem);
    }
    let query = query_problem(&problem).filter(|_| model.definition.is_none());
    let model = Model {
        wrong: query.is_none().then(|| Wrong {
            message: problem.detail.clone().unwrap_or_else(|| problem.title.clone()),
            hint: problem.hint.clone(),
        }),
        problem: query,
        ..model
    };
    show(visit, StatusCode::UNPROCESSABLE_ENTITY, model).await
}

fn filled(fields: &forms::Fields, id: Option<i64>) -> Model {
    let text = |name: &str| fields.get(name).trim().to_owned();
    Model {
        id,
        definition: fields.given("definition").map(str::to_owned),
        fields: Fields {
            name: text("name"),
            description: text("description"),
            condition: text("condition"),
            count: text("count"),
            window: text("window"),
            group_by: text("group_by"),
            severity: text("severity"),
            channels: fields.all("channels"),
            recipients: text("recipients"),
        },
        ..Model::default()
    }
}

fn list(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// The definition of what was filled in.
fn to_definition(fields: &Fields) -> Value {
    let mut definition = Map::new();
    definition.insert("name".to_owned(), json!(fields.name));
    if !fields.description.is_empty() {
        definition.insert("description".to_owned(), json!(fields.description));
    }
    definition.insert("condition".to_owned(), json!(fields.condition));
    let groups = list(&fields.group_by);
    let mut threshold = Map::new();
    if !fields.count.is_empty() {
        let count = fields
            .count
            .parse::<i64>()
            .map_or_else(|_| json!(fields.count), |count| json!(count));
        threshold.insert("count".to_owned(), count);
    }
    if !fields.window.is_empty() {
        threshold.insert("window".to_owned(), json!(fields.window));
    }
    if !groups.is_empty() {
        threshold.insert("group_by".to_owned(), json!(groups));
    }
    // One event is no threshold, unless something else is said of it.
    let is_each = threshold.len() == 1 && threshold.get("count") == Some(&json!(1));
    if !threshold.is_empty() && !is_each {
        definition.insert("threshold".to_owned(), Value::Object(threshold));
    }
    let severity = if fields.severity.is_empty() {
        "warning"
    } else {
        &fields.severity
    };
    let mut notification = Map::new();
    notification.insert("severity".to_owned(), json!(severity));
    if !fields.channels.is_empty() {
        notification.insert("channels".to_owned(), json!(fields.channels));
    }
    let recipients = list(&fields.recipients);
    if !recipients.is_empty() {
        notification.insert("recipients".to_owned(), json!(recipients));
    }
    definition.insert("notification".to_owned(), Value::Object(notification));
    Value::Object(definition)
}

/// The fields of a definition; none when it has what the form has not.
fn of_definition(definition: &Value) -> Option<Fields> {
    let only = |value: Option<&Value>, known: &[&str]| {
        let keys = value.and_then(Value::as_object).into_iter().flat_map(Map::keys);
        keys.into_iter().all(|key| known.contains(&key.as_str()))
    };
    let top = [
        "name",
        "description",
        "condition",
        "threshold",
        "notification",
        "enabled",
    ];
    let is_simple = only(Some(definition), &top)
        && only(definition.get("threshold"), &["count", "window", "group_by"])
        && only(definition.get("notification"), &["channels", "recipients", "severity"])
        && definition.get("enabled").is_none_or(|enabled| enabled == &json!(true));
    let text = |pointer: &str| {
        definition
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    is_simple.then(|| Fields {
        name: text("/name"),
        description: text("/description"),
        condition: text("/condition"),
        count: definition
            .pointer("/threshold/count")
            .map(Value::to_string)
            .unwrap_or_default(),
        window: text("/threshold/window"),
        group_by: texts(definition.pointer("/threshold/group_by")).join(", "),
        severity: text("/notification/severity"),
        channels: texts(definition.pointer("/notification/channels")),
        recipients: texts(definition.pointer("/notification/recipients")).join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_comes_back() {
        let fields = Fields {
            name: "A".to_owned(),
            condition: "status:failed".to_owned(),
            count: "5".to_owned(),
            window: "5m".to_owned(),
            group_by: "actor.email, ip".to_owned(),
            severity: "error".to_owned(),
            channels: vec!["email".to_owned()],
            recipients: "a@b.c, d@e.f".to_owned(),
            ..Fields::default()
        };
        assert_eq!(of_definition(&to_definition(&fields)), Some(fields));
        assert_eq!(of_definition(&json!({"name": "x", "unusual": {}})), None);
        let each = Fields {
            count: "1".to_owned(),
            ..Fields::default()
        };
        assert_eq!(to_definition(&each).get("threshold"), None);
    }
}
