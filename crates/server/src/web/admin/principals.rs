//! `/admin/principals`.

use auditlog_pages::components::form::Filled;
use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::admin::principals::{self as pages, Model, Principal};
use axum::response::Response;
use http::StatusCode;

use super::back;
use crate::data::principals::{self, NewPrincipal};
use crate::database::Access;
use crate::http::Problem;
use crate::web::visit::{Sent, Visit};
use crate::web::{html, is_of_input, moment, see_other, words};

const HERE: &str = "/admin/principals";

/// The page.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    show(&visit, StatusCode::OK, None, Filled::default()).await
}

async fn show(visit: &Visit, status: StatusCode, wrong: Option<String>, filled: Filled) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::administers).await?;
    let roles = principals::roles(&open.transaction).await?;
    let principal = |found: principals::Principal| {
        let of = roles.iter().find(|(name, _)| Some(name) == found.role_name.as_ref());
        Principal {
            roles: of.map(|(_, roles)| roles.clone()).unwrap_or_default(),
            actor_id: found.actor_id,
            tenant: found.tenant,
            role_name: found.role_name,
            email: found.email,
            teams: found.teams,
            manages: found.manages,
            changed: Some((found.changed_by, moment(&found.changed_at))),
        }
    };
    let found = principals::list(&open.transaction).await?;
    let model = Model {
        principals: found.into_iter().map(principal).collect(),
        wrong,
        filled,
    };
    let chrome = visit.chrome(open, Section::Admin).await?;
    Ok(html(status, pages::page(&chrome, &model).into_string()))
}

/// `POST /admin/principals`.
pub async fn add(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let text = |name: &str| fields.given(name).map(str::to_owned);
    let list = |name: &str| Some(fields.list(name)).filter(|list| !list.is_empty());
    let new = NewPrincipal {
        role_name: text("role_name"),
        actor_id: text("actor_id"),
        email: text("email"),
        teams: list("teams"),
        tenant: text("tenant"),
        manages: list("manages"),
    };
    let open = visit.begin_as(Access::Write, Viewer::administers).await?;
    let added = principals::add(&open.transaction, &new).await;
    match open.end(added).await {
        Ok(()) => {
            visit.tell("The principal was added. It counts at once.");
            see_other(HERE)
        }
        Err(problem) if is_of_input(&problem) || problem.status == 404 => {
            let wrong = Some(words(&problem));
            show(visit, StatusCode::UNPROCESSABLE_ENTITY, wrong, fields.filled()).await
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /admin/principals/drop`.
pub async fn drop(sent: Sent) -> Result<Response, Problem> {
    let open = sent.visit.begin_as(Access::Write, Viewer::administers).await?;
    let done = principals::drop(
        &open.transaction,
        sent.fields.get("actor_id"),
        sent.fields.given("tenant"),
    )
    .await;
    back(&sent.visit, open, done, "The principal was removed.", HERE).await
}
