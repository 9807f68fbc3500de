//! Signing in and out, and how pages look.

use auditlog_pages::components::card::page_head;
use auditlog_pages::layout::{self, Chrome};
use auditlog_pages::pages::login;
use auditlog_pages::text;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{Markup, html as markup};
use zeroize::Zeroizing;

use super::visit::{Look, Sent, fields_of};
use super::{chrome, html, returning, see_other, sso, words};
use crate::App;
use crate::database::Access;
use crate::http::Problem;
use crate::http::exchange::Exchange;
use crate::identity::caller::{COOKIE, session_id};
use crate::identity::{Caller, Identity, Needs, Person, SessionId, forgery};

/// `GET /login`.
pub async fn page(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let look = Look::of(&parts.uri, &parts.headers);
    let given = auditlog_pages::url::pairs(parts.uri.query().unwrap_or_default());
    let back = given
        .iter()
        .find(|(name, _)| name == "return_to")
        .map(|(_, value)| value.as_str());
    let model = login::Model {
        return_to: returning::or_overview(back.unwrap_or_default()),
        ..login::Model::default()
    };
    show(&app, &look, &parts.headers, StatusCode::OK, model)
}

pub(super) fn show(app: &App, look: &Look, headers: &HeaderMap, status: StatusCode, model: login::Model) -> Response {
    let model = login::Model {
        secure: is_secure(app, headers),
        by_password: app.settings.login,
        single_sign_on: app.single_sign_on.as_ref().map(|provider| provider.label().to_owned()),
        ..model
    };
    html(status, login::page(&chrome::bare(look, ""), &model).into_string())
}

/// Is the way from the browser to here encrypted, or on one machine? A proxy that is believed says how it was asked.
fn is_secure(app: &App, headers: &HeaderMap) -> bool {
    let is_told = headers
        .get("x-forwarded-proto")
        .is_some_and(|proto| proto.as_bytes() == b"https");
    app.settings.tls.is_some() || app.settings.is_local() || (is_told && !app.settings.trusted_proxies.is_empty())
}

/// `POST /login`. There is no token yet: the origin is checked, and the cookie is `SameSite=Strict`.
pub async fn sign_in(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    forgery::check_origin(&parts.method, &parts.headers)?;
    let exchange = parts.extensions.get::<Exchange>().cloned();
    let look = Look::of(&parts.uri, &parts.headers);
    let headers = parts.headers.clone();
    let fields = fields_of(Request::from_parts(parts, body), &app).await?;
    let return_to = returning::or_overview(fields.get("return_to"));
    let person = Person {
        name: fields.get("user").to_owned(),
        password: Zeroizing::new(fields.get("password").to_owned()),
    };
    let again = |problem: Problem| {
        let status = match problem.status {
            429 | 500.. => StatusCode::from_u16(problem.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let model = login::Model {
            error: Some(words(&problem)),
            user: fields.get("user").to_owned(),
            return_to: return_to.clone(),
            ..login::Model::default()
        };
        let mut response = show(&app, &look, &headers, status, model);
        if let Some(seconds) = problem.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        Ok(response)
    };
    if !app.settings.login {
        return again(Problem::forbidden("Nobody logs in by a password here."));
    }
    if person.name.is_empty() || person.password.is_empty() {
        return again(Problem::bad_request("user", "Name and password are both needed."));
    }
    let key = app.fingerprints.of(&person);
    let caller = Caller {
        identity: Identity::Person(person.clone()),
        client: exchange.map_or([0, 0, 0, 0].into(), |exchange| exchange.client),
        key,
        needs: Needs::Nothing,
    };
    // The database decides.
    let begun = match caller.begin(&app, Access::Read).await {
        Ok(transaction) => transaction.commit().await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    if let Err(problem) = begun {
        return again(problem);
    }
    let (id, _) = match app.sessions.begin(&person, key) {
        Ok(begun) => begun,
        Err(error) => {
            return again(Problem::unavailable(format!(
                "There cannot be another session: {error}."
            )));
        }
    };
    // The session that this browser had ends: nobody can have fixed the new one beforehand.
    end(&app, &headers);
    let mut response = see_other(&return_to)?;
    response.headers_mut().insert(header::SET_COOKIE, session_cookie(&id)?);
    Ok(response)
}

/// The cookie of a session that has begun.
pub(super) fn session_cookie(id: &SessionId) -> Result<HeaderValue, Problem> {
    let cookie = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict", *id.text());
    let mut cookie = HeaderValue::from_str(&cookie).map_err(|_| Problem::internal())?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

/// Ends the session that a browser has.
pub(super) fn end(app: &App, headers: &HeaderMap) {
    if let Some(pool) = session_id(headers).and_then(|id| app.sessions.end(&id)) {
        app.people.forget(&pool);
    }
}

/// `POST /logout`.
pub async fn sign_out(State(app): State<App>, headers: HeaderMap, sent: Sent) -> Result<Response, Problem> {
    let signed_in_elsewhere = sent.visit.session.life.is_some();
    let look = sent.visit.look.clone();
    drop(sent);
    end(&app, &headers);
    let elsewhere = match &app.single_sign_on {
        Some(provider) if signed_in_elsewhere => provider.goodbye().await,
        _ => None,
    };
    let mut response = match elsewhere {
        Some(address) => sso::passing(&look, "Signed out here", &address)?,
        None => see_other("/login")?,
    };
    let gone = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    let gone = HeaderValue::from_str(&gone).map_err(|_| Problem::internal())?;
    response.headers_mut().insert(header::SET_COOKIE, gone);
    // What the browser has kept of pages goes, too.
    let clear = HeaderValue::from_static("\"cache\"");
    response.headers_mut().insert("clear-site-data", clear);
    Ok(response)
}

/// `POST /preferences`: for browsers without the script, and before logging in; they change nothing but two cookies.
pub async fn preferences(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    forgery::check_origin(request.method(), request.headers())?;
    if let Some(session) = session_id(request.headers()).and_then(|id| app.sessions.look(&id)) {
        let csrf = session.csrf.clone();
        let fields = fields_of(request, &app).await?;
        let given = fields.get(auditlog_pages::components::form::CSRF_FIELD);
        if !forgery::is_token(given.as_bytes(), &csrf) {
            return Err(Problem::forbidden("The form has not the token of your session."));
        }
        return kept(&app, &fields);
    }
    let fields = fields_of(request, &app).await?;
    kept(&app, &fields)
}

fn kept(app: &App, fields: &super::forms::Fields) -> Result<Response, Problem> {
    let back = fields.get("return_to");
    let to = match returning::ours(back) {
        Some(path) => path,
        None if back.starts_with("/login") => "/login".to_owned(),
        None => "/".to_owned(),
    };
    let mut response = see_other(&to)?;
    let secure = if app.settings.tls.is_some() { "; Secure" } else { "" };
    let theme = layout::Theme::from_key(fields.get("theme")).key();
    let clock = layout::Clock::from_key(fields.get("clock")).key();
    for (name, value) in [("auditlog_theme", theme), ("auditlog_clock", clock)] {
        let cookie = format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax{secure}");
        let cookie = HeaderValue::from_str(&cookie).map_err(|_| Problem::internal())?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The page that sends a browser, which came from another site, on to where it wanted to go.
pub fn passing(chrome: &Chrome, why: &str, path: &str) -> Markup {
    let body = markup! {
        (page_head("Opening the page …", markup! { (why) }, markup! {}))
        p { a.button.primary href=(path) { "Go on to " (text::short_value(path, 80)) } }
    };
    layout::page(chrome, "Opening", body)
}
