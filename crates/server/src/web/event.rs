//! `/events/{event_id}`.

use std::time::Duration;

use auditlog_pages::layout::Section;
use auditlog_pages::pages::event::{self as pages, Model};
use auditlog_pages::url;
use axum::response::Response;
use http::StatusCode;

use super::html;
use super::visit::Visit;
use crate::data::{event, figures};
use crate::database::Access;
use crate::http::inputs::Place;
use crate::http::{Problem, exchange};

/// How long it may take to find the events before and after.
const BUDGET: Duration = Duration::from_secs(2);

/// `GET /events?id=`, for ids that a path cannot have.
pub async fn by_query(visit: Visit) -> Result<Response, Problem> {
    let pairs = url::pairs(&visit.query);
    let id = pairs.into_iter().find(|(name, _)| name == "id").map(|(_, id)| id);
    match id {
        Some(id) => show(visit, &id).await,
        None => super::see_other("/search"),
    }
}

/// `GET /events/{event_id}`.
pub async fn page(visit: Visit, Place(event_id): Place<String>) -> Result<Response, Problem> {
    show(visit, &event_id).await
}

async fn show(visit: Visit, event_id: &str) -> Result<Response, Problem> {
    let open = visit.begin(Access::Read).await?;
    let database = &open.transaction;
    let none = || Problem::not_found("An event of this id");
    if event_id.contains('\0') {
        return Err(none());
    }
    let found = event::by_id(database, event_id).await?.ok_or_else(none)?;
    let neighbours = figures::neighbours(database, event_id, &found.cursor);
    let neighbours = database.attempt(BUDGET, neighbours).await?.unwrap_or_default();
    let scheme = if visit.app.settings.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let host = visit
        .host
        .as_deref()
        .filter(|host| exchange::is_host(host))
        .unwrap_or("localhost");
    let model = Model {
        event: super::dashboard::event(&found),
        type_description: neighbours.description,
        sentence: neighbours.sentence,
        previous: neighbours.previous,
        next: neighbours.next,
        base_url: format!("{scheme}://{host}"),
    };
    let chrome = visit.chrome(open, Section::Search).await?;
    Ok(html(StatusCode::OK, pages::page(&chrome, &model).into_string()))
}
