//! The kind `syslog`: RFC 5424 over a connection that stays open.
//!
//! Syslog has no acknowledgement. Over TCP and TLS a batch counts as safe once the other side's kernel has acknowledged every
//! byte. What its program had not yet read when it ended is lost all the same; so after a broken connection the events
//! that counted as safe shortly before are sent again ([`Outcome::Rewind`]).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use auditlog_notify::client::missing;
use auditlog_notify::{Attempt, Failure};
use auditlog_sink::client::{Options, SyslogLine, SyslogReceiver};
use auditlog_sink::{Annotations, ConfigError, Message};

use crate::item::{Item, Limits};
use crate::limits::{Usual, limits};
use crate::outcome::{Outcome, Sent};
use crate::server::with_call;
use crate::session::Session;

/// A configured receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Syslog {
    pub(crate) receiver: SyslogReceiver,
    pub(crate) limits: Limits,
    origin: String,
    window: usize,
    window_us: i64,
}

/// An open connection, and what went over it last.
#[derive(Default)]
pub(crate) struct Line {
    open: Option<SyslogLine>,
    /// When the connection was last seen open, in microseconds since 1970 UTC.
    alive: i64,
    /// When batches counted as safe, and how many events they had: those of the window.
    recent: VecDeque<(i64, usize)>,
}

impl Syslog {
    pub(crate) fn parse(options: &mut Options<'_>, origin: &str) -> Result<Self, ConfigError> {
        let address = options
            .text("address")?
            .ok_or_else(|| missing("address", "tls://host:6514"))?;
        let receiver = SyslogReceiver::parse(address, options)?;
        // The receiving kernel alone may hold some megabytes that its program has not read.
        let events = options.number("replay_events", 0..=1_000_000)?.unwrap_or(10_000);
        let seconds = options.number("replay_seconds", 0..=3_600)?.unwrap_or(10);
        Ok(Self {
            receiver,
            limits: limits(
                options,
                &Usual {
                    bytes: 1 << 20,
                    most: 16 << 20,
                    events: 1_000,
                    seconds: 1,
                },
            )?,
            origin: origin.to_owned(),
            window: usize::try_from(events).unwrap_or(usize::MAX),
            window_us: i64::try_from(seconds * 1_000_000).unwrap_or(i64::MAX),
        })
    }

    /// How many events may have to be sent again after a connection broke.
    pub(crate) fn window(&self) -> usize {
        if self.receiver.is_stream() { self.window } else { 0 }
    }

    /// About the bytes of an event.
    pub(crate) fn weight(&self, item: &Item<'_>) -> usize {
        let header = if is_whole(item.body) {
            0
        } else {
            300 + self.origin.len()
        };
        item.body.len() + header + 6
    }

    /// The message: a body that is one already as it is, any other in a header of ours.
    fn text(&self, item: &Item<'_>) -> Result<Vec<u8>, Failure> {
        let text = if is_whole(item.body) {
            item.body.to_vec()
        } else {
            let (key, index, hash) = (item.key(), item.log_index.to_string(), item.hash());
            let parameters = [
                ("origin", self.origin.as_str()),
                ("log_index", &index),
                ("entry_hash", &hash),
            ];
            let message = Message {
                name: &key,
                content_type: if item.body.first() == Some(&b'{') {
                    "application/json"
                } else {
                    "text/plain"
                },
                body: item.body,
                time: item.timestamp_us,
            };
            let annotations = Annotations {
                severity: None,
                message_id: Some("EVENT"),
                parameters: &parameters,
            };
            self.receiver
                .text(&message, &annotations)
                .map_err(|error| Failure::new(error.message))?
        };
        let most = self.receiver.max_bytes();
        if text.len() > most {
            let message = format!("the event has {} bytes as syslog, and the most is {most}", text.len());
            return Err(Failure::new(message).hint("Raise «max_bytes», if the receiver takes longer messages."));
        }
        Ok(text)
    }

