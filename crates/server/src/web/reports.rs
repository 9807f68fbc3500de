//! `/reports`, `/reports/{id}`, their files and forms.

use auditlog_pages::layout::{Section, Viewer};
use auditlog_pages::pages::report as report_page;
use auditlog_pages::pages::reports::{self as pages, Ask, Definition, File, Framework, Model, Report};
use auditlog_pages::time;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{Datelike as _, NaiveDate, TimeZone as _, Utc};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::forms::Fields;
use super::search::told;
use super::visit::{Sent, Visit};
use super::{html, is_of_input, moment, natural, optional_moment, see_other, words};
use crate::App;
use crate::data::reports::{self as data, Wanted};
use crate::database::{Access, Transaction};
use crate::http::Problem;
use crate::http::inputs::Place;
use crate::rest::reports::{file_sent, proof_sent};

/// Reports that the list has.
const ROWS: i64 = 100;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/reports", get(list).post(ask))
        .route("/reports/run", post(run))
        .route("/reports/incident", post(incident))
        .route("/reports/{id}", get(one))
        .route("/reports/{id}/files/{format}", get(file))
        .route("/reports/{id}/proof", get(proof))
        .route("/reports/{id}/cancel", post(cancel))
        .route("/reports/{id}/retry", post(retry))
}

async fn list(visit: Visit) -> Result<Response, Problem> {
    show(&visit, StatusCode::OK, None).await
}

/// The page; after something that was wrong with what was filled in.
async fn show(visit: &Visit, status: StatusCode, wrong: Option<(Ask, String)>) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::makes_reports).await?;
    let database = &open.transaction;
    let (ask, wrong) = wrong.map_or_else(|| (last_quarter(visit), None), |(ask, wrong)| (ask, Some(wrong)));
    let frameworks = frameworks(database).await?;
    let model = Model {
        reports: data::list(database, ROWS, None)
            .await?
            .into_iter()
            .map(|found| report(found, &frameworks))
            .collect(),
        frameworks,
        definitions: data::definitions(database)
            .await?
            .into_iter()
            .map(|found| Definition {
                name: found.name,
                title: found.title,
                schedule: found.schedule.filter(|schedule| schedule != "once"),
                last_report: found.last_report,
            })
            .collect(),
        ask,
        wrong,
    };
    let chrome = visit.chrome(open, Section::Reports).await?;
    Ok(html(status, pages::page(&chrome, &model).into_string()))
}

async fn frameworks(database: &Transaction) -> Result<Vec<Framework>, Problem> {
    let framework = |found: data::Framework| Framework {
        name: found.name.unwrap_or_else(|| found.id.clone()),
        id: found.id,
        version: found.version.unwrap_or_default(),
        controls: natural(found.controls),
    };
    Ok(data::frameworks(database).await?.into_iter().map(framework).collect())
}

/// What auditors ask for most: the last quarter that is over.
fn last_quarter(visit: &Visit) -> Ask {
    let now = visit.look.now;
    let month = (now.month0() / 3) * 3 + 1;
    let until = NaiveDate::from_ymd_opt(now.year(), month, 1).unwrap_or_default();
    let since = until.checked_sub_months(chrono::Months::new(3)).unwrap_or(until);
    let input = |day: NaiveDate| {
        let midnight = day.and_hms_opt(0, 0, 0).unwrap_or_default();
        time::input(Utc.from_utc_datetime(&midnight))
    };
    Ask {
        since: input(since),
        until: input(until),
        ..Ask::default()
    }
}

/// Files in the order in which people take them.
const FILES: [&str; 4] = ["pdf", "json", "csv", "manifest"];

fn report(found: data::Report, frameworks: &[Framework]) -> Report {
    let files = found.files.as_ref().and_then(Value::as_object);
    let file = |(format, file): (&String, &Value)| File {
        format: format.clone(),
        bytes: file.get("bytes").and_then(Value::as_u64).unwrap_or(0),
        sha256: file
            .get("sha256")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    };
    let mut files: Vec<File> = files.into_iter().flatten().map(file).collect();
    files.sort_by_key(|file| {
        FILES
            .iter()
            .position(|format| *format == file.format)
            .unwrap_or(FILES.len())
    });
    let of = frameworks
        .iter()
        .find(|framework| found.kind == "compliance" && framework.id == found.name);
    Report {
        id: found.id,
        files,
        title: of.map(|framework| framework.name.clone()),
        kind: found.kind,
        name: found.name,
        state: found.state,
        since: moment(&found.since),
        until: moment(&found.until),
        filters: found.filters,
        asked_by: found.asked_by,
        asked_at: moment(&found.asked_at),
        ended_at: optional_moment(found.ended_at.as_ref()),
        sections: (natural(found.sections_done.into()), natural(found.sections.into())),
        working_on: found.working_on,
        findings: found.findings.map(|findings| natural(findings.into())),
        event_id: found.event_id,
        error: found.error,
    }
}

