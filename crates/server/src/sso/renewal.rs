//! The token of a session, renewed before it ends.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::SsoError;
use crate::App;
use crate::http::Problem;
use crate::identity::{Credentials, Session, SessionId};

/// A token that the database may take.
///
/// # Errors
/// When the session has ended, or the provider cannot be asked for a newer token.
pub async fn token(app: &App, session: &Arc<Session>, id: &SessionId) -> Result<Zeroizing<String>, Problem> {
    if session.life.as_ref().is_some_and(|life| life.is_to_be_renewed()) {
        // A request that is given up must not lose what the provider gives once.
        let renewal = tokio::spawn(renew(app.clone(), Arc::clone(session), id.clone()));
        let _ = renewal.await;
    }
    let ended = || Problem::unauthenticated("The session has ended.");
    let life = session.life.as_ref().ok_or_else(ended)?;
    if life.is_over() {
        return Err(ended());
    }
    if life.has_expired() {
        return Err(Problem::unavailable(
            "The identity provider cannot be reached, and the sign-in has to be renewed.",
        ));
    }
    match session.credentials(id) {
        Some(Credentials::Tokens(tokens)) => Ok(tokens.id_token),
        _ => Err(ended()),
    }
}

async fn renew(app: App, session: Arc<Session>, id: SessionId) {
    let (Some(single_sign_on), Some(life)) = (&app.single_sign_on, &session.life) else {
        return;
    };
    let _one_at_a_time = life.renewing.lock().await;
    if !life.is_to_be_renewed() {
        return; // somebody else has
    }
    let refresh_token = match session.credentials(&id) {
        Some(Credentials::Tokens(tokens)) => tokens.refresh_token,
        _ => None,
    };
    let Some(refresh_token) = refresh_token else {
        return life.ends();
    };
    match single_sign_on.renew(&refresh_token, &life.subject).await {
        Ok(signed_in) => {
            if session.renew(&id, &signed_in).is_none() {
                life.ends();
            }
        }
        Err(error @ (SsoError::Unreachable(_) | SsoError::Random)) => {
            tracing::warn!(cause = %crate::logs::visible(&error.to_string()), "a sign-in could not be renewed");
            life.pauses();
        }
        Err(error) => {
            tracing::info!(cause = %crate::logs::visible(&error.to_string()), "a sign-in is over");
            life.ends();
        }
    }
}
