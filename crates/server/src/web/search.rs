//! `/search`, downloads, and saved queries.

use std::time::{Duration, Instant};

use auditlog_pages::chart;
use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::search::{self as pages, Model, Outcome, Results, Saved, Total};
use auditlog_pages::url::{self, SearchState};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;

use super::dashboard::{counts, events, histogram};
use super::visit::{Open, Sent, Visit};
use super::{html, is_of_input, natural, query_problem, returning, see_other, words};
use crate::data::figures::{self, Around};
use crate::data::search::{self, Order, Selection};
use crate::data::{reports, saved};
use crate::database::{Access, DatabaseError};
use crate::http::Problem;
use crate::rest::exports::{ExportBody, streamed};

/// How long what is around the events may take.
const BUDGET: Duration = Duration::from_secs(4);
/// Fields whose most frequent values are offered: name and label.
const FACETS: [(&str, &str); 7] = [
    ("event_type", "Event type"),
    ("severity", "Severity"),
    ("status", "Status"),
    ("actor.id", "Actor"),
    ("resource.type", "Resource type"),
    ("ip", "IP address"),
    ("category", "Category"),
];
const VALUES: i32 = 6;

/// The page.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    let (mut state, mut wrong) = SearchState::parse(&visit.query);
    let question = question(&state);
    let mut after = None;
    if let Some(cursor) = &state.after {
        match visit.app.cursors.open(cursor, question.as_bytes()) {
            Ok(place) => after = Some(place),
            Err(_) => {
                wrong.push("The page of the list that the address names is one of another search.".to_owned());
                state.after = None;
            }
        }
    }
    let what = selection(&state, visit.look.now);
    let open = visit.begin(Access::Read).await?;
    let began = Instant::now();
    let order = match state.order {
        url::Order::Newest => Order::Newest,
        url::Order::Oldest => Order::Oldest,
    };
    let limit = i32::from(state.limit);
    let database = &open.transaction;
    let budget = visit.app.settings.limits.statement;
    let page = database.attempt(
        budget,
        search::page(database, &what, order, limit + 1, after.as_deref()),
    );
    let (open, outcome) = match page.await {
        Ok(Some(mut found)) => {
            let more = found.len() > usize::from(state.limit);
            found.truncate(usize::from(state.limit));
            let next = found.last().filter(|_| more).map(|last| last.cursor.clone());
            let next = next.map(|place| visit.app.cursors.seal(&place, question.as_bytes()));
            let milliseconds = began.elapsed().as_millis() as u64;
            let mut results = Results {
                events: events(found),
                next,
                milliseconds,
                ..Results::default()
            };
            around(&open, &what, &visit, &mut results).await?;
            (open, Outcome::Found(Box::new(results)))
        }
        Ok(None) => (open, Outcome::TimedOut),
        Err(error) => {
            open.transaction.roll_back().await;
            let problem = Problem::from(error);
            if !is_of_input(&problem) {
                return Err(problem);
            }
            let query = query_problem(&problem).unwrap_or_else(|| auditlog_pages::components::query_box::Problem {
                position: 1,
                length: state.query.chars().count().max(1),
                message: words(&problem),
                hint: None,
            });
            // What is shown around the query is asked for anew: the transaction is over.
            (visit.begin(Access::Read).await?, Outcome::Wrong(query))
        }
    };
    let mine = open.who.role.clone();
    let administers = open.viewer.administers();
    let saved = saved::list(&open.transaction).await?;
    let saved = saved
        .into_iter()
        .map(|query| Saved {
            own: administers || query.created_by == mine,
            name: query.name,
            query: query.query,
            description: query.description,
        })
        .collect();
    let status = match &outcome {
        Outcome::Wrong(_) => StatusCode::BAD_REQUEST,
        Outcome::Found(_) | Outcome::TimedOut => StatusCode::OK,
    };
    let chrome = visit.chrome(open, Section::Search).await?;
    let model = Model {
        state,
        wrong,
        outcome,
        saved,
    };
    Ok(html(status, pages::page(&chrome, &model).into_string()))
}

/// What a cursor is for: all of a search but its columns.
fn question(state: &SearchState) -> String {
    let same = state.with(|state| state.columns = auditlog_pages::url::Column::DEFAULT.to_vec());
    format!("page {}", same.query_string())
}

fn selection(state: &SearchState, now: DateTime<Utc>) -> Selection {
    let (since, until) = state.range.bounds(now);
    Selection {
        query: state.query.clone(),
        since: since.map(|at| at.to_rfc3339()),
        until: until.map(|at| at.to_rfc3339()),
        filters: None,
    }
}

