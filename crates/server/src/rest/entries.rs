//! The audit log: lists, searches, one event with its proof.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::data::event::{self, Event};
use crate::data::proofs;
use crate::data::search::{self, Order, Selection};
use crate::database::Access;
use crate::http::inputs::Place;
use crate::http::ndjson::Form;
use crate::http::{Body, Params, Problem, conditional};
use crate::identity::Caller;
use crate::rest::search::table;

/// Events of a page.
const MOST: i64 = 1_000;
/// Events that an offset may pass over; a cursor passes over any number.
const FARTHEST: i64 = 10_000;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(find))
        .routes(routes!(one))
        .routes(routes!(proof))
        .routes(routes!(one_by_query))
        .routes(routes!(proof_by_query))
}

/// How many events there are in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Count {
    /// Not told.
    #[default]
    None,
    /// As the planner expects.
    Estimated,
    /// Counted.
    Exact,
}

/// Which events, as parameters.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// At most so many events.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// Pass over so many; better take the cursor of the page before.
    #[param(minimum = 0, maximum = 10000, default = 0)]
    offset: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// newest or oldest first.
    #[param(inline)]
    order: Option<Order>,
    /// A query in the query language.
    q: Option<String>,
    /// The first moment of the time that is searched.
    #[param(example = "2026-03-01T00:00:00Z")]
    start_time: Option<String>,
    /// The first moment behind it.
    end_time: Option<String>,
    /// Structured filters as a JSON object.
    filters: Option<String>,
    /// An event type or a pattern.
    event_type: Option<String>,
    /// Who did it: e-mail or id.
    user: Option<String>,
    /// The kind of what it was done to.
    resource_type: Option<String>,
    /// What it was done to.
    resource_id: Option<String>,
    /// success, failed, denied …
    status: Option<String>,
    /// debug … critical.
    severity: Option<String>,
    /// Address that it came from.
    ip: Option<String>,
    /// none, estimated or exact.
    #[param(inline)]
    count: Option<Count>,
}

/// Which events, as a body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SearchBody {
    /// A query in the query language.
    query: Option<String>,
    /// The first moment of the time that is searched.
    #[schema(format = DateTime, example = "2026-03-01T00:00:00Z")]
    start_time: Option<String>,
    /// The first moment behind it.
    #[schema(format = DateTime)]
    end_time: Option<String>,
    /// Structured filters, such as `{"user": "admin@company.com", "status": ["failed", "denied"]}`.
    #[schema(value_type = Option<Object>)]
    filters: Option<Map<String, Value>>,
    /// At most so many events.
    #[schema(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// Pass over so many.
    #[schema(minimum = 0, maximum = 10000, default = 0)]
    offset: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// newest or oldest first.
    #[schema(inline)]
    order: Option<Order>,
    /// none, estimated or exact.
    #[schema(inline)]
    count: Option<Count>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
struct Page {
    /// The events.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Event>,
    /// What to give as `cursor` for the next page; null when there is none.
    next_cursor: Option<String>,
    /// How many events there are in all, when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<i64>,
    /// Was that counted or estimated?
    #[serde(skip_serializing_if = "Option::is_none")]
    total_is: Option<Count>,
}

impl ListParams {
    fn body(self) -> Result<SearchBody, Problem> {
        let mut filters = match &self.filters {
            None => Map::new(),
            Some(text) => match serde_json::from_str(text) {
                Ok(Value::Object(filters)) => filters,
                _ => return Err(Problem::bad_request("filters", "It is no JSON object.")),
            },
        };
        let named = [
            ("event_type", self.event_type),
            ("user", self.user),
            ("resource_type", self.resource_type),
            ("resource_id", self.resource_id),
            ("status", self.status),
            ("severity", self.severity),
            ("ip", self.ip),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                filters.insert(name.to_owned(), Value::String(value));
            }
        }
        Ok(SearchBody {
            query: self.q,
            start_time: self.start_time,
            end_time: self.end_time,
            filters: (!filters.is_empty()).then_some(filters),
            limit: self.limit,
            offset: self.offset,
            cursor: self.cursor,
            order: self.order,
            count: self.count,
        })
    }
}

