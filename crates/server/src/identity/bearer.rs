//! Bearers of tokens: the authenticator's connection speaks for whom the extension finds in the token.
//!
//! The authenticator is a login role without rights of its own (NOINHERIT). Within one transaction it takes the role of
//! a user, which may ask the extension to check the token, and then the role that the token's principal has. Nothing of
//! the token is looked at here.

use futures_util::future::join;
use tokio_postgres::types::Type;

use crate::database::{DatabaseError, Transaction};

/// Roles that principals without a login role of their own have.
#[derive(Debug, Clone)]
pub struct BearerRoles {
    /// Everybody.
    pub user: String,
    /// Who manages a team by name (`manages` of the principal).
    pub manager: String,
}

/// Has the transaction speak for the token's principal, with its role.
///
/// # Errors
/// When the token is refused, or the authenticator is no member of the role.
pub async fn speak_for(transaction: &Transaction, token: &str, roles: &BearerRoles) -> Result<(), DatabaseError> {
    let set_role = "SELECT set_config('role', $1, true)";
    // Sent together: without the role the check is refused.
    let as_user = [(&roles.user as _, Type::TEXT)];
    let (is_user, actor) = join(
        transaction.call(set_role, &as_user),
        transaction.scalar("SELECT auditlog.authenticate($1)", &[(&token, Type::TEXT)]),
    )
    .await;
    is_user?;
    let actor: Option<String> = actor?;
    // A principal sees itself; of which tenant it is, the extension knows by the token.
    let role: Option<String> = transaction
        .scalar(
            "SELECT CASE WHEN r.rolname IS NOT NULL THEN r.rolname::text WHEN cardinality(p.manages) > 0 THEN $2 END \
             FROM auditlog.whoami() AS w \
             JOIN auditlog.principals AS p ON p.actor_id = w.actor_id AND p.tenant IS NOT DISTINCT FROM w.tenant \
             LEFT JOIN pg_roles AS r ON r.rolname = p.role_name AND pg_has_role(session_user, r.oid, 'MEMBER') \
             WHERE w.actor_id = $1",
            &[(&actor, Type::TEXT), (&roles.manager, Type::TEXT)],
        )
        .await?;
    if let Some(role) = role {
        transaction.call(set_role, &[(&role, Type::TEXT)]).await?;
    }
    Ok(())
}
