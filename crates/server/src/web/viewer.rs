//! `/viewer`: a filtered list for whoever has a link to it, without a session and without a cookie, so that it also works in a frame of
//! another site.
//!
//! What is secret of a link is behind the # of its address. The page's script puts it into a form; so it is sent in a body, which
//! neither logs of proxies nor `Referer` have. No identity of the browser's is used: there is nothing that another site could
//! borrow.

use auditlog_pages::layout::{Clock, Theme};
use auditlog_pages::pages::viewer::{self as pages, Model, Outcome};
use auditlog_pages::url::Column;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::forms::Fields;
use super::visit::{Look, Sent, fields_of};
use super::{chrome, dashboard, html, is_of_input, moment, optional_moment, words};
use crate::App;
use crate::data::search::{self, Selection};
use crate::data::state;
use crate::database::Access;
use crate::http::Problem;
use crate::http::exchange::Exchange;
use crate::identity::viewer_links::Link;
use crate::identity::{Caller, Identity, Needs};
use crate::rest::viewer_links::{NewViewerLink, make};
use crate::web::visit::Visit;

/// Events on a page.
const LIMIT: usize = 50;
/// The longest name of a link that is made of a query, in characters.
const LONGEST_NAME: usize = 40;

/// `GET /viewer`: the page that the script goes on from.
pub async fn page(State(app): State<App>, request: Request) -> Response {
    let look = Look::of(request.uri(), request.headers());
    show(&app, &look, StatusCode::OK, &Model::default())
}

/// `POST /viewer`: the list (`link`, `cursor`).
pub async fn list(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let look = Look {
        theme: Theme::Auto,
        clock: Clock::Utc,
        ..Look::of(&parts.uri, &parts.headers)
    };
    let client = parts.extensions.get::<Exchange>();
    let client = client.map_or([0, 0, 0, 0].into(), |exchange| exchange.client);
    let refused = |problem: Problem| {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let model = Model {
            outcome: Outcome::Refused(words(&problem)),
            ..Model::default()
        };
        let mut response = show(&app, &look, status, &model);
        if let Some(seconds) = problem.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    };
    let fields = match fields_of(Request::from_parts(parts, body), &app).await {
        Ok(fields) => fields,
        Err(problem) => return refused(problem),
    };
    // A whole address may have been pasted in.
    let given = fields.get("link").trim();
    let text = given.rsplit_once('#').map_or(given, |(_, text)| text);
    let Some(link) = app.viewer_links.open(text) else {
        return refused(Problem::bad_request(
            "link",
            "This is no link of this server's, or a part of it is missing.",
        ));
    };
    match read(&app, client, &link, fields.get("cursor"), text).await {
        Ok(model) => show(&app, &look, StatusCode::OK, &model),
        Err(problem) => refused(problem),
    }
}

async fn read(app: &App, client: std::net::IpAddr, link: &Link, cursor: &str, text: &str) -> Result<Model, Problem> {
    let over = || {
        Problem::new(StatusCode::GONE, "gone", "It is not there any more")
            .detail("This link is over: it has expired, or was taken back. Ask whoever gave it to you for another.")
    };
    let caller = Caller {
        identity: Identity::Bearer(link.token.clone()),
        client,
        key: app.fingerprints.keyed(&[b"viewer", link.token.as_bytes()]),
        needs: Needs::Scope("read"),
    };
    app.rates.requests.take(&caller.key)?;
    let expires_at = moment(&link.expires_at);
    if expires_at <= chrono::Utc::now() {
        return Err(over());
    }
    // A cursor is of this link's list and no other.
    let question = format!("viewer {text}");
    let after = match cursor {
        "" => None,
        cursor => Some(app.cursors.open(cursor, question.as_bytes())?),
    };
    let transaction = caller
        .begin(app, Access::Read)
        .await
        .map_err(|problem| match problem.status {
            401 => over(),
            _ => problem,
        })?;
    let who = state::whoami(&transaction).await?;
    let what = Selection {
        query: link.query.clone(),
        since: link.since.clone(),
        until: link.until.clone(),
        filters: None,
    };
    let budget = app.settings.limits.statement;
    let page = search::page(&transaction, &what, link.order, LIMIT as i32 + 1, after.as_deref());
    let found = transaction.attempt(budget, page).await?;
    let mut found = found.ok_or_else(|| {
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", "That took too long")
            .detail("The search was ended, so that it keeps nobody waiting.")
    })?;
    transaction.commit().await?;
    let more = found.len() > LIMIT;
    found.truncate(LIMIT);
    let next = found.last().filter(|_| more).map(|last| last.cursor.clone());
    Ok(Model {
        link: text.to_owned(),
        outcome: Outcome::Found(Box::new(pages::List {
            maker: who.and_then(|who| who.email.or(who.actor_id)).unwrap_or_default(),
            query: link.query.clone(),
            since: optional_moment(link.since.as_ref()),
            until: optional_moment(link.until.as_ref()),
            columns: link.columns.iter().filter_map(|name| Column::from_key(name)).collect(),
            events: dashboard::events(found),
            is_later: after.is_some(),
            next: next.map(|place| app.cursors.seal(&place, question.as_bytes())),
            expires_at,
        })),
    })
}

