//! Sign-ins that have begun and not ended. Each is bound to a browser by a cookie, may be ended once, and is forgotten soon.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use zeroize::Zeroizing;

use super::SsoError;
use crate::identity::SessionId;

/// How long somebody may take at the provider.
pub const LONGEST: Duration = Duration::from_secs(600);
/// How many there may be; the oldest makes room.
const MOST: usize = 10_000;

/// A sign-in that has begun.
pub struct Login {
    browser: [u8; 32],
    /// What the token must have.
    pub nonce: String,
    /// What the code is exchanged with.
    pub verifier: Zeroizing<String>,
    /// Where to go on to, a path of ours.
    pub return_to: String,
    born: Instant,
}

/// What goes to the provider of it.
pub struct Begun {
    /// Which one it is.
    pub state: String,
    /// What the token must have.
    pub nonce: String,
    /// The hash of the verifier.
    pub challenge: String,
}

/// All of them, by the hash of their state.
#[derive(Default)]
pub struct Underway(Mutex<HashMap<[u8; 32], Login>>);

fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}

fn random() -> Result<Zeroizing<String>, SsoError> {
    SessionId::random().map(|id| id.text()).ok_or(SsoError::Random)
}

impl Underway {
    /// Begins one; `browser` is the value of the browser's cookie.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn begin(&self, browser: &str, return_to: &str) -> Result<Begun, SsoError> {
        let (state, nonce, verifier) = (random()?, random()?, random()?);
        let begun = Begun {
            state: state.to_string(),
            nonce: nonce.to_string(),
            challenge: URL_SAFE_NO_PAD.encode(hash(&verifier)),
        };
        let login = Login {
            browser: hash(browser),
            nonce: nonce.to_string(),
            verifier,
            return_to: return_to.to_owned(),
            born: Instant::now(),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, login)| login.born).map(|(key, _)| *key)
        {
            all.remove(&oldest);
        }
        all.insert(hash(&state), login);
        Ok(begun)
    }

    /// Takes the one of this state, if this browser has begun it; there is no second time, whoever has come with it.
    pub fn take(&self, browser: &str, state: &str) -> Option<Login> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let login = all.remove(&hash(state))?;
        (login.browser == hash(browser) && login.born.elapsed() < LONGEST).then_some(login)
    }

    /// Forgets those that have taken too long.
    pub fn tidy(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, login| login.born.elapsed() < LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_one_browsers_and_ends_once() {
        let all = Underway::default();
        let one = all.begin("b1", "/search").expect("begun");
        let two = all.begin("b1", "/").expect("begun");
        assert_ne!(one.state, two.state);
        assert_ne!(one.nonce, two.nonce);
        assert!(all.take("b1", "").is_none());
        let login = all.take("b1", &one.state).expect("it is this browser's");
        assert_eq!((login.nonce, login.return_to.as_str()), (one.nonce, "/search"));
        assert_eq!(one.challenge, URL_SAFE_NO_PAD.encode(hash(&login.verifier)));
        assert!(all.take("b1", &one.state).is_none(), "once");
        assert!(all.take("b2", &two.state).is_none(), "another browser");
        assert!(
            all.take("b1", &two.state).is_none(),
            "whoever was told the state has used it up"
        );
    }
}