async fn one(visit: Visit, Place(id): Place<i64>) -> Result<Response, Problem> {
    let open = visit.begin_as(Access::Read, Viewer::makes_reports).await?;
    let found = data::one(&open.transaction, id).await?;
    let found = found.ok_or_else(|| Problem::not_found("A report of this number"))?;
    let model = report_page::Model {
        report: report(found, &frameworks(&open.transaction).await?),
        // They are in the files; taking one is told of in the log, and looking at this page is not that.
        sections: Vec::new(),
    };
    let chrome = visit.chrome(open, Section::Reports).await?;
    Ok(html(StatusCode::OK, report_page::page(&chrome, &model).into_string()))
}

async fn file(visit: Visit, Place((id, format)): Place<(i64, String)>) -> Result<Response, Problem> {
    visit
        .begin_as(Access::Read, Viewer::makes_reports)
        .await?
        .transaction
        .commit()
        .await?;
    file_sent(&visit.app, &visit.caller, id, &format).await
}

async fn proof(visit: Visit, Place(id): Place<i64>) -> Result<Response, Problem> {
    visit
        .begin_as(Access::Read, Viewer::makes_reports)
        .await?
        .transaction
        .commit()
        .await?;
    proof_sent(&visit.app, &visit.caller, id).await
}

fn wanted(fields: &Fields) -> Wanted {
    let formats = fields.all("formats");
    Wanted {
        framework: None,
        name: None,
        title: None,
        query: fields.given("query").map(str::to_owned),
        start_time: fields.time("since"),
        end_time: fields.time("until"),
        filters: None,
        formats: (!formats.is_empty()).then_some(formats),
    }
}

async fn ask(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let mut filters = Map::new();
    for name in ["accounts", "users", "resources"] {
        let values = fields.list(name);
        if !values.is_empty() {
            filters.insert(name.to_owned(), json!(values));
        }
    }
    if let Some(query) = fields.given("query") {
        filters.insert("query".to_owned(), json!(query));
    }
    let wanted = Wanted {
        filters: (!filters.is_empty()).then_some(Value::Object(filters)),
        ..wanted(fields)
    };
    let open = visit.begin_as(Access::Write, Viewer::makes_reports).await?;
    let asked = data::of_framework(&open.transaction, fields.get("framework"), &wanted).await;
    let text = |name: &str| fields.get(name).to_owned();
    let ask = Ask {
        framework: text("framework"),
        since: text("since"),
        until: text("until"),
        query: text("query"),
        accounts: text("accounts"),
        users: text("users"),
        resources: text("resources"),
    };
    made(visit, open.end(asked).await, Some(ask)).await
}

async fn run(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let open = visit.begin_as(Access::Write, Viewer::makes_reports).await?;
    let asked = data::of_definition(&open.transaction, fields.get("name"), &wanted(fields)).await;
    made(visit, open.end(asked).await, None).await
}

async fn incident(sent: Sent) -> Result<Response, Problem> {
    let (visit, fields) = (&sent.visit, &sent.fields);
    let open = visit.begin_as(Access::Write, Viewer::makes_reports).await?;
    let wanted = Wanted {
        query: Some(fields.get("query").to_owned()),
        ..wanted(fields)
    };
    let asked = data::of_incident(&open.transaction, fields.get("title").trim(), &wanted).await;
    made(visit, open.end(asked).await, None).await
}

/// To the report that was asked for, or the form once more.
async fn made(visit: &Visit, asked: Result<Option<i64>, Problem>, ask: Option<Ask>) -> Result<Response, Problem> {
    match asked {
        Ok(Some(id)) => {
            visit.tell("The report is being made.");
            see_other(&format!("/reports/{id}"))
        }
        Ok(None) => Err(Problem::internal()),
        // A framework that there is none of is a matter of what was filled in, too.
        Err(problem) if is_of_input(&problem) || (problem.status == 404 && ask.is_some()) => {
            let ask = ask.unwrap_or_else(|| last_quarter(visit));
            show(visit, StatusCode::UNPROCESSABLE_ENTITY, Some((ask, words(&problem)))).await
        }
        Err(problem) => Err(problem),
    }
}

async fn cancel(Place(id): Place<i64>, sent: Sent) -> Result<Response, Problem> {
    let visit = &sent.visit;
    let open = visit.begin_as(Access::Write, Viewer::makes_reports).await?;
    let done = data::cancel(&open.transaction, id).await;
    match open.end(done).await? {
        true => visit.tell("The report was cancelled."),
        false => visit.tell_bad("The report had ended already."),
    }
    see_other(&format!("/reports/{id}"))
}

async fn retry(Place(id): Place<i64>, sent: Sent) -> Result<Response, Problem> {
    let visit = &sent.visit;
    let open = visit.begin_as(Access::Write, Viewer::makes_reports).await?;
    let done = data::retry(&open.transaction, id).await;
    told(visit, open, done, "The report is being made once more.").await?;
    see_other(&format!("/reports/{id}"))
}
