//! Cross-checks against crates by others: ct-merkle, tlog_tiles and signed_note.

mod support;

use auditlog_tlog::hash::Hash;
use auditlog_tlog::note::{KeyName, NoteSigner, SignedNote, VerifierKey};
use auditlog_tlog::proof::{HashSource, consistency, inclusion, verify_consistency, verify_inclusion};
use auditlog_tlog::tile::{Appender, TileId};
use auditlog_tlog::{Checkpoint, SigningKey};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use support::{Numbers, Tiles, leaf};
use tlog_tiles::{Tile, TileHashReader, TileReader, check_record, check_tree, prove_record, prove_tree, tree_hash};

type Theirs = MemoryBackedTree<Sha256, Vec<u8>>;

fn entry(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks().0.to_vec()
}

#[test]
fn ct_merkle_makes_the_same_proofs() {
    let mut theirs = Theirs::new();
    let tiles = Tiles::of(600);
    let mut appender = Appender::new();
    let mut numbers = Numbers(5);
    for size in 1..=600u64 {
        theirs.push(entry(size - 1));
        appender.append(leaf(size - 1));
        let root = appender.root();
        assert_eq!(theirs.root().as_bytes()[..], root, "size {size}");
        for index in [0, size - 1, numbers.below(size), numbers.below(size)] {
            let proof = theirs.prove_inclusion(index as usize);
            assert_eq!(
                hashes(proof.as_bytes()),
                inclusion(index, size, &tiles).unwrap(),
                "{index} in {size}"
            );
            verify_inclusion(&leaf(index), index, size, &hashes(proof.as_bytes()), &root).unwrap();
            theirs.root().verify_inclusion(&entry(index), index, &proof).unwrap();
            let old = index + 1;
            let proof = theirs.prove_consistency((size - old) as usize);
            assert_eq!(
                hashes(proof.as_bytes()),
                consistency(old, size, &tiles).unwrap(),
                "{old} to {size}"
            );
        }
    }
}

/// Our tiles as their reader wants them.
struct Reader<'a>(&'a Tiles);