/// The newest events, page by page
#[utoipa::path(get, path = "/api/v1/audit-logs", tag = "audit log", params(ListParams),
    responses((status = 200, description = "A page of events", content(
        (Page = "application/json"), (String = "application/x-ndjson"), (String = "text/csv")))))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    page(&app, &caller, &headers, params.body()?, true).await
}

/// Search; a body keeps the question out of addresses and the logs of proxies
#[utoipa::path(post, path = "/api/v1/audit-logs/search", tag = "audit log", request_body = SearchBody,
    responses((status = 200, description = "A page of events", content(
        (Page = "application/json"), (String = "application/x-ndjson"), (String = "text/csv")))))]
async fn find(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<SearchBody>,
) -> Result<Response, Problem> {
    page(&app, &caller, &headers, body, false).await
}

async fn page(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    body: SearchBody,
    has_link: bool,
) -> Result<Response, Problem> {
    let form = Form::of(headers)?;
    let limit = body.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::bad_request("limit", format!("It may be 1 to {MOST}.")));
    }
    let offset = body.offset.unwrap_or(0);
    if !(0..=FARTHEST).contains(&offset) {
        return Err(
            Problem::bad_request("offset", format!("It may be 0 to {FARTHEST}.")).hint("Go on with next_cursor.")
        );
    }
    let order = body.order.unwrap_or_default();
    let what = Selection {
        query: body.query.unwrap_or_default(),
        since: body.start_time,
        until: body.end_time,
        filters: body.filters.map(|filters| Value::Object(filters).to_string()),
    };
    let question = format!("{:?}", (&what.query, &what.since, &what.until, &what.filters, order));
    let mut after = match &body.cursor {
        Some(cursor) => Some(app.cursors.open(cursor, question.as_bytes())?),
        None => None,
    };
    if after.is_some() && offset > 0 {
        return Err(Problem::bad_request(
            "offset",
            "A cursor and an offset do not go together.",
        ));
    }
    let transaction = caller.begin(app, Access::Read).await?;
    let mut is_beyond = false;
    if offset > 0 {
        after = search::skip(&transaction, &what, order, offset as i32).await?;
        is_beyond = after.is_none();
    }
    let events = match is_beyond {
        true => Vec::new(),
        false => search::page(&transaction, &what, order, limit as i32, after.as_deref()).await?,
    };
    let count = body.count.unwrap_or_default();
    let total = match count {
        Count::None => None,
        _ => Some(search::count(&transaction, &what, count == Count::Exact).await?),
    };
    transaction.commit().await?;
    let next_cursor = match events.last() {
        Some(last) if events.len() as i64 == limit => Some(app.cursors.seal(&last.cursor, question.as_bytes())),
        _ => None,
    };
    let link = next_cursor
        .as_deref()
        .filter(|_| has_link)
        .map(|cursor| next_link(limit, order, count, &what, cursor));
    let mut response = match form {
        Form::Json => Json(Page {
            events,
            next_cursor: next_cursor.clone(),
            total,
            total_is: total.map(|_| count),
        })
        .into_response(),
        Form::Lines => {
            let lines: String = events.iter().flat_map(|event| [event.document.get(), "\n"]).collect();
            ([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response()
        }
        Form::Csv => (
            [(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present")],
            table(&events),
        )
            .into_response(),
    };
    if let Some(cursor) = next_cursor
        && let Ok(value) = HeaderValue::from_str(&cursor)
    {
        response.headers_mut().insert("x-next-cursor", value);
    }
    if let Some(link) = link
        && let Ok(value) = HeaderValue::from_str(&link)
    {
        response.headers_mut().insert(header::LINK, value);
    }
    Ok(response)
}

/// `Link: <…>; rel="next"`
fn next_link(limit: i64, order: Order, count: Count, what: &Selection, cursor: &str) -> String {
    let mut address = format!("/api/v1/audit-logs?limit={limit}&cursor={cursor}");
    let mut put = |name: &str, value: &str| {
        let value = percent_encoding::utf8_percent_encode(value, crate::http::RESERVED);
        address.push_str(&format!("&{name}={value}"));
    };
    if order != Order::Newest {
        put("order", order.name());
    }
    match count {
        Count::None => {}
        Count::Estimated => put("count", "estimated"),
        Count::Exact => put("count", "exact"),
    }
    if !what.query.is_empty() {
        put("q", &what.query);
    }
    let rest = [
        ("start_time", &what.since),
        ("end_time", &what.until),
        ("filters", &what.filters),
    ];
    for (name, value) in rest {
        if let Some(value) = value {
            put(name, value);
        }
    }
    format!("<{address}>; rel=\"next\"")
}

/// One event
#[utoipa::path(get, path = "/api/v1/audit-logs/{event_id}", tag = "audit log",
    params(("event_id" = String, Path, description = "Its event_id")),
    responses((status = 200, description = "The event", body = Object), (status = 304, description = "Unchanged")))]
async fn one(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Place(event_id): Place<String>,
) -> Result<Response, Problem> {
    entry(&app, &caller, &headers, &event_id).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ById {
    /// Its event_id.
    id: String,
}

/// One event, also one whose id a path cannot have: «.» and «..» are steps there
#[utoipa::path(get, path = "/api/v1/audit-logs/by-id", tag = "audit log", params(ById),
    responses((status = 200, description = "The event", body = Object), (status = 304, description = "Unchanged")))]
