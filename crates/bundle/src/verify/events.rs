//! All files of events, on all cores.

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use auditlog_core::chain::GENESIS;
use auditlog_tlog::{Hash, TileId};
use sha2::{Digest, Sha256};

use super::block::{Block, process, stray_file};
use super::leaves::{block_range, open};
use super::told::{Said, Told};
use super::tree::Tree;
use super::{CannotJudge, Check, Options, list, parallel};
use crate::finding::{Finding, Findings, Kind};
use crate::frames::Frame;
use crate::layout::{EVENTS, EVENTS_PER_FILE, events_number, events_path};
use crate::record::Record;

/// What is to be done.
pub(super) struct Work<'a> {
    pub(super) directory: &'a Path,
    /// The log, by the checkpoint.
    pub(super) origin: &'a str,
    /// The entries of the tree.
    pub(super) size: u64,
    /// Whether all events should be there.
    pub(super) complete: bool,
    pub(super) options: &'a Options<'a>,
    /// What the log has said about itself so far.
    pub(super) told: Mutex<Told>,
}

impl Work<'_> {
    /// What the log has said about itself.
    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().expect("no worker panics while it has the lock")
    }

    /// The record at this place of the tree says this.
    pub(super) fn tell(&self, place: u64, said: Said) {
        self.told().add(place, said, self.size, self.options.checks);
    }
}

/// Judges the records of all files, each block with the chain's value before it.
pub(super) fn run(work: &Work<'_>, tree: &mut Tree, findings: &mut Findings) -> Result<Vec<Block>, CannotJudge> {
    let blocks = work.size.div_ceil(EVENTS_PER_FILE);
    let strays = stray_files(work, blocks, findings)?;
    let starts = starts(work, tree, blocks)?;
    let count = usize::try_from(blocks).unwrap_or(usize::MAX);
    let jobs = count.saturating_add(strays.len());
    let results = parallel::run(jobs, work.options.threads, |job| {
        match strays.get(job.wrapping_sub(count)) {
            Some(number) if job >= count => stray_file(work, *number),
            _ => process(work, tree, job as u64, starts[job].hash),
        }
    })?;
    let mut judged = settle_chain(work, tree, results, &starts)?;
    for block in &mut judged {
        findings.extend(std::mem::take(&mut block.findings));
        tree.tiles.recovered.extend(std::mem::take(&mut block.recovered));
        tree.tiles.lost.extend(std::mem::take(&mut block.lost));
    }
    Ok(judged)
}

/// Each block was judged from a value of the chain that was only supposed. That was right when the block
/// before ends with it; where it does not, the block is judged again.
fn settle_chain(
    work: &Work<'_>,
    tree: &Tree,
    results: Vec<Block>,
    starts: &[Start],
) -> Result<Vec<Block>, CannotJudge> {
    let mut expected = Some(GENESIS);
    let mut judged = Vec::with_capacity(results.len());
    for mut block in results {
        if let Some(start) = starts.get(block.number as usize) {
            // where the chain is lost, what a record claims is all there is; what leaves gave is worth nothing
            if block.start != expected && (expected.is_some() || start.by_leaves) {
                block = process(work, tree, block.number, expected)?;
            }
            expected = block.end;
        }
        judged.push(block);
    }
    Ok(judged)
}

/// A supposed value of the chain before a block.
#[derive(Clone, Copy)]
struct Start {
    hash: Option<Hash>,
    /// Whether it was computed through the leaves of the block before, which nobody had judged.
    by_leaves: bool,
}

/// The value of the chain before each block: what its first record claims, which in a complete bundle is read at
/// once. Where that is not there, as in a selection and where retention has removed it, the chain leads through
/// the leaves of the block before.
fn starts(work: &Work<'_>, tree: &Tree, blocks: u64) -> Result<Vec<Start>, CannotJudge> {
    let mut starts: Vec<Start> = Vec::new();
    for block in 0..blocks {
        let claimed = if work.complete { claim(work, block)? } else { None };
        let by_leaves = claimed.is_none();
        let hash = match (claimed, starts.last()) {
            (None, Some(before)) => before.hash.and_then(|hash| chain_through(tree, block - 1, hash)),
            (None, None) => Some(GENESIS),
            (claimed, _) => claimed,
        };
        starts.push(Start { hash, by_leaves });
    }
    Ok(starts)
}

/// What the first record of a block claims, if it is that of the block's first place.
fn claim(work: &Work<'_>, block: u64) -> Result<Option<Hash>, CannotJudge> {
    let Some(mut frames) = open(work.directory, block)? else {
        return Ok(None);
    };
    let frame = frames.next().map_err(CannotJudge::io(events_path(block)))?;
    let Some(Frame::Record(bytes)) = frame else {
        return Ok(None);
    };
    let first = Record::parse(bytes)
        .ok()
        .filter(|record| record.log_index == block_range(block, work.size).start);
    Ok(first.map(|record| record.prev_hash))
}

/// The value of the chain behind a block; `None` when a tile cannot be read.
fn chain_through(tree: &Tree, block: u64, start: Hash) -> Option<Hash> {
    let mut hash = start;
    for tile in block_range(block, tree.tiles.files.size()).step_by(256) {
        let id = TileId {
            level: 0,
            index: tile / 256,
        };
        let leaves = tree.tiles.read(id).ok()?;
        hash = (tile..)
            .zip(&leaves)
            .fold(hash, |hash, (index, leaf)| link(&hash, leaf, index));
    }
    Some(hash)
}

/// The files that the tree has no events for.
fn stray_files(work: &Work<'_>, blocks: u64, findings: &mut Findings) -> Result<Vec<u64>, CannotJudge> {
    let mut strays = Vec::new();
    for name in list(work.directory, EVENTS)? {
        match events_number(&name) {
            Some(number) if number < blocks => {}
            Some(number) => strays.push(number),
            None if work.options.checks.on(Check::Files) => {
                let file = format!("{EVENTS}/{name}");
                findings.add(Finding::of_file(Kind::Extra, file, "a bundle has no such file"));
            }
            None => {}
        }
    }
    Ok(strays)
}

/// The chain's link, [`auditlog_core::chain::link_hash`] from one buffer: the hasher copies once. Each event
/// of each bundle takes one.
#[inline]
pub(super) fn link(prev_hash: &Hash, leaf: &Hash, log_index: u64) -> Hash {
    let mut bytes = [0x02; 73];
    bytes[1..33].copy_from_slice(prev_hash);
    bytes[33..65].copy_from_slice(leaf);
    bytes[65..].copy_from_slice(&log_index.to_be_bytes());
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_link_is_the_cores() {
        for index in [0, 1, u64::MAX] {
            let (prev, leaf) = ([index as u8; 32], [7; 32]);
            let core = auditlog_core::chain::link_hash(&prev, &leaf, index);
            assert_eq!(super::link(&prev, &leaf, index), core);
        }
    }
}
