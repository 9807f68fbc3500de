//! `/admin/tokens`: for everybody who reads, with the own tokens.

use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::admin::tokens::{self as pages, Model};
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;

use super::back;
use crate::data::tokens::{self, NewToken, Token};
use crate::database::Access;
use crate::http::Problem;
use crate::web::visit::{Sent, Visit};
use crate::web::{html, is_of_input, moment, words};

const HERE: &str = "/admin/tokens";
/// Scopes, and what they mean.
const SCOPES: [(&str, &str); 6] = [
    ("read", "Search and read events, proofs, the state of the log"),
    ("record", "Record events"),
    ("export", "Export events"),
    ("alerts", "Read and change alerts"),
    ("reports", "Make and fetch reports"),
    ("admin", "Configure: retention, holds, sinks, jobs, principals"),
];

/// The page.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    show(&visit, StatusCode::OK, None, None).await
}

async fn show(
    visit: &Visit,
    status: StatusCode,
    made: Option<String>,
    wrong: Option<String>,
) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::may_have_tokens).await?;
    let found = tokens::list(&open.transaction).await?;
    let model = Model {
        tokens: found.into_iter().map(shown).collect(),
        made,
        scopes: SCOPES
            .map(|(name, meaning)| (name.to_owned(), meaning.to_owned()))
            .to_vec(),
        wrong,
    };
    let chrome = visit.chrome(open, Section::Admin).await?;
    Ok(html(status, pages::page(&chrome, &model).into_string()))
}

fn shown(token: Token) -> pages::Token {
    pages::Token {
        id: token.id.to_string(),
        name: token.name,
        owner: token.owner,
        prefix: token.prefix,
        scopes: token.scopes.unwrap_or_else(|| vec!["everything".to_owned()]),
        expires_at: Some(moment(&token.expires_at)),
        used_at: token.last_used_at.as_deref().map(moment),
        made_at: moment(&token.created_at),
        revoked: token.state == "revoked",
    }
}

/// `POST /admin/tokens`: the answer is the page itself, for the token is shown this once.
pub async fn create(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let new = NewToken {
        name: fields.get("name").to_owned(),
        scopes: Some(fields.all("scopes")),
        days: fields.given("days").and_then(|days| days.parse().ok()),
    };
    let open = visit.begin_as(Access::Write, Viewer::may_have_tokens).await?;
    let made = tokens::create(&open.transaction, &new).await;
    match open.end(made).await {
        Ok(token) => show(visit, StatusCode::CREATED, token, None).await,
        Err(problem) if is_of_input(&problem) || problem.status == 409 => {
            show(visit, StatusCode::UNPROCESSABLE_ENTITY, None, Some(words(&problem))).await
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /admin/tokens/{id}/revoke`.
pub async fn revoke(Path(id): Path<i64>, sent: Sent) -> Result<Response, Problem> {
    let open = sent.visit.begin_as(Access::Write, Viewer::may_have_tokens).await?;
    let done = tokens::revoke(&open.transaction, id).await;
    back(
        &sent.visit,
        open,
        done,
        "The token was revoked. Nothing takes it any more.",
        HERE,
    )
    .await
}
