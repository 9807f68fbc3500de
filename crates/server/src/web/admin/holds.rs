//! `/admin/holds`.

use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::admin::holds::{self as pages, Hold, Model};
use axum::response::Response;
use http::StatusCode;

use crate::data::{event, retention};
use crate::database::Access;
use crate::http::Problem;
use crate::web::visit::{Sent, Visit};
use crate::web::{html, is_of_input, moment, optional_moment, query_problem, see_other, words};

/// The page.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    show(&visit, StatusCode::OK, Model::default()).await
}

async fn show(visit: &Visit, status: StatusCode, model: Model) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::administers).await?;
    let mut holds: Vec<Hold> = retention::holds(&open.transaction)
        .await?
        .into_iter()
        .map(hold_of)
        .collect();
    holds.sort_by_key(|hold| matches!(hold.state.as_str(), "released" | "expired"));
    let model = Model { holds, ..model };
    let chrome = visit.chrome(open, Section::Admin).await?;
    Ok(html(status, pages::page(&chrome, &model).into_string()))
}

fn hold_of(found: retention::Hold) -> Hold {
    Hold {
        name: found.name,
        query: found.query,
        until: optional_moment(found.until.as_ref()),
        reason: found.reason,
        made: (found.made_by, moment(&found.made_at)),
        state: found.state,
        wanted_by: found.wanted_by,
    }
}

/// `POST /admin/holds`.
pub async fn hold(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let (name, query) = (fields.get("name").trim(), fields.get("query"));
    let (until, reason) = (fields.time("until"), fields.get("reason").trim());
    let open = visit.begin_as(Access::Write, Viewer::administers).await?;
    // Checked for itself first: hold() does not say where in a query it is wrong.
    let held = match event::check_query(&open.transaction, query).await {
        Ok(()) => retention::hold(&open.transaction, name, query, until.as_deref(), reason).await,
        Err(error) => Err(error),
    };
    match open.end(held).await {
        Ok(events) => {
            visit.tell(format!(
                "The hold «{name}» keeps {} now.",
                auditlog_pages::format::plural(super::super::natural(events), "event", "events")
            ));
            see_other("/admin/holds")
        }
        Err(problem) if is_of_input(&problem) => {
            let wrong = query_problem(&problem);
            if wrong.is_none() {
                visit.tell_bad(words(&problem));
            }
            let model = Model {
                problem: wrong,
                filled: fields.filled(),
                ..Model::default()
            };
            show(visit, StatusCode::UNPROCESSABLE_ENTITY, model).await
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /admin/holds/release`.
pub async fn release(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let open = visit.begin_as(Access::Write, Viewer::administers).await?;
    let done = retention::release(&open.transaction, fields.get("name"), fields.get("reason").trim()).await;
    match open.end(done).await {
        Ok(true) => visit.tell("The hold was released."),
        Ok(false) => visit.tell("The release was asked for. Somebody else must release it, too."),
        Err(problem) if is_of_input(&problem) => visit.tell_bad(words(&problem)),
        Err(problem) => return Err(problem),
    }
    see_other("/admin/holds")
}
