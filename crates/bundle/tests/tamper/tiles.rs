//! Attacks on the tree.

use auditlog_bundle::Kind::{Forked, Modified, UncoveredGap, Unreadable};

use super::values::{forge_entry, impersonal};
use super::{Attack, Base};

macro_rules! attack {
    ($name:literal, $base:ident, [$($kind:ident),*], $bundle:ident => $act:expr) => {
        Attack { name: $name, base: Base::$base, act: |$bundle, _| $act, kinds: &[$($kind),*] }
    };
}

fn flip(hashes: &mut [[u8; 32]]) {
    let last = hashes.len() - 1;
    hashes[last][31] ^= 0x80;
}

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        attack!("a leaf flipped", Small, [Modified], b => b.tile(0, 0, |hashes| flip(hashes))),
        attack!("a leaf of the partial tile flipped", Small, [Modified], b => b.tile(0, 2, |hashes| flip(hashes))),
        attack!("a hash of level 1 flipped", Small, [Modified], b => b.tile(1, 0, |hashes| flip(hashes))),
        attack!("two leaves swapped", Small, [Modified], b => b.tile(0, 1, |hashes| hashes.swap(3, 4))),
        attack!("a tile removed", Small, [Unreadable], b => b.remove(&b.tile_path(0, 1))),
        attack!("the partial tile removed", Small, [Unreadable], b => b.remove(&b.tile_path(0, 2))),
        attack!("the tile of level 1 removed", Small, [Unreadable], b => b.remove(&b.tile_path(1, 0))),
        attack!("a tile cut", Small, [Unreadable], b => {
            b.edit_bytes(&b.tile_path(0, 0), |bytes| bytes.truncate(32 * 255));
        }),
        attack!("a tile too long", Small, [Unreadable], b => {
            b.edit_bytes(&b.tile_path(0, 2), |bytes| bytes.extend([0; 32]));
        }),
        // the event whose leaf it is tells of erasures, and nothing vouches for it any more
        attack!("a tile and an event below it, each on its own", Small, [Modified, UncoveredGap], b => {
            b.tile(0, 0, |hashes| flip(hashes));
            b.edit_record(impersonal(30), forge_entry);
        }),
        attack!("event, leaf and chain computed anew", Small, [Modified], b => {
            b.edit_record(impersonal(10), forge_entry);
            b.rebuild(0..1);
        }),
        attack!("event, all tiles and chain computed anew", Small, [Modified], b => {
            b.edit_record(impersonal(650), forge_entry);
            b.rebuild(0..9);
        }),
        attack!("an early event, all tiles and chain computed anew", Small, [Modified, Forked], b => {
            b.edit_record(impersonal(10), forge_entry);
            b.rebuild(0..9);
        }),
        attack!("a leaf of a large log flipped", Large, [Modified], b => b.tile(0, 200, |hashes| flip(hashes))),
        attack!("a full tile of level 1 flipped", Large, [Modified], b => b.tile(1, 0, |hashes| flip(hashes))),
        attack!("the partial tile of level 1 flipped", Large, [Modified], b => b.tile(1, 1, |hashes| flip(hashes))),
        attack!("the tile of level 2 flipped", Large, [Modified], b => b.tile(2, 0, |hashes| flip(hashes))),
        attack!("a full tile of level 1 removed", Large, [Unreadable], b => b.remove(&b.tile_path(1, 0))),
        attack!("the tiles of all levels flipped", Large, [Modified], b => {
            b.tile(0, 100, |hashes| flip(hashes));
            b.tile(0, 257, |hashes| flip(hashes));
            b.tile(1, 0, |hashes| flip(hashes));
            b.tile(1, 1, |hashes| flip(hashes));
            b.tile(2, 0, |hashes| flip(hashes));
        }),
        attack!("event, chain and tiles of two levels computed anew", Large, [Modified], b => {
            b.edit_record(impersonal(10), forge_entry);
            b.rebuild(0..2);
        }),
    ]
}
