//! The records of one file.

use std::borrow::Cow;

use auditlog_tlog::{Hash, TileId};

use super::events::{Work, link};
use super::leaves::{Leaves, Trust, block_range, open};
use super::order::misplaced;
use super::told::Said;
use super::tree::Tree;
use super::{CannotJudge, Check};
use crate::content::{Content, Entries};
use crate::finding::{Finding, Findings, Kind};
use crate::frames::{Damage, Frame};
use crate::layout::{EVENTS_PER_FILE, events_path};
use crate::places::FilePlaces;
use crate::record::Record;

/// What was found in one file.
pub(super) struct Block {
    /// The number of the file.
    pub(super) number: u64,
    /// The chain's value before the block that was taken for granted.
    pub(super) start: Option<Hash>,
    /// The chain's value after it; `None` when it is not known.
    pub(super) end: Option<Hash>,
    /// Records read.
    pub(super) records: u64,
    /// Records that are what the checkpoint's tree has at their place.
    pub(super) proven: u64,
    /// Records with erased values, and how many values those are.
    pub(super) redacted: (u64, u64),
    /// Those records; `None` when there are none.
    pub(super) redacted_places: Option<FilePlaces>,
    pub(super) findings: Vec<Finding>,
    /// Records that are not what the tree has at their place.
    pub(super) deviants: Vec<Deviant>,
    pub(super) damages: Vec<Damaged>,
    /// Which events of the block are there.
    pub(super) standing: Standing,
    pub(super) recovered: Vec<(TileId, Vec<Hash>)>,
    pub(super) lost: Vec<TileId>,
}

/// A record that is not what the tree has at its place.
pub(super) struct Deviant {
    /// The number of its file.
    pub(super) file: u64,
    /// The place that it claims.
    pub(super) log_index: u64,
    /// The hash of its entry, if it has one.
    pub(super) content: Option<Hash>,
    /// Whether its `entry_hash` is the leaf at its place.
    pub(super) claims_leaf: bool,
    pub(super) event_id: Vec<u8>,
    /// What it says about the log, if it is such a record.
    pub(super) said: Option<Said>,
    /// What does not fit.
    pub(super) why: Cow<'static, str>,
}

impl Deviant {
    /// A record of which nothing but its claim of a place is known.
    fn new(file: u64, log_index: u64, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            file,
            log_index,
            content: None,
            claims_leaf: false,
            event_id: Vec::new(),
            said: None,
            why: why.into(),
        }
    }

    /// A record with an entry.
    fn with(file: u64, record: &Record<'_>, content: &Content<'_>, why: &'static str) -> Self {
        Self {
            content: Some(content.entry_hash),
            event_id: content.event_id.to_vec(),
            said: Said::of(content.event_type, record.values),
            ..Self::new(file, record.log_index, why)
        }
    }
}

/// Bytes that are no record.
pub(super) struct Damaged {
    pub(super) file: u64,
    pub(super) damage: Damage,
    /// The places between which it stands in its file.
    pub(super) between: std::ops::Range<u64>,
}

/// Which events of a block are there.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    first: u64,
    count: u64,
    words: Vec<u64>,
}

impl Standing {
    fn new(range: &std::ops::Range<u64>) -> Self {
        let count = range.end - range.start;
        Self {
            first: range.start,
            count,
            words: vec![0; count.div_ceil(64) as usize],
        }
    }

    /// Notes that the event is there; false when it was before.
    pub(super) fn set(&mut self, log_index: u64) -> bool {
        let place = log_index - self.first;
        let word = &mut self.words[(place / 64) as usize];
        let fresh = *word & (1 << (place % 64)) == 0;
        *word |= 1 << (place % 64);
        fresh
    }

    pub(super) fn has(&self, log_index: u64) -> bool {
        let place = log_index.wrapping_sub(self.first);
        place < self.count && self.words[(place / 64) as usize] & (1 << (place % 64)) != 0
    }

    /// The events that are there among `places`, which are those of the same file.
    pub(super) fn among(&self, places: &FilePlaces) -> impl Iterator<Item = u64> {
        let words = self.words.iter().enumerate();
        let common = words.map(|(number, word)| (number as u64 * 64, word & places.word(number)));
        common
            .filter(|(_, word)| *word != 0)
            .flat_map(|(start, word)| {
                (0..64)
                    .filter(move |bit| word & (1 << bit) != 0)
                    .map(move |bit| start + bit)
            })
            .map(|place| self.first + place)
    }

    /// The events that are not there.
    pub(super) fn absent(&self) -> impl Iterator<Item = u64> {
        let all = self.words.iter().map(|word| word.count_ones()).sum::<u32>();
        let range = if u64::from(all) == self.count {
            0..0
        } else {
            0..self.count
        };
        range.map(|place| self.first + place).filter(|index| !self.has(*index))
    }
}

