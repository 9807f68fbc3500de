//! One rule for all kinds: what is too large is halved, a refused event is looked for and given up, the rest goes on.

use std::ops::Range;
use std::time::Instant;

use auditlog_notify::{Attempt, Failure};

use crate::item::Item;
use crate::outcome::{Outcome, Rejected, Sent};

/// After this many refused events in a row, with none accepted among them, it is not the events that are wrong.
pub const MAX_REFUSED_IN_A_ROW: u32 = 16;

/// Sends a batch once.
pub trait Sender {
    /// Tries to deliver the events in their order.
    fn send(&mut self, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Sent;
}

/// Delivers batches. It is kept as long as the sink runs, and made anew when somebody resumes a paused one.
#[derive(Debug, Default)]
pub struct Driver {
    refused_in_a_row: u32,
}

/// What is still to do with a batch.
enum Task {
    Send(Range<usize>),
    GiveUp { index: usize, error: Failure, wrong: bool },
}

impl Driver {
    /// Delivers as much of the batch as it can within [`Attempt::deadline`]. What comes back is [`Outcome::Delivered`],
    /// [`Outcome::Retry`], [`Outcome::Rewind`] or [`Outcome::Pause`], so that the caller has only to store the position, the
    /// events that were given up, and the state. An event is given up when the receiver refuses it by itself, or takes not
    /// even it alone for its size. When [`MAX_REFUSED_IN_A_ROW`] are refused and none is accepted, the sink is paused
    /// instead: whoever takes an audit log for nonsense as a whole has another mistake than a bad event.
    pub fn deliver(&mut self, sender: &mut dyn Sender, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Sent {
        let begin = Instant::now();
        let mut done = Sent::all(0, String::new());
        let mut tasks = vec![Task::Send(0..batch.len())];
        while let Some(task) = tasks.pop() {
            let range = match task {
                Task::Send(range) if range.is_empty() => continue,
                Task::Send(range) => range,
                Task::GiveUp { index, error, wrong } => {
                    if wrong {
                        self.refused_in_a_row += 1;
                    }
                    if self.refused_in_a_row > MAX_REFUSED_IN_A_ROW {
                        return self.refuses_all(done, error);
                    }
                    done.answer.clone_from(&error.message);
                    done.rejected.push(Rejected {
                        index,
                        reason: error.message,
                    });
                    done.delivered = index + 1;
                    continue;
                }
            };
            let elapsed = begin.elapsed();
            let Some(left) = attempt.deadline.checked_sub(elapsed).filter(|left| !left.is_zero()) else {
                let message = format!("{} of {} events until the deadline", done.delivered, batch.len());
                done.outcome = Outcome::Retry {
                    after: Some(std::time::Duration::ZERO),
                    error: Failure::new(message),
                };
                return done;
            };
            let now = attempt
                .now
                .saturating_add(i64::try_from(elapsed.as_micros()).unwrap_or(0));
            let sent = sender.send(
                &batch[range.clone()],
                &Attempt {
                    secrets: attempt.secrets,
                    deadline: left,
                    now,
                    allow: attempt.allow,
                },
            );
            let arrived = sent.delivered.min(range.len());
            if arrived > sent.rejected.len() {
                self.refused_in_a_row = 0;
            }
            let absolute = sent.rejected.into_iter().filter(|rejected| rejected.index < arrived);
            done.rejected.extend(absolute.map(|rejected| Rejected {
                index: range.start + rejected.index,
                ..rejected
            }));
            done.delivered = range.start + arrived;
            done.answer = sent.answer;
            let rest = done.delivered..range.end;
            match sent.outcome {
                Outcome::Delivered if arrived > 0 => tasks.push(Task::Send(rest)),
                Outcome::Delivered => {
                    done.outcome = Outcome::retry(Failure::new("no event was delivered, and none refused"));
                    return done;
                }
                Outcome::Split { error } => halve(&mut tasks, rest, error, false),
                Outcome::Bisect { error } => halve(&mut tasks, rest, error, true),
                Outcome::Reject { index, error } => {
                    let index = range.start.saturating_add(index);
                    if rest.contains(&index) {
                        tasks.push(Task::Send(index + 1..rest.end));
                        tasks.push(Task::GiveUp {
                            index,
                            error,
                            wrong: true,
                        });
                        tasks.push(Task::Send(rest.start..index));
                    } else {
                        halve(&mut tasks, rest, error, true);
                    }
                }
                outcome @ (Outcome::Retry { .. } | Outcome::Rewind { .. } | Outcome::Pause { .. }) => {
                    done.outcome = outcome;
                    return done;
                }
            }
        }
        done
    }

    /// Pauses, and takes back what was given up since something was accepted.
    fn refuses_all(&self, mut done: Sent, error: Failure) -> Sent {
        let mut first = done.delivered;
        while let Some(last) = done.rejected.pop_if(|last| last.index + 1 == first) {
            first = last.index;
        }
        done.delivered = first;
        done.answer.clone_from(&error.message);
        let message = format!("the receiver refuses every event: {}", error.message);
        done.outcome = Outcome::pause(Failure { message, ..error }.hint(
            "Look whether the sink's format and options are those that the receiver expects; then resume the sink.",
        ));
        done
    }
}

/// Sends halves, or gives up what can't be halved.
fn halve(tasks: &mut Vec<Task>, rest: Range<usize>, error: Failure, wrong: bool) {
    if rest.len() <= 1 {
        tasks.extend(rest.map(|index| Task::GiveUp {
            index,
            error: error.clone(),
            wrong,
        }));
        return;
    }
    let middle = rest.start + rest.len() / 2;
    tasks.push(Task::Send(middle..rest.end));
    tasks.push(Task::Send(rest.start..middle));
}
