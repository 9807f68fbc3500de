//! `/live`.

use auditlog_pages::layout::Section;
use auditlog_pages::pages::live::{self as pages, EventType, Model};
use auditlog_pages::url;
use axum::response::Response;
use http::StatusCode;

use super::dashboard::events;
use super::visit::Visit;
use super::{html, is_of_input, query_problem, words};
use crate::data::search::{self, Order, Selection};
use crate::data::{catalogue, event};
use crate::database::{Access, DatabaseError, Transaction};
use crate::http::Problem;

/// Events that the page begins with.
const FIRST: i32 = 50;

/// The page.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    let mut model = Model::default();
    for (name, value) in url::pairs(&visit.query) {
        match name.as_str() {
            "q" => model.query = value.replace("\r\n", "\n").replace('\0', ""),
            "types" if model.selected.len() < 200 => model.selected.push(value.replace('\0', "")),
            _ => {}
        }
    }
    let mut open = visit.begin(Access::Read).await?;
    match last(&open.transaction, &model.stream_query()).await {
        Ok((found, position)) => {
            let sealed =
                |event: &auditlog_pages::event::Event| event.log_index.is_some_and(|index| index as i64 <= position);
            // What is not sealed yet comes by the stream.
            model.events = events(found).into_iter().filter(sealed).collect();
            model.position = u64::try_from(position).ok();
        }
        Err(error) => {
            open.transaction.roll_back().await;
            let problem = Problem::from(error);
            if !is_of_input(&problem) {
                return Err(problem);
            }
            let length = model.query.chars().count();
            let query = query_problem(&problem).filter(|query| query.position <= length.max(1));
            model.problem = Some(query.unwrap_or_else(|| auditlog_pages::components::query_box::Problem {
                position: 1,
                length: length.max(1),
                message: words(&problem),
                hint: None,
            }));
            open = visit.begin(Access::Read).await?;
        }
    }
    let types = catalogue::event_types(&open.transaction).await?;
    model.types = types
        .into_iter()
        .map(|kind| EventType {
            name: kind.event_type,
            category: kind.category,
        })
        .collect();
    let status = match model.problem {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    let chrome = visit.chrome(open, Section::Live).await?;
    Ok(html(status, pages::page(&chrome, &model).into_string()))
}

/// The last events, and where the stream goes on: asked first, so that nothing falls in between.
async fn last(database: &Transaction, query: &str) -> Result<(Vec<event::Event>, i64), DatabaseError> {
    let position = event::last_place(database).await?;
    let what = Selection {
        query: query.to_owned(),
        ..Selection::default()
    };
    Ok((
        search::page(database, &what, Order::Newest, FIRST, None).await?,
        position,
    ))
}
