//! What synthetic logs say about themselves.

use auditlog_core::encode::text_array;
use auditlog_core::json::Json;
use auditlog_tlog::note::NoteSigner;
use auditlog_tlog::{KeyName, SignedNote};

use super::events::{set, set_text};
use super::row::{Owned, Row};
use super::{Log, Plan};
use crate::certificate::{Certificate, Decision, EVENT_TYPE, Gathering, Range, digest};
use crate::report::hex;

/// So many events before it, the event that tells of erasures looks at.
const WINDOW: u64 = 64;

/// What the log tells of erasures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Erasures {
    /// All of them, afterwards.
    #[default]
    Told,
    /// Nothing.
    Untold,
    /// One event names one place less.
    Fewer,
    /// One event names those of the 64 events behind it, and the next one nothing.
    Early,
}

/// Whether the event at this place tells of erasures.
pub fn tells_of_erasures(index: u64) -> bool {
    index % WINDOW == WINDOW - 1
}

/// Whether the values of this event have been erased: the event that tells of it must be in the log.
pub(super) fn is_erased(index: u64, plan: &Plan) -> bool {
    index % 11 == 5 && !tells_of_erasures(index) && (index | (WINDOW - 1)) < plan.size
}

/// The window that the plans which tell less are about.
const CHOSEN: u64 = 3;

pub(super) fn tell_of_erasures(row: &mut Row, index: u64, plan: &Plan) {
    let window = index / WINDOW;
    let of = |window: u64| (window * WINDOW..(window + 1) * WINDOW).filter(|index| is_erased(*index, plan));
    let mut places: Vec<u64> = of(window).collect();
    match plan.erasures {
        Erasures::Fewer if window == CHOSEN => drop(places.pop()),
        Erasures::Early if window == CHOSEN => places.extend(of(window + 1)),
        Erasures::Early if window == CHOSEN + 1 => places.clear(),
        _ => {}
    }
    let number = |number: u64| Json::Number(number.to_string());
    let pair = |place: &u64| Json::Array(vec![number(*place), number(*place)]);
    let metadata = [
        ("reason", Json::String("GDPR art. 17".to_owned())),
        ("events", number(places.len() as u64)),
        ("log_indexes", Json::Array(places.iter().map(pair).collect())),
    ];
    own(row, "auditlog.erasure", "erase", &metadata);
}

pub(super) fn tell_of_removal(row: &mut Row, text: &str) {
    let metadata = [("certificate", Json::String(hex(&digest(text))))];
    own(row, EVENT_TYPE, "remove", &metadata);
}

pub(super) fn tell_of_incarnation(row: &mut Row, origin: &str, previous: &str) {
    let text = |text: &str| Json::String(text.to_owned());
    let metadata = [("origin", text(origin)), ("previous_origin", text(previous))];
    own(row, "auditlog.incarnation", "declare_incarnation", &metadata);
}

/// Makes the event one of the log about itself. Nothing in it is personal.
fn own(row: &mut Row, event_type: &str, operation: &str, metadata: &[(&str, Json)]) {
    let metadata = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    set(
        row,
        "extra",
        Owned::Json(Json::Object(vec![("metadata".to_owned(), Json::Object(metadata))])),
    );
    set_text(row, "event_type", event_type);
    set_text(row, "category", "auditlog");
    set_text(row, "operation", operation);
    set_text(row, "status", "success");
    let mut nothing = Vec::new();
    text_array(std::iter::empty::<&[u8]>(), &mut nothing);
    set(row, "personal", Owned::List(nothing));
    row.paths = Some(Vec::new());
}

/// What retention has removed with one certificate.
#[derive(Debug, Clone)]
pub struct Removal {
    /// The place of the event that tells of it.
    pub told_at: u64,
    /// The places.
    pub ranges: Vec<Range>,
    /// What a forger does to the certificate before it is told of.
    pub change: fn(&mut Certificate),
    /// How it is written.
    pub write: fn(&Certificate) -> String,
}

impl Removal {
    /// As it should be.
    pub fn new(told_at: u64, ranges: &[Range]) -> Self {
        Self {
            told_at,
            ranges: ranges.to_vec(),
            change: |_| (),
            write: |certificate| certificate.text().expect("ordinary times and places in their order"),
        }
    }

    /// Whether the record at this place is removed.
    pub fn has(&self, index: u64) -> bool {
        let at = self.ranges.partition_point(|(_, last)| *last < index);
        self.ranges.get(at).is_some_and(|(first, _)| *first <= index)
    }

    /// The certificate.
    ///
    /// # Panics
    /// When the ranges are no ascending ones, or cover the event that tells of them.
    pub fn certificate(&self, log: &Log, plan: &Plan) -> Certificate {
        let mut gathering = Gathering::default();
        for place in self.ranges.iter().flat_map(|(first, last)| *first..=*last) {
            gathering
                .push(place, &log.leaf(place, plan))
                .expect("ascending, and not many");
        }
        let decision = Decision {
            origin: log.origin.clone(),
            policy: "thirty days".to_owned(),
            retention_class: "short".to_owned(),
            event_types: None,
            from: 1_773_153_045_000_000,
            until: 1_773_240_000_000_000,
            holds_checked_at: 1_775_000_000_000_000,
            actor: "officer".to_owned(),
        };
        let mut certificate = gathering.finish(decision).expect("there are places");
        (self.change)(&mut certificate);
        certificate
    }

    /// What is signed.
    pub fn text(&self, log: &Log, plan: &Plan) -> String {
        (self.write)(&self.certificate(log, plan))
    }

    /// The note. It is signed by the log's key, under the name in the certificate.
    ///
    /// # Panics
    /// When the certificate's origin is no name of a key.
    pub fn note(&self, log: &Log, plan: &Plan) -> SignedNote {
        let name = KeyName::new(&self.certificate(log, plan).origin).expect("the name of a key");
        let mut note = SignedNote::new(&self.text(log, plan)).expect("a text");
        note.add(NoteSigner::new(name, log.key.clone()).sign(&note));
        note
    }
}
