//! Who is who to the log.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// A principal.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Principal {
    /// The actor of events that it is.
    pub actor_id: String,
    /// The only tenant whose events it sees.
    pub tenant: Option<String>,
    /// Its login role.
    pub role_name: Option<String>,
    /// For people to read.
    pub email: Option<String>,
    /// Teams that it belongs to.
    pub teams: Vec<String>,
    /// Teams that it sees as a manager; its own unless given.
    pub manages: Option<Vec<String>>,
    /// When it was changed last.
    pub changed_at: String,
    /// By whom.
    pub changed_by: String,
}

/// Principals that the caller may see.
///
/// # Errors
/// What the database refuses.
pub async fn list(transaction: &Transaction) -> Answer<Vec<Principal>> {
    transaction
        .list(
            "SELECT p.actor_id, p.tenant, p.role_name, p.email, p.teams, p.manages, p.changed_at, p.changed_by FROM auditlog.principals AS p \
             ORDER BY p.actor_id COLLATE \"C\", p.tenant COLLATE \"C\" NULLS FIRST",
            &[],
        )
        .await
}

/// A principal that is to be.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrincipal {
    /// Its login role; none for users of an application.
    pub role_name: Option<String>,
    /// The actor of events that it is; the role's name unless given.
    pub actor_id: Option<String>,
    /// For people to read.
    pub email: Option<String>,
    /// Teams that it belongs to.
    pub teams: Option<Vec<String>>,
    /// The only tenant whose events it sees.
    pub tenant: Option<String>,
    /// Teams that it sees as a manager; its own unless given.
    pub manages: Option<Vec<String>>,
}

/// Adds one.
///
/// # Errors
/// What the database refuses.
pub async fn add(transaction: &Transaction, new: &NewPrincipal) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.add_principal($1::text::name, $2, $3, $4, $5, $6)",
            &[
                (&new.role_name, Type::TEXT),
                (&new.actor_id, Type::TEXT),
                (&new.email, Type::TEXT),
                (&new.teams, Type::TEXT_ARRAY),
                (&new.tenant, Type::TEXT),
                (&new.manages, Type::TEXT_ARRAY),
            ],
        )
        .await
}

/// Changes the members that are given, as JSON.
///
/// # Errors
/// What the database refuses.
pub async fn alter(transaction: &Transaction, actor_id: &str, changes: &str, tenant: Option<&str>) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.alter_principal($1, $2::text::jsonb, $3)",
            &[(&actor_id, Type::TEXT), (&changes, Type::TEXT), (&tenant, Type::TEXT)],
        )
        .await
}

/// Removes one.
///
/// # Errors
/// What the database refuses.
pub async fn drop(transaction: &Transaction, actor_id: &str, tenant: Option<&str>) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.drop_principal($1, $2)",
            &[(&actor_id, Type::TEXT), (&tenant, Type::TEXT)],
        )
        .await
}

/// Login roles of principals, and the log's roles that they have.
///
/// # Errors
/// What the database refuses.
pub async fn roles(transaction: &Transaction) -> Answer<Vec<(String, Vec<String>)>> {
    let sql = "SELECT r.rolname::text, ARRAY(SELECT g.rolname::text FROM pg_roles AS g WHERE g.rolname = ANY (ARRAY['auditlog_administrator', \
            'auditlog_analyst', 'auditlog_compliance', 'auditlog_manager', 'auditlog_user', 'auditlog_writer']::name[]) \
            AND pg_has_role(r.oid, g.oid, 'USAGE') ORDER BY g.rolname) \
        FROM pg_roles AS r WHERE r.rolname IN (SELECT p.role_name::name FROM auditlog.principals AS p)";
    let rows = transaction.rows_of(sql, &[]).await?;
    let pairs = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    Ok(pairs.collect::<Result<_, tokio_postgres::Error>>()?)
}
