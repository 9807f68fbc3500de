//! How the log stands, for the head of every page: how far it is verified, signed and anchored, and what waits for somebody.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::Answer;
use crate::database::Transaction;

/// What is known of the log as a whole; for those who see all of it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Standing {
    /// Events that have their place.
    pub size: Option<i64>,
    /// Subjects and sentences of `auditlog.status()`.
    pub status: Option<Value>,
    /// The row `completeness` of the metrics: `ok` or not, and in words.
    pub completeness: Option<Completeness>,
    /// When verification came to the log's end last.
    pub verified_at: Option<DateTime<Utc>>,
    /// Firings that nobody has acknowledged, up to 1,000.
    pub open_firings: i64,
}

/// How much of the log was verified.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Completeness {
    /// `5 of 7 events`, or `2 findings, the first: …`.
    pub detail: Option<String>,
    /// ok, warning or error.
    pub status: Option<String>,
}

/// How the log stands.
///
/// # Errors
/// What the database refuses: only those who see all events may know.
pub async fn of_the_log(transaction: &Transaction) -> Answer<Standing> {
    let sql = "SELECT (SELECT s.sealed_events FROM auditlog.stat_seal AS s) AS size, \
        (SELECT jsonb_object_agg(s.subject, s.statement) FROM auditlog.status() AS s) AS status, \
        (SELECT jsonb_build_object('detail', m.detail, 'status', m.status) FROM auditlog.compliance_metrics AS m WHERE m.metric = 'completeness') \
            AS completeness, \
        (SELECT max(v.ended_at) FROM auditlog.verification_runs AS v) AS verified_at, \
        (SELECT count(*) FROM (SELECT FROM auditlog.alert_firings AS f WHERE f.acknowledged_at IS NULL LIMIT 1000) AS f) AS open_firings";
    Ok(transaction.optional(sql, &[]).await?.unwrap_or_default())
}

impl Standing {
    /// A sentence of `auditlog.status()`.
    pub fn sentence(&self, subject: &str) -> Option<&str> {
        self.status.as_ref()?.get(subject)?.as_str()
    }

    /// Events that were verified; None where something does not fit.
    pub fn verified(&self) -> Option<u64> {
        let detail = self.completeness.as_ref()?.detail.as_deref()?;
        detail.split_once(" of ")?.0.parse().ok()
    }

    /// How many places do not fit, and the first.
    pub fn findings(&self) -> Option<(u64, String)> {
        let detail = self.completeness.as_ref()?.detail.as_deref()?;
        let (number, first) = detail.split_once(" findings, the first: ")?;
        Some((number.parse().ok()?, first.to_owned()))
    }

    /// Size, origin and time of the newest checkpoint.
    pub fn signed(&self) -> Option<(u64, &str, DateTime<Utc>)> {
        let (size, rest) = self
            .sentence("checkpoint")?
            .strip_prefix("signed over ")?
            .split_once(" events as ")?;
        let (origin, at) = rest.rsplit_once(" at ")?;
        Some((size.parse().ok()?, origin, moment(at)?))
    }

    /// Size, witnesses and time of the newest checkpoint that somebody outside has cosigned.
    pub fn anchored(&self) -> Option<(u64, u64, DateTime<Utc>)> {
        let (size, rest) = self
            .sentence("anchor")?
            .strip_prefix("anchored at ")?
            .split_once(" by ")?;
        let (names, at) = rest.rsplit_once(" at ")?;
        Some((size.parse().ok()?, names.split(", ").count() as u64, moment(at)?))
    }

    /// Why no checkpoint is made.
    pub fn stopped(&self) -> Option<&str> {
        self.sentence("publishing")?.strip_prefix("stopped ")
    }
}

/// A moment as PostgreSQL writes it in the zone UTC.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z")
        .ok()
        .map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sentences_are_understood() {
        let standing = Standing {
            status: Some(json!({
                "checkpoint": "signed over 7 events as a at b at 2026-11-29 04:59:16+00",
                "anchor": "anchored at 5 by w1, w2 at 2026-11-29 04:59:10+00", "publishing": "stopped (fork): x",
            })),
            completeness: Some(Completeness {
                detail: Some("5 of 7 events".to_owned()),
                status: None,
            }),
            ..Standing::default()
        };
        let (size, origin, at) = standing.signed().expect("signed");
        assert_eq!((size, origin, at.timestamp()), (7, "a at b", 1_795_928_356));
        assert_eq!(standing.anchored().map(|(size, by, _)| (size, by)), Some((5, 2)));
        assert_eq!((standing.verified(), standing.stopped()), (Some(5), Some("(fork): x")));
        let broken = Standing {
            completeness: Some(Completeness {
                detail: Some("2 findings, the first: modified: 5 of 7".to_owned()),
                status: None,
            }),
            ..Standing::default()
        };
        assert_eq!(broken.findings(), Some((2, "modified: 5 of 7".to_owned())));
        assert_eq!(broken.verified(), None);
        assert_eq!(Standing::default().signed(), None);
    }
}
