//! Salted commitments for personal fields, so that a value can be erased later while the entry
//! still verifies (design §3, integrity.md §6.5).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Paths that are committed to when an event's `personal` column is NULL.
pub const DEFAULT_PATHS: [&str; 3] = ["actor.email", "actor.ip_address", "actor.user_agent"];

/// Their columns, as positions in [`COLUMNS`](crate::columns::COLUMNS).
pub const DEFAULT_COLUMNS: [usize; 3] = [14, 15, 16];

/// Length in bytes of the salts that the extension draws; the format allows any length.
pub const SALT_BYTES: usize = 16;

/// A commitment to one personal value.
pub type Commitment = [u8; 32];

/// Key of the placeholder object that erasure leaves in a JSON column:
/// `{"$redacted": "<64 hex digits of the commitment>"}`.
pub const REDACTED_KEY: &str = "$redacted";

/// Makes commitments under one event's salt; the key schedule is done once for all fields.
#[derive(Clone)]
pub struct Committer(Hmac<Sha256>);

impl Committer {
    /// A committer for the event that has this salt.
    pub fn new(salt: &[u8]) -> Committer {
        // HMAC takes a key of any length (RFC 2104 §2), so this cannot fail.
        Committer(Hmac::<Sha256>::new_from_slice(salt).expect("HMAC accepts keys of any length"))
    }

    /// HMAC-SHA-256(salt, path ‖ 0x00 ‖ value): `value` is the encoded value with type and length,
    /// as it would stand in the entry without the commitment.
    pub fn commit(&self, path: &str, value: &[u8]) -> Commitment {
        let mut mac = self.0.clone();
        mac.update(path.as_bytes());
        mac.update(&[0]);
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::COLUMNS;

    #[test]
    fn default_columns_are_those_of_the_default_paths() {
        assert_eq!(DEFAULT_COLUMNS.map(|at| COLUMNS[at].path), DEFAULT_PATHS);
    }
}
