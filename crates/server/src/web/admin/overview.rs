//! `/admin`.

use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::admin::overview::{self as pages, Model, Worker};
use auditlog_pages::pages::dashboard::Metric;
use axum::response::Response;
use http::StatusCode;

use crate::data::state;
use crate::database::Access;
use crate::http::Problem;
use crate::web::dashboard::metrics;
use crate::web::visit::Visit;
use crate::web::{html, natural, optional_moment};

/// The page.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::administers).await?;
    let database = &open.transaction;
    let check = |found: state::Check| Metric {
        name: found.check,
        subject: None,
        value: None,
        unit: String::new(),
        status: found.status,
        detail: found.detail.unwrap_or_default(),
        hint: found.hint,
    };
    let worker = |found: state::Worker| Worker {
        running: found.pid.is_some(),
        errors: natural(found.errors.unwrap_or(0)),
        last_error: found.last_error.zip(optional_moment(found.last_error_at.as_ref())),
        name: found.worker,
    };
    let model = Model {
        checks: state::health(database).await?.into_iter().map(check).collect(),
        workers: state::workers(database).await?.into_iter().map(worker).collect(),
        metrics: metrics(state::metrics(database).await?),
    };
    let chrome = visit.chrome(open, Section::Admin).await?;
    Ok(html(StatusCode::OK, pages::page(&chrome, &model).into_string()))
}
