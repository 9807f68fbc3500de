//! Links of viewers, as far as the database has them: tokens of their makers, good for reading and for a short time.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// How the names of these tokens begin.
const NAME: &str = "viewer link";

/// A link, without what is secret of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ViewerLink {
    /// By which it is taken back.
    pub id: i64,
    /// As the journal names it.
    pub name: String,
    /// Actor id of its maker.
    pub owner: String,
    /// `good`, `expired` or `revoked`.
    pub state: String,
    /// When it was made.
    pub created_at: String,
    /// Until when it is good.
    pub expires_at: String,
    /// When it was opened last.
    pub last_used_at: Option<String>,
}

/// Makes the token of a link: the token, which nobody is to see, and what may be seen of it.
///
/// # Errors
/// What the database refuses: who is no principal can have no token.
pub async fn create(
    transaction: &Transaction,
    label: Option<&str>,
    minutes: i32,
) -> Answer<Option<(String, ViewerLink)>> {
    let name = match label {
        Some(label) => format!("{NAME}: {label}"),
        None => NAME.to_owned(),
    };
    let sql = "SELECT auditlog.create_token($1, ARRAY['read'], pg_catalog.make_interval(mins => $2))";
    let token: Option<String> = transaction
        .scalar(sql, &[(&name, Type::TEXT), (&minutes, Type::INT4)])
        .await?;
    let Some(token) = token else { return Ok(None) };
    let sql = format!("{LIST} AND starts_with($2, t.prefix) ORDER BY t.id DESC LIMIT 1");
    let link = transaction
        .optional(&sql, &[(&NAME, Type::TEXT), (&token, Type::TEXT)])
        .await?;
    Ok(link.map(|link| (token, link)))
}

const LIST: &str = "SELECT t.id, t.name, t.owner, t.state, t.created_at, t.expires_at, t.last_used_at FROM auditlog.tokens AS t \
    WHERE starts_with(t.name, $1) AND t.scopes = ARRAY['read']";

/// The caller's links; an administrator's list has all.
///
/// # Errors
/// What the database refuses.
pub async fn list(transaction: &Transaction) -> Answer<Vec<ViewerLink>> {
    let sql = format!("{LIST} ORDER BY t.id DESC LIMIT 1000");
    transaction.list(&sql, &[(&NAME, Type::TEXT)]).await
}

/// Is there a link of this number that the caller may take back?
///
/// # Errors
/// What the database refuses.
pub async fn exists(transaction: &Transaction, id: i64) -> Answer<bool> {
    let sql = format!("{LIST} AND t.id = $2");
    let found: Option<ViewerLink> = transaction
        .optional(&sql, &[(&NAME, Type::TEXT), (&id, Type::INT8)])
        .await?;
    Ok(found.is_some())
}
