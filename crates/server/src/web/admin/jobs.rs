//! `/admin/jobs`.

use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::admin::jobs::{self as pages, Job, Model, Run};
use axum::response::Response;
use http::StatusCode;

use super::back;
use crate::data::jobs;
use crate::database::Access;
use crate::http::Problem;
use crate::http::inputs::Place;
use crate::web::visit::{Sent, Visit};
use crate::web::{html, optional_moment};

const HERE: &str = "/admin/jobs";
/// Runs that the page has.
const ROWS: i64 = 50;

/// The page.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::administers).await?;
    let job = |found: jobs::Job| Job {
        id: found.jobid,
        name: found.jobname,
        schedule: found.schedule,
        command: found.command,
        username: found.username,
        active: found.active,
    };
    let run = |found: jobs::Run| {
        let (began, ended) = (
            optional_moment(found.start_time.as_ref()),
            optional_moment(found.end_time.as_ref()),
        );
        Run {
            job_id: found.jobid,
            status: found.status,
            message: found.return_message,
            started_at: began,
            seconds: began
                .zip(ended)
                .map(|(began, ended)| (ended - began).as_seconds_f64().max(0.0)),
        }
    };
    let model = Model {
        jobs: jobs::list(&open.transaction).await?.into_iter().map(job).collect(),
        runs: jobs::runs(&open.transaction, None, ROWS)
            .await?
            .into_iter()
            .map(run)
            .collect(),
    };
    let chrome = visit.chrome(open, Section::Admin).await?;
    Ok(html(StatusCode::OK, pages::page(&chrome, &model).into_string()))
}

/// The buttons of a job.
pub async fn act(Place((id, action)): Place<(i64, String)>, sent: Sent) -> Result<Response, Problem> {
    let open = sent.visit.begin_as(Access::Write, Viewer::administers).await?;
    let database = &open.transaction;
    let (done, good) = match action.as_str() {
        "enable" => (jobs::alter(database, id, None, Some(true)).await, "The job is enabled."),
        "disable" => (
            jobs::alter(database, id, None, Some(false)).await,
            "The job is disabled.",
        ),
        "schedule" => {
            let schedule = sent.fields.get("schedule").trim();
            (
                jobs::alter(database, id, Some(schedule), None).await,
                "The schedule was changed.",
            )
        }
        "delete" => (jobs::remove(database, id).await, "The job was removed."),
        _ => return Err(Problem::not_found("The page")),
    };
    back(&sent.visit, open, done, good, HERE).await
}