/// Counts, bars and frequent values; what takes too long is left out.
async fn around(open: &Open, what: &Selection, visit: &Visit, results: &mut Results) -> Result<(), Problem> {
    let database = &open.transaction;
    let parse = |text: &Option<String>| text.as_deref().and_then(auditlog_pages::time::parse);
    let mut since = parse(&what.since);
    if since.is_none() {
        let first = database
            .attempt(BUDGET, search::page(database, what, Order::Oldest, 1, None))
            .await?;
        since = first
            .as_deref()
            .and_then(<[_]>::first)
            .map(|first| super::dashboard::event(first).timestamp);
    }
    let Some(since) = since else { return Ok(()) };
    let last = results.events.iter().map(|event| event.timestamp).max();
    let until = parse(&what.until).unwrap_or_else(|| last.map_or(visit.look.now, |last| last.max(visit.look.now)));
    let (seconds, width) = chart::bucket_width(since, until);
    let bounded = Selection {
        since: what.since.clone().or_else(|| Some(since.to_rfc3339())),
        ..what.clone()
    };
    let fields = FACETS.map(|(field, _)| field);
    let counted = figures::around(database, &bounded, width, &fields, VALUES);
    match database.attempt(BUDGET, counted).await? {
        Some(Around {
            total,
            histogram: buckets,
            facets,
        }) => {
            results.total = Total::Exact(natural(total));
            results.histogram = histogram(&buckets, seconds);
            let facet = |((field, label), values): (&(&str, &str), Vec<search::Facet>)| pages::Facet {
                field: (*field).to_owned(),
                label: (*label).to_owned(),
                values: counts(values),
            };
            results.facets = FACETS.iter().zip(facets).map(facet).collect();
        }
        None => {
            let estimate = database.attempt(BUDGET, search::count(database, what, false)).await?;
            results.total = estimate.map_or(Total::Unknown, |about| Total::About(natural(about)));
        }
    }
    Ok(())
}

/// `POST /search/export`.
pub async fn export(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let (since, until) = (fields.time("since"), fields.time("until"));
    if fields.get("format") == "pdf" {
        let now = visit.look.now;
        let wanted = reports::Wanted {
            framework: None,
            name: None,
            title: None,
            query: Some(fields.get("q").to_owned()),
            start_time: since.or_else(|| Some("2000-01-01T00:00:00Z".to_owned())),
            end_time: until.or_else(|| Some(now.to_rfc3339())),
            filters: None,
            formats: Some(vec!["pdf".to_owned()]),
        };
        let open = visit.begin_as(Access::Write, Viewer::makes_reports).await?;
        let title = format!("Search of {}", now.format("%Y-%m-%d %H:%M UTC"));
        let asked = reports::of_incident(&open.transaction, &title, &wanted).await;
        let id = open.end(asked).await?.ok_or_else(Problem::internal)?;
        visit.tell("The report is being made. Its PDF is here when it is done.");
        return see_other(&format!("/reports/{id}"));
    }
    visit
        .begin_as(Access::Read, Viewer::exports)
        .await?
        .transaction
        .commit()
        .await?;
    let body = ExportBody {
        format: Some(fields.get("format").to_owned()),
        query: Some(fields.get("q").to_owned()),
        start_time: since,
        end_time: until,
        ..ExportBody::default()
    };
    visit.app.rates.exports.take(&visit.caller.key)?;
    let mut response = streamed(&visit.app, &visit.caller, &body, "json")
        .await?
        .into_response();
    // A page's form cannot read trailers, and browsers warn of none.
    response.headers_mut().remove(http::header::TRAILER);
    Ok(response)
}

/// `POST /saved-queries`.
pub async fn save(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let back = returning::ours(fields.get("return_to")).unwrap_or_else(|| "/search".to_owned());
    let open = visit.begin_as(Access::Write, Viewer::saves_queries).await?;
    let name = fields.get("name").trim();
    let done = saved::save(
        &open.transaction,
        name,
        fields.get("query"),
        fields.given("description"),
    )
    .await;
    told(visit, open, done, &format!("The query «{name}» was saved.")).await?;
    see_other(&back)
}

/// `POST /saved-queries/delete`.
pub async fn delete(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let back = returning::ours(fields.get("return_to")).unwrap_or_else(|| "/search".to_owned());
    let open = visit.begin_as(Access::Write, Viewer::saves_queries).await?;
    let done = saved::delete(&open.transaction, fields.get("name")).await;
    told(
        visit,
        open,
        done,
        &format!("The query «{}» was deleted.", fields.get("name")),
    )
    .await?;
    see_other(&back)
}

/// Ends a transaction and keeps a message of what became of it; what is not about the form is an error.
pub async fn told<T>(visit: &Visit, open: Open, done: Result<T, DatabaseError>, good: &str) -> Result<(), Problem> {
    match open.end(done).await {
        Ok(_) => visit.tell(good),
        Err(problem) if is_of_input(&problem) => visit.tell_bad(words(&problem)),
        Err(problem) => return Err(problem),
    }
    visit.app.heads.forget(&visit.caller.key);
    Ok(())
}
