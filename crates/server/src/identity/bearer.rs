//! Bearers of tokens: the authenticator's connection speaks for whom the extension finds in the token.
//!
//! The authenticator is a login role without rights of its own (NOINHERIT). Within one transaction it takes the role of
//! a user, which may ask the extension to check the token, and then the role that the token's principal has. Nothing of
//! the token is looked at here.

use futures_util::future::join3;
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

/// Has the transaction speak for the token's principal, with its role; what the token is good for, None: all.
///
/// # Errors
/// When the token is refused, or the authenticator is no member of the role.
pub async fn speak_for(
    transaction: &Transaction,
    token: &str,
    roles: &BearerRoles,
) -> Result<Option<Vec<String>>, DatabaseError> {
    let (as_user, as_manager) = ((&roles.user as _, Type::TEXT), (&roles.manager as _, Type::TEXT));
    // Sent together: without the role the check is refused, and after a refused check nothing is answered.
    let (is_user, is_known, scopes) = join3(
        transaction.call("SELECT set_config('role', $1, true)", std::slice::from_ref(&as_user)),
        transaction.call("SELECT auditlog.authenticate($1)", &[(&token, Type::TEXT)]),
        transaction.scalar(
            "SELECT auditlog.token_scopes(), set_config('role', coalesce(auditlog.acting_role($1), $2), true)",
            &[as_manager, as_user.clone()],
        ),
    )
    .await;
    is_user?;
    is_known?;
    scopes
}
