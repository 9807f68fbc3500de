//! `/admin/retention`.

use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::admin::retention::{self as pages, Class, Done, Model, Move};
use auditlog_pages::{time, url};
use axum::response::Response;
use chrono::TimeDelta;
use http::StatusCode;

use super::back;
use crate::data::{keeping, retention};
use crate::database::Access;
use crate::http::Problem;
use crate::web::visit::{Sent, Visit};
use crate::web::{html, is_of_input, natural, optional_moment, see_other, words};

/// Moves that the page has.
const ROWS: i64 = 50;

/// The page.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    show(&visit, StatusCode::OK, None).await
}

/// The page; after a policy that was refused, with what was written.
async fn show(visit: &Visit, status: StatusCode, wrong: Option<(String, String)>) -> Result<Response, Problem> {
    let given = url::pairs(&visit.query).into_iter().find(|(name, _)| name == "at");
    let given = given.and_then(|(_, at)| time::parse(&at));
    let at = given.unwrap_or(visit.look.now + TimeDelta::days(30));
    // The plan is one of the functions that a transaction which is READ ONLY may not call.
    let open = visit.begin_as(Access::Write, Viewer::administers).await?;
    let database = &open.transaction;
    let sizes = keeping::sizes(database).await?;
    let written = keeping::written(database).await?;
    let class = |found: retention::Class| {
        let size = sizes.iter().find(|size| size.retention_class == found.retention_class);
        let count = |count: Option<i64>| count.map(natural);
        Class {
            event_types: found.event_types.unwrap_or_default(),
            hot: found.hot.unwrap_or_default(),
            warm: found.warm.unwrap_or_default(),
            cold: found.cold.unwrap_or_default(),
            classification: found.classification.unwrap_or_default(),
            events: size.and_then(|size| count(size.events)),
            bytes: size.and_then(|size| count(size.bytes)),
            name: found.retention_class,
        }
    };
    let conflicts = keeping::conflicts(database).await?;
    let plan = retention::plan(database, Some(&at.to_rfc3339())).await?;
    let (definition, wrong) = match wrong {
        Some((definition, wrong)) => (definition, Some(wrong)),
        None => (
            written
                .as_ref()
                .and_then(|written| written.written.clone())
                .unwrap_or_default(),
            None,
        ),
    };
    let model = Model {
        classes: retention::policy(database).await?.into_iter().map(class).collect(),
        conflicts: conflicts
            .into_iter()
            .map(|found| match found.retention_class {
                Some(class) => (format!("{class}: {}", found.message), found.basis),
                None => (found.message, found.basis),
            })
            .collect(),
        plan: plan.into_iter().map(planned).collect(),
        plan_at: Some(at),
        moves: keeping::moves(database, ROWS).await?.into_iter().map(done).collect(),
        definition,
        version: written.map(|written| natural(written.version)),
        wrong,
    };
    let chrome = visit.chrome(open, Section::Admin).await?;
    Ok(html(status, pages::page(&chrome, &model).into_string()))
}

fn planned(found: retention::Move) -> Move {
    Move {
        relation: found.relation.unwrap_or_default(),
        class: found.retention_class.unwrap_or_default(),
        what: found.kind.unwrap_or_default(),
        due_at: optional_moment(found.due_at.as_ref()),
        events: natural(found.events.unwrap_or(0)),
        bytes: natural(found.bytes.unwrap_or(0)),
        held: natural(found.held.unwrap_or(0)),
        detail: found.detail,
    }
}

fn done(found: keeping::Moved) -> Done {
    Done {
        relation: found.relation.unwrap_or_default(),
        what: found.kind,
        state: found.state,
        events: (natural(found.events.unwrap_or(0)), natural(found.kept.unwrap_or(0))),
        ended_at: optional_moment(found.ended_at.as_ref()),
        certificates: found.certificates.unwrap_or_default(),
    }
}

/// `POST /admin/retention`.
pub async fn set(sent: Sent) -> Result<Response, Problem> {
    let (visit, definition) = (&sent.visit, sent.fields.get("definition"));
    let open = visit.begin_as(Access::Write, Viewer::administers).await?;
    let set = keeping::set(&open.transaction, definition).await;
    match open.end(set).await {
        Ok(remarks) => {
            visit.tell("The policy is in force. It takes effect with the next rounds.");
            // Conflicts stay on the page; what was probably not meant is told once.
            for remark in remarks.iter().take(5) {
                visit.tell_bad(match &remark.basis {
                    Some(basis) => format!("{} {basis}", remark.message),
                    None => remark.message.clone(),
                });
            }
            see_other("/admin/retention")
        }
        Err(problem) if is_of_input(&problem) => {
            let wrong = (definition.to_owned(), words(&problem));
            show(visit, StatusCode::UNPROCESSABLE_ENTITY, Some(wrong)).await
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /admin/retention/run`.
pub async fn run(sent: Sent) -> Result<Response, Problem> {
    let open = sent.visit.begin_as(Access::Write, Viewer::administers).await?;
    let done = retention::run(&open.transaction).await;
    back(
        &sent.visit,
        open,
        done,
        "A round was asked for; what it does is listed below.",
        "/admin/retention",
    )
    .await
}
