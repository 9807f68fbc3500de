//! Sessions of people: the browser has a random id, this process a password that only the id opens.
//!
//! What lies in memory, and may be swapped out or dumped, is the id's hash and the password under a key made of the id:
//! neither lets anybody log in without the cookie.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::Person;
use super::sealed::{Sealed, SessionId};
use super::tokens::{Life, SignedIn, Tokens};
use crate::config::SessionSettings;
use crate::database::pool::PoolKey;

/// Why there is no session.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SessionError {
    /// There are as many as there may be.
    #[error("too many sessions")]
    Full,
    /// The system gives no random bytes.
    #[error("no random bytes")]
    Random,
}

/// What became of a form, to be told on the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Did it work?
    pub is_good: bool,
    /// In words.
    pub text: String,
}

/// Messages that wait at most; a browser that never looks at a page must not fill the memory.
const MESSAGES: usize = 8;

/// With what a session comes to the database.
pub enum Credentials {
    /// Name and password.
    Person(Person),
    /// A token, which the extension checks.
    Tokens(Tokens),
}

/// A session.
pub struct Session {
    /// The login role, or what single sign-on calls the person.
    pub name: String,
    /// The pool of its connections.
    pub pool: PoolKey,
    /// What requests that change something must bring along.
    pub csrf: String,
    /// Of the token, where there is one instead of a password.
    pub life: Option<Life>,
    sealed: Mutex<Sealed>,
    born: Instant,
    seen: Mutex<Instant>,
    messages: Mutex<Vec<Message>>,
}

impl Session {
    /// Keeps a message for the next page.
    pub fn tell(&self, message: Message) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() < MESSAGES {
            messages.push(message);
        }
    }

    /// The messages; each is given out once.
    pub fn take_messages(&self) -> Vec<Message> {
        std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the session comes to the database with, for whoever has the id.
    pub fn credentials(&self, id: &SessionId) -> Option<Credentials> {
        let sealed = self.sealed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let secret = sealed.open(id, &self.name)?;
        if self.life.is_some() {
            return serde_json::from_slice(&secret).ok().map(Credentials::Tokens);
        }
        Some(Credentials::Person(Person {
            name: self.name.clone(),
            password: Zeroizing::new(std::str::from_utf8(&secret).ok()?.to_owned()),
        }))
    }

    /// Keeps newer tokens of the same person.
    pub fn renew(&self, id: &SessionId, signed_in: &SignedIn) -> Option<()> {
        let life = self.life.as_ref()?;
        let secret = Zeroizing::new(serde_json::to_vec(&signed_in.tokens).ok()?);
        let mut sealed = self.sealed.lock().unwrap_or_else(PoisonError::into_inner);
        *sealed = sealed.next(id, &self.name, &secret)?;
        life.renewed(signed_in);
        Some(())
    }

    fn is_over(&self, settings: &SessionSettings) -> bool {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_stale = self.born.elapsed() >= settings.absolute || seen.elapsed() >= settings.idle;
        is_stale || self.life.as_ref().is_some_and(Life::is_over)
    }
}

/// All sessions.
pub struct Sessions {
    settings: SessionSettings,
    sessions: Mutex<HashMap<[u8; 32], Arc<Session>>>,
}

impl Sessions {
    /// None yet.
    pub fn new(settings: SessionSettings) -> Sessions {
        Sessions {
            settings,
            sessions: Mutex::new(HashMap::new()),
        }
    }

    /// Begins one for a person whom the database has let in.
    ///
    /// # Errors
    /// When there are too many.
    pub fn begin(&self, person: &Person, pool: PoolKey) -> Result<(SessionId, Arc<Session>), SessionError> {
        self.begin_with(&person.name, pool, person.password.as_bytes(), None)
    }

    /// Begins one for somebody whose token the database has taken.
    ///
    /// # Errors
    /// When there are too many.
    pub fn begin_signed_in(
        &self,
        signed_in: &SignedIn,
        pool: PoolKey,
    ) -> Result<(SessionId, Arc<Session>), SessionError> {
        let secret = serde_json::to_vec(&signed_in.tokens).map_err(|_| SessionError::Random)?;
        let secret = Zeroizing::new(secret);
        self.begin_with(&signed_in.name, pool, &secret, Some(Life::of(signed_in)))
    }

