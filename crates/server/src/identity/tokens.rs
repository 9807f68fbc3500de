//! Tokens of single sign-on, as a session has them: whom they speak of, until when, and whether there can be newer ones.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Clocks of providers may differ by so much, as the extension has it too.
const LEEWAY: Duration = Duration::from_secs(auditlog_identity::LEEWAY_SECONDS as u64);
/// A token is renewed so long before its end, so that none ends within a request.
const EARLY: Duration = Duration::from_secs(60);
/// After a try that failed, the next one comes no sooner.
const PAUSE: Duration = Duration::from_secs(10);

/// What is secret of a session.
#[derive(Clone, Serialize, Deserialize)]
pub struct Tokens {
    /// The token that the extension checks.
    pub id_token: Zeroizing<String>,
    /// By which there will be a newer one.
    pub refresh_token: Option<Zeroizing<String>>,
}

/// Who has signed in, by tokens that were checked.
#[derive(Clone)]
pub struct SignedIn {
    /// The tokens.
    pub tokens: Tokens,
    /// The claim `sub`.
    pub subject: String,
    /// The claim `tenant`, if there is one.
    pub tenant: Option<String>,
    /// For people to read.
    pub name: String,
    /// The claim `exp`.
    pub expires: SystemTime,
}

/// How long a session's token lives.
pub struct Life {
    /// Whose it is; a newer one has to be of the same.
    pub subject: String,
    /// One renewal at a time.
    pub renewing: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
struct State {
    expires: SystemTime,
    can_renew: bool,
    paused: Option<Instant>,
}

impl Life {
    /// Of who has just signed in.
    pub fn of(signed_in: &SignedIn) -> Life {
        Life {
            subject: signed_in.subject.clone(),
            renewing: tokio::sync::Mutex::new(()),
            state: Mutex::new(State {
                expires: signed_in.expires,
                can_renew: signed_in.tokens.refresh_token.is_some(),
                paused: None,
            }),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There are newer tokens.
    pub fn renewed(&self, signed_in: &SignedIn) {
        *self.state() = State {
            expires: signed_in.expires,
            can_renew: signed_in.tokens.refresh_token.is_some(),
            paused: None,
        };
    }

    /// There will be no newer ones.
    pub fn ends(&self) {
        self.state().can_renew = false;
    }

    /// There are none now.
    pub fn pauses(&self) {
        self.state().paused = Some(Instant::now());
    }

    /// Does the database take the token no more?
    pub fn has_expired(&self) -> bool {
        self.state().expires + LEEWAY <= SystemTime::now()
    }

    /// Has the token expired for good?
    pub fn is_over(&self) -> bool {
        self.has_expired() && !self.state().can_renew
    }

    /// Is it time for a newer one?
    pub fn is_to_be_renewed(&self) -> bool {
        let state = *self.state();
        let rests = state.paused.is_some_and(|at| at.elapsed() < PAUSE);
        state.can_renew && !rests && state.expires <= SystemTime::now() + EARLY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_ends_unless_it_is_renewed() {
        let mut signed_in = SignedIn {
            tokens: Tokens {
                id_token: Zeroizing::new("a.b.c".to_owned()),
                refresh_token: None,
            },
            subject: "s".to_owned(),
            tenant: None,
            name: "n".to_owned(),
            expires: SystemTime::now() + Duration::from_secs(600),
        };
        let life = Life::of(&signed_in);
        assert!(!life.is_over() && !life.is_to_be_renewed());
        signed_in.expires = SystemTime::now() - Duration::from_secs(10);
        life.renewed(&signed_in);
        assert!(!life.has_expired(), "clocks differ");
        signed_in.expires = SystemTime::now() - Duration::from_secs(31);
        life.renewed(&signed_in);
        assert!(life.is_over() && !life.is_to_be_renewed());
        signed_in.tokens.refresh_token = Some(Zeroizing::new("r".to_owned()));
        life.renewed(&signed_in);
        assert!(life.has_expired() && !life.is_over() && life.is_to_be_renewed());
        life.pauses();
        assert!(!life.is_over() && !life.is_to_be_renewed());
        life.ends();
        assert!(life.is_over());
    }
}
