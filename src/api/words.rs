//! The word index in SQL: what the sealer collects, and what a search asks.

use super::event_document::{EventDocument, RowValue};
use super::query::checked;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::guc;
use crate::store::view::EventRow;
use crate::store::{head, words};
use auditlog_index::{postings, sets, term, terms_of, value_term, value_term_of};
use auditlog_query::eval::{Document, each_text};
use auditlog_query::node::Checked;
use auditlog_query::wanted::{Wanted, wanted};
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::cell::RefCell;
use std::rc::Rc;

crate::sql_function!(auditlog_word_collect, pg_finfo_auditlog_word_collect, word_collect);
crate::sql_function!(
    auditlog_word_candidates,
    pg_finfo_auditlog_word_candidates,
    word_candidates
);

crate::sql_function!(
    auditlog_rebuild_word_index,
    pg_finfo_auditlog_rebuild_word_index,
    rebuild
);

thread_local! {
    /// What the sealer collects: places in the log and terms.
    static COLLECTED: RefCell<Vec<(u64, u32)>> = const { RefCell::new(Vec::new()) };
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// The words that were collected since the last call.
pub fn take_collected() -> Vec<(u64, u32)> {
    COLLECTED.take()
}

fn word_collect(call: &Call) -> Datum {
    if !crate::worker::is_sealer() {
        Fault::refused("only the sealer builds the word index")
            .detail("The word index follows the log by itself.")
            .hint("Use auditlog.search() or the operator @@@.")
            .raise();
    }
    let Some(event) = call.arg(0) else { return call.null() };
    // SAFETY: declared as auditlog.events.
    let row = unsafe { EventRow::of(event) };
    if let Some(place) = row.get("log_index") {
        let place = place.value() as u64;
        COLLECTED.with_borrow_mut(|collected| {
            EventDocument::new(&row).any_value(&mut |root: RowValue<'_>| {
                each_text(root, &mut |text| {
                    terms_of(text, &mut |term| collected.push((place, term)));
                    collected.extend(value_term_of(text).map(|term| (place, term)));
                });
                false
            });
        });
    }
    call.null()
}

/// `rebuild_word_index()`: has the sealer make the index anew.
fn rebuild(call: &Call) -> Datum {
    let slot = crate::store::inbox::shared_slot();
    slot.rebuild_words.store(true, std::sync::atomic::Ordering::Release);
    slot.wake();
    call.null()
}

/// Two snapshots with the same ends and as many transactions in progress see the same: none joins that
/// is older than the end. On a standby those in progress are counted as subtransactions.
type Snapshot = (u32, u32, u32, i32);

/// The answer for one query under one snapshot: a plan asks once for each partition.
struct Known {
    /// The query itself, not its text: a saved query in it may have changed.
    query: Rc<Checked>,
    snapshot: Snapshot,
    found: Option<Vec<i64>>,
}

/// Candidates are given for queries that they narrow down to this share of the log …
const SHARE: u64 = 50;
/// … or to this many events, whatever the size of the log.
const AT_LEAST: u64 = 1000;
/// Events that may wait to be indexed before a search goes without the index.
const LONG_TAIL: u64 = 50_000;

fn word_candidates(call: &Call) -> Datum {
    let Some(query) = call.str(0) else { return call.null() };
    // The plan was made when the index narrowed the query down; it may have become less selective.
    // No answer must never be taken for no candidates.
    match known(&checked(query), false) {
        Some(found) => crate::store::columns::bigint_list(&found),
        None => Fault::broken("the word index has no answer for this query")
            .detail("The condition was planned for a query that names words.")
            .hint("SET auditlog.word_index = off, and report this as an error of pg_auditlog.")
            .raise(),
    }
}

/// Does the index narrow this query down, as far as can be told now?
pub fn narrows(query: &Rc<Checked>) -> bool {
    guc::WORD_INDEX.get() && known(query, true).is_some()
}

/// How many candidates there are, as far as can be told now.
pub fn number(query: &str) -> Option<usize> {
    known(&checked(query), true).map(|found| found.len())
}

/// The share of the log's events that are candidates, as far as can be told now.
pub fn share(query: &str) -> Option<f64> {
    let found = known(&checked(query), true)?;
    let size = head::visible().map_or(0, |head| head.size).max(1);
    Some((found.len() as f64 / size as f64).clamp(0.0, 1.0))
}