    pub(crate) fn send(&self, session: &mut Session, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Sent {
        let begin = Instant::now();
        let mut texts = Vec::with_capacity(batch.len());
        for (index, item) in batch.iter().enumerate() {
            match self.text(item) {
                Ok(text) => texts.push(text),
                Err(error) => return Sent::stopped(0, Outcome::Reject { index, error }),
            }
        }
        let line = &mut session.line;
        line.watch(attempt.now);
        if let Some(events) = line.lost(self.window(), self.window_us) {
            let answer = format!(
                "the connection to {} has broken: sending {events} events again",
                self.receiver
            );
            return Sent::part(0, Outcome::Rewind { events }, answer);
        }
        let host = self.receiver.host().unwrap_or_default();
        let (mut left, mut opened) = (0, line.open.take());
        let result = with_call(attempt, host, |call| {
            let mut open = match opened.take() {
                Some(open) => open,
                None => self.receiver.open(call).map_err(Outcome::failed)?,
            };
            self.receiver.send(call, &mut open, &texts).map_err(|(sent, error)| {
                left = sent;
                Outcome::failed(error)
            })?;
            Ok(open)
        });
        match result {
            Ok(open) => {
                let now = attempt.now.saturating_add(micros(begin.elapsed()));
                line.open = Some(open);
                line.safe(now, batch.len(), self.window(), self.window_us);
                Sent::all(batch.len(), format!("{}: {}", self.receiver, self.assurance()))
            }
            Err(outcome) => Sent::stopped(left, outcome),
        }
    }

    fn assurance(&self) -> &'static str {
        if self.receiver.is_stream() {
            "acknowledged by the other side's kernel"
        } else {
            "sent, and whether it arrived is not known"
        }
    }
}

impl Line {
    /// Looks whether the connection is still open.
    pub(crate) fn watch(&mut self, now: i64) {
        match self.open.as_mut().map(SyslogLine::is_open) {
            Some(true) => self.alive = now,
            Some(false) => self.open = None,
            None => {}
        }
    }

    /// The events that may be lost when there is no connection any more. Who has read from a connection that was open
    /// for the window's time after that had the time to keep it. It is asked once.
    fn lost(&mut self, window: usize, window_us: i64) -> Option<usize> {
        if self.open.is_some() {
            return None;
        }
        let since = self.alive.saturating_sub(window_us);
        let recent = std::mem::take(&mut self.recent);
        let events: usize = recent
            .iter()
            .filter(|(safe, _)| *safe > since)
            .map(|(_, count)| count)
            .sum();
        Some(events.min(window)).filter(|events| *events > 0)
    }

    fn safe(&mut self, now: i64, count: usize, window: usize, window_us: i64) {
        self.alive = now;
        self.recent.push_back((now, count));
        let mut newer: usize = self.recent.iter().map(|(_, count)| count).sum();
        while let Some((safe, count)) = self.recent.front().copied() {
            let enough = newer - count >= window;
            if !enough && safe > now.saturating_sub(window_us) {
                break;
            }
            newer -= count;
            self.recent.pop_front();
        }
    }
}

/// Whether a body is a message of RFC 5424 with its header: none of the other formats begins so.
fn is_whole(body: &[u8]) -> bool {
    let Some(rest) = body.strip_prefix(b"<") else {
        return false;
    };
    let figures = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=3).contains(&figures) && rest[figures..].starts_with(b">1 ")
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_safe_shortly_before_the_break_is_lost() {
        let mut line = Line::default();
        for (now, count) in [(1_000, 5), (2_000, 7), (3_000, 1)] {
            line.safe(now, count, 100, 1_500);
        }
        assert_eq!(line.lost(100, 1_500), Some(8));
        assert_eq!(line.lost(100, 1_500), None);
    }

    #[test]
    fn no_more_is_lost_than_the_window_has() {
        let mut line = Line::default();
        for now in 1..=50 {
            line.safe(now, 10, 25, 1_000);
        }
        assert!(line.recent.len() <= 3, "{:?}", line.recent);
        assert_eq!(line.lost(25, 1_000), Some(25));
    }

    #[test]
    fn a_connection_that_was_long_open_has_lost_nothing() {
        let mut line = Line::default();
        line.safe(1_000, 5, 100, 1_500);
        line.alive = 9_000;
        assert_eq!(line.lost(100, 1_500), None);
    }

    #[test]
    fn only_whole_messages_are_taken_as_such() {
        assert!(is_whole(b"<109>1 2025-11-22T15:00:00Z host app - - -"));
        for body in ["CEF:0|<109>1 ", "<>1 ", "<1090>1 ", "<109>2 ", "<109", "{}", ""] {
            assert!(!is_whole(body.as_bytes()), "{body}");
        }
    }
}
