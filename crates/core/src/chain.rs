//! Hashes of the chain: `entry_hash` (also the leaf of the Merkle tree) and the link between rows.

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// `prev_hash` of the event with `log_index` 0.
pub const GENESIS: Hash = [0; 32];

/// Leaf hash of RFC 6962 §2.1: SHA-256(0x00 ‖ entry).
pub fn entry_hash(entry: &[u8]) -> Hash {
    let mut h = Sha256::new();
    h.update([0x00]);
    h.update(entry);
    h.finalize().into()
}

/// The chain's link: SHA-256(0x02 ‖ prev_hash ‖ entry_hash ‖ log_index), the index as 64 bit big
/// endian. The prefix keeps it apart from RFC 6962's leaves (0x00) and nodes (0x01).
pub fn link_hash(prev_hash: &Hash, entry_hash: &Hash, log_index: u64) -> Hash {
    let mut h = Sha256::new();
    h.update([0x02]);
    h.update(prev_hash);
    h.update(entry_hash);
    h.update(log_index.to_be_bytes());
    h.finalize().into()
}