fn known(query: &Rc<Checked>, only_if_few: bool) -> Option<Vec<i64>> {
    // SAFETY: planning and execution have an active snapshot.
    let snapshot = unsafe {
        let snapshot = pg_sys::GetActiveSnapshot();
        if snapshot.is_null() {
            return None;
        }
        (
            (*snapshot).xmin.into_inner(),
            (*snapshot).xmax.into_inner(),
            (*snapshot).xcnt,
            (*snapshot).subxcnt,
        )
    };
    let cached = KNOWN.with_borrow(|known| {
        let known = known.as_ref()?;
        let same = Rc::ptr_eq(&known.query, query) && known.snapshot == snapshot;
        (same && (only_if_few || known.found.is_some())).then(|| known.found.clone())
    });
    if let Some(found) = cached {
        return found;
    }
    let found = wanted(query).and_then(|wanted| find(&wanted, only_if_few));
    KNOWN.set(Some(Known {
        query: query.clone(),
        snapshot,
        found: found.clone(),
    }));
    found
}

/// The candidates in the log's order and the events that are not indexed yet; nothing when there are
/// too many of them.
fn find(wanted: &Wanted, only_if_few: bool) -> Option<Vec<i64>> {
    let size = head::visible().map_or(0, |head| head.size as u64);
    let runs = words::visible_runs();
    let indexed = runs.last().map_or(0, |run| run.head.end);
    let most = if only_if_few {
        (size / SHARE).max(AT_LEAST)
    } else {
        u64::MAX
    };
    if only_if_few && size.saturating_sub(indexed) > LONG_TAIL {
        return None;
    }
    let mut places = candidates(wanted, most)?;
    places.extend(indexed..size);
    Some(places.into_iter().map(|place| place as i64).collect())
}

fn candidates(wanted: &Wanted, most: u64) -> Option<Vec<u64>> {
    match wanted {
        Wanted::Word(word) => Lookup::of(term(word)).all(most),
        Wanted::Value(value) => Lookup::of(value_term(value)).all(most),
        Wanted::Any(items) => {
            let sets: Vec<Vec<u64>> = items.iter().map(|item| candidates(item, most)).collect::<Option<_>>()?;
            let all = sets::union(&sets);
            (all.len() as u64 <= most).then_some(all)
        }
        Wanted::All(items) => all_of(items, most),
    }
}

/// What is common is looked at only while it can still take enough away.
fn all_of(items: &[Wanted], most: u64) -> Option<Vec<u64>> {
    let mut words: Vec<Lookup> = Vec::new();
    let mut found: Option<Vec<u64>> = None;
    for item in items {
        match item {
            Wanted::Word(word) => words.push(Lookup::of(term(word))),
            Wanted::Value(value) => words.push(Lookup::of(value_term(value))),
            // one part that cannot be narrowed down leaves the others
            other => found = both(found, candidates(other, most)),
        }
    }
    words.sort_by_key(Lookup::count);
    for word in words {
        let few = found.as_ref().map_or(u64::MAX, |found| found.len() as u64);
        if few.saturating_mul(1000) < word.count() {
            break;
        }
        found = both(found, word.all(u64::MAX));
    }
    found.filter(|found| found.len() as u64 <= most)
}

fn both(a: Option<Vec<u64>>, b: Option<Vec<u64>>) -> Option<Vec<u64>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(sets::intersect(&a, &b)),
        (a, b) => a.or(b),
    }
}

/// The chunks that may have a word.
struct Lookup {
    term: u32,
    chunks: Vec<(u64, Vec<u8>)>,
    count: u64,
}

impl Lookup {
    fn of(term: u32) -> Lookup {
        let chunks = words::chunks_of(term);
        let count = |(first, data): &(u64, Vec<u8>)| match postings(data, *first, term) {
            Ok(found) => found.map_or(0, |found| found.count()),
            Err(_) => damaged(),
        };
        let count = chunks.iter().map(count).sum();
        Lookup { term, chunks, count }
    }

    fn count(&self) -> u64 {
        self.count
    }

    fn all(&self, most: u64) -> Option<Vec<u64>> {
        if self.count > most {
            return None;
        }
        let mut places = Vec::with_capacity(self.count as usize);
        for (first, data) in &self.chunks {
            if let Ok(Some(found)) = postings(data, *first, self.term)
                && found.collect_into(&mut places).is_err()
            {
                damaged();
            }
        }
        Some(places)
    }
}

fn damaged() -> ! {
    Fault::broken("the word index is damaged")
        .detail("A chunk of auditlog_data.word_chunk cannot be read; the log itself is not concerned.")
        .hint("Search with auditlog.word_index = off, and have the index made anew: auditlog.rebuild_word_index().")
        .raise()
}
