//! Who calls: people with a login of the database, by session or HTTP Basic, and bearers of tokens that the extension
//! checks, single sign-on's in a session among them. The server itself believes nobody.

pub mod basic;
pub mod bearer;
pub mod caller;
pub mod forgery;
pub mod scopes;
pub mod sealed;
pub mod sessions;
pub mod tokens;
pub mod viewer_links;

pub use caller::{Caller, Identity};
pub use scopes::Needs;
pub use sealed::SessionId;
pub use sessions::{Credentials, Message, Session, Sessions};

use ring::hmac;
use zeroize::Zeroizing;

use crate::database::pool::PoolKey;

/// A login role and its password.
#[derive(Debug, Clone)]
pub struct Person {
    /// The login role.
    pub name: String,
    /// Its password.
    pub password: Zeroizing<String>,
}

/// Makes the keys of pools; of use to this process alone.
pub struct Fingerprints(hmac::Key);

impl Fingerprints {
    /// With random bytes of this process.
    pub fn new(random: &[u8]) -> Fingerprints {
        Fingerprints(hmac::Key::new(hmac::HMAC_SHA256, random))
    }

    /// Different for every name and password, and nothing that a password could be tried with elsewhere.
    pub fn of(&self, person: &Person) -> PoolKey {
        self.keyed(&[b"person", person.name.as_bytes(), person.password.as_bytes()])
    }

    /// The same of other parts.
    pub fn keyed(&self, parts: &[&[u8]]) -> PoolKey {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let tag = context.sign();
        let mut key = [0; 32];
        key.copy_from_slice(tag.as_ref());
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let prints = Fingerprints::new(&[7; 32]);
        let of = |name: &str, password: &str| {
            prints.of(&Person {
                name: name.to_owned(),
                password: Zeroizing::new(password.to_owned()),
            })
        };
        assert_eq!(of("ann", "x"), of("ann", "x"));
        assert_ne!(of("ann", "x"), of("annx", ""));
        assert_ne!(of("ann", "x"), of("ann", "y"));
    }
}
