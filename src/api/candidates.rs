//! What the word index answers for a query: while planning how many events it leaves, without reading
//! the postings of common words; while executing which.

use crate::error::Fault;
use crate::guc;
use crate::store::{head, words};
use auditlog_index::{postings, sets, term, value_term};
use auditlog_query::node::Checked;
use auditlog_query::wanted::{Wanted, wanted};
use pgrx::pg_sys;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// The index is used for queries that it is expected to narrow down to this share of the log …
const SHARE: f64 = 0.02;
/// … or to this many events, whatever the size of the log.
const AT_LEAST: f64 = 1000.0;
/// Events that may wait to be indexed before a search goes without the index.
const LONG_TAIL: u64 = 50_000;
/// Up to this many postings are read to know a number while planning; of more it is estimated.
const COUNTED: u64 = 4096;

/// Two snapshots with the same ends and as many transactions in progress see the same: none joins that
/// is older than the end. On a standby those in progress are counted as subtransactions.
type Snapshot = (u32, u32, u32, i32);

/// How many events the index leaves.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// Candidates: events with the words, and those that are not indexed yet.
    pub number: f64,
    /// Events of the log, at least one.
    pub size: f64,
}

impl Estimate {
    /// The share of the log that the candidates are.
    pub fn share(&self) -> f64 {
        (self.number / self.size).clamp(0.0, 1.0)
    }
}

