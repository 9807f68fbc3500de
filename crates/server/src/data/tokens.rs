//! Tokens of programs.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// A token, without what is secret of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// By which it is taken back.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// Actor id of whom it speaks for.
    pub owner: String,
    /// How it begins.
    pub prefix: String,
    /// What it is good for; none: all that its owner may do.
    pub scopes: Option<Vec<String>>,
    /// `good`, `expired` or `revoked`.
    pub state: String,
    /// When it was made.
    pub created_at: String,
    /// Until when it is good.
    pub expires_at: String,
    /// When it was used last.
    pub last_used_at: Option<String>,
    /// When it was taken back.
    pub revoked_at: Option<String>,
}

/// What a token is good for.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "what OpenAPI says of texts that the database judges")]
enum Scope {
    Read,
    Record,
    Export,
    Alerts,
    Reports,
    Admin,
}

/// A token that is to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is called, such as the program that will have it.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// None: all that its owner may do.
    #[schema(value_type = Option<Vec<Scope>>, min_items = 1)]
    pub scopes: Option<Vec<String>>,
    /// How many days it is good.
    #[schema(minimum = 1, maximum = 366, default = 90)]
    pub days: Option<i32>,
}

/// The caller's tokens; an administrator's list has all.
///
/// # Errors
/// What the database refuses.
pub async fn list(transaction: &Transaction) -> Answer<Vec<Token>> {
    transaction
        .list(
            "SELECT t.id, t.name, t.owner, t.prefix, t.scopes, t.state, t.created_at, t.expires_at, t.last_used_at, t.revoked_at \
             FROM auditlog.tokens AS t ORDER BY t.id DESC LIMIT 1000",
            &[],
        )
        .await
}

/// Makes one; what comes back is shown this once.
///
/// # Errors
/// What the database refuses.
pub async fn create(transaction: &Transaction, new: &NewToken) -> Answer<Option<String>> {
    let days = new.days.unwrap_or(90);
    transaction
        .scalar(
            "SELECT auditlog.create_token($1, $2, pg_catalog.make_interval(days => $3))",
            &[
                (&new.name, Type::TEXT),
                (&new.scopes, Type::TEXT_ARRAY),
                (&days, Type::INT4),
            ],
        )
        .await
}

/// Takes one back; false when it was not good any more.
///
/// # Errors
/// What the database refuses.
pub async fn revoke(transaction: &Transaction, id: i64) -> Answer<Option<bool>> {
    transaction
        .scalar("SELECT auditlog.revoke_token($1)", &[(&id, Type::INT8)])
        .await
}
