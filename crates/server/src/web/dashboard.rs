//! `/`: the overview.

use std::time::Duration;

use auditlog_pages::chart::{self, Histogram};
use auditlog_pages::components::bars::Count;
use auditlog_pages::event::Event;
use auditlog_pages::layout::Section;
use auditlog_pages::pages::dashboard::{self, Metric, Model, RANGES, Security};
use auditlog_pages::url::{self, Range};
use axum::response::Response;
use chrono::TimeDelta;
use http::StatusCode;

use super::visit::Visit;
use super::{html, natural};
use crate::data::figures::{self, Times};
use crate::data::search::{self, Bucket, Facet, Order, Selection};
use crate::data::state;
use crate::database::Access;
use crate::http::Problem;

/// How long a part of the page may take before it is left out.
const BUDGET: Duration = Duration::from_secs(4);
/// Kinds of security events, most important first.
const SECURITY: [(&str, &str); 4] = [
    ("Failed logins", "event_type:authentication.login AND status:failed"),
    ("Permission changes", "event_type:(permission.* OR role.*)"),
    ("Policy violations", "event_type:policy.violation"),
    ("Refused requests", "status:denied"),
];
/// What the lists of frequent values are about.
const FIELDS: [&str; 3] = ["event_type", "actor.id", "resource"];

/// The page.
pub async fn page(visit: Visit) -> Result<Response, Problem> {
    let pairs = url::pairs(&visit.query);
    let range = pairs
        .iter()
        .find(|(name, _)| name == "range")
        .map(|(_, value)| value.as_str());
    let range = RANGES.into_iter().find(|key| Some(*key) == range).unwrap_or(RANGES[0]);
    let until = visit.look.now;
    let (since, _) = Range::preset(range).unwrap_or_default().bounds(until);
    let since = since.unwrap_or(until - TimeDelta::days(1));
    let times = Times {
        before: (since - (until - since)).to_rfc3339(),
        since: since.to_rfc3339(),
        until: until.to_rfc3339(),
    };
    let (seconds, width) = chart::bucket_width(since, until);
    let all = Selection {
        since: Some(times.since.clone()),
        until: Some(times.until.clone()),
        ..Selection::default()
    };
    let open = visit.begin(Access::Read).await?;
    let database = &open.transaction;
    let mut model = Model {
        range: range.to_owned(),
        ..Model::default()
    };
    // The newest of all times: a log in which nothing happened today is not empty.
    let recent = Selection {
        query: "NOT category:auditlog".to_owned(),
        ..Selection::default()
    };
    model.recent = events(search::page(database, &recent, Order::Newest, 10, None).await?);
    let around = figures::around(database, &all, width, &FIELDS, 7);
    match database.attempt(BUDGET, around).await? {
        Some(around) => {
            model.total = natural(around.total);
            model.activity = histogram(&around.histogram, seconds);
            let mut facets = around.facets.into_iter().map(counts);
            model.by_type = facets.next().unwrap_or_default();
            model.by_user = facets.next().unwrap_or_default();
            model.by_resource = facets.next().unwrap_or_default();
        }
        None => model
            .missing
            .push("Counting the events of this time took too long.".to_owned()),
    }
    let mut queries: Vec<&str> = SECURITY.iter().map(|(_, query)| *query).collect();
    queries.push("");
    match database
        .attempt(BUDGET, figures::trends(database, &queries, &times, width))
        .await?
    {
        Some(mut trends) => {
            model.previous = trends.pop().map(|all| natural(all.previous));
            model.security = SECURITY
                .iter()
                .zip(trends)
                .map(|((label, query), trend)| Security {
                    label: (*label).to_owned(),
                    query: (*query).to_owned(),
                    count: natural(trend.total),
                    previous: Some(natural(trend.previous)),
                    trend: trend.histogram.iter().map(|bucket| natural(bucket.count)).collect(),
                })
                .collect();
        }
        None => {
            model
                .missing
                .push("Counting the security events of this time took too long.".to_owned());
        }
    }
    let security = Selection {
        query: SECURITY.map(|(_, query)| format!("({query})")).join(" OR "),
        ..all
    };
    match database
        .attempt(BUDGET, search::page(database, &security, Order::Newest, 8, None))
        .await?
    {
        Some(found) => model.security_events = events(found),
        None => model
            .missing
            .push("Finding the newest security events took too long.".to_owned()),
    }
    if open.viewer.sees_all() {
        model.metrics = database.attempt(BUDGET, state::metrics(database)).await?.map(metrics);
    }
    let chrome = visit.chrome(open, Section::Overview).await?;
    Ok(html(StatusCode::OK, dashboard::page(&chrome, &model).into_string()))
}

/// Events as the pages know them.
pub fn events(found: Vec<crate::data::event::Event>) -> Vec<Event> {
    found.iter().map(event).collect()
}

/// An event as the pages know it.
pub fn event(found: &crate::data::event::Event) -> Event {
    let document = serde_json::from_str(found.document.get()).unwrap_or_default();
    Event::from_document(&document)
}

/// Values and counts as the pages know them.
pub fn counts(facets: Vec<Facet>) -> Vec<Count> {
    let count = |facet: Facet| Count {
        value: facet.value,
        count: natural(facet.count),
    };
    facets.into_iter().map(count).collect()
}

/// Buckets as the pages know them.
pub fn histogram(buckets: &[Bucket], seconds: i64) -> Histogram {
    let bucket = |bucket: &Bucket| chart::Bucket {
        start: super::moment(&bucket.bucket),
        count: natural(bucket.count),
    };
    Histogram {
        buckets: buckets.iter().map(bucket).collect(),
        seconds,
    }
}

/// Metrics as the pages know them.
pub fn metrics(metrics: Vec<state::Metric>) -> Vec<Metric> {
    let metric = |metric: state::Metric| Metric {
        name: metric.metric,
        subject: metric.subject,
        value: metric.value,
        unit: metric.unit.unwrap_or_default(),
        status: metric.status.unwrap_or_default(),
        detail: metric.detail.unwrap_or_default(),
        hint: None,
    };
    metrics.into_iter().map(metric).collect()
}
