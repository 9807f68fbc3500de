//! The word index in SQL: what the sealer collects, and what a search asks.

use super::candidates;
use super::event_document::{EventDocument, RowValue};
use super::query::checked;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::hooks::access;
use crate::store::view::EventRow;
use auditlog_index::{terms_of, value_term_of};
use auditlog_query::eval::{Document, each_text};
use pgrx::pg_sys::Datum;
use std::cell::RefCell;

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

fn word_candidates(call: &Call) -> Datum {
    let Some(query) = call.str(0) else { return call.null() };
    access::note_words();
    // The plan was made when the index narrowed the query down; it may have become less selective.
    // No answer must never be taken for no candidates.
    match candidates::all(&checked(query)) {
        Some(found) => crate::store::columns::bigint_list(&found),
        None => Fault::broken("the word index has no answer for this query")
            .detail("The condition was planned for a query that names words.")
            .hint("SET auditlog.word_index = off, and report this as an error of pg_auditlog.")
            .raise(),
    }
}
