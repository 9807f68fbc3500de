//! What went wrong, as a page: for browsers, in place of problem details.

use auditlog_pages::layout::{Chrome, Section, Viewer};
use auditlog_pages::pages::error;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::visit::{Look, Visit};
use super::{chrome, html, see_other};
use crate::App;
use crate::database::Access;
use crate::http::exchange::Exchange;
use crate::http::{Problem, inputs};
use crate::identity::caller::{COOKIE, session_id};

/// Paths that are for programs.
const PROGRAMS: [&str; 4] = ["/api/", "/openapi.json", "/health", "/ready"];

/// The layer: a problem that comes back for a page becomes a page.
pub async fn shown(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_page = is_page(&request);
    let (parts, body) = request.into_parts();
    let copy = is_page.then(|| parts.clone());
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let Some(parts) = copy else { return response };
    let status = response.status();
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if (status.is_client_error() || status.is_server_error()) && !is_html(&response) => {
            inputs::of_status(status)
        }
        None => return response,
    };
    let mut page = page(&app, &parts, &problem).await;
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers_mut().remove(&name) {
            page.headers_mut().insert(name, value);
        }
    }
    page
}

fn is_page(request: &Request) -> bool {
    let path = request.uri().path();
    if PROGRAMS.iter().any(|program| path.starts_with(program)) {
        return false;
    }
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    request.extensions().get::<MatchedPath>().is_some() || accept.is_some_and(|accept| accept.contains("text/html"))
}

fn is_html(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

async fn page(app: &App, parts: &Parts, problem: &Problem) -> Response {
    let look = Look::of(&parts.uri, &parts.headers);
    if problem.status == StatusCode::UNAUTHORIZED.as_u16() {
        return to_login(app, parts, &look);
    }
    let exchange = parts.extensions.get::<Exchange>();
    let model = error::Model {
        status: problem.status,
        detail: problem.detail.is_some().then(|| super::words(problem)),
        request_id: exchange.map(|exchange| exchange.id.clone()),
        retry_after: problem.retry_after,
    };
    let chrome = around(app, parts, &look, problem.status).await;
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    html(status, error::page(&chrome, &model).into_string())
}

/// What the page has around it: as much as can be known.
async fn around(app: &App, parts: &Parts, look: &Look, status: u16) -> Chrome {
    let session = session_id(&parts.headers).and_then(|id| Some((app.sessions.look(&id)?, id)));
    let Some((session, id)) = session else {
        return chrome::bare(look, "");
    };
    let visit = Visit::new(app.clone(), session, id, parts);
    let nobody = Viewer {
        name: visit.session.name.clone(),
        roles: Vec::new(),
    };
    let can_ask = !matches!(status, 429 | 500..);
    if can_ask && let Ok(open) = visit.begin(Access::Read).await {
        let viewer = open.viewer.clone();
        if let Ok(chrome) = visit.chrome(open, Section::None).await {
            return chrome;
        }
        return visit.plain_chrome(viewer, Section::None);
    }
    visit.plain_chrome(nobody, Section::None)
}

/// To the page for logging in, and from there back.
fn to_login(app: &App, parts: &Parts, look: &Look) -> Response {
    if let Some(again) = once_more(parts, look) {
        return again;
    }
    let is_look = matches!(parts.method, Method::GET | Method::HEAD);
    let back = super::returning::ours(&look.here).filter(|path| is_look && path != "/");
    let login = match back {
        Some(path) => format!("/login?return_to={}", auditlog_pages::url::encode(&path)),
        None => "/login".to_owned(),
    };
    let mut response = see_other(&login).unwrap_or_default();
    // A session whose password counts no more.
    if let Some(id) = session_id(&parts.headers) {
        if let Some(pool) = app.sessions.end(&id) {
            app.people.forget(&pool);
        }
        let gone = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
        if let Ok(gone) = HeaderValue::from_str(&gone) {
            response.headers_mut().insert(header::SET_COOKIE, gone);
        }
    }
    response
}

/// A link from another site comes without the cookie, which is `SameSite=Strict`. The page that sends the browser to itself is
/// of this site, so the second request has it.
fn once_more(parts: &Parts, look: &Look) -> Option<Response> {
    let site = |headers: &HeaderMap| headers.get("sec-fetch-site").map(|value| value.as_bytes().to_vec());
    let is_foreign = matches!(site(&parts.headers)?.as_slice(), b"cross-site" | b"same-site");
    if !is_foreign || parts.method != Method::GET || session_id(&parts.headers).is_some() {
        return None;
    }
    let path = super::returning::ours(&look.here)?;
    let chrome = chrome::bare(look, "");
    let mut response = html(
        StatusCode::OK,
        super::login::passing(&chrome, "You came from another site.", &path).into_string(),
    );
    let refresh = HeaderValue::from_str(&format!("0; url={path}")).ok()?;
    response.headers_mut().insert(header::REFRESH, refresh);
    Some(response)
}
