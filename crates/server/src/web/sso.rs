//! Signing in at an OpenID provider: to it and back.
//!
//! The session's cookie is `SameSite=Strict`, and so does not come along when the provider sends the browser back. A cookie of its
//! own, `SameSite=Lax` and short-lived, binds a sign-in to the browser that has begun it: nobody can have somebody else's browser
//! end a sign-in of theirs.

use auditlog_pages::components::card::page_head;
use auditlog_pages::layout;
use auditlog_pages::pages::login::Model;
use auditlog_pages::text;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::html as markup;

use super::visit::{Look, fields_of};
use super::{chrome, html, login, returning, words};
use crate::App;
use crate::database::Access;
use crate::http::Problem;
use crate::http::exchange::Exchange;
use crate::identity::caller::cookie;
use crate::identity::tokens::SignedIn;
use crate::identity::{Caller, Identity, Needs, SessionId, forgery};
use crate::sso::{Answer, LONGEST, SingleSignOn, SsoError};

/// The cookie of a browser that has begun to sign in.
const COOKIE: &str = "__Host-auditlog-sso";

/// `POST /login/sso`. As with passwords there is no token yet: the origin is checked. The answer is a page that leads on: the policy
/// of ours does not let a form lead elsewhere, by a redirection neither.
pub async fn begin(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    forgery::check_origin(&parts.method, &parts.headers)?;
    let provider = provider(&app)?;
    let address = client(&parts).to_canonical().to_string();
    app.rates
        .requests
        .take(&app.fingerprints.keyed(&[b"sso", address.as_bytes()]))?;
    let look = Look::of(&parts.uri, &parts.headers);
    let headers = parts.headers.clone();
    let fields = fields_of(Request::from_parts(parts, body), &app).await?;
    let return_to = returning::or_overview(fields.get("return_to"));
    // The same for all sign-ins that this browser has under way, in several tabs.
    let browser = cookie(&headers, COOKIE)
        .and_then(SessionId::parse)
        .or_else(SessionId::random);
    let browser = browser.ok_or_else(Problem::internal)?.text();
    let address = match provider.begin(&browser, &return_to).await {
        Ok(address) => address,
        Err(error) => return Ok(refused(&app, &look, &headers, &error, return_to)),
    };
    // The session that this browser had ends; the one to come cannot see its cookie.
    login::end(&app, &headers);
    let mut response = passing(&look, "To your identity provider …", &address)?;
    set(&mut response, &browser, LONGEST.as_secs())?;
    Ok(response)
}

