//! Links to a filtered list that is read by whoever has them: a token of their maker's, good for reading alone, and what it is to be
//! used for, sealed together. The bearer can use the one only for the other, and read neither.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::data::search::Order;

/// Before each link, so that another form can follow.
const VERSION: u8 = 1;
const SALT: usize = 16;
/// The longest link that is made or looked at, in characters.
const LONGEST: usize = 16_384;
const PURPOSE: &[u8] = b"auditlog-server: links of viewers";

/// What a link holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Link {
    /// By which the database knows the maker.
    pub token: Zeroizing<String>,
    /// In the query language.
    pub query: String,
    /// The first moment that belongs to it, RFC 3339.
    pub since: Option<String>,
    /// The first moment that does not.
    pub until: Option<String>,
    /// In which order.
    pub order: Order,
    /// Names of columns.
    pub columns: Vec<String>,
    /// Until when, RFC 3339. The token knows as well.
    pub expires_at: String,
}

/// Makes and opens links.
pub struct Links(hmac::Key);

impl Links {
    /// With the server's secret.
    pub fn new(secret: &[u8]) -> Links {
        let own = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), PURPOSE);
        Links(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
    }

    /// A key for one link, so that the nonce may be fixed.
    fn key(&self, salt: &[u8]) -> Option<LessSafeKey> {
        let tag = hmac::sign(&self.0, salt);
        UnboundKey::new(&CHACHA20_POLY1305, tag.as_ref())
            .ok()
            .map(LessSafeKey::new)
    }

    /// A link's text; none when it would be too long.
    pub fn seal(&self, link: &Link) -> Option<String> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).ok()?;
        let mut text = serde_json::to_vec(link).ok()?;
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        self.key(&salt)?
            .seal_in_place_append_tag(nonce, Aad::from([VERSION]), &mut text)
            .ok()?;
        let bytes = [&[VERSION][..], &salt, &text].concat();
        Some(URL_SAFE_NO_PAD.encode(bytes)).filter(|text| text.len() <= LONGEST)
    }

    /// What is in a link that this server, or one with the same secret, has made.
    pub fn open(&self, text: &str) -> Option<Link> {
        if text.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (salt, sealed) = rest.split_at_checked(SALT)?;
        if *version != VERSION {
            return None;
        }
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let opened = self
            .key(salt)?
            .open_in_place(nonce, Aad::from([VERSION]), &mut sealed)
            .ok()?;
        serde_json::from_slice(opened).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link {
            token: Zeroizing::new("pgal_secret".to_owned()),
            query: "status:failed".to_owned(),
            since: Some("2026-03-01T00:00:00+00:00".to_owned()),
            until: None,
            order: Order::Newest,
            columns: vec!["time".to_owned()],
            expires_at: "2026-03-01T00:15:00+00:00".to_owned(),
        }
    }

    #[test]
    fn a_link_is_whole_or_nothing() {
        let links = Links::new(&[1; 32]);
        let text = links.seal(&link()).expect("a link");
        let opened = links.open(&text).expect("ours");
        assert_eq!(
            (opened.query.as_str(), opened.token.as_str()),
            ("status:failed", "pgal_secret")
        );
        assert_ne!(links.seal(&link()).expect("another"), text);
        assert!(Links::new(&[2; 32]).open(&text).is_none());
        let bytes = URL_SAFE_NO_PAD.decode(&text).expect("base64");
        assert!(!bytes.windows(6).any(|part| part == b"secret" || part == b"status"));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(links.open(&URL_SAFE_NO_PAD.encode(&changed)).is_none(), "{at}");
            assert!(links.open(&URL_SAFE_NO_PAD.encode(&bytes[..at])).is_none(), "{at}");
        }
        for wrong in ["", "A", "%", &"A".repeat(20_000)] {
            assert!(links.open(wrong).is_none());
        }
        let long = Link {
            query: "x".repeat(LONGEST),
            ..link()
        };
        assert!(links.seal(&long).is_none());
    }
}