async fn one_by_query(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Params(params): Params<ById>,
) -> Result<Response, Problem> {
    entry(&app, &caller, &headers, &params.id).await
}

async fn entry(app: &App, caller: &Caller, headers: &HeaderMap, event_id: &str) -> Result<Response, Problem> {
    let transaction = caller.begin(app, Access::Read).await?;
    let found = event::by_id(&transaction, event_id).await?;
    transaction.commit().await?;
    let event = found.ok_or_else(|| Problem::not_found("An event of this id"))?;
    let answer = Json(&event).into_response();
    // An event that is not sealed yet gets its place any moment.
    Ok(match &event.tag {
        Some(tag) => conditional::tagged(headers, tag, "private, no-cache", answer),
        None => answer,
    })
}

/// Proof that an event is in the log of the newest checkpoint
#[utoipa::path(get, path = "/api/v1/audit-logs/{event_id}/proof", tag = "audit log",
    params(("event_id" = String, Path, description = "Its event_id")),
    responses((status = 200, description = "A C2SP tlog-proof", body = String, content_type = "text/plain")))]
async fn proof(State(app): State<App>, caller: Caller, Place(event_id): Place<String>) -> Result<Response, Problem> {
    entry_proof(&app, &caller, &event_id).await
}

/// The same for an event whose id a path cannot have
#[utoipa::path(get, path = "/api/v1/audit-logs/by-id/proof", tag = "audit log", params(ById),
    responses((status = 200, description = "A C2SP tlog-proof", body = String, content_type = "text/plain")))]
async fn proof_by_query(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<ById>,
) -> Result<Response, Problem> {
    entry_proof(&app, &caller, &params.id).await
}

async fn entry_proof(app: &App, caller: &Caller, event_id: &str) -> Result<Response, Problem> {
    let transaction = caller.begin(app, Access::Read).await?;
    if event::by_id(&transaction, event_id).await?.is_none() {
        return Err(Problem::not_found("An event of this id"));
    }
    let proof = proofs::inclusion(&transaction, event_id).await?;
    transaction.commit().await?;
    let proof = proof.ok_or_else(|| Problem::not_found("A proof"))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], proof).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_can_be_followed() {
        let what = Selection {
            query: "status:failed AND user:\"a b\"".to_owned(),
            filters: Some("{\"user\":\"ü>\"}".to_owned()),
            ..Selection::default()
        };
        let link = next_link(10, Order::Oldest, Count::Exact, &what, "c");
        assert!(link.is_ascii());
        let address = link
            .strip_prefix("</api/v1/audit-logs?")
            .and_then(|rest| rest.split_once('>'))
            .expect("an address")
            .0;
        let uri: http::Uri = format!("/?{address}").parse().expect("an address");
        let axum::extract::Query(params) = axum::extract::Query::<ListParams>::try_from_uri(&uri).expect("parameters");
        assert_eq!(params.q.as_deref(), Some(what.query.as_str()));
        assert_eq!(params.filters, what.filters);
        assert_eq!((params.order, params.count), (Some(Order::Oldest), Some(Count::Exact)));
    }
}
