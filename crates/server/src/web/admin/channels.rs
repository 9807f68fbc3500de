//! `/admin/channels`.

use auditlog_pages::components::form::Filled;
use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::admin::channels::{self as pages, Channel, DeadLetter, Model};
use axum::response::Response;
use http::StatusCode;

use super::{back, json};
use crate::data::configuring::{self, Done, New};
use crate::data::delivery;
use crate::database::Access;
use crate::http::Problem;
use crate::http::inputs::Place;
use crate::web::visit::{Sent, Visit};
use crate::web::{html, is_of_input, natural, optional_moment, see_other, words};

const HERE: &str = "/admin/channels";
/// Dead letters that the page has.
const ROWS: i64 = 50;

/// The page.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    show(&visit, StatusCode::OK, None, Filled::default()).await
}

async fn show(visit: &Visit, status: StatusCode, wrong: Option<String>, filled: Filled) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::administers).await?;
    let database = &open.transaction;
    let done = configuring::channels_done(database).await?;
    let letter = |found: configuring::DeadLetter| DeadLetter {
        id: found.id,
        channel: found.channel,
        kind: found.kind,
        ended_at: optional_moment(found.ended_at.as_ref()),
        detail: found.detail,
    };
    let channels = delivery::channels(database).await?;
    let letters = configuring::dead_letters(database, ROWS).await?;
    let model = Model {
        channels: channels.into_iter().map(|found| channel(found, &done)).collect(),
        dead_letters: letters.into_iter().map(letter).collect(),
        wrong,
        filled,
    };
    let chrome = visit.chrome(open, Section::Admin).await?;
    Ok(html(status, pages::page(&chrome, &model).into_string()))
}

fn channel(found: delivery::Channel, done: &[Done]) -> Channel {
    let done = done
        .iter()
        .find(|done| done.name == found.name)
        .cloned()
        .unwrap_or_default();
    let count = |count: Option<i64>| natural(count.unwrap_or(0));
    Channel {
        name: found.name,
        kind: found.kind,
        min_severity: found.min_severity,
        state: found.state,
        delivered: count(done.delivered),
        waiting: count(done.waiting),
        dead: count(done.dead),
        last_success_at: optional_moment(done.last_success_at.as_ref()),
        last_error: done.last_error,
    }
}

/// `POST /admin/channels`.
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
            let severity = fields.given("min_severity").unwrap_or("debug");
            let made = configuring::create_channel(&open.transaction, &new, severity).await;
            open.end(made).await
        }
        Err(problem) => {
            open.transaction.roll_back().await;
            Err(problem)
        }
    };
    match made {
        Ok(()) => {
            visit.tell("The channel was added. Alerts can name it now.");
            see_other(HERE)
        }
        // Some kinds need a right in the database that not every administrator has.
        Err(problem) if is_of_input(&problem) || problem.status == 403 => {
            let wrong = Some(words(&problem));
            show(visit, StatusCode::UNPROCESSABLE_ENTITY, wrong, fields.filled()).await
        }
        Err(problem) => Err(problem),
    }
}

/// The buttons of a channel.
pub async fn act(Place((name, action)): Place<(String, String)>, sent: Sent) -> Result<Response, Problem> {
    let visit = &sent.visit;
    let open = visit.begin_as(Access::Write, Viewer::administers).await?;
    let database = &open.transaction;
    let (done, good) = match action.as_str() {
        "enable" => (
            configuring::switch_channel(database, &name, true).await,
            "The channel is enabled.",
        ),
        "disable" => (
            configuring::switch_channel(database, &name, false).await,
            "The channel is disabled.",
        ),
        "delete" => (
            configuring::drop_channel(database, &name).await,
            "The channel was removed.",
        ),
        _ => return Err(Problem::not_found("The page")),
    };
    back(visit, open, done, good, HERE).await
}

/// `POST /admin/channels/redrive`.
pub async fn redrive(sent: Sent) -> Result<Response, Problem> {
    let id = sent.fields.get("id").parse();
    let id = id.map_err(|_| Problem::bad_request("id", "It is no number."))?;
    let open = sent.visit.begin_as(Access::Write, Viewer::administers).await?;
    let done = configuring::redrive(&open.transaction, id).await;
    back(&sent.visit, open, done, "The notification is sent again.", HERE).await
}
