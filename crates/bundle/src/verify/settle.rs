//! What the records that are not what the tree has at their place are instead, and what is missing.

use std::collections::{HashMap, HashSet};

use auditlog_tlog::{Hash, TileId};

use super::block::{Block, Damaged, Deviant, file_of};
use super::certificates;
use super::events::Work;
use super::tree::Tree;
use super::{CannotJudge, Check};
use crate::finding::{Finding, Findings, Kind};
use crate::layout::{EVENTS_PER_FILE, events_path};
use crate::places::Places;
use crate::report::Report;

/// Names what happened to each of them, and counts.
pub(super) fn settle(
    work: &Work<'_>,
    tree: &Tree,
    mut blocks: Vec<Block>,
    findings: &mut Findings,
    report: &mut Report,
) -> Result<(), CannotJudge> {
    let mut deviants = Vec::new();
    let mut damages = Vec::new();
    for block in &mut blocks {
        report.events += block.records;
        report.proven += block.proven;
        report.redacted_events += block.redacted.0;
        report.redacted_values += block.redacted.1;
        deviants.append(&mut block.deviants);
        damages.append(&mut block.damages);
    }
    let mut settling = Settling {
        work,
        blocks,
        findings,
        homes: homes(tree, &deviants)?,
    };
    settling.moved_and_changed(deviants);
    let told = work.told();
    let present = |place| settling.stands(place);
    let covered = {
        let mut found = Findings::default();
        let covered = certificates::judge(work, tree, &told, &present, &mut found, report)?;
        settling.findings.extend(found.into_vec());
        covered
    };
    settling.damages(damages, &covered);
    settling.missing(&covered, report);
    settling.covered(&covered);
    settling.erased(&told.erased, report);
    Ok(())
}

struct Settling<'a> {
    work: &'a Work<'a>,
    blocks: Vec<Block>,
    findings: &'a mut Findings,
    /// Where the tree has the entry of a deviant.
    homes: HashMap<Hash, Vec<u64>>,
}

/// Looks for the entries of the deviants in the tree.
fn homes(tree: &Tree, deviants: &[Deviant]) -> Result<HashMap<Hash, Vec<u64>>, CannotJudge> {
    let wanted: HashSet<Hash> = deviants.iter().filter_map(|deviant| deviant.content).collect();
    let mut homes: HashMap<Hash, Vec<u64>> = HashMap::new();
    if wanted.is_empty() {
        return Ok(homes);
    }
    let files = &tree.tiles.files;
    for tile in 0..files.size().div_ceil(256) {
        let id = TileId { level: 0, index: tile };
        // a lost tile has its finding; what its file says is better than nothing here
        let Ok(leaves) = tree.tiles.read(id).or_else(|_| files.read(id)) else {
            continue;
        };
        for (leaf, index) in leaves.iter().zip(tile * 256..) {
            if wanted.contains(leaf) {
                homes.entry(*leaf).or_default().push(index);
            }
        }
    }
    Ok(homes)
}

