//! A request for a page, or a form that was sent: who it is, and how the page is to look.

use std::sync::Arc;

use auditlog_pages::layout::{Clock, Theme, Viewer};
use auditlog_pages::time::Moment;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};

use super::forms::Fields;
use crate::App;
use crate::data::state::{self, WhoAmI};
use crate::database::{Access, DatabaseError, Transaction};
use crate::http::Problem;
use crate::http::exchange::Exchange;
use crate::http::inputs;
use crate::identity::caller::{cookie, session_id};
use crate::identity::{Caller, Identity, Message, Needs, Session, SessionId, forgery};

/// How a page is to look, and where it is.
#[derive(Debug, Clone)]
pub struct Look {
    /// Light or dark.
    pub theme: Theme,
    /// Which clock.
    pub clock: Clock,
    /// Path and query of the page.
    pub here: String,
    /// When it is made.
    pub now: Moment,
}

impl Look {
    /// Out of address and cookies.
    pub fn of(uri: &http::Uri, headers: &HeaderMap) -> Look {
        let here = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Look {
            theme: Theme::from_key(cookie(headers, "auditlog_theme").unwrap_or_default()),
            clock: Clock::from_key(cookie(headers, "auditlog_clock").unwrap_or_default()),
            here,
            now: chrono::Utc::now(),
        }
    }
}

/// A request of somebody who has logged in.
pub struct Visit {
    /// What all requests share.
    pub app: App,
    /// Who it is.
    pub caller: Caller,
    /// The session.
    pub session: Arc<Session>,
    /// How the page is to look.
    pub look: Look,
    /// The query string.
    pub query: String,
    /// Host that the browser has asked, for addresses to copy.
    pub host: Option<String>,
}

/// A transaction of the visitor's, and who that is.
pub struct Open {
    /// The transaction.
    pub transaction: Transaction,
    /// As the pages know it.
    pub viewer: Viewer,
    /// As the database knows it.
    pub who: WhoAmI,
}

impl Visit {
    /// Of the session that the cookie names.
    ///
    /// # Errors
    /// When there is none.
    fn of(app: &App, parts: &Parts) -> Result<Visit, Problem> {
        let nobody = || Problem::unauthenticated("Nobody is signed in.");
        let id = session_id(&parts.headers).ok_or_else(nobody)?;
        let session = app.sessions.touch(&id).ok_or_else(nobody)?;
        let visit = Visit::new(app.clone(), session, id, parts);
        app.rates.requests.take(&visit.caller.key)?;
        Ok(visit)
    }

    /// Of a session.
    pub fn new(app: App, session: Arc<Session>, id: SessionId, parts: &Parts) -> Visit {
        let client = parts
            .extensions
            .get::<Exchange>()
            .map_or([0, 0, 0, 0].into(), |exchange| exchange.client);
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        Visit {
            app,
            caller: Caller {
                identity: Identity::Session(Arc::clone(&session), id),
                client,
                key: session.pool,
                needs: Needs::Everything,
            },
            session,
            look: Look::of(&parts.uri, &parts.headers),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            host: host.map(str::to_owned),
        }
    }

    /// A transaction of the visitor's.
    ///
    /// # Errors
    /// When the database does not let the visitor in.
    pub async fn begin(&self, access: Access) -> Result<Open, Problem> {
        let transaction = self.caller.begin(&self.app, access).await?;
        let who = state::whoami(&transaction).await?;
        let who = who.ok_or_else(|| Problem::forbidden("This role has nothing to do with the audit log."))?;
        Ok(Open {
            transaction,
            viewer: super::chrome::viewer(&who),
            who,
        })
    }

    /// The same for something that not everybody may do. The database would refuse it as well.
    ///
    /// # Errors
    /// When the visitor may not.
    pub async fn begin_as(&self, access: Access, right: fn(&Viewer) -> bool) -> Result<Open, Problem> {
        let open = self.begin(access).await?;
        if right(&open.viewer) {
            return Ok(open);
        }
        open.transaction.commit().await?;
        Err(Problem::forbidden("Your roles do not include this."))
    }

    /// Tells the visitor on the next page that something worked.
    pub fn tell(&self, text: impl Into<String>) {
        self.session.tell(Message {
            is_good: true,
            text: text.into(),
        });
    }

    /// Tells of something that did not.
    pub fn tell_bad(&self, text: impl Into<String>) {
        self.session.tell(Message {
            is_good: false,
            text: text.into(),
        });
    }
}

impl Open {
    /// Commits what worked; what did not is taken back.
    ///
    /// # Errors
    /// What the database refused.
    pub async fn end<T>(self, outcome: Result<T, DatabaseError>) -> Result<T, Problem> {
        match outcome {
            Ok(value) => {
                self.transaction.commit().await?;
                Ok(value)
            }
            Err(error) => {
                self.transaction.roll_back().await;
                Err(error.into())
            }
        }
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Visit, Problem> {
        Visit::of(app, parts)
    }
}

/// A form that somebody who has logged in has sent, with the session's token.
pub struct Sent {
    /// Who.
    pub visit: Visit,
    /// What.
    pub fields: Fields,
}

impl FromRequest<App> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Sent, Problem> {
        let (parts, body) = request.into_parts();
        forgery::check_origin(&parts.method, &parts.headers)?;
        let visit = Visit::of(app, &parts)?;
        let fields = fields_of(Request::from_parts(parts, body), app).await?;
        let given = fields.get(auditlog_pages::components::form::CSRF_FIELD);
        if !forgery::is_token(given.as_bytes(), &visit.session.csrf) {
            return Err(Problem::forbidden(
                "The form has not the token of your session. Go back, load the page again, and send it once more.",
            ));
        }
        Ok(Sent { visit, fields })
    }
}

/// The fields of a form.
///
/// # Errors
/// When it is no form, or too long.
pub async fn fields_of(request: Request, app: &App) -> Result<Fields, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_form = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if !is_form {
        return Err(inputs::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let body = Bytes::from_request(request, app)
        .await
        .map_err(|rejection| inputs::of_status(rejection.status()))?;
    let text = std::str::from_utf8(&body).map_err(|_| Problem::bad_request("body", "The form is no text."))?;
    Ok(Fields::parse(text))
}
