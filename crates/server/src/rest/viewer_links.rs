//! Links to a filtered, read-only list, for who has no login here.

use auditlog_pages::time;
use auditlog_pages::url::Column;
use axum::Json;
use axum::extract::State;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::{List, list};
use crate::App;
use crate::data::search::{self, Order, Selection};
use crate::data::state;
use crate::data::viewer_links::{self, ViewerLink};
use crate::data::{event, tokens};
use crate::database::Access;
use crate::http::inputs::Place;
use crate::http::{Body, Problem, exchange};
use crate::identity::viewer_links::Link;
use crate::identity::{Caller, Identity, Needs};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(all, create))
        .routes(routes!(revoke))
}

/// Characters of a link's name.
const LONGEST_NAME: usize = 80;

/// A link that is to be made.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewViewerLink {
    /// What it is for; the journal names it at each use.
    #[schema(max_length = 80)] // LONGEST_NAME
    pub name: Option<String>,
    /// Which events, in the query language; all when it is left out.
    pub query: Option<String>,
    /// The first moment that belongs to it.
    pub start_time: Option<String>,
    /// The first moment that does not.
    pub end_time: Option<String>,
    /// Which come first.
    pub order: Option<Order>,
    /// Columns by their names in the addresses of searches, such as `time`, `type`, `actor`, `resource`, `status`, `ip`.
    pub columns: Option<Vec<String>>,
    /// How many minutes it is good; at most, and unless it is said, what the server is set to.
    #[schema(minimum = 1, maximum = 1440)]
    pub minutes: Option<i32>,
}

/// A link that was made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MadeViewerLink {
    /// By which it is taken back.
    pub id: i64,
    /// The link, shown this once. What is secret of it is behind the #, which browsers send nobody.
    pub url: String,
    /// Until when it is good.
    pub expires_at: String,
    /// Which events it may show: all, team, own or nothing. Less than the maker sees where the server may not take its login role.
    pub sees: String,
}

/// The caller's links; all for administrators
#[utoipa::path(get, path = "/api/v1/viewer-links", tag = "session", responses((status = 200, description = "A list", body = List<ViewerLink>)))]
async fn all(State(app): State<App>, caller: Caller) -> Result<Json<List<ViewerLink>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = viewer_links::list(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// Make a link by which a list can be read as the caller may read it, for a short time
#[utoipa::path(post, path = "/api/v1/viewer-links", tag = "session", request_body = NewViewerLink, responses((status = 201, description = "Made", body = MadeViewerLink)))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<NewViewerLink>,
) -> Result<(StatusCode, [(header::HeaderName, HeaderValue); 1], Json<MadeViewerLink>), Problem> {
    let made = make(&app, &caller, &headers, &body).await?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(made)))
}

/// Take a link back, at once
#[utoipa::path(delete, path = "/api/v1/viewer-links/{id}", tag = "session", params(("id" = i64, Path)), responses((status = 204, description = "It is good for nothing")))]
async fn revoke(State(app): State<App>, caller: Caller, Place(id): Place<i64>) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    if !viewer_links::exists(&transaction, id).await? {
        return Err(Problem::not_found("A link of yours with this id"));
    }
    tokens::revoke(&transaction, id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a link for a caller, and looks what it will show.
///
/// # Errors
/// When something of it cannot be, or the caller can have no token.
pub async fn make(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    new: &NewViewerLink,
) -> Result<MadeViewerLink, Problem> {
    let most = app.settings.viewer.minutes();
    let minutes = new.minutes.unwrap_or(most);
    if !(1..=most).contains(&minutes) {
        return Err(Problem::bad_request("minutes", format!("It may be 1 to {most}.")));
    }
    if new
        .name
        .as_deref()
        .is_some_and(|name| name.chars().count() > LONGEST_NAME)
    {
        return Err(Problem::bad_request(
            "name",
            format!("It may have {LONGEST_NAME} characters."),
        ));
    }
    let columns = match &new.columns {
        Some(given) if !given.is_empty() => given.clone(),
        _ => Column::DEFAULT.iter().map(|column| column.key().to_owned()).collect(),
    };
    if let Some(strange) = columns.iter().find(|name| Column::from_key(name).is_none()) {
        return Err(Problem::bad_request(
            "columns",
            format!("There is no column «{}».", strange.escape_debug()),
        ));
    }
    let (since, until) = (
        moment("start_time", &new.start_time)?,
        moment("end_time", &new.end_time)?,
    );
    let query = new.query.clone().unwrap_or_default();
    if query.contains('\0') {
        return Err(Problem::bad_request("query", "It has the character U+0000."));
    }
    let transaction = caller.begin(app, Access::Write).await?;
    if app.bearers.is_none() {
        return Err(
            Problem::conflict("This server takes no tokens, and so can make no links.").hint("Set its authenticator."),
        );
    }
    event::check_query(&transaction, &query).await?;
    let label = new.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let made = viewer_links::create(&transaction, label, minutes).await?;
    let (token, link) = made.ok_or_else(Problem::internal)?;
    let token = Zeroizing::new(token);
    let sealed = app.viewer_links.seal(&Link {
        token: token.clone(),
        query: query.clone(),
        since: since.clone(),
        until: until.clone(),
        order: new.order.unwrap_or_default(),
        columns,
        expires_at: link.expires_at.clone(),
    });
    let sealed = sealed.ok_or_else(|| Problem::bad_request("query", "It is too long for a link."))?;
    transaction.commit().await?;
    // What it shows is the database's to say.
    let bearer = Caller {
        identity: Identity::Bearer(token),
        needs: Needs::Scope("read"),
        ..caller.clone()
    };
    let transaction = bearer.begin(app, Access::Read).await?;
    let who = state::whoami(&transaction).await?;
    let what = Selection {
        query,
        since,
        until,
        filters: None,
    };
    search::page(&transaction, &what, Order::Newest, 1, None).await?;
    transaction.commit().await?;
    Ok(MadeViewerLink {
        id: link.id,
        url: format!("{}/viewer#{sealed}", exchange::origin(&app.settings, headers)),
        expires_at: link.expires_at,
        sees: who.map_or_else(|| "nothing".to_owned(), |who| who.sees),
    })
}

/// A moment that does not move: the database would also take «yesterday».
fn moment(name: &str, given: &Option<String>) -> Result<Option<String>, Problem> {
    let Some(text) = given.as_deref().filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let at =
        time::parse(text).ok_or_else(|| Problem::bad_request(name, "It is no time such as 2026-03-10T14:30:00Z."))?;
    Ok(Some(at.to_rfc3339()))
}
