//! Trees, tiles and their paths: what is appended is what RFC 6962 and tlog-tiles say.

mod support;

use auditlog_tlog::MAX_SIZE;
use auditlog_tlog::hash::{empty_root, node_hash};
use auditlog_tlog::tile::{self, Appender, EdgeError, LevelTiles, TileId, tiles_of_size, width_at};
use auditlog_tlog::tree::{Frontier, FrontierError};
use proptest::prelude::*;
use support::{Numbers, Tiles, leaf, leaves, root};

const LARGEST: u64 = 70_000;

/// The sizes at which the naive root is computed: all small ones, and those around every boundary.
fn selected(size: u64) -> bool {
    size <= 300
        || [255, 256, 257].map(|n| n * 256).iter().any(|n| size.abs_diff(*n) <= 1)
        || size.is_multiple_of(9973)
        || size == LARGEST
}

#[test]
fn roots_are_those_of_the_recursive_definition() {
    let leaves = leaves(LARGEST);
    let mut appender = Appender::new();
    let mut frontier = Frontier::new();
    let mut checked = 0;
    for size in 0..=LARGEST {
        assert_eq!(appender.root(), frontier.root(), "size {size}");
        assert_eq!((appender.size(), frontier.size()), (size, size));
        if selected(size) {
            assert_eq!(appender.root(), root(&leaves[..size as usize]), "size {size}");
            let again = Frontier::from_parts(size, frontier.hashes().to_vec()).unwrap();
            assert_eq!(again, *appender.frontier());
            checked += 1;
        }
        if let Some(leaf) = leaves.get(size as usize) {
            appender.append(*leaf);
            frontier.push(*leaf);
        }
    }
    assert!(checked > 310);
}

#[test]
fn the_empty_tree_has_the_hash_of_nothing() {
    assert_eq!(Frontier::new().root(), empty_root());
    assert_eq!(Appender::new().root(), empty_root());
    assert!(Appender::new().changed().is_empty());
    assert!(Appender::new().edge().is_empty());
    assert_eq!(Appender::from_edge(0, vec![]).unwrap().size(), 0);
}

#[test]
fn tiles_have_the_hashes_the_specification_gives_them() {
    let leaves = leaves(LARGEST);
    let tiles = Tiles::of(LARGEST);
    // The example of the specification: 273 full and a partial tile of 112, one full and one of 17, one of 1.
    let expected = [(273, 112), (1, 17), (0, 1)].map(|(full, partial)| LevelTiles { full, partial });
    assert_eq!(tiles_of_size(LARGEST), expected);
    assert_eq!(tiles.stored.len(), 274 + 2 + 1);
    for (TileId { level, index }, hashes) in &tiles.stored {
        assert_eq!(
            hashes.len(),
            usize::from(width_at(
                TileId {
                    level: *level,
                    index: *index
                },
                LARGEST
            ))
        );
        let span = 256usize.pow(u32::from(*level));
        for (place, hash) in hashes.iter().enumerate() {
            let start = (*index as usize * 256 + place) * span;
            assert_eq!(
                *hash,
                root(&leaves[start..start + span]),
                "level {level}, {index}, {place}"
            );
        }
    }
}

#[test]
fn a_tree_of_256_has_a_full_tile_and_one_hash_above() {
    let expected = [(1, 0), (0, 1)].map(|(full, partial)| LevelTiles { full, partial });
    assert_eq!(tiles_of_size(256), expected);
    let tiles = Tiles::of(256);
    let widths: Vec<(TileId, usize)> = tiles.stored.iter().map(|(id, hashes)| (*id, hashes.len())).collect();
    let id = |level| TileId { level, index: 0 };
    assert_eq!(widths, [(id(0), 256), (id(1), 1)]);
    assert_eq!(tiles_of_size(0), []);
}

#[test]
fn batches_of_any_size_write_the_same_tiles() {
    let whole = Tiles::of(LARGEST);
    let mut numbers = Numbers(7);
    for most in [1, 3, 300, 1000, 40_000] {
        let end = if most < 300 { 3_000 } else { LARGEST };
        let mut tiles = Tiles::default();
        let mut appender = Appender::new();
        while appender.size() < end {
            // Every so often everything is forgotten but what was written.
            if numbers.below(4) == 0 {
                appender = Appender::from_edge(appender.size(), tiles.edge(appender.size())).unwrap();
            }
            let batch = numbers.below(most + 1).min(end - appender.size());
            (0..batch).for_each(|_| appender.append(leaf(appender.size())));
            let changed = appender.changed();
            assert!(changed.is_sorted_by(|a, b| a.id < b.id));
            assert!(batch > 0 || changed.is_empty(), "what is unchanged is not reported");
            tiles.write(changed);
            assert_eq!(appender.edge(), tiles.edge(appender.size()));
            assert!(appender.changed().is_empty(), "nothing is reported twice");
        }
        for (id, hashes) in &tiles.stored {
            let width = usize::from(width_at(*id, end));
            assert_eq!(whole.stored[id][..width], hashes[..], "{id:?}");
        }
        let expected: u64 = tiles_of_size(end)
            .iter()
            .map(|level| level.full + u64::from(level.partial > 0))
            .sum();
        assert_eq!(tiles.stored.len() as u64, expected);
    }
}

