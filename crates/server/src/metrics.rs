//! Figures for Prometheus: of the server, and of the extension through the service login. No name of a person, no query,
//! no address is in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use http::Method;

use crate::App;
use crate::database::{DatabaseError, Login};

/// Upper bounds of the histogram, in seconds.
const BOUNDS: [f64; 10] = [0.002, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0];

/// What is counted.
#[derive(Default)]
pub struct Metrics {
    /// Logins that the database refused.
    pub refused_logins: AtomicU64,
    routes: Mutex<BTreeMap<(String, String, u16), Latency>>,
}

#[derive(Debug, Clone, Default)]
struct Latency {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    /// A request was answered.
    pub fn exchange(&self, method: &Method, route: &str, status: u16, seconds: f64) {
        // Whatever a client writes as its method is one label.
        let method = match method.as_str() {
            known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
            _ => "other",
        };
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let latency = routes.entry((method.to_owned(), route.to_owned(), status)).or_default();
        latency.count += 1;
        latency.sum += seconds;
        for (bucket, bound) in latency.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    fn write(&self, out: &mut String) {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        heading(
            out,
            "auditlog_server_requests_total",
            "counter",
            "Requests that were answered",
        );
        for ((method, route, status), latency) in routes.iter() {
            line(
                out,
                format_args!(
                    "auditlog_server_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {}",
                    latency.count
                ),
            );
        }
        heading(
            out,
            "auditlog_server_request_seconds",
            "histogram",
            "Time until the head of an answer was ready",
        );
        let mut by_route: BTreeMap<&str, Latency> = BTreeMap::new();
        for ((_, route, _), latency) in routes.iter() {
            let sum = by_route.entry(route).or_default();
            sum.count += latency.count;
            sum.sum += latency.sum;
            for (to, from) in sum.buckets.iter_mut().zip(latency.buckets) {
                *to += from;
            }
        }
        for (route, latency) in by_route {
            for (count, bound) in latency.buckets.iter().zip(BOUNDS) {
                line(
                    out,
                    format_args!("auditlog_server_request_seconds_bucket{{route=\"{route}\",le=\"{bound}\"}} {count}"),
                );
            }
            line(
                out,
                format_args!(
                    "auditlog_server_request_seconds_bucket{{route=\"{route}\",le=\"+Inf\"}} {}",
                    latency.count
                ),
            );
            line(
                out,
                format_args!(
                    "auditlog_server_request_seconds_sum{{route=\"{route}\"}} {}",
                    latency.sum
                ),
            );
            line(
                out,
                format_args!(
                    "auditlog_server_request_seconds_count{{route=\"{route}\"}} {}",
                    latency.count
                ),
            );
        }
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{text}");
}

fn heading(out: &mut String, name: &str, kind: &str, help: &str) {
    line(out, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
}

/// Everything, in the text format.
pub async fn text(app: &App) -> String {
    let mut out = String::new();
    app.metrics.write(&mut out);
    let mut gauge = |name: &str, help: &str, values: &[(&str, f64)]| {
        heading(&mut out, name, "gauge", help);
        for (labels, value) in values {
            line(&mut out, format_args!("{name}{labels} {value}"));
        }
    };
    let people = app.people.occupancy();
    let bearers = app.bearers.as_ref().map(|pools| pools.occupancy());
    let mut connections = vec![
        ("{pool=\"people\",state=\"open\"}", people.open as f64),
        ("{pool=\"people\",state=\"idle\"}", people.idle as f64),
    ];
    if let Some(bearers) = bearers {
        connections.push(("{pool=\"bearers\",state=\"open\"}", bearers.open as f64));
        connections.push(("{pool=\"bearers\",state=\"idle\"}", bearers.idle as f64));
    }
    gauge(
        "auditlog_server_connections",
        "Connections to the database",
        &connections,
    );
    gauge(
        "auditlog_server_identities",
        "Identities that have a pool",
        &[("", people.pools as f64)],
    );
    gauge(
        "auditlog_server_sessions",
        "People who are logged in",
        &[("", app.sessions.count() as f64)],
    );
    gauge(
        "auditlog_server_streams",
        "Live streams",
        &[("", app.streams.load(Ordering::Relaxed) as f64)],
    );
    let is_listening = app.hub.is_listening.load(Ordering::Relaxed);
    gauge(
        "auditlog_server_listening",
        "Is the connection open that hears of new events?",
        &[("", f64::from(u8::from(is_listening)))],
    );
    heading(
        &mut out,
        "auditlog_server_refused_logins_total",
        "counter",
        "Logins and tokens that the database refused",
    );
    line(
        &mut out,
        format_args!(
            "auditlog_server_refused_logins_total {}",
            app.metrics.refused_logins.load(Ordering::Relaxed)
        ),
    );
    match extension(app).await {
        Ok(text) => out.push_str(&text),
        Err(error) => {
            tracing::warn!(cause = %crate::logs::visible(&error.to_string()), "the extension's figures cannot be read");
            line(
                &mut out,
                format_args!("# the extension's figures cannot be read: is the service login a member of pg_monitor?"),
            );
        }
    }
    out
}

/// Figures of the extension: name, kind, help, and SQL that gives labels and a value.
const EXTENSION: &[(&str, &str, &str, &str)] = &[
    (
        "auditlog_events",
        "gauge",
        "Events of the log, sealed or not",
        "SELECT ''::text, s.events::float8 FROM auditlog.stat_ingest AS s",
    ),
    (
        "auditlog_inbox_events",
        "gauge",
        "Events that wait to be sealed",
        "SELECT '', s.inbox_rows::float8 FROM auditlog.stat_seal AS s",
    ),
    (
        "auditlog_inbox_age_seconds",
        "gauge",
        "For how long the first of them has waited",
        "SELECT '', coalesce(extract(epoch FROM s.inbox_age), 0)::float8 FROM auditlog.stat_seal AS s",
    ),
    (
        "auditlog_sealed_events",
        "gauge",
        "Events that are sealed",
        "SELECT '', s.sealed_events::float8 FROM auditlog.stat_seal AS s",
    ),
    (
        "auditlog_seal_lag_seconds",
        "gauge",
        "From commit to seal, of the last batch",
        "SELECT '', coalesce(extract(epoch FROM s.last_seal_lag), 0)::float8 FROM auditlog.stat_seal AS s",
    ),
    (
        "auditlog_changed_before_sealing_total",
        "counter",
        "Events that were changed before they were sealed",
        "SELECT '', s.changed_before_sealing::float8 FROM auditlog.stat_seal AS s",
    ),
    (
        "auditlog_word_index_waiting_events",
        "gauge",
        "Events that the word index does not have yet",
        "SELECT '', w.waiting_events::float8 FROM auditlog.stat_word_index AS w",
    ),
    (
        "auditlog_journal_queued_bytes",
        "gauge",
        "Reads that wait to be recorded",
        "SELECT '', a.queued_bytes::float8 FROM auditlog.stat_access AS a",
    ),
    (
        "auditlog_journal_dropped_total",
        "counter",
        "Reads that could not be told of",
        "SELECT '', a.dropped::float8 FROM auditlog.stat_access AS a",
    ),
    (
        "auditlog_journal_refused_total",
        "counter",
        "Reads that were refused because they could not be told of",
        "SELECT '', a.refused::float8 FROM auditlog.stat_access AS a",
    ),
    (
        "auditlog_alerts_behind_events",
        "gauge",
        "Events that alerts have not looked at yet",
        "SELECT '', coalesce(a.behind, 0)::float8 FROM auditlog.stat_alerts AS a",
    ),
    (
        "auditlog_alert_firings_total",
        "counter",
        "Firings of alerts",
        "SELECT '', a.firings::float8 FROM auditlog.stat_alerts AS a",
    ),
    (
        "auditlog_alert_open_firings",
        "gauge",
        "Firings that are not over",
        "SELECT '', a.open_firings::float8 FROM auditlog.stat_alerts AS a",
    ),
    (
        "auditlog_sink_delivered_events_total",
        "counter",
        "Events that a sink has got",
        "SELECT s.name, coalesce(s.delivered, 0)::float8 FROM auditlog.stat_sinks AS s",
    ),
    (
        "auditlog_sink_dead_letters",
        "gauge",
        "Events that a sink has refused",
        "SELECT s.name, s.dead::float8 FROM auditlog.stat_sinks AS s",
    ),
    (
        "auditlog_channel_waiting",
        "gauge",
        "Notifications that wait for a channel",
        "SELECT c.name, c.waiting::float8 FROM auditlog.stat_channels AS c",
    ),
    (
        "auditlog_worker_errors_total",
        "counter",
        "Errors of a worker",
        "SELECT w.worker, coalesce(w.errors, 0)::float8 FROM auditlog.stat_workers AS w",
    ),
    (
        "auditlog_health",
        "gauge",
        "0 ok, 1 warning, 2 error, of a check",
        "SELECT h.\"check\", CASE h.status WHEN 'ok' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END::float8 FROM auditlog.health() AS h",
    ),
];

async fn extension(app: &App) -> Result<String, DatabaseError> {
    let connection = app.service.connect(&Login::Configured).await?;
    connection
        .client
        .batch_execute("SET statement_timeout = '10s'; SET default_transaction_read_only = on")
        .await?;
    let mut out = String::new();
    for (name, kind, help, sql) in EXTENSION {
        let rows = match connection.client.query_typed(sql, &[]).await {
            Ok(rows) => rows,
            // Rights to some of them are enough for those.
            Err(error) if error.as_db_error().is_some() => continue,
            Err(error) => return Err(error.into()),
        };
        heading(&mut out, name, kind, help);
        for row in rows {
            let (label, value): (String, f64) = (row.try_get(0)?, row.try_get(1)?);
            if label.is_empty() {
                line(&mut out, format_args!("{name} {value}"));
            } else {
                line(&mut out, format_args!("{name}{{name=\"{}\"}} {value}", escaped(&label)));
            }
        }
    }
    Ok(out)
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted() {
        let metrics = Metrics::default();
        metrics.exchange(&Method::GET, "/a", 200, 0.003);
        metrics.exchange(&Method::GET, "/a", 500, 20.0);
        let mut out = String::new();
        metrics.write(&mut out);
        assert!(out.contains("auditlog_server_requests_total{method=\"GET\",route=\"/a\",status=\"500\"} 1"));
        assert!(out.contains("_bucket{route=\"/a\",le=\"0.002\"} 0"));
        assert!(out.contains("_bucket{route=\"/a\",le=\"0.005\"} 1"));
        assert!(out.contains("_bucket{route=\"/a\",le=\"+Inf\"} 2"));
        assert_eq!(escaped("a\"b\\"), "a\\\"b\\\\");
    }
}
