//! All files of events, on all cores.

use std::path::Path;

use auditlog_core::chain::GENESIS;
use auditlog_tlog::{Hash, TileId};
use sha2::{Digest, Sha256};

use super::block::{Block, process, stray_file};
use super::leaves::{block_range, open};
use super::tree::Tree;
use super::{CannotJudge, Check, Options, list, parallel};
use crate::finding::{Finding, Findings, Kind};
use crate::frames::Frame;
use crate::layout::{EVENTS, EVENTS_PER_FILE, events_number, events_path};
use crate::record::Record;

/// What is to be done.
pub(super) struct Work<'a> {
    pub(super) directory: &'a Path,
    /// The entries of the tree.
    pub(super) size: u64,
    /// Whether all events should be there.
    pub(super) complete: bool,
    pub(super) options: &'a Options<'a>,
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
            _ => process(work, tree, job as u64, starts[job]),
        }
    })?;
    let mut judged = settle_chain(work, tree, results, blocks)?;
    for block in &mut judged {
        findings.extend(std::mem::take(&mut block.findings));
        tree.tiles.recovered.extend(std::mem::take(&mut block.recovered));
        tree.tiles.lost.extend(std::mem::take(&mut block.lost));
    }
    Ok(judged)
}

/// Each block was judged from a value of the chain that its own first record claims. That was right when
/// the block before ends with it; where it does not, the block is judged again.
fn settle_chain(work: &Work<'_>, tree: &Tree, results: Vec<Block>, blocks: u64) -> Result<Vec<Block>, CannotJudge> {
    let mut expected = Some(GENESIS);
    let mut judged = Vec::with_capacity(results.len());
    for mut block in results {
        if block.number < blocks {
            if expected.is_some() && block.start != expected {
                block = process(work, tree, block.number, expected)?;
            }
            expected = block.end;
        }
        judged.push(block);
    }
    Ok(judged)
}

/// The value of the chain before each block, where it can be had cheaply.
fn starts(work: &Work<'_>, tree: &Tree, blocks: u64) -> Result<Vec<Option<Hash>>, CannotJudge> {
    if !work.complete {
        return starts_by_leaves(tree, blocks);
    }
    (0..blocks)
        .map(|block| {
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
        })
        .collect()
}

/// In a selection most blocks do not begin with a record: the chain leads through all leaves.
fn starts_by_leaves(tree: &Tree, blocks: u64) -> Result<Vec<Option<Hash>>, CannotJudge> {
    let size = tree.tiles.files.size();
    let mut starts = Vec::new();
    let mut hash = Some(GENESIS);
    for block in 0..blocks {
        starts.push(hash);
        let range = block_range(block, size);
        for tile in range.clone().step_by(256) {
            let id = TileId {
                level: 0,
                index: tile / 256,
            };
            let Ok(leaves) = tree.tiles.read(id) else {
                hash = None;
                break;
            };
            hash = hash.map(|hash| {
                let step = |hash, (index, leaf): (u64, &Hash)| link(&hash, leaf, index);
                (tile..).zip(&leaves).fold(hash, step)
            });
        }
    }
    Ok(starts)
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