/// `GET /login/sso/callback`: the provider has sent the browser back.
pub async fn callback(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let provider = provider(&app)?;
    let address = client(&parts).to_canonical().to_string();
    let address = app.fingerprints.keyed(&[b"address", address.as_bytes()]);
    app.rates.refusals.look(&address)?;
    let look = Look {
        here: "/login".to_owned(),
        ..Look::of(&parts.uri, &parts.headers)
    };
    let again = |error: &SsoError| {
        app.rates.refusals.count(&address);
        let response = refused(&app, &look, &parts.headers, error, "/".to_owned());
        forgotten(response)
    };
    let browser = cookie(&parts.headers, COOKIE).unwrap_or_default();
    let (signed_in, return_to) = match provider.finish(browser, &answer(&parts)).await {
        Ok(finished) => finished,
        Err(error) => return again(&error),
    };
    let caller = Caller {
        identity: Identity::Bearer(signed_in.tokens.id_token.clone()),
        client: client(&parts),
        key: key(&app, &signed_in),
        needs: Needs::Nothing,
    };
    // The database decides.
    let begun = match caller.begin(&app, Access::Read).await {
        Ok(transaction) => transaction.commit().await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    if let Err(problem) = begun {
        return forgotten(unknown(&app, &look, &parts.headers, &problem, &signed_in));
    }
    let (id, _) = app
        .sessions
        .begin_signed_in(&signed_in, caller.key)
        .map_err(|error| Problem::unavailable(format!("There cannot be another session: {error}.")))?;
    // By way of a page of ours: a redirection would still be the provider's request, which bears no strict cookie.
    let mut response = html(
        StatusCode::OK,
        login::passing(&chrome::bare(&look, ""), "You are signed in.", &return_to).into_string(),
    );
    refresh(&mut response, &return_to)?;
    response
        .headers_mut()
        .append(header::SET_COOKIE, login::session_cookie(&id)?);
    forgotten(response)
}

fn provider(app: &App) -> Result<&SingleSignOn, Problem> {
    app.single_sign_on
        .as_ref()
        .ok_or_else(|| Problem::not_found("A single sign-on"))
}

fn client(parts: &Parts) -> std::net::IpAddr {
    parts
        .extensions
        .get::<Exchange>()
        .map_or([0, 0, 0, 0].into(), |exchange| exchange.client)
}

/// Budgets and what pages remember are the person's, whatever token it has at the moment.
fn key(app: &App, signed_in: &SignedIn) -> [u8; 32] {
    let tenant = signed_in.tenant.as_deref().unwrap_or_default();
    app.fingerprints
        .keyed(&[b"signed in", signed_in.subject.as_bytes(), tenant.as_bytes()])
}

fn answer(parts: &Parts) -> Answer {
    let given = auditlog_pages::url::pairs(parts.uri.query().unwrap_or_default());
    let first = |name: &str| {
        let found = given.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    Answer {
        state: first("state").unwrap_or_default(),
        code: first("code"),
        error: first("error"),
        issuer: first("iss"),
    }
}

/// The page for signing in once more, which says why.
fn refused(app: &App, look: &Look, headers: &HeaderMap, error: &SsoError, return_to: String) -> Response {
    let cause = error.to_string();
    tracing::warn!(cause = %crate::logs::visible(&cause), "a sign-in at the identity provider failed");
    let (status, text) = match error {
        SsoError::Unknown => (
            StatusCode::BAD_REQUEST,
            "This sign-in was not begun in this browser, has been ended already, or has taken too long. Begin again.",
        ),
        SsoError::Refused(code) if code == "access_denied" => {
            (StatusCode::FORBIDDEN, "The identity provider did not let you in.")
        }
        SsoError::Refused(_) => (
            StatusCode::FORBIDDEN,
            "The identity provider did not confirm this sign-in. Begin again; if that does not help, ask your administrator: the \
             server's log says more.",
        ),
        SsoError::Unreachable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The identity provider cannot be reached at the moment. Try again later.",
        ),
        SsoError::Unfit(_) | SsoError::Random => (
            StatusCode::BAD_GATEWAY,
            "What the identity provider says cannot be used. Ask your administrator: the server's log says more.",
        ),
    };
    let model = Model {
        error: Some(text.to_owned()),
        return_to,
        ..Model::default()
    };
    login::show(app, look, headers, status, model)
}

/// The database has not taken the token.
fn unknown(app: &App, look: &Look, headers: &HeaderMap, problem: &Problem, signed_in: &SignedIn) -> Response {
    let is_refusal = problem.status == StatusCode::UNAUTHORIZED.as_u16();
    let is_stranger = problem.detail.as_deref() == Some(STRANGER);
    let error = match is_refusal {
        true if is_stranger => format!(
            "The identity provider knows you, but the audit log does not. Ask an administrator to make you a principal; your id there \
             is {}",
            signed_in.subject
        ),
        true => "The audit log does not take the identity provider's token. Ask your administrator: keys, issuer and audience are set \
                 in the database."
            .to_owned(),
        false => words(problem),
    };
    let status = match is_refusal {
        true => StatusCode::FORBIDDEN,
        false => StatusCode::from_u16(problem.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
    };
    let model = Model {
        error: Some(error),
        return_to: "/".to_owned(),
        ..Model::default()
    };
    login::show(app, look, headers, status, model)
}

/// What the extension says of a good token whose subject it does not know.
const STRANGER: &str = "the token's subject is no principal.";

/// A page that leads to the provider.
pub(super) fn passing(look: &Look, title: &str, address: &str) -> Result<Response, Problem> {
    let body = markup! {
        (page_head(title, markup! { "The page of your identity provider opens." }, markup! {}))
        p { a.button.primary href=(address) rel="noreferrer" { "Go on to " (text::short_value(host(address), 80)) } }
    };
    let chrome = chrome::bare(look, "");
    let mut response = html(StatusCode::OK, layout::page(&chrome, title, body).into_string());
    refresh(&mut response, address)?;
    Ok(response)
}

/// Scheme and host.
fn host(address: &str) -> &str {
    let rest = address.find("://").map_or(0, |at| at + 3);
    let end = address[rest..].find(['/', '?']).map_or(address.len(), |at| rest + at);
    &address[..end]
}

fn refresh(response: &mut Response, to: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(&format!("0; url={to}")).map_err(|_| Problem::internal())?;
    response.headers_mut().insert(header::REFRESH, value);
    Ok(())
}

fn set(response: &mut Response, browser: &str, seconds: u64) -> Result<(), Problem> {
    let cookie = format!("{COOKIE}={browser}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    let mut cookie = HeaderValue::from_str(&cookie).map_err(|_| Problem::internal())?;
    cookie.set_sensitive(true);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(())
}

/// The sign-in is over, and its cookie with it.
fn forgotten(mut response: Response) -> Result<Response, Problem> {
    set(&mut response, "", 0)?;
    Ok(response)
}
