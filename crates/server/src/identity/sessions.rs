//! Sessions of people: the browser has a random id, this process a password that only the id opens.
//!
//! What lies in memory, and may be swapped out or dumped, is the id's hash and the password under a key made of the id:
//! neither lets anybody log in without the cookie.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::{digest, hmac};
use zeroize::{Zeroize as _, Zeroizing};

use super::Person;
use crate::config::SessionSettings;
use crate::database::pool::PoolKey;

/// What the cookie has.
#[derive(Clone)]
pub struct SessionId(Zeroizing<[u8; 32]>);

impl SessionId {
    fn random() -> Result<SessionId, SessionError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| SessionError::Random)?;
        Ok(SessionId(bytes))
    }

    /// Out of a cookie.
    pub fn parse(text: &str) -> Option<SessionId> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let id = bytes.as_slice().try_into().ok().map(|id| SessionId(Zeroizing::new(id)));
        bytes.zeroize();
        id
    }

    /// For a cookie.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, self.0.as_slice()).as_ref());
        hash
    }

    /// Seals one text and never another, so that the nonce may be fixed.
    fn key(&self) -> Option<LessSafeKey> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice());
        let tag = hmac::sign(&key, b"auditlog-server: password of a session");
        UnboundKey::new(&CHACHA20_POLY1305, tag.as_ref())
            .ok()
            .map(LessSafeKey::new)
    }
}

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

/// A session.
pub struct Session {
    /// The login role.
    pub name: String,
    /// The pool of its connections.
    pub pool: PoolKey,
    /// What requests that change something must bring along.
    pub csrf: String,
    sealed: Vec<u8>,
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

    /// Name and password, for whoever has the id.
    pub fn person(&self, id: &SessionId) -> Option<Person> {
        let mut text = Zeroizing::new(self.sealed.clone());
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let opened = id
            .key()?
            .open_in_place(nonce, Aad::from(self.name.as_bytes()), &mut text);
        let password = Zeroizing::new(String::from_utf8(opened.ok()?.to_vec()).ok()?);
        Some(Person {
            name: self.name.clone(),
            password,
        })
    }

    fn is_over(&self, settings: &SessionSettings) -> bool {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.born.elapsed() >= settings.absolute || seen.elapsed() >= settings.idle
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
        let id = SessionId::random()?;
        let csrf = SessionId::random()?.text().to_string();
        let mut sealed = person.password.as_bytes().to_vec();
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        id.key()
            .ok_or(SessionError::Random)?
            .seal_in_place_append_tag(nonce, Aad::from(person.name.as_bytes()), &mut sealed)
            .map_err(|_| SessionError::Random)?;
        let now = Instant::now();
        let session = Arc::new(Session {
            name: person.name.clone(),
            pool,
            csrf,
            sealed,
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
    fn only_the_id_opens_the_password() {
        let all = sessions(1_000, 1_000);
        let (id, session) = all.begin(&person(), [0; 32]).expect("a session");
        assert_eq!(*session.person(&id).expect("a person").password, "pässword");
        let (other, _) = all.begin(&person(), [0; 32]).expect("another");
        assert!(session.person(&other).is_none());
        assert!(!session.sealed.windows(4).any(|bytes| bytes == b"word"));
        let again = SessionId::parse(&id.text()).expect("an id");
        assert!(all.touch(&again).is_some());
        assert_eq!(all.begin(&person(), [0; 32]).err(), Some(SessionError::Full));
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