fn show(app: &App, look: &Look, status: StatusCode, model: &Model) -> Response {
    let mut response = html(status, pages::page(&chrome::bare(look, ""), model).into_string());
    let ancestors = app.settings.viewer.ancestors();
    let policy = auditlog_pages::assets::CONTENT_SECURITY_POLICY
        .replace("frame-ancestors 'none'", &format!("frame-ancestors {ancestors}"));
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if !app.settings.viewer.origins.is_empty() {
        // It knows no list of origins; the policy does.
        headers.remove(header::X_FRAME_OPTIONS);
    }
    response
}

/// `POST /search/link`: makes a link to what a search shows. The answer is a page, for the link is shown this once.
pub async fn make_link(headers: HeaderMap, sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let outcome = make(&visit.app, &visit.caller, &headers, &wanted(fields)).await;
    let (status, outcome) = match outcome {
        Ok(made) => (StatusCode::CREATED, Ok(made)),
        Err(problem) if is_of_input(&problem) => (StatusCode::UNPROCESSABLE_ENTITY, Err(words(&problem))),
        Err(problem) => return Err(problem),
    };
    made_page(visit, status, outcome, fields).await
}

fn wanted(fields: &Fields) -> NewViewerLink {
    let given = |name: &str| fields.given(name).map(str::to_owned);
    NewViewerLink {
        name: given("name").or_else(|| given("q").map(|query| short(&query))),
        query: given("q"),
        start_time: given("since"),
        end_time: given("until"),
        order: (fields.get("order") == "oldest").then_some(search::Order::Oldest),
        columns: Some(fields.all("cols")),
        minutes: given("minutes").map(|minutes| minutes.parse().unwrap_or(0)),
    }
}

/// The beginning of a query, fit for the name of a token.
fn short(query: &str) -> String {
    let plain = query.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
    plain.take(LONGEST_NAME).collect()
}

async fn made_page(
    visit: &Visit,
    status: StatusCode,
    outcome: Result<crate::rest::viewer_links::MadeViewerLink, String>,
    fields: &Fields,
) -> Result<Response, Problem> {
    let open = visit.begin(Access::Read).await?;
    let sees = open.who.sees.clone();
    let model = auditlog_pages::pages::viewer_link::Model {
        outcome: outcome.map(|made| auditlog_pages::pages::viewer_link::Made {
            id: made.id.to_string(),
            url: made.url,
            expires_at: moment(&made.expires_at),
            shows_less: made.sees != sees,
            is_embeddable: !visit.app.settings.viewer.origins.is_empty(),
        }),
        back: super::returning::ours(fields.get("return_to")).unwrap_or_else(|| "/search".to_owned()),
    };
    let chrome = visit.chrome(open, auditlog_pages::layout::Section::Search).await?;
    let page = auditlog_pages::pages::viewer_link::page(&chrome, &model);
    Ok(html(status, page.into_string()))
}
