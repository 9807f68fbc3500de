//! The caller of a request: how it has proved who it is, and its transactions.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use http::request::Parts;
use http::{HeaderMap, header};
use zeroize::Zeroizing;

use super::scopes::{Needs, needed};
use super::{Person, Session, SessionId, basic, forgery};
use crate::App;
use crate::database::{Access, Transaction};
use crate::http::Problem;
use crate::http::exchange::Exchange;

/// The name of the cookie. Browsers keep one of this name only when it is Secure, for the whole host and of no domain.
pub const COOKIE: &str = "__Host-auditlog";

/// How a caller has proved who it is.
#[derive(Clone)]
pub enum Identity {
    /// Name and password with this request.
    Person(Person),
    /// A session that has begun with them.
    Session(Arc<Session>, SessionId),
    /// A token, which the extension checks.
    Bearer(Zeroizing<String>),
}

/// Who asks.
#[derive(Clone)]
pub struct Caller {
    /// How it has proved who it is.
    pub identity: Identity,
    /// Its address.
    pub client: IpAddr,
    /// What its budgets are counted by; tells nothing of a password or token.
    pub key: [u8; 32],
    /// What it needs of a token with limits.
    pub needs: Needs,
}

impl Caller {
    /// A transaction of the caller's, with its rights and no other.
    ///
    /// # Errors
    /// When the database does not let it in, or cannot be reached.
    pub async fn begin(&self, app: &App, access: Access) -> Result<Transaction, Problem> {
        app.begin(self, access).await
    }

    /// Is it still who it was when it asked? Ends a stream whose session has ended.
    pub fn is_current(&self, app: &App) -> bool {
        match &self.identity {
            Identity::Session(_, id) => app.sessions.look(id).is_some(),
            Identity::Person(_) | Identity::Bearer(_) => true,
        }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Caller, Problem> {
        forgery::check_origin(&parts.method, &parts.headers)?;
        let client = parts
            .extensions
            .get::<Exchange>()
            .map_or(IpAddr::from([0, 0, 0, 0]), |exchange| exchange.client);
        let identity = identify(parts, app)?;
        let key = match &identity {
            Identity::Person(person) => app.fingerprints.of(person),
            Identity::Session(session, _) => session.pool,
            Identity::Bearer(token) => app.fingerprints.keyed(&[b"bearer", token.as_bytes()]),
        };
        app.rates.requests.take(&key)?;
        let route = parts.extensions.get::<MatchedPath>();
        let needs = route.map_or(Needs::Everything, |route| needed(&parts.method, route.as_str()));
        Ok(Caller {
            identity,
            client,
            key,
            needs,
        })
    }
}

fn identify(parts: &Parts, app: &App) -> Result<Identity, Problem> {
    if let Some(given) = parts.headers.get(header::AUTHORIZATION) {
        let given = given
            .to_str()
            .map_err(|_| Problem::unauthenticated("The header Authorization cannot be read."))?;
        let (scheme, credentials) = given.split_once(' ').unwrap_or((given, ""));
        if scheme.eq_ignore_ascii_case("bearer") && !credentials.trim().is_empty() {
            return Ok(Identity::Bearer(Zeroizing::new(credentials.trim().to_owned())));
        }
        if scheme.eq_ignore_ascii_case("basic") && app.settings.login {
            return basic::parse(credentials)
                .map(Identity::Person)
                .ok_or_else(|| Problem::unauthenticated("Name and password cannot be read."));
        }
        return Err(Problem::unauthenticated(
            "This way of saying who one is is not taken here.",
        ));
    }
    let id = session_id(&parts.headers)
        .ok_or_else(|| Problem::unauthenticated("The request says nothing of who sends it."))?;
    let session = app.sessions.touch(&id).ok_or_else(|| {
        Problem::unauthenticated("The session has ended.").hint("Log in again: POST /api/v1/session.")
    })?;
    forgery::check_token(&parts.method, &parts.headers, &session.csrf)?;
    Ok(Identity::Session(session, id))
}

/// The session's id out of the cookies.
pub fn session_id(headers: &HeaderMap) -> Option<SessionId> {
    cookie(headers, COOKIE).and_then(SessionId::parse)
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(other, value)| (other == name).then_some(value))
}
