//! Whom a signed token (JWT, RFC 7519) speaks of. No I/O and no clock: keys, expectations and the time are
//! arguments.
//!
//! Only EdDSA (Ed25519) and RS256 are accepted, and which of the two is a matter of the key, never of the
//! token (RFC 8725 §3.1). Keys come from a JWK Set that an administrator has set; what a token itself says of
//! keys (`jwk`, `jku`, `x5c` …) is never looked at.

mod keys;
mod token;

pub use keys::{Keys, KeysError};
pub use token::{Expected, LEEWAY_SECONDS, LONGEST_TOKEN, Refused, Subject, verify};
