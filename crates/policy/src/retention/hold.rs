//! Legal holds: what one covers is not removed, whatever the policy, until it is released or its time is up.
//!
//! With four eyes a release takes two people: one asks, another confirms within
//! [`REQUEST_DAYS`] days. Which events a hold covers is a query, and whoever reads the log evaluates it.

use super::age::DAY_US;
use auditlog_query::{CheckOptions, check, parse};

/// Most characters of a name.
pub const MAX_NAME_CHARS: usize = 200;

/// Most characters of a reason.
pub const MAX_REASON_CHARS: usize = 2_000;

/// For so long a request to release waits for the second person; then it counts for nothing, so that
/// nobody confirms what was asked for long ago.
pub const REQUEST_DAYS: i64 = 30;

/// A hold, with all that became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Unique among holds.
    pub name: String,
    /// Which events it covers, in the query language; empty for all.
    pub query: String,
    /// When it ends by itself; none for a hold without an end.
    pub until: Option<i64>,
    /// Why.
    pub reason: String,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: i64,
    /// Who asked for its release.
    pub requested: Option<Request>,
    /// Its release.
    pub released: Option<Release>,
}

/// Somebody's wish to release a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who.
    pub by: String,
    /// When.
    pub at: i64,
    /// Why.
    pub reason: String,
}

/// The end of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Who released it, or confirmed the request.
    pub by: String,
    /// When.
    pub at: i64,
}

/// What a hold is at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HoldState {
    /// It covers events.
    Active,
    /// It covers events; somebody has asked for its release.
    ReleaseRequested,
    /// It was released.
    Released,
    /// Its time is up.
    Expired,
}

impl HoldState {
    /// `active`, `release_requested`, `released`, `expired`.
    pub fn label(self) -> &'static str {
        match self {
            HoldState::Active => "active",
            HoldState::ReleaseRequested => "release_requested",
            HoldState::Released => "released",
            HoldState::Expired => "expired",
        }
    }
}

/// What came of asking for a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Another person must confirm it.
    Requested,
    /// The hold is over.
    Released,
}

/// Why a hold is not placed or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// A name, reason or person without characters, with control characters, or too long.
    #[error("the {0} of a hold must have 1 to {1} characters and no control characters")]
    Text(&'static str, usize),
    /// The end is not after the beginning.
    #[error("the hold would end before it begins")]
    Past,
    /// No query.
    #[error("the query of the hold, at character {position}: {message}")]
    Query {
        /// Character, from 1.
        position: usize,
        /// Lower case, no full stop.
        message: String,
        /// What to do.
        hint: String,
    },
    /// Released or expired.
    #[error("the hold {name:?} is over: it is {state}")]
    Over {
        /// The hold.
        name: String,
        /// Its state's label.
        state: &'static str,
    },
    /// The same person twice.
    #[error("{by} has asked for the release of the hold {name:?} and can't confirm it as well")]
    SamePerson {
        /// The hold.
        name: String,
        /// Who.
        by: String,
    },
    /// There is no request.
    #[error("nobody has asked for the release of the hold {0:?}")]
    NoRequest(String),
    /// A hold that would end earlier.
    #[error("the hold {0:?} would end earlier than it does")]
    Shorter(String),
}

impl HoldError {
    /// A sentence that says what to do.
    pub fn hint(&self) -> String {
        match self {
            HoldError::Text(..) => "Write a short text on one line; a reason names the case or the order.".to_owned(),
            HoldError::Past => "Give a time in the future as its end, or NULL for a hold without an end.".to_owned(),
            HoldError::Query { hint, .. } => hint.clone(),
            HoldError::Over { .. } => "Place a new hold, under another name.".to_owned(),
            HoldError::SamePerson { .. } => {
                format!("Another person must confirm it within {REQUEST_DAYS} days (auditlog.hold_four_eyes is on).")
            }
            HoldError::NoRequest(_) => {
                "Call auditlog.release_hold() first; requests older than 30 days don't count.".to_owned()
            }
            HoldError::Shorter(_) => "A hold can only be made longer. To end it earlier, release it.".to_owned(),
        }
    }
}

