//! `/integrity` and `/help/query`.

use std::time::Duration;

use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::help as help_page;
use auditlog_pages::pages::integrity::{self as pages, Checkpoint, Model, Receiver, Run};
use axum::response::Response;
use http::StatusCode;

use super::visit::Visit;
use super::{html, moment, natural, optional_moment};
use crate::data::proofs;
use crate::database::Access;
use crate::http::Problem;

/// Rows of each list.
const ROWS: i64 = 20;
/// How long it may take to find the key.
const BUDGET: Duration = Duration::from_secs(2);

/// `GET /integrity`.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::sees_all).await?;
    let database = &open.transaction;
    let checkpoints = proofs::checkpoints(database, ROWS, None).await?;
    let runs = proofs::verifications(database, ROWS).await?;
    let receivers = proofs::receivers(database).await?;
    let key = database.attempt(BUDGET, proofs::newest_key(database)).await?;
    let model = Model {
        checkpoints: checkpoints
            .into_iter()
            .map(|found| Checkpoint {
                size: natural(found.size),
                root: found.root,
                made_at: moment(&found.made_at),
                cosignatures: natural(found.cosignatures),
            })
            .collect(),
        runs: runs
            .into_iter()
            .map(|found| Run {
                ended_at: moment(&found.ended_at),
                from: natural(found.from_index),
                to: natural(found.to_index),
                findings: natural(found.findings),
                first_finding: found.first_finding,
            })
            .collect(),
        receivers: receivers
            .into_iter()
            .map(|found| Receiver {
                name: found.name,
                kind: found.kind,
                state: found.state,
                delivered: natural(found.delivered_size.unwrap_or(0)),
                delivered_at: optional_moment(found.delivered_at.as_ref()),
                error: found.last_error,
            })
            .collect(),
    };
    let mut chrome = visit.chrome(open, Section::None).await?;
    if let Some(integrity) = &mut chrome.integrity {
        integrity.public_key = key.flatten();
    }
    Ok(html(StatusCode::OK, pages::page(&chrome, &model).into_string()))
}

/// `GET /help/query`.
pub async fn help(visit: Visit) -> Result<Response, Problem> {
    let open = visit.begin(Access::Read).await?;
    let chrome = visit.chrome(open, Section::None).await?;
    Ok(html(StatusCode::OK, help_page::page(&chrome).into_string()))
}
