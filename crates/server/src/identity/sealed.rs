//! Session ids, and what only they open: this process keeps secrets of people under a key that is made of the id, which the
//! browser alone has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{digest, hmac};
use zeroize::{Zeroize as _, Zeroizing};

/// What the cookie has.
#[derive(Clone)]
pub struct SessionId(Zeroizing<[u8; 32]>);

impl SessionId {
    /// A new one; none when the system gives no random bytes.
    pub fn random() -> Option<SessionId> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).ok()?;
        Some(SessionId(bytes))
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

    /// What may lie in memory in its place.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, self.0.as_slice()).as_ref());
        hash
    }

    fn key(&self) -> Option<LessSafeKey> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice());
        let tag = hmac::sign(&key, b"auditlog-server: password of a session");
        UnboundKey::new(&CHACHA20_POLY1305, tag.as_ref())
            .ok()
            .map(LessSafeKey::new)
    }
}

/// A secret of a session.
#[derive(Clone)]
pub struct Sealed {
    /// The how manieth of its session: the nonce, so that none is used twice with a key.
    number: u64,
    bytes: Vec<u8>,
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

impl Sealed {
    /// The first secret of a session, which belongs to this name.
    pub fn first(id: &SessionId, name: &str, secret: &[u8]) -> Option<Sealed> {
        Sealed::numbered(0, id, name, secret)
    }

    /// The one after this.
    pub fn next(&self, id: &SessionId, name: &str, secret: &[u8]) -> Option<Sealed> {
        Sealed::numbered(self.number.checked_add(1)?, id, name, secret)
    }

    fn numbered(number: u64, id: &SessionId, name: &str, secret: &[u8]) -> Option<Sealed> {
        // Room for all of it, so that no copy is left behind by a growing text.
        let mut bytes = Vec::with_capacity(secret.len() + CHACHA20_POLY1305.tag_len());
        bytes.extend_from_slice(secret);
        let aad = Aad::from(name.as_bytes());
        id.key()?
            .seal_in_place_append_tag(nonce(number), aad, &mut bytes)
            .ok()?;
        Some(Sealed { number, bytes })
    }

    /// The secret, for whoever has the id.
    pub fn open(&self, id: &SessionId, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(self.bytes.clone());
        let aad = Aad::from(name.as_bytes());
        let length = id.key()?.open_in_place(nonce(self.number), aad, &mut bytes).ok()?.len();
        bytes.truncate(length);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_id_opens_the_secret() {
        let (id, other) = (SessionId::random().expect("an id"), SessionId::random().expect("an id"));
        let sealed = Sealed::first(&id, "ann", "pässword".as_bytes()).expect("sealed");
        assert_eq!(*sealed.open(&id, "ann").expect("opened"), "pässword".as_bytes());
        assert!(sealed.open(&other, "ann").is_none());
        assert!(sealed.open(&id, "mia").is_none(), "another name");
        assert!(!sealed.bytes.windows(4).any(|bytes| bytes == b"word"));
        let again = SessionId::parse(&id.text()).expect("an id");
        let next = sealed.next(&again, "ann", "pässword".as_bytes()).expect("sealed");
        assert_ne!(next.bytes, sealed.bytes, "another nonce");
        assert_eq!(*next.open(&id, "ann").expect("opened"), "pässword".as_bytes());
    }
}