impl TileReader for Reader<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let wanted: Vec<(TileId, u16)> = tiles.iter().map(ours).collect();
        let found = self.0.tiles(&wanted).unwrap();
        Ok(found
            .iter()
            .zip(wanted)
            .map(|(hashes, (_, width))| hashes[..usize::from(width)].concat())
            .collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn ours(tile: &Tile) -> (TileId, u16) {
    let id = TileId {
        level: tile.level(),
        index: tile.level_index(),
    };
    (id, tile.width() as u16)
}

#[test]
fn tlog_tiles_reads_our_tiles_and_agrees() {
    const LARGEST: u64 = 70_000;
    let tiles = Tiles::of(LARGEST);
    let mut numbers = Numbers(9);
    let mut sizes: Vec<u64> = (0..30).map(|_| numbers.below(LARGEST) + 1).collect();
    sizes.extend([1, 2, 256, 65_536, LARGEST]);
    for size in sizes {
        let root = auditlog_tlog::proof::root_at(size, &tiles).unwrap();
        let hash = tlog_tiles::Hash(root);
        let reader = Reader(&tiles);
        // Their reader checks every tile it reads against the root.
        let hash_reader = TileHashReader::new(size, hash, &reader);
        assert_eq!(tree_hash(size, &hash_reader).unwrap().0, root);
        let index = numbers.below(size);
        let proof = prove_record(size, index, &hash_reader).unwrap();
        let made = inclusion(index, size, &tiles).unwrap();
        assert_eq!(proof.iter().map(|hash| hash.0).collect::<Vec<_>>(), made);
        check_record(&proof, size, hash, index, tlog_tiles::Hash(leaf(index))).unwrap();
        let old = numbers.below(size) + 1;
        let old_root = auditlog_tlog::proof::root_at(old, &tiles).unwrap();
        let proof = prove_tree(size, old, &hash_reader).unwrap();
        let made: Vec<Hash> = proof.iter().map(|hash| hash.0).collect();
        if old < size {
            assert_eq!(consistency(old, size, &tiles).unwrap(), made);
        }
        check_tree(&proof, size, hash, old, tlog_tiles::Hash(old_root)).unwrap();
        verify_consistency(old, &old_root, size, &root, &consistency(old, size, &tiles).unwrap()).unwrap();
    }
}

#[test]
fn tlog_tiles_publishes_the_same_tiles() {
    let mut appender = Appender::new();
    let mut numbers = Numbers(13);
    while appender.size() < 140_000 {
        let old = appender.size();
        (0..numbers.below(9000)).for_each(|_| appender.append(leaf(0)));
        let mut theirs: Vec<(TileId, u16)> = Tile::new_tiles(8, old, appender.size()).iter().map(ours).collect();
        theirs.sort_by_key(|(id, _)| *id);
        let changed: Vec<_> = appender
            .changed()
            .iter()
            .map(|tile| (tile.id, tile.hashes.len() as u16))
            .collect();
        assert_eq!(changed, theirs);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tlog_tiles_writes_the_same_paths(level in 0u8..64, index in 0u64..1 << 40, width in 1u16..=256) {
        let theirs = Tile::new(8, level, index, u32::from(width), false).path();
        // They have the height in the path, as Go's checksum database does.
        let path = TileId { level, index }.path(width);
        prop_assert_eq!(theirs.replacen("tile/8/", "tile/", 1), path.clone());
        prop_assert_eq!(TileId::parse(&path).unwrap(), (TileId { level, index }, width));
    }

    #[test]
    fn tlog_tiles_reads_the_same_checkpoints(
        origin in "[a-z][a-z./ +é]{0,20}", size in 0..=auditlog_tlog::MAX_SIZE, root: Hash,
        extensions in prop::collection::vec("[ -~]{1,20}", 0..3),
    ) {
        let checkpoint = Checkpoint { origin, size, root, extensions };
        let text = checkpoint.text().unwrap();
        let theirs = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).unwrap();
        prop_assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (&*checkpoint.origin, size, root));
        prop_assert_eq!(theirs.to_bytes(), text.as_bytes());
        prop_assert_eq!(Checkpoint::parse(&text).unwrap(), checkpoint);
    }

    #[test]
    fn signed_note_agrees_on_notes(name in "[a-z./é]{1,20}", seed: [u8; 32], lines in "([ -~é]{0,20}\n){1,5}") {
        let signer = NoteSigner::from_seed(KeyName::new(&name).unwrap(), &seed);
        let vkey = signer.verifier().to_string();
        let mut note = SignedNote::new(&lines).unwrap();
        note.add(signer.sign(&note));
        let text = note.to_string();
        let theirs = Note::from_bytes(text.as_bytes()).unwrap();
        let verifiers = VerifierList::new(vec![Box::new(StandardVerifier::new(&vkey).unwrap())]);
        prop_assert_eq!(theirs.verify(&verifiers).unwrap().0.len(), 1);
        prop_assert_eq!(theirs.to_bytes(), text.as_bytes());

        // And the other way round, with their text of the private key.
        let key = [&[1][..], &seed].concat();
        let private = format!("PRIVATE+KEY+{name}+{:08x}+{}", signer.verifier().id(), encode(&key));
        let mut theirs = Note::new(lines.as_bytes(), &[]).unwrap();
        theirs.add_sigs(&[&StandardSigner::new(&private).unwrap()]).unwrap();
        let read = SignedNote::parse_bytes(&theirs.to_bytes()).unwrap();
        prop_assert_eq!(&read, &note);
        let keys = [VerifierKey::parse(&vkey).unwrap()];
        prop_assert_eq!(read.verify(&keys).unwrap().len(), 1);
        prop_assert_eq!(SigningKey::from_seed(&seed).vkey(KeyName::new(&name).unwrap()), keys[0].clone());
    }

    #[test]
    fn signed_note_takes_the_same_texts_for_notes(note in "(([a-z é]{0,3}|— [a-z+]{1,2} [A-D=]{4,12})\n?){0,6}") {
        let ours = SignedNote::parse(&note);
        match Note::from_bytes(note.as_bytes()) {
            Ok(theirs) => {
                prop_assert_eq!(theirs.to_bytes(), note.as_bytes());
                let ours = ours.unwrap();
                prop_assert_eq!(ours.text().as_bytes(), theirs.text());
            }
            Err(_) => prop_assert!(ours.is_err(), "{:?}", ours),
        }
    }
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