impl Hold {
    /// A new hold; the query is checked with these options.
    ///
    /// # Errors
    /// When a text is none, the query is none, or it would end before it begins.
    pub fn place(
        name: &str,
        query: &str,
        until: Option<i64>,
        reason: &str,
        by: &str,
        at: i64,
        options: &CheckOptions<'_>,
    ) -> Result<Hold, HoldError> {
        text("name", name, MAX_NAME_CHARS)?;
        text("reason", reason, MAX_REASON_CHARS)?;
        text("person", by, MAX_NAME_CHARS)?;
        parse(query, &options.limits)
            .and_then(|query| check(&query, options))
            .map_err(|error| HoldError::Query {
                position: error.position,
                message: error.message.to_string(),
                hint: error.hint.to_string(),
            })?;
        if until.is_some_and(|until| until <= at) {
            return Err(HoldError::Past);
        }
        Ok(Hold {
            name: name.to_owned(),
            query: query.to_owned(),
            until,
            reason: reason.to_owned(),
            placed_by: by.to_owned(),
            placed_at: at,
            requested: None,
            released: None,
        })
    }

    /// What it is at a time. Before it was placed it is active: what is planned for the past, or by a clock
    /// that was set back, must not go.
    pub fn state(&self, at: i64) -> HoldState {
        match (&self.released, self.until) {
            (Some(release), _) if release.at <= at => HoldState::Released,
            (_, Some(until)) if until <= at => HoldState::Expired,
            _ if self.request(at).is_some() => HoldState::ReleaseRequested,
            _ => HoldState::Active,
        }
    }

    /// Does it keep what it covers?
    pub fn holds(&self, at: i64) -> bool {
        matches!(self.state(at), HoldState::Active | HoldState::ReleaseRequested)
    }

    /// The request that can still be confirmed.
    pub fn request(&self, at: i64) -> Option<&Request> {
        let waits = |request: &&Request| at < request.at.saturating_add(REQUEST_DAYS * DAY_US);
        self.requested.as_ref().filter(waits)
    }

    /// Asks for its release, or confirms what another person has asked for; without four eyes one person
    /// is enough.
    ///
    /// # Errors
    /// When it is over, or with four eyes the same person asks twice.
    pub fn release(&mut self, by: &str, reason: &str, four_eyes: bool, at: i64) -> Result<Outcome, HoldError> {
        text("person", by, MAX_NAME_CHARS)?;
        text("reason", reason, MAX_REASON_CHARS)?;
        self.must_hold(at)?;
        match self.request(at) {
            Some(request) if four_eyes && same_person(&request.by, by) => {
                return Err(HoldError::SamePerson {
                    name: self.name.clone(),
                    by: by.to_owned(),
                });
            }
            None if four_eyes => {
                self.requested = Some(Request {
                    by: by.to_owned(),
                    at,
                    reason: reason.to_owned(),
                });
                return Ok(Outcome::Requested);
            }
            Some(_) => {}
            None => {
                self.requested = Some(Request {
                    by: by.to_owned(),
                    at,
                    reason: reason.to_owned(),
                })
            }
        }
        self.released = Some(Release { by: by.to_owned(), at });
        Ok(Outcome::Released)
    }

    /// Takes a request back, or turns it down: anybody who may release may do so.
    ///
    /// # Errors
    /// When it is over, or nobody has asked.
    pub fn keep(&mut self, at: i64) -> Result<Request, HoldError> {
        self.must_hold(at)?;
        let waits = self.request(at).is_some();
        let request = self.requested.take_if(|_| waits);
        request.ok_or_else(|| HoldError::NoRequest(self.name.clone()))
    }

    /// Makes it end later, or never.
    ///
    /// # Errors
    /// When it is over, or would end earlier: that would be a release by one person.
    pub fn extend(&mut self, until: Option<i64>, at: i64) -> Result<(), HoldError> {
        self.must_hold(at)?;
        let shorter = match (self.until, until) {
            (None, Some(_)) => true,
            (Some(old), Some(new)) => new < old,
            (_, None) => false,
        };
        if shorter {
            return Err(HoldError::Shorter(self.name.clone()));
        }
        self.until = until;
        Ok(())
    }

    fn must_hold(&self, at: i64) -> Result<(), HoldError> {
        // a release counts at once, also for a clock that was set back after it
        let state = match (&self.released, self.state(at)) {
            (Some(_), _) => HoldState::Released,
            (None, HoldState::Expired) => HoldState::Expired,
            (None, _) => return Ok(()),
        };
        Err(HoldError::Over {
            name: self.name.clone(),
            state: state.label(),
        })
    }
}

/// Names as they are: `Alice` and `alice` are two roles of PostgreSQL, but one person is more likely, and
/// refusing is the safe side.
fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

fn text(what: &'static str, text: &str, most: usize) -> Result<(), HoldError> {
    let bad = text.trim().is_empty() || text.chars().count() > most || text.contains(char::is_control);
    if bad { Err(HoldError::Text(what, most)) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
