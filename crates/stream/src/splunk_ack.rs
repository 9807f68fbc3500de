//! Waiting until Splunk has indexed a batch (help.splunk.com, «About HTTP Event Collector Indexer Acknowledgment»).

use std::time::{Duration, Instant};

use auditlog_notify::{Attempt, Failure};
use serde_json::json;

use crate::item::Item;
use crate::outcome::Outcome;
use crate::session::Session;
use crate::splunk::Splunk;
use crate::splunk_reply::Reply;

/// How long is waited between two questions, at first and at most.
const POLLS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// A batch that was taken and is not known to be indexed. It outlives a deadline, so that the next try of the same batch
/// asks for it rather than sends it again.
pub(crate) struct Waiting {
    ack: u64,
    /// Count, and the keys of the first and the last event.
    batch: (usize, String, String),
    /// When it was taken, in microseconds since 1970 UTC.
    since: i64,
}

impl Waiting {
    pub(crate) fn new(reply: &Reply, batch: &[Item<'_>], now: i64) -> Result<Self, Outcome> {
        let ack = reply.ack.ok_or_else(|| {
            Outcome::pause(
                Failure::new(format!("{}, without an acknowledgement's number", reply.said))
                    .hint("Enable indexer acknowledgement for the token, or leave out «acknowledge»."),
            )
        })?;
        Ok(Self {
            ack,
            batch: identity(batch),
            since: now,
        })
    }

    /// Whether it is for the first events of a batch: others may have come since.
    pub(crate) fn is_for(&self, batch: &[Item<'_>]) -> bool {
        batch
            .get(..self.batch.0)
            .is_some_and(|first| self.batch == identity(first))
    }

    /// How many events it is for.
    pub(crate) fn events(&self) -> usize {
        self.batch.0
    }
}

fn identity(batch: &[Item<'_>]) -> (usize, String, String) {
    let key = |item: Option<&Item<'_>>| item.map_or_else(String::new, Item::key);
    (batch.len(), key(batch.first()), key(batch.last()))
}

impl Splunk {
    /// Asks until the batch is indexed, or the deadline or the patience is over. Splunk forgets an acknowledgement once it
    /// has said yes; so an answer that gets lost costs a repetition, never an event.
    pub(crate) fn acknowledged(
        &self,
        session: &mut Session,
        waiting: Waiting,
        attempt: &Attempt<'_>,
        begin: Instant,
    ) -> Result<String, Outcome> {
        let (mut pause, most) = POLLS;
        let question = json!({"acks": [waiting.ack]}).to_string();
        let number = waiting.ack.to_string();
        let who = self.server.who();
        loop {
            let left = attempt.deadline.saturating_sub(begin.elapsed());
            let now = attempt.now.saturating_add(micros(begin.elapsed()));
            if now.saturating_sub(waiting.since) >= micros(self.patience) {
                // The machine that knows of it may be gone.
                session.cookies.clear();
                session.kept.close();
                let message = format!(
                    "{who} has not acknowledged the batch within {} s",
                    self.patience.as_secs()
                );
                return Err(Outcome::Retry {
                    after: Some(Duration::ZERO),
                    error: Failure::new(message),
                });
            }
            if left <= pause {
                session.waiting = Some(waiting);
                return Err(Outcome::Retry {
                    after: Some(Duration::ZERO),
                    error: Failure::new(format!("{who} has taken the batch, but not acknowledged it yet")),
                });
            }
            std::thread::sleep(pause);
            pause = (2 * pause).min(most);
            let again = Attempt {
                secrets: attempt.secrets,
                deadline: attempt.deadline.saturating_sub(begin.elapsed()),
                now,
                allow: attempt.allow,
            };
            match self.ask(session, &again, "/ack", question.as_bytes(), false, 0) {
                Ok(reply) if reply.value["acks"][&number] == true => {
                    return Ok(format!("{who} has indexed the batch (acknowledgement {number})"));
                }
                Ok(_) => {}
                Err(Outcome::Retry { after, error }) => {
                    session.waiting = Some(waiting);
                    return Err(Outcome::Retry { after, error });
                }
                // An error of the question says nothing about an event of the batch.
                Err(Outcome::Reject { error, .. } | Outcome::Bisect { error } | Outcome::Split { error }) => {
                    return Err(Outcome::retry(error));
                }
                Err(other) => {
                    session.waiting = Some(waiting);
                    return Err(other);
                }
            }
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