/// A file that the tree has no events for: nothing in it has a place.
pub(super) fn stray_file(work: &Work<'_>, number: u64) -> Result<Block, CannotJudge> {
    let reading = Reading::new(work, number, None);
    reading.records(None)
}

/// Judges the file `number`, with `start` as the chain's value before its first event.
pub(super) fn process(work: &Work<'_>, tree: &Tree, number: u64, start: Option<Hash>) -> Result<Block, CannotJudge> {
    let mut leaves = Leaves::read(tree, work.directory, number, work.options.checks)?;
    let mut reading = Reading::new(work, number, start);
    reading.block.recovered = std::mem::take(&mut leaves.recovered);
    reading.block.lost = std::mem::take(&mut leaves.lost);
    reading.findings.extend(std::mem::take(&mut leaves.findings));
    reading.follow_chain(&leaves);
    reading.records(Some(&leaves))
}

/// The state while a file is read.
struct Reading<'a> {
    work: &'a Work<'a>,
    range: std::ops::Range<u64>,
    block: Block,
    findings: Findings,
    /// The chain's value before each event, and after the last, as far as it is known.
    chain: Vec<Hash>,
    /// The places of the block's records in the order they stand in, from the first event of the block.
    order: Vec<u32>,
    /// The largest place before what is read next.
    last: Option<u64>,
    /// Damage whose end is not known yet: the place of the record behind it.
    open_damage: usize,
}

impl<'a> Reading<'a> {
    fn new(work: &'a Work<'a>, number: u64, start: Option<Hash>) -> Self {
        let range = block_range(number, work.size);
        Self {
            work,
            block: Block {
                number,
                start,
                end: None,
                records: 0,
                proven: 0,
                redacted: (0, 0),
                redacted_places: None,
                findings: Vec::new(),
                deviants: Vec::new(),
                damages: Vec::new(),
                standing: Standing::new(&range),
                recovered: Vec::new(),
                lost: Vec::new(),
            },
            findings: Findings::default(),
            chain: Vec::new(),
            order: Vec::with_capacity((range.end - range.start) as usize),
            last: None,
            open_damage: 0,
            range,
        }
    }

    /// The chain is what the leaves make it, whatever the records say.
    fn follow_chain(&mut self, leaves: &Leaves) {
        let Some(start) = self.block.start else { return };
        self.chain.reserve_exact(leaves.hashes.len() + 1);
        self.chain.push(start);
        // behind leaves that are not the tree's, the chain would be another
        let some_proven = leaves.tiles.contains(&Trust::Proven);
        let mut hash = start;
        for (place, leaf) in leaves.hashes.iter().enumerate() {
            match leaves.trust(place) {
                Trust::Proven => {}
                Trust::Stored if !some_proven => {}
                Trust::Stored | Trust::Unknown => return,
            }
            hash = link(&hash, leaf, self.range.start + place as u64);
            self.chain.push(hash);
        }
        self.block.end = Some(hash);
    }

    fn records(mut self, leaves: Option<&Leaves>) -> Result<Block, CannotJudge> {
        let number = self.block.number;
        let progress = self.work.options.progress;
        let mut entries = Entries::default();
        if let Some(mut frames) = open(self.work.directory, number)? {
            while let Some(frame) = frames
                .next()
                .map_err(|error| CannotJudge::io(events_path(number))(error))?
            {
                match frame {
                    Frame::Damage(damage) => self.damage(damage),
                    Frame::Record(bytes) => {
                        self.record(bytes, leaves, &mut entries);
                        if self.block.records.is_multiple_of(4096) {
                            progress.add(4096);
                        }
                    }
                }
            }
            progress.add(self.block.records % 4096);
        }
        self.check_order();
        self.block.findings = self.findings.into_vec();
        Ok(self.block)
    }

    fn damage(&mut self, damage: Damage) {
        if !self.work.options.checks.on(Check::Damage) {
            return;
        }
        let first = self.last.map_or(self.range.start, |last| last + 1);
        self.block.damages.push(Damaged {
            file: self.block.number,
            damage,
            between: first..self.range.end,
        });
    }