/// What is known under one snapshot: a plan asks several times for each partition.
#[derive(Default)]
struct Known {
    snapshot: Snapshot,
    /// The last query itself, not its text: a saved query in it may have changed.
    query: Option<Rc<Checked>>,
    estimate: Option<Option<Estimate>>,
    all: Option<Option<Vec<i64>>>,
    lookups: HashMap<u32, Rc<Lookup>>,
    bytes: usize,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Bytes of chunks that are kept for the next question.
const KEPT_BYTES: usize = 16 << 20;

/// Does the index narrow this query down, as far as can be told now?
pub fn narrows(query: &Rc<Checked>) -> bool {
    guc::WORD_INDEX.get() && estimate(query).is_some_and(|found| found.number <= (SHARE * found.size).max(AT_LEAST))
}

/// How many events the index leaves of this query; nothing when it says nothing of its words, or would
/// leave too many that it does not know yet.
pub fn estimate(query: &Rc<Checked>) -> Option<Estimate> {
    answer(query, |known| &mut known.estimate, estimated)
}

/// The candidates in the log's order, and the events that are not indexed yet.
pub fn all(query: &Rc<Checked>) -> Option<Vec<i64>> {
    answer(query, |known| &mut known.all, found)
}

/// The share of the log that has the words of one condition, for conditions of which PostgreSQL has an
/// estimate of its own.
pub fn share_of(wanted: &Wanted) -> f64 {
    if renew().is_none() {
        return 1.0;
    }
    let size = size().max(1) as f64;
    (expected(wanted, size) / size).clamp(f64::MIN_POSITIVE, 1.0)
}

fn answer<T: Clone>(
    query: &Rc<Checked>,
    part: impl Fn(&mut Known) -> &mut Option<Option<T>>,
    find: impl FnOnce(&Wanted) -> Option<T>,
) -> Option<T> {
    renew()?;
    let cached = KNOWN.with_borrow_mut(|known| {
        if !known.query.as_ref().is_some_and(|last| Rc::ptr_eq(last, query)) {
            known.query = Some(query.clone());
            known.estimate = None;
            known.all = None;
        }
        part(known).clone()
    });
    cached.unwrap_or_else(|| {
        let answer = wanted(query).and_then(|wanted| find(&wanted));
        KNOWN.with_borrow_mut(|known| *part(known) = Some(answer.clone()));
        answer
    })
}

/// Forgets what was known under another snapshot than the active one.
fn renew() -> Option<()> {
    let snapshot = snapshot()?;
    KNOWN.with_borrow_mut(|known| {
        if known.snapshot != snapshot {
            *known = Known {
                snapshot,
                ..Known::default()
            };
        }
    });
    Some(())
}

fn snapshot() -> Option<Snapshot> {
    // SAFETY: planning and execution have an active snapshot.
    unsafe {
        let snapshot = pg_sys::GetActiveSnapshot();
        (!snapshot.is_null()).then(|| {
            (
                (*snapshot).xmin.into_inner(),
                (*snapshot).xmax.into_inner(),
                (*snapshot).xcnt,
                (*snapshot).subxcnt,
            )
        })
    }
}

fn size() -> u64 {
    head::visible().map_or(0, |head| head.size as u64)
}

/// Up to where the log is indexed.
fn indexed() -> u64 {
    words::visible_runs().last().map_or(0, |run| run.head.end)
}

fn estimated(wanted: &Wanted) -> Option<Estimate> {
    let size = size();
    let tail = size.saturating_sub(indexed());
    if tail > LONG_TAIL {
        return None;
    }
    let all = size.max(1) as f64;
    Some(Estimate {
        number: expected(wanted, all) + tail as f64,
        size: all,
    })
}

fn found(wanted: &Wanted) -> Option<Vec<i64>> {
    let size = size();
    let mut places = places(wanted)?;
    places.extend(indexed()..size);
    Some(places.into_iter().map(|place| place as i64).collect())
}

/// How many events are expected to have the words. Words that are not rare are taken to be spread evenly.
fn expected(wanted: &Wanted, size: f64) -> f64 {
    match wanted {
        Wanted::Word(word) => Lookup::of(term(word)).count as f64,
        Wanted::Value(value) => Lookup::of(value_term(value)).count as f64,
        Wanted::Any(items) => items.iter().map(|item| expected(item, size)).sum::<f64>().min(size),
        Wanted::All(items) => {
            let mut words = lookups(items);
            words.sort_by_key(|word| word.count);
            let rare = words.iter().take_while(|word| word.count <= COUNTED).count();
            let read = words.drain(..rare).map(|word| word.all());
            let together = read.reduce(|a, b| sets::intersect(&a, &b));
            let others = items
                .iter()
                .filter(|item| !is_word(item))
                .map(|item| expected(item, size));
            words
                .iter()
                .map(|word| word.count as f64)
                .chain(others)
                .fold(together.map_or(size, |found| found.len() as f64), |left, number| {
                    left * (number / size).min(1.0)
                })
        }
    }
}

/// The places of the events with the words; nothing when the words leave them all.
fn places(wanted: &Wanted) -> Option<Vec<u64>> {
    match wanted {
        Wanted::Word(word) => Some(Lookup::of(term(word)).all()),
        Wanted::Value(value) => Some(Lookup::of(value_term(value)).all()),
        Wanted::Any(items) => {
            let sets: Vec<Vec<u64>> = items.iter().map(places).collect::<Option<_>>()?;
            Some(sets::union(&sets))
        }
        Wanted::All(items) => all_of(items),
    }
}

/// What is common is looked at only while it can still take enough away.
fn all_of(items: &[Wanted]) -> Option<Vec<u64>> {
    let mut words = lookups(items);
    words.sort_by_key(|word| word.count);
    let both = |a: Vec<u64>, b: Vec<u64>| sets::intersect(&a, &b);
    // one part that cannot be narrowed down leaves the others
    let mut found = items
        .iter()
        .filter(|item| !is_word(item))
        .filter_map(places)
        .reduce(both);
    for word in words {
        let few = found.as_ref().map_or(u64::MAX, |found| found.len() as u64);
        if few.saturating_mul(1000) < word.count {
            break;
        }
        let places = word.all();
        found = Some(match found {
            Some(found) => both(found, places),
            None => places,
        });
    }
    found
}

fn is_word(item: &Wanted) -> bool {
    matches!(item, Wanted::Word(_) | Wanted::Value(_))
}

fn lookups(items: &[Wanted]) -> Vec<Rc<Lookup>> {
    let lookup = |item: &Wanted| match item {
        Wanted::Word(word) => Some(Lookup::of(term(word))),
        Wanted::Value(value) => Some(Lookup::of(value_term(value))),
        _ => None,
    };
    items.iter().filter_map(lookup).collect()
}

/// The chunks that may have a word.
struct Lookup {
    term: u32,
    chunks: Vec<(u64, Vec<u8>)>,
    count: u64,
}

impl Lookup {
    /// Under the active snapshot; [`renew`] has been called.
    fn of(term: u32) -> Rc<Lookup> {
        if let Some(known) = KNOWN.with_borrow(|known| known.lookups.get(&term).cloned()) {
            return known;
        }
        let lookup = Rc::new(Lookup::read(term));
        let bytes: usize = lookup.chunks.iter().map(|(_, data)| data.len()).sum();
        KNOWN.with_borrow_mut(|known| {
            if known.bytes + bytes > KEPT_BYTES {
                known.lookups.clear();
                known.bytes = 0;
            }
            known.bytes += bytes;
            known.lookups.insert(term, lookup.clone());
        });
        lookup
    }

    fn read(term: u32) -> Lookup {
        let chunks = words::chunks_of(term);
        let count = |(first, data): &(u64, Vec<u8>)| match postings(data, *first, term) {
            Ok(found) => found.map_or(0, |found| found.count()),
            Err(_) => damaged(),
        };
        let count = chunks.iter().map(count).sum();
        Lookup { term, chunks, count }
    }

    fn all(&self) -> Vec<u64> {
        let mut places = Vec::with_capacity(self.count as usize);
        for (first, data) in &self.chunks {
            if let Ok(Some(found)) = postings(data, *first, self.term)
                && found.collect_into(&mut places).is_err()
            {
                damaged();
            }
        }
        places
    }
}

fn damaged() -> ! {
    Fault::broken("the word index is damaged")
        .detail("A chunk of auditlog_data.word_chunk cannot be read; the log itself is not concerned.")
        .hint("Search with auditlog.word_index = off, and have the index made anew: auditlog.rebuild_word_index().")
        .raise()
}
