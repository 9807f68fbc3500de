//! `/admin/sinks`.

use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::admin::sinks::{self as pages, Model, Sink};
use axum::response::Response;
use http::StatusCode;

use super::{back, json};
use crate::data::configuring::{self, Done, New};
use crate::data::delivery;
use crate::database::Access;
use crate::http::Problem;
use crate::http::inputs::Place;
use crate::web::alerts::steps;
use crate::web::visit::{Sent, Visit};
use crate::web::{html, is_of_input, natural, optional_moment, see_other, words};

const HERE: &str = "/admin/sinks";

/// The page.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    show(&visit, StatusCode::OK, Model::default()).await
}

async fn show(visit: &Visit, status: StatusCode, model: Model) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::administers).await?;
    let done = configuring::sinks_done(&open.transaction).await?;
    let sinks = delivery::sinks(&open.transaction).await?;
    let model = Model {
        sinks: sinks.into_iter().map(|found| sink(found, &done)).collect(),
        ..model
    };
    let chrome = visit.chrome(open, Section::Admin).await?;
    Ok(html(status, pages::page(&chrome, &model).into_string()))
}

fn sink(found: delivery::Sink, done: &[Done]) -> Sink {
    let done = done.iter().find(|done| done.name == found.name);
    let count = |count: Option<i64>| natural(count.unwrap_or(0));
    Sink {
        delivered: count(done.and_then(|done| done.delivered)),
        dead: count(done.and_then(|done| done.dead)),
        name: found.name,
        kind: found.kind,
        query: found.query,
        format: found.format,
        state: found.state,
        reason: found.reason,
        lag_events: count(found.lag_events),
        lag_seconds: found.lag_seconds.unwrap_or(0.0),
        delivered_at: optional_moment(found.delivered_at.as_ref()),
    }
}

/// `POST /admin/sinks`.
pub async fn create(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let open = visit.begin_as(Access::Write, Viewer::administers).await?;
    let made = match json(fields.get("config")) {
        Ok(config) => {
            let new = New {
                name: fields.get("name").trim().to_owned(),
                kind: fields.get("kind").to_owned(),
                config,
            };
            let query = fields.get("query").trim();
            let made = configuring::create_sink(&open.transaction, &new, query, fields.given("format")).await;
            open.end(made).await
        }
        Err(problem) => {
            open.transaction.roll_back().await;
            Err(problem)
        }
    };
    match made {
        Ok(()) => {
            visit.tell("The sink was added. It gets what is sealed from now on.");
            see_other(HERE)
        }
        // Some kinds need a right in the database that not every administrator has.
        Err(problem) if is_of_input(&problem) || problem.status == 403 => {
            let model = Model {
                wrong: Some(words(&problem)),
                filled: fields.filled(),
                ..Model::default()
            };
            show(visit, StatusCode::UNPROCESSABLE_ENTITY, model).await
        }
        Err(problem) => Err(problem),
    }
}

/// The buttons of a sink.
pub async fn act(Place((name, action)): Place<(String, String)>, sent: Sent) -> Result<Response, Problem> {
    let visit = &sent.visit;
    let access = if action == "test" {
        Access::LongWrite
    } else {
        Access::Write
    };
    let open = visit.begin_as(access, Viewer::administers).await?;
    let database = &open.transaction;
    let (done, good) = match action.as_str() {
        "test" => {
            let tested = delivery::test_sink(database, &name).await;
            let tested = open.end(tested).await?;
            let model = Model {
                test: Some((name, steps(tested))),
                ..Model::default()
            };
            return show(visit, StatusCode::OK, model).await;
        }
        "pause" => {
            let done = delivery::pause_sink(database, &name, sent.fields.given("reason")).await;
            (done, "The sink is paused. It goes on where it was when it is resumed.")
        }
        "resume" => (delivery::resume_sink(database, &name).await, "The sink goes on."),
        "redrive" => {
            let done = configuring::redrive_sink(database, &name).await;
            (done, "What was refused is sent again.")
        }
        "delete" => (configuring::drop_sink(database, &name).await, "The sink was removed."),
        _ => return Err(Problem::not_found("The page")),
    };
    back(visit, open, done, good, HERE).await
}