    fn begin_with(
        &self,
        name: &str,
        pool: PoolKey,
        secret: &[u8],
        life: Option<Life>,
    ) -> Result<(SessionId, Arc<Session>), SessionError> {
        let id = SessionId::random().ok_or(SessionError::Random)?;
        let csrf = SessionId::random().ok_or(SessionError::Random)?.text().to_string();
        let sealed = Sealed::first(&id, name, secret).ok_or(SessionError::Random)?;
        let now = Instant::now();
        let session = Arc::new(Session {
            name: name.to_owned(),
            pool,
            csrf,
            life,
            sealed: Mutex::new(sealed),
            born: now,
            seen: Mutex::new(now),
            messages: Mutex::default(),
        });
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= self.settings.most {
            sessions.retain(|_, session| !session.is_over(&self.settings));
        }
        if sessions.len() >= self.settings.most {
            return Err(SessionError::Full);
        }
        sessions.insert(id.hash(), Arc::clone(&session));
        Ok((id, session))
    }

    /// The session of an id, which lives on by this.
    pub fn touch(&self, id: &SessionId) -> Option<Arc<Session>> {
        let session = self.look(id)?;
        *session.seen.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Some(session)
    }

    /// The session of an id, which does not live longer by this: open streams must not keep it alive.
    pub fn look(&self, id: &SessionId) -> Option<Arc<Session>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = id.hash();
        let session = Arc::clone(sessions.get(&hash)?);
        if session.is_over(&self.settings) {
            sessions.remove(&hash);
            return None;
        }
        Some(session)
    }

    /// Ends one; its pool, when no other session has the same.
    pub fn end(&self, id: &SessionId) -> Option<PoolKey> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = sessions.remove(&id.hash())?;
        (!sessions.values().any(|other| other.pool == ended.pool)).then_some(ended.pool)
    }

    /// Forgets those that are over; called now and then.
    pub fn tidy(&self) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| !session.is_over(&self.settings));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How long a session may be unused, for the answer to a login.
    pub fn limits(&self) -> (Duration, Duration) {
        (self.settings.idle, self.settings.absolute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(idle: u64, absolute: u64) -> Sessions {
        Sessions::new(SessionSettings {
            idle: Duration::from_millis(idle),
            absolute: Duration::from_millis(absolute),
            most: 2,
        })
    }

    fn person() -> Person {
        Person {
            name: "ann".to_owned(),
            password: Zeroizing::new("pässword".to_owned()),
        }
    }

    #[test]
    fn a_session_is_its_persons() {
        let all = sessions(1_000, 1_000);
        let (id, session) = all.begin(&person(), [0; 32]).expect("a session");
        let Some(Credentials::Person(found)) = session.credentials(&id) else {
            panic!("a person")
        };
        assert_eq!((found.name.as_str(), found.password.as_str()), ("ann", "pässword"));
        let (other, _) = all.begin(&person(), [0; 32]).expect("another");
        assert!(session.credentials(&other).is_none());
        assert_eq!(all.begin(&person(), [0; 32]).err(), Some(SessionError::Full));
    }

    #[test]
    fn a_session_of_a_token_ends_with_it() {
        let all = sessions(60_000, 60_000);
        let mut signed_in = SignedIn {
            tokens: Tokens {
                id_token: Zeroizing::new("a.b.c".to_owned()),
                refresh_token: Some(Zeroizing::new("r".to_owned())),
            },
            subject: "s".to_owned(),
            tenant: None,
            name: "ann".to_owned(),
            expires: std::time::SystemTime::now() - Duration::from_secs(3_600),
        };
        let (id, session) = all.begin_signed_in(&signed_in, [0; 32]).expect("a session");
        assert!(all.touch(&id).is_some(), "there can be a newer token");
        signed_in.tokens.id_token = Zeroizing::new("d.e.f".to_owned());
        signed_in.tokens.refresh_token = None;
        session.renew(&id, &signed_in).expect("newer tokens");
        let Some(Credentials::Tokens(tokens)) = session.credentials(&id) else {
            panic!("tokens")
        };
        assert_eq!(*tokens.id_token, "d.e.f");
        assert!(all.touch(&id).is_none(), "the newer one has expired for good");
    }

    #[test]
    fn sessions_end() {
        let all = sessions(60_000, 0);
        let (id, _) = all.begin(&person(), [1; 32]).expect("a session");
        assert!(all.touch(&id).is_none(), "absolute");
        let all = sessions(0, 60_000);
        let (id, _) = all.begin(&person(), [1; 32]).expect("a session");
        assert!(all.touch(&id).is_none(), "idle");
        let all = sessions(60_000, 60_000);
        let (one, _) = all.begin(&person(), [1; 32]).expect("a session");
        let (two, _) = all.begin(&person(), [1; 32]).expect("a session");
        assert_eq!(all.end(&one), None, "the pool is still in use");
        assert_eq!(all.end(&two), Some([1; 32]));
        assert!(all.look(&one).is_none());
    }
}
