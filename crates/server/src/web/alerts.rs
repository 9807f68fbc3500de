//! `/alerts`, `/alerts/{id}` and their buttons.

use std::time::Duration;

use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::alerts::{self as pages, BuiltIn, Model};
use auditlog_pages::pages::{alert, alerts};
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use super::firing::{self, firing as shown};
use super::search::told;
use super::visit::{Open, Sent, Visit};
use super::{alert_form, html, moment, returning, see_other};
use crate::App;
use crate::data::alerts::{self as data, Alert, Step, WhichFirings};
use crate::data::delivery;
use crate::database::{Access, Transaction};
use crate::http::Problem;
use crate::http::inputs::Place;

/// Firings that a page shows.
const FIRINGS: i64 = 50;
/// How long the run over the past may take.
const BUDGET: Duration = Duration::from_secs(5);

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/alerts", get(list))
        .route("/alerts/new", get(alert_form::new).post(alert_form::create))
        .route("/alerts/install", post(install))
        .route("/alerts/firings/{id}/acknowledge", post(acknowledge))
        .route("/alerts/{id}", get(one))
        .route("/alerts/{id}/edit", get(alert_form::edit).post(alert_form::change))
        .route("/alerts/{id}/{action}", post(act))
}

async fn list(visit: Visit) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::sees_alerts).await?;
    let database = &open.transaction;
    let all = data::list(database).await?;
    // Those that nobody has acknowledged come first.
    let mut found = firings(database, None, Some(false)).await?;
    found.extend(firings(database, None, Some(true)).await?);
    found.truncate(FIRINGS as usize);
    let mut model = Model {
        alerts: all.iter().map(firing::alert).collect(),
        firings: found.into_iter().map(|one| shown(one, &all)).collect(),
        ..Model::default()
    };
    if open.viewer.administers() {
        model.built_in = data::built_in(database).await?.into_iter().map(built_in).collect();
        model.channels = channels(database).await?;
    }
    let chrome = visit.chrome(open, Section::Alerts).await?;
    Ok(html(StatusCode::OK, alerts::page(&chrome, &model).into_string()))
}

async fn firings(
    database: &Transaction,
    alert: Option<&str>,
    acknowledged: Option<bool>,
) -> Result<Vec<data::Firing>, Problem> {
    let which = WhichFirings {
        alert: alert.map(str::to_owned),
        acknowledged,
        limit: FIRINGS,
        ..WhichFirings::default()
    };
    Ok(data::firings(database, &which).await?)
}

/// Names of channels that there are.
pub async fn channels(database: &Transaction) -> Result<Vec<String>, Problem> {
    let found = delivery::channels(database).await?;
    Ok(found.into_iter().map(|channel| channel.name).collect())
}

fn built_in(found: data::BuiltIn) -> BuiltIn {
    pages::BuiltIn {
        key: found.key,
        name: found.name,
        description: found.description.unwrap_or_default(),
        installed: found.installed,
    }
}

/// Steps of a trial as the pages know them.
pub fn steps(steps: Vec<Step>) -> Vec<(String, String)> {
    let pair = |step: Step| (step.step, step.result.unwrap_or_default());
    steps.into_iter().map(pair).collect()
}

/// The alert of a number.
pub async fn by_id(database: &Transaction, id: i64) -> Result<Alert, Problem> {
    let found = data::by_id(database, id).await?;
    found.ok_or_else(|| Problem::not_found("An alert of this number"))
}

async fn one(visit: Visit, Place(id): Place<i64>) -> Result<Response, Problem> {
    show(&visit, id, None).await
}

/// The page of an alert, perhaps with the steps of a test.
async fn show(visit: &Visit, id: i64, test: Option<Vec<Step>>) -> Result<Response, Problem> {
    // Explaining counts events, which a transaction that is READ ONLY may not.
    let open = visit.begin_as(Access::Write, Viewer::sees_alerts).await?;
    let database = &open.transaction;
    let found = by_id(database, id).await?;
    let firings = firings(database, Some(&found.name), None).await?;
    let explanation = explanation(&open, &found).await?;
    let model = alert::Model {
        alert: firing::alert(&found),
        definition: serde_json::to_string_pretty(&found.definition).unwrap_or_default(),
        explanation,
        test: test.map(steps),
        firings: firings
            .into_iter()
            .map(|one| shown(one, std::slice::from_ref(&found)))
            .collect(),
        changed: Some((found.changed_by.clone(), moment(&found.changed_at))),
    };
    let chrome = visit.chrome(open, Section::Alerts).await?;
    Ok(html(StatusCode::OK, alert::page(&chrome, &model).into_string()))
}

/// What it does and would have done; only administrators may have it run.
async fn explanation(open: &Open, found: &Alert) -> Result<Vec<String>, Problem> {
    if !open.viewer.administers() {
        return Ok(vec![firing::alert(found).in_words]);
    }
    let lines = data::explain(&open.transaction, &found.name, 7);
    let lines = open.transaction.attempt(BUDGET, lines).await?;
    Ok(lines.unwrap_or_else(|| {
        vec![
            firing::alert(found).in_words,
            "What it would have done in the last days took too long to find out.".to_owned(),
        ]
    }))
}

/// The buttons of an alert.
async fn act(Place((id, action)): Place<(i64, String)>, sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let open = visit.begin_as(Access::Write, Viewer::administers).await?;
    let database = &open.transaction;
    let name = by_id(database, id).await?.name;
    let here = format!("/alerts/{id}");
    let (done, good, to) = match action.as_str() {
        "test" => {
            let notify = fields.get("notify") == "true";
            let tested = data::test(database, &name, None, notify).await;
            let steps = open.end(tested).await?;
            return show(visit, id, Some(steps)).await;
        }
        "mute" => {
            let until = fields.time("until");
            let done = data::mute(database, &name, until.as_deref(), fields.given("reason")).await;
            (done, "Muted: nobody is told until then.", here)
        }
        "unmute" => (
            data::mute(database, &name, None, None).await,
            "The mute has ended.",
            here,
        ),
        "enable" => (data::switch(database, &name, true).await, "The alert is enabled.", here),
        "disable" => (
            data::switch(database, &name, false).await,
            "The alert is disabled.",
            here,
        ),
        "delete" => (
            data::drop(database, &name).await,
            "The alert was deleted.",
            "/alerts".to_owned(),
        ),
        _ => return Err(Problem::not_found("The page")),
    };
    told(visit, open, done, good).await?;
    see_other(&to)
}

async fn install(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let open = visit.begin_as(Access::Write, Viewer::administers).await?;
    let keys = fields.all("keys");
    if keys.is_empty() {
        open.transaction.commit().await?;
        visit.tell_bad("No alert was chosen.");
        return see_other("/alerts");
    }
    let (channels, recipients) = (fields.all("channels"), fields.list("recipients"));
    let done = data::install(&open.transaction, Some(&keys), &channels, &recipients).await;
    told(visit, open, done, "The alerts were installed. They count from now on.").await?;
    see_other("/alerts")
}

async fn acknowledge(Place(id): Place<i64>, sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let back = returning::ours(fields.get("return_to")).unwrap_or_else(|| "/alerts".to_owned());
    let open = visit.begin_as(Access::Write, Viewer::acknowledges).await?;
    let done = data::acknowledge(&open.transaction, id, fields.given("note")).await;
    told(visit, open, done, "The firing is acknowledged.").await?;
    see_other(&back)
}