impl Settling<'_> {
    /// Whether the event at this place is there.
    fn stands(&self, log_index: u64) -> bool {
        self.blocks
            .get(file_of(log_index) as usize)
            .is_some_and(|block| block.standing.has(log_index))
    }

    fn stand(&mut self, log_index: u64) {
        self.blocks[file_of(log_index) as usize].standing.set(log_index);
    }

    /// First those whose entries the tree has at a place where nothing else stands, then the others: one
    /// that stands where nothing else does is the event, changed; what is left was put in.
    fn moved_and_changed(&mut self, deviants: Vec<Deviant>) {
        let checks = self.work.options.checks;
        let mut rest = Vec::new();
        for mut deviant in deviants {
            let homes = deviant.content.and_then(|content| self.homes.get(&content));
            let home = homes.and_then(|homes| homes.iter().copied().find(|home| !self.stands(*home)));
            match home {
                Some(home) => {
                    self.stand(home);
                    if let Some(said) = deviant.said.take() {
                        self.work.tell(home, said);
                    }
                    self.moved(&deviant, home);
                }
                None => rest.push(deviant),
            }
        }
        // of two that claim a place, the one with the tree's entry_hash is the event
        rest.sort_by_key(|deviant| !deviant.claims_leaf);
        for deviant in rest {
            let index = deviant.log_index;
            let home = deviant
                .content
                .and_then(|content| self.homes.get(&content)?.first().copied());
            let in_its_file = deviant.file == file_of(index);
            let (kind, detail) = if index >= self.work.size {
                if !checks.on(Check::Beyond) {
                    continue;
                }
                (Kind::Extra, format!("the log ends before log_index {}", self.work.size))
            } else if !self.stands(index) {
                self.stand(index);
                let detail = match home {
                    Some(home) => format!("the values are those of log_index {home}"),
                    None if in_its_file => deviant.why.clone().into_owned(),
                    None => format!("the record stands in {} with other values", events_path(deviant.file)),
                };
                (Kind::Modified, detail)
            } else if !in_its_file && home == Some(index) {
                if !checks.on(Check::Duplicate) {
                    continue;
                }
                let detail = format!("a copy of the record stands in {}", events_path(deviant.file));
                (Kind::Extra, detail)
            } else {
                let detail = "another record has this log_index and is the one in the tree";
                (Kind::Extra, detail.to_owned())
            };
            self.findings
                .add(Finding::of_event(kind, index, &deviant.event_id, detail));
        }
    }

    fn moved(&mut self, deviant: &Deviant, home: u64) {
        let index = deviant.log_index;
        let detail = if index != home {
            format!("the values of this record belong at log_index {home}")
        } else if self.work.options.checks.on(Check::File) {
            format!("the record stands in {}", events_path(deviant.file))
        } else {
            return;
        };
        self.findings
            .add(Finding::of_event(Kind::Reordered, index, &deviant.event_id, detail));
    }

    /// A stretch of bytes that are no record is the event that is missing there, if it is one.
    fn damages(&mut self, damages: Vec<Damaged>, covered: &Places) {
        for damaged in damages {
            let missing = |index: &u64| !self.stands(*index) && !covered.has(*index);
            let mut absent = damaged.between.clone().filter(missing);
            let event = match (absent.next(), absent.next()) {
                (Some(only), None) if self.work.complete => Some(only),
                _ => None,
            };
            let what = if damaged.damage.to_the_end {
                "are no record, to the end of the file"
            } else {
                "are no record"
            };
            let detail = format!(
                "{} bytes from {} on {what}",
                damaged.damage.bytes, damaged.damage.offset
            );
            let mut finding = Finding::of_file(Kind::Unreadable, events_path(damaged.file), detail);
            finding.log_index = event;
            self.findings.add(finding);
            if let Some(event) = event {
                self.stand(event);
            }
        }
    }

    fn missing(&mut self, covered: &Places, report: &mut Report) {
        if !self.work.complete {
            return;
        }
        let begins = self.begins();
        for block in &self.blocks {
            let covered = covered.of_file(block.number);
            for index in block.standing.absent() {
                if covered.is_some_and(|covered| covered.has(index % EVENTS_PER_FILE)) {
                    report.covered += 1;
                } else if self.work.options.checks.on(Check::Missing) {
                    let finding = match begins {
                        Some(first) if index < first => Finding::of_event(
                            Kind::UncoveredGap,
                            index,
                            b"",
                            format!("the log begins with log_index {first}, and no certificate that fits says why"),
                        ),
                        _ => Finding::of_event(Kind::Missing, index, b"", "no record has this log_index"),
                    };
                    self.findings.add(finding);
                }
            }
        }
    }

    /// What retention has removed is not there any more.
    fn covered(&mut self, covered: &Places) {
        if !self.work.options.checks.on(Check::CertificateRecord) {
            return;
        }
        for block in &self.blocks {
            let Some(covered) = covered.of_file(block.number) else {
                continue;
            };
            for index in block.standing.among(covered) {
                let detail = "the record is there, and a certificate says that retention has removed it";
                self.findings.add(Finding::of_event(Kind::Extra, index, b"", detail));
            }
        }
    }

    /// Whatever was erased must be told of. A selection need not have the event.
    fn erased(&mut self, told: &Places, report: &mut Report) {
        if !self.work.options.checks.on(Check::Erasure) {
            return;
        }
        for block in &self.blocks {
            let Some(redacted) = &block.redacted_places else {
                continue;
            };
            let told = told.of_file(block.number);
            for index in block.standing.among(redacted) {
                if told.is_some_and(|told| told.has(index % EVENTS_PER_FILE)) {
                    continue;
                }
                if self.work.complete {
                    let detail = "personal values were erased, and no erasure event tells of it";
                    self.findings
                        .add(Finding::of_event(Kind::UncoveredGap, index, b"", detail));
                } else {
                    report.redacted_untold += 1;
                }
            }
        }
    }

    /// The first event that is there.
    fn begins(&self) -> Option<u64> {
        (0..self.work.size).find(|index| self.stands(*index))
    }
}
