//! A genuine proof, made by the library that the extension uses, for the check in the page.

use auditlog_tlog::checkpoint::Checkpoint;
use auditlog_tlog::hash::{Hash, leaf_hash, node_hash};
use auditlog_tlog::key::SigningKey;
use auditlog_tlog::note::KeyName;
use auditlog_tlog::proof::HashSource;
use auditlog_tlog::tile::TileId;
use auditlog_tlog::tlog_proof::TlogProof;
use auditlog_tlog::tree::Frontier;

/// The event's place.
pub const INDEX: u64 = 207;
const SIZE: u64 = 300;
const ORIGIN: &str = "audit.company.com/main";

fn leaf(n: u64) -> Hash {
    leaf_hash(&n.to_be_bytes())
}

/// The event's entry hash, hexadecimal.
pub fn entry_hash() -> String {
    leaf(INDEX).iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Tiles;

impl HashSource for Tiles {
    type Error = std::convert::Infallible;

    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, Self::Error> {
        let root = |mut hashes: Vec<Hash>| {
            while hashes.len() > 1 {
                hashes = hashes.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
            }
            hashes[0]
        };
        Ok(wanted
            .iter()
            .map(|(id, width)| {
                let first = id.index * 256;
                (first..first + u64::from(*width))
                    .map(|n| {
                        if id.level == 0 {
                            leaf(n)
                        } else {
                            root((n * 256..(n + 1) * 256).map(leaf).collect())
                        }
                    })
                    .collect()
            })
            .collect())
    }
}

/// The proof as text, and the public key.
pub fn proof() -> (String, String) {
    let mut tree = Frontier::new();
    (0..SIZE).for_each(|n| tree.push(leaf(n)));
    let key = SigningKey::from_seed(&[7; 32]);
    let checkpoint = Checkpoint {
        origin: ORIGIN.into(),
        size: SIZE,
        root: tree.root(),
        extensions: vec![],
    };
    let note = checkpoint.sign(&key).expect("a note");
    let vkey = key.vkey(KeyName::new(ORIGIN).expect("a name")).to_string();
    (TlogProof::make(INDEX, note, &Tiles).expect("a proof").text(), vkey)
}