#[test]
fn an_edge_with_another_number_of_hashes_is_refused() {
    let edge = Tiles::of(1000).edge(1000);
    assert_eq!(edge.iter().map(Vec::len).collect::<Vec<_>>(), [232, 3]);
    assert!(Appender::from_edge(1000, edge.clone()).is_ok());
    let refused = |size, edge: &[Vec<[u8; 32]>]| Appender::from_edge(size, edge.to_vec()).unwrap_err();
    let levels = EdgeError::Levels {
        size: 1000,
        expected: 2,
        found: 1,
    };
    assert_eq!(refused(1000, &edge[..1]), levels);
    assert!(matches!(
        refused(1000, &[edge.clone(), vec![vec![]]].concat()),
        EdgeError::Levels { found: 3, .. }
    ));
    let width = EdgeError::Width {
        level: 0,
        size: 1001,
        expected: 233,
        found: 232,
    };
    assert_eq!(refused(1001, &edge), width);
    assert!(matches!(refused(1000 + 256, &edge), EdgeError::Width { level: 1, .. }));
    assert_eq!(refused(MAX_SIZE + 1, &edge), EdgeError::Size(MAX_SIZE + 1));
}

#[test]
fn parts_with_another_number_of_hashes_are_refused() {
    let hashes = |n| vec![leaf(0); n];
    assert!(Frontier::from_parts(7, hashes(3)).is_ok());
    let error = FrontierError::Hashes {
        size: 7,
        expected: 3,
        found: 2,
    };
    assert_eq!(Frontier::from_parts(7, hashes(2)).unwrap_err(), error);
    assert!(Frontier::from_parts(0, hashes(1)).is_err());
    assert_eq!(
        Frontier::from_parts(1 << 63, hashes(1)).unwrap_err(),
        FrontierError::Size(1 << 63)
    );
    let largest = Frontier::from_parts(MAX_SIZE, hashes(63)).unwrap();
    let expected = (0..62).fold(leaf(0), |right, _| node_hash(&leaf(0), &right));
    assert_eq!(largest.root(), expected);
}

#[test]
fn paths_are_those_of_the_specification() {
    let id = |level, index| TileId { level, index };
    for (id, width, path) in [
        (id(0, 0), 256, "tile/0/000"),
        (id(0, 1_234_067), 256, "tile/0/x001/x234/067"),
        (id(0, 273), 112, "tile/0/273.p/112"),
        (id(2, 0), 1, "tile/2/000.p/1"),
        (id(0, 1000), 255, "tile/0/x001/000.p/255"),
        (id(63, 999), 256, "tile/63/999"),
        (id(0, u64::MAX), 256, "tile/0/x018/x446/x744/x073/x709/x551/615"),
    ] {
        assert_eq!(id.path(width), path);
        assert_eq!(TileId::parse(path).unwrap(), (id, width));
    }
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/00/000",
        "tile/-1/000",
        "tile/64/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/x001/00",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000 ",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/xx01/000",
        "tile/entries/000",
        "tile/0/000.p/1.p/1",
        "tile/8/0/000",
    ] {
        assert!(TileId::parse(path).is_err(), "{path}");
    }
}

#[test]
fn a_tile_is_its_hashes_one_after_the_other() {
    let hashes = leaves(256);
    let bytes = tile::to_bytes(&hashes);
    assert_eq!(bytes.len(), 8192);
    assert_eq!(tile::from_bytes(&bytes).unwrap(), hashes);
    assert_eq!(tile::from_bytes(&bytes[..64]).unwrap(), hashes[..2]);
    assert_eq!(tile::from_bytes(&bytes[..63]), None);
    assert_eq!(tile::from_bytes(&[bytes, vec![0; 32]].concat()), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_path_names_its_tile(level in 0u8..64, index: u64, width in 1u16..=256) {
        let id = TileId { level, index };
        prop_assert_eq!(TileId::parse(&id.path(width)).unwrap(), (id, width));
    }

    #[test]
    fn widths_add_up_to_the_hashes_of_a_level(size in prop_oneof![0..MAX_SIZE, 0..100_000u64]) {
        for (level, LevelTiles { full, partial }) in (0u8..).zip(tiles_of_size(size)) {
            prop_assert_eq!(full * 256 + u64::from(partial), size >> (8 * level));
            prop_assert_eq!(width_at(TileId { level, index: full }, size), partial);
            prop_assert_eq!(width_at(TileId { level, index: full + 1 }, size), 0);
            if let Some(last) = full.checked_sub(1) {
                prop_assert_eq!(width_at(TileId { level, index: last }, size), 256);
            }
        }
        prop_assert_eq!(width_at(TileId { level: 8, index: 0 }, size), 0);
    }
}
