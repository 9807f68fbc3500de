//! What is to be run now, after the clock has gone on, jumped, or gone back.

use crate::calendar::{self, MINUTE_US};
use crate::fields::Fields;
use crate::{SECOND_US, Schedule, When, Zone};

/// Minutes that a busy scheduler may be late; nothing counts as missed then.
const LATE: i64 = 5;

/// Minutes beyond which the clock has been set, and was not merely stopped or changed for summer.
const JUMP: i64 = 180;

/// [`Due::missed`] counts up to this.
pub const MISSED_LIMIT: usize = 1000;

/// What becomes of runs that were due while nobody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missed {
    /// As pg_cron does it. Up to 5 minutes late: each is run. Up to 3 hours late: each is run when the
    /// schedule names its minute and hour, otherwise only the one of the present minute. Later than
    /// that: only the one of the present minute.
    #[default]
    Skip,
    /// One run, for the last of them, however long that was.
    RunOnce,
}

/// What is to be run now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// The moments for which a run is due, in their order, at most 180. For `n seconds`: now.
    pub runs: Vec<i64>,
    /// Moments of the schedule that passed without a run; [`MISSED_LIMIT`] stands for that many or more.
    pub missed: usize,
    /// What the next call is to have as `last_us`.
    pub last_us: i64,
}

impl Schedule {
    /// What is to be run at `now_us`. `last_us` is [`Due::last_us`] of the last call, or for `n seconds` the
    /// last start if that was later; kept over a restart if [`Missed::RunOnce`] is to make up for it.
    ///
    /// None: nobody has looked yet. Nothing is due then: a job does not run in the minute in which it is
    /// made, nor in that in which the server starts.
    ///
    /// When the clock has gone back, by 3 hours at most, nothing is due before it has caught up, so no
    /// moment has two runs. When by more, the old time was wrong, and all begins anew at `now_us`.
    /// `@reboot` is never due by the clock: see [`Schedule::at_start`].
    pub fn due(&self, last_us: Option<i64>, now_us: i64, zone: &Zone, policy: Missed) -> Due {
        match &self.when {
            When::Fields(fields) => self.due_fields(fields, last_us, now_us, zone, policy),
            When::Seconds(seconds) => due_seconds(i64::from(*seconds), last_us, now_us),
            When::Start => Due {
                last_us: now_us,
                ..Due::default()
            },
        }
    }

    fn due_fields(&self, fields: &Fields, last_us: Option<i64>, now_us: i64, zone: &Zone, policy: Missed) -> Due {
        let now = now_us.div_euclid(MINUTE_US);
        // before the calendar begins there is nothing to run
        let now_start = now.saturating_mul(MINUTE_US);
        let mut due = Due {
            last_us: now_start,
            ..Due::default()
        };
        let Some(last_us) = last_us else { return due };
        let last = last_us.div_euclid(MINUTE_US);
        let here = || calendar::contains(fields, now_us, zone).then_some(now_start);
        match now - last {
            back if back < -JUMP => due.runs.extend(here()),
            ..=0 => due.last_us = last.saturating_mul(MINUTE_US),
            passed => {
                let from = last.saturating_mul(MINUTE_US);
                let all = || self.upcoming(from, zone).take_while(|us| *us <= now_us);
                match policy {
                    Missed::Skip if passed <= LATE || (passed <= JUMP && !fields.wild()) => due.runs.extend(all()),
                    Missed::Skip => due.runs.extend(here()),
                    Missed::RunOnce => due.runs.extend(self.last_between(fields, last, now, zone)),
                }
                due.missed = all().take(MISSED_LIMIT + 1).count().saturating_sub(due.runs.len());
                due.missed = due.missed.min(MISSED_LIMIT);
            }
        }
        due
    }

    /// The last moment of the schedule after the minute `last` up to the minute `now`.
    fn last_between(&self, fields: &Fields, last: i64, now: i64, zone: &Zone) -> Option<i64> {
        // Looks back over spans that double, so a long time down costs no more than a short one for a
        // job that runs often.
        let mut span = 1;
        loop {
            let from = now.saturating_sub(span).max(last);
            let first = calendar::next(fields, from.saturating_mul(MINUTE_US), zone)?;
            let end = now.saturating_mul(MINUTE_US);
            if first <= end {
                return self.upcoming(first - 1, zone).take_while(|us| *us <= end).last();
            }
            if from == last {
                return None;
            }
            span = span.saturating_mul(2);
        }
    }
}

fn due_seconds(seconds: i64, last_us: Option<i64>, now_us: i64) -> Due {
    let mut due = Due {
        last_us: now_us,
        ..Due::default()
    };
    // The time that has passed since is not known when the clock has gone back: the interval begins anew.
    let Some(last_us) = last_us.filter(|last_us| *last_us <= now_us) else {
        return due;
    };
    if now_us.saturating_sub(last_us) >= seconds * SECOND_US {
        due.runs.push(now_us);
    } else {
        due.last_us = last_us;
    }
    due
}
