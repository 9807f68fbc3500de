//! What the collector's reply codes mean (Splunk's table «Possible error codes» of the HTTP Event Collector).

use auditlog_notify::Failure;
use auditlog_sink::client::Answer;
use serde_json::Value;

use crate::outcome::{Outcome, judge, said};

/// A reply of success.
#[derive(Debug)]
pub(crate) struct Reply {
    /// For people.
    pub(crate) said: String,
    /// The number by which to ask whether the batch is indexed.
    pub(crate) ack: Option<u64>,
    /// The whole.
    pub(crate) value: Value,
}

/// Judges an answer to a batch of `events`.
pub(crate) fn judge_reply(who: &str, answer: &Answer, secrets: &[&str], events: usize) -> Result<Reply, Outcome> {
    let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = value.get("code").and_then(Value::as_i64);
    let said = said(who, answer, secrets);
    let failure = || Failure::new(said.clone()).status(answer.status);
    // A broken-off success, 413, what passes by itself, and redirects are so whatever the code says.
    let general = judge(who, answer, secrets);
    match answer.status {
        200 => general?,
        400 => String::new(),
        201..=299 => return Err(not_a_collector(failure())),
        _ => {
            return Err(match general {
                Err(Outcome::Pause { error }) => Outcome::pause(with_hint(error, code)),
                Err(other) => other,
                Ok(_) => not_a_collector(failure()),
            });
        }
    };
    match code {
        // The answers to questions for acknowledgements have none.
        Some(0) if answer.status == 200 => {}
        None if answer.status == 200 && value.get("acks").is_some() => {}
        Some(8 | 9 | 18 | 19 | 20 | 23..=27) => return Err(Outcome::retry(failure())),
        Some(1..=4 | 7 | 10 | 11 | 14 | 16 | 21 | 22) => return Err(Outcome::pause(with_hint(failure(), code))),
        // No data, invalid data, no event, a blank event, wrong fields; and what later versions add.
        _ if answer.status == 400 => {
            let index = value.get("invalid-event-number").and_then(Value::as_u64);
            let index = index.and_then(|index| usize::try_from(index).ok());
            return Err(match index.filter(|index| *index < events) {
                Some(index) => Outcome::Reject {
                    index,
                    error: failure(),
                },
                None => Outcome::Bisect { error: failure() },
            });
        }
        _ => return Err(not_a_collector(failure())),
    }
    let ack = value.get("ackId").and_then(Value::as_u64);
    Ok(Reply { said, ack, value })
}

fn not_a_collector(error: Failure) -> Outcome {
    Outcome::pause(error.hint(
        "That is no answer of an HTTP Event Collector: look whether «hec_url» has its port (8088 as a rule), and not that \
         of the web interface.",
    ))
}

fn with_hint(error: Failure, code: Option<i64>) -> Failure {
    let hint = match code {
        Some(1 | 22) => "Enable the token in Splunk.",
        Some(2 | 3 | 4 | 16 | 21) => "Look whether «hec_token» names the token as Splunk has it.",
        Some(7) => "Give the token the right to write into the index, or name another in «index».",
        Some(10 | 11) => "The token wants acknowledgements: add \"acknowledge\": true.",
        Some(14) => "The token gives no acknowledgements: enable them for it, or leave out «acknowledge».",
        _ => return error,
    };
    error.hint(hint)
}