    fn record(&mut self, bytes: &[u8], leaves: Option<&Leaves>, entries: &mut Entries) {
        self.block.records += 1;
        let record = match Record::parse(bytes) {
            Ok(record) => record,
            Err(error) => {
                // what stands at the beginning of every record can be read
                let (_, rest) = bytes.split_at(crate::record::MAGIC.len());
                let log_index = rest.first_chunk().map_or(u64::MAX, |bytes| u64::from_be_bytes(*bytes));
                self.deviant(Deviant::new(self.block.number, log_index, error.to_string()));
                return;
            }
        };
        let index = record.log_index;
        if self.range.contains(&index) {
            for damaged in &mut self.block.damages[self.open_damage..] {
                damaged.between.end = index.max(damaged.between.start);
            }
            self.open_damage = self.block.damages.len();
            self.last = Some(self.last.map_or(index, |last| last.max(index)));
        }
        self.judge(&record, leaves, entries);
    }

    fn judge(&mut self, record: &Record<'_>, leaves: Option<&Leaves>, entries: &mut Entries) {
        let checks = self.work.options.checks;
        let index = record.log_index;
        let content = match entries.content(record) {
            Ok(mut content) => {
                if !checks.on(Check::EntryHash) {
                    content.entry_hash = record.entry_hash;
                }
                content
            }
            Err(error) => {
                self.deviant(Deviant::new(self.block.number, index, error.to_string()));
                return;
            }
        };
        let Some(leaves) = leaves.filter(|_| self.range.contains(&index)) else {
            self.deviant(Deviant::with(self.block.number, record, &content, ""));
            return;
        };
        let place = (index - self.range.start) as usize;
        let leaf = leaves.hashes[place];
        let trust = leaves.trust(place);
        if checks.on(Check::Leaf) && trust != Trust::Unknown && content.entry_hash != leaf {
            let claims_leaf = record.entry_hash == leaf;
            let why = match (claims_leaf, content.entry_hash == record.entry_hash) {
                (true, _) => "the values do not give entry_hash",
                (false, true) => "the values and entry_hash are not those in the tree",
                (false, false) => "the values do not give entry_hash, nor is it the one in the tree",
            };
            self.deviant(Deviant {
                claims_leaf,
                ..Deviant::with(self.block.number, record, &content, why)
            });
            return;
        }
        if !self.block.standing.set(index) {
            if checks.on(Check::Duplicate) {
                let detail = "the record is there twice";
                self.findings
                    .add(Finding::of_event(Kind::Extra, index, content.event_id, detail));
            }
            return;
        }
        self.order.push(place as u32);
        if content.redacted > 0 {
            self.block.redacted.0 += 1;
            self.block.redacted.1 += u64::from(content.redacted);
            let places = self.block.redacted_places.get_or_insert_with(FilePlaces::none);
            places.set(place as u64);
        }
        if let Some(said) = Said::of(content.event_type, record.values) {
            self.work.tell(index, said);
        }
        let wrong = self.wrong(record, place, &content.entry_hash);
        let beside = content.value_beside_erased.filter(|_| checks.on(Check::ErasedValue));
        if wrong.is_empty() && beside.is_none() {
            self.block.proven += u64::from(trust == Trust::Proven);
            return;
        }
        let mut details = Vec::new();
        if !wrong.is_empty() {
            details.push(format!(
                "the values are those in the tree, but {} is not",
                wrong.join(" and ")
            ));
        }
        if let Some(column) = beside {
            details.push(format!(
                "the value of {column} was erased, and another stands in its place"
            ));
        }
        let finding = Finding::of_event(Kind::Modified, index, content.event_id, details.join("; "));
        self.findings.add(finding);
    }

    /// The hashes of a record with the right values that are wrong.
    fn wrong(&self, record: &Record<'_>, place: usize, entry_hash: &Hash) -> Vec<&'static str> {
        let checks = self.work.options.checks;
        let mut wrong = Vec::new();
        if record.entry_hash != *entry_hash {
            wrong.push("entry_hash");
        }
        if checks.on(Check::PrevHash) && self.chain.get(place).is_some_and(|hash| *hash != record.prev_hash) {
            wrong.push("prev_hash");
        }
        if checks.on(Check::LinkHash) && self.chain.get(place + 1).is_some_and(|hash| *hash != record.hash) {
            wrong.push("hash");
        }
        wrong
    }

    fn deviant(&mut self, deviant: Deviant) {
        self.block.deviants.push(deviant);
    }

    fn check_order(&mut self) {
        if !self.work.options.checks.on(Check::Order) || self.order.is_sorted() {
            return;
        }
        for at in misplaced(&self.order) {
            let detail = format!(
                "the record stands at the wrong place of {}",
                events_path(self.block.number)
            );
            let index = self.range.start + u64::from(self.order[at]);
            self.findings
                .add(Finding::of_event(Kind::Reordered, index, b"", detail));
        }
    }
}

/// The number of the file that an event belongs into.
pub(super) fn file_of(log_index: u64) -> u64 {
    log_index / EVENTS_PER_FILE
}
