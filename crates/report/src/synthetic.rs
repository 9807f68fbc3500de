//! A genuine report of a synthetic log, for tests: every member of the model is in it, its samples are in the log, and the log
//! names it.

use std::collections::BTreeMap;
use std::convert::Infallible;

use auditlog_bundle::Record;
use auditlog_bundle::report::hex;
use auditlog_bundle::show::line;
use auditlog_bundle::synthetic::{Log, Owned, Plan};
use auditlog_core::chain::GENESIS;
use auditlog_core::columns::position;
use auditlog_core::encode::text_array;
use auditlog_core::json::Json;
use auditlog_tlog::proof::{HashSource, consistency, inclusion, root_at};
use auditlog_tlog::{Appender, Hash, TileId, VerifierKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::files::{Files, sha256};
use crate::model::*;
use crate::verify::seal::{EVENT_TYPE, FORMAT as PROOF_FORMAT};
use crate::verify::{ReportProof, draw};

/// Events of the log when the report is asked for.
pub const LOG_SIZE: u64 = 300;
/// The place of the event that names the report.
pub const SEALED_AT: u64 = 310;
/// Events of the log when the proof is asked for.
const SEALED_SIZE: u64 = 330;
/// The first event of the period.
const FIRST: u64 = 20;

/// A log, and a report of it.
#[derive(Debug, Clone)]
pub struct Synthetic {
    /// The log.
    pub log: Log,
    /// The report.
    pub report: Report,
}

impl HashSource for Tree {
    type Error = Infallible;

    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, Self::Error> {
        Ok(wanted.iter().map(|(id, _)| self.tiles[id].clone()).collect())
    }
}

/// The log's tree, with the records of its events.
struct Tree {
    tiles: BTreeMap<TileId, Vec<Hash>>,
    records: Vec<Vec<u8>>,
    hash: Hash,
}

impl Tree {
    /// The first events of a log; the event at [`SEALED_AT`] has this `extra`, and is of the type `auditlog.report`.
    fn new(log: &Log, size: u64, sealed: Option<Json>) -> Self {
        let plan = Plan {
            size: LOG_SIZE,
            ..Plan::default()
        };
        let mut appender = Appender::new();
        let (mut records, mut hash) = (Vec::new(), GENESIS);
        for index in 0..size {
            let mut row = log.row_of(index, &plan);
            if let Some(extra) = sealed.as_ref().filter(|_| index == SEALED_AT) {
                let mut set = |name: &str, value| row.values[position(name).expect("a column")] = value;
                set("event_type", Owned::Text(EVENT_TYPE.to_owned()));
                set("category", Owned::Text("auditlog".to_owned()));
                set("extra", Owned::Json(extra.clone()));
                let mut nothing = Vec::new();
                text_array(std::iter::empty::<&[u8]>(), &mut nothing);
                set("personal", Owned::List(nothing));
                row.paths = Some(Vec::new());
            }
            let (bytes, leaf, next) = log.record(index, hash, &row);
            records.push(bytes);
            appender.append(leaf);
            hash = next;
        }
        let tiles = appender
            .changed()
            .into_iter()
            .map(|tile| (tile.id, tile.hashes))
            .collect();
        Self { tiles, records, hash }
    }

    fn checkpoint(&self, log: &Log, size: u64) -> String {
        log.sign(size, root_at(size, self).expect("all tiles")).to_string()
    }

    fn proof(&self, index: u64, size: u64) -> Vec<String> {
        hexes(&inclusion(index, size, self).expect("all tiles"))
    }

    /// An event as its document, with `log_index` beside it.
    fn document(&self, index: u64) -> Value {
        let record = Record::parse(&self.records[index as usize]).expect("a record");
        let shown: Value = serde_json::from_str(&line(&record).expect("an event")).expect("JSON");
        let mut event = shown["event"].clone();
        event["log_index"] = json!(index);
        event
    }
}

fn hexes(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hex(hash)).collect()
}

impl Synthetic {
    /// The log of this seed, and its report.
    ///
    /// # Panics
    /// Never, as long as events become records.
    pub fn new(seed: u64) -> Self {
        let log = Log::new(seed);
        let tree = Tree::new(&log, LOG_SIZE, None);
        let report = report(&log, &tree);
        Self { log, report }
    }

    /// The log's public key.
    pub fn vkey(&self) -> VerifierKey {
        self.log.vkey()
    }

    /// The proof that the log names these files.
    ///
    /// # Panics
    /// Never, as long as events become records.
    pub fn seal(&self, files: &Files, pdf: Option<&[u8]>) -> ReportProof {
        let text = |bytes: &[u8]| Json::String(sha256(bytes));
        let member = |name: &str, value| (name.to_owned(), value);
        let mut named = vec![member("json", text(&files.json)), member("csv", text(&files.csv))];
        named.extend(pdf.map(|pdf| member("pdf", text(pdf))));
        let metadata = Json::Object(vec![
            member("report_id", Json::Number(self.report.report_id.to_string())),
            member("manifest_sha256", text(&files.manifest)),
            member("files", Json::Object(named)),
        ]);
        self.seal_with(Json::Object(vec![member("metadata", metadata)]))
    }

    /// The proof of an event `auditlog.report` with this `extra`.
    ///
    /// # Panics
    /// Never, as long as events become records.
    pub fn seal_with(&self, extra: Json) -> ReportProof {
        let tree = Tree::new(&self.log, SEALED_SIZE, Some(extra));
        ReportProof {
            format: PROOF_FORMAT.to_owned(),
            record: STANDARD.encode(&tree.records[SEALED_AT as usize]),
            proof: tree.proof(SEALED_AT, SEALED_SIZE),
            checkpoint: tree.checkpoint(&self.log, SEALED_SIZE),
            consistency: Some(hexes(&consistency(LOG_SIZE, SEALED_SIZE, &tree).expect("all tiles"))),
        }
    }
}

const COLUMNS: [(&str, &str); 4] = [
    ("log_index", "Place"),
    ("timestamp", "Time"),
    ("actor.id", "Actor"),
    ("action.status", "Status"),
];

fn columns(names: &[(&str, &str)]) -> Vec<Column> {
    let column = |(name, label): &(&str, &str)| Column {
        name: (*name).to_owned(),
        label: (*label).to_owned(),
    };
    names.iter().map(column).collect()
}

fn field(event: &Value, path: &str) -> Value {
    path.split('.').fold(event, |value, key| &value[key]).clone()
}

fn metric(name: &str, label: &str, value: Value) -> Metric {
    Metric {
        name: name.to_owned(),
        label: label.to_owned(),
        value,
        note: None,
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn report(log: &Log, tree: &Tree) -> Report {
    let events: Vec<Value> = (FIRST..LOG_SIZE).map(|index| tree.document(index)).collect();
    let of_type = |kind: &str| -> Vec<&Value> { events.iter().filter(|event| event["event_type"] == kind).collect() };
    Report {
        format: FORMAT.to_owned(),
        kind: Kind::Compliance,
        title: "SOC 2 Type II, first quarter".to_owned(),
        definition: Definition {
            id: "soc2".to_owned(),
            name: "SOC 2 Type II".to_owned(),
            version: "TSC 2017 (points of focus 2022)".to_owned(),
            sha256: sha256(b"a definition"),
        },
        organisation: Some("Zoë's Größe & Co".to_owned()),
        report_id: 7,
        since: "2026-03-10T14:30:45Z".to_owned(),
        until: "2026-04-01T00:00:00Z".to_owned(),
        made_by: "officer".to_owned(),
        made_at: "2026-04-02T08:00:00.5Z".to_owned(),
        filters: json!({"accounts": ["a", "b"], "resources": []}),
        scope: Scope {
            database: "orders".to_owned(),
            software: "PostgreSQL 15.20, pg_auditlog 0.1.0".to_owned(),
            covers: texts(&["All events of the period"]),
            limits: texts(&["What was never recorded"]),
        },
        integrity: Integrity {
            origin: log.origin.clone(),
            log_size: LOG_SIZE,
            first_log_index: Some(FIRST),
            last_log_index: Some(LOG_SIZE - 1),
            events: events.len() as u64,
            gaps: 0,
            certified: 3,
            head_hash: hex(&tree.hash),
            checkpoint: Some(tree.checkpoint(log, LOG_SIZE)),
            anchors: vec![Anchor {
                name: "w1".to_owned(),
                kind: "witness".to_owned(),
                state: "current".to_owned(),
                size: Some(290),
            }],
            verified_at: Some("2026-04-02T07:00:00Z".to_owned()),
            verified_events: Some(290),
            verified_result: "clean".to_owned(),
            clock_offset_ms: Some(0.1 + 0.2),
        },
        summary: vec![
            metric("events", "Events", json!(events.len())),
            Metric {
                note: Some("Distinct identifiers of actors".to_owned()),
                ..metric("distinct_actors", "Actors", json!(17))
            },
        ],
        charts: vec![Chart {
            title: "Events by day".to_owned(),
            alt: "Most on the first day".to_owned(),
            form: Form::Lines,
            unit: "events".to_owned(),
            x: texts(&["10 March", "11 March"]),
            series: vec![Series {
                name: "all".to_owned(),
                values: vec![200.25, 80.0],
            }],
        }],
        sections: vec![
            section(tree, "CC6.1", &of_type("user.update"), 200),
            section(tree, "CC6.6", &of_type("authentication.login.failed"), 10),
            empty(),
        ],
    }
}

/// A section about these events, of which so many rows are listed.
fn section(tree: &Tree, id: &str, events: &[&Value], listed: usize) -> Section {
    let refused = |event: &&&Value| event["action"]["status"] != "success";
    let (exceptions, others): (Vec<&Value>, Vec<&Value>) = events.iter().copied().partition(|event| refused(&event));
    let row = |event: &Value| COLUMNS.iter().map(|(path, _)| field(event, path)).collect();
    let rows: Vec<Vec<Value>> = exceptions
        .iter()
        .chain(&others)
        .copied()
        .map(row)
        .take(listed)
        .collect();
    let mut groups: BTreeMap<String, u64> = BTreeMap::new();
    for event in events {
        *groups
            .entry(event["action"]["status"].as_str().unwrap_or_default().to_owned())
            .or_default() += 1;
    }
    let count = events.len() as u64;
    let shown = (exceptions.len() as u64).min(rows.len() as u64);
    Section {
        id: id.to_owned(),
        control: Some(id.to_owned()),
        title: "Access".to_owned(),
        asks: "Who has changed users, and was it refused?".to_owned(),
        directness: Some("direct".to_owned()),
        notes: "=HYPERLINK is what a formula begins with".to_owned(),
        query: Some("event_type:user.update".to_owned()),
        question: json!({"type": "field", "path": {"segments": [{"name": "event_type"}]}}),
        result: Outcome::Findings,
        findings: vec![Finding {
            severity: Severity::Warning,
            kind: "refused".to_owned(),
            text: "Changes were refused".to_owned(),
            log_indexes: exceptions
                .iter()
                .take(3)
                .filter_map(|event| event["log_index"].as_u64())
                .collect(),
            count: exceptions.len() as u64,
        }],
        metrics: vec![
            metric("count", "Events", json!(count)),
            metric("exceptions", "Exceptions", json!(exceptions.len())),
        ],
        charts: vec![Chart {
            title: "By status".to_owned(),
            alt: "Most are successes".to_owned(),
            form: Form::Bars,
            unit: "events".to_owned(),
            x: groups.keys().cloned().collect(),
            series: vec![Series {
                name: "events".to_owned(),
                values: groups.values().map(|count| *count as f64).collect(),
            }],
        }],
        tables: vec![
            Table {
                name: "groups".to_owned(),
                caption: "By status".to_owned(),
                columns: columns(&[("action.status", "Status"), ("count", "Events")]),
                rows: groups
                    .iter()
                    .map(|(status, count)| vec![json!(status), json!(count)])
                    .collect(),
                exceptions: 0,
                total: groups.len() as u64,
            },
            Table {
                name: "rows".to_owned(),
                caption: "Events, refused ones first".to_owned(),
                columns: columns(&COLUMNS),
                rows,
                exceptions: shown,
                total: count,
            },
        ],
        sample: Some(sample(tree, id, events)),
    }
}

fn sample(tree: &Tree, id: &str, events: &[&Value]) -> Sample {
    let shown = columns(&[
        ("log_index", "Place"),
        ("timestamp", "Time"),
        ("event_id", "Event"),
        ("actor.id", "Actor"),
        ("actor.email", "E-mail"),
        ("actor.ip_address", "Address"),
        ("action.status", "Status"),
        ("resource.tags", "Tags of the resource"),
        ("metadata.tags", "Tags"),
        ("changes.after", "After"),
        ("changes.after.address.city", "City"),
    ]);
    let seed = format!("7:{id}");
    let places = events.iter().filter_map(|event| event["log_index"].as_u64());
    let drawn = draw(&seed, places, 8);
    let items = drawn.iter().map(|place| {
        let bytes = &tree.records[*place as usize];
        let event = tree.document(*place);
        Sampled {
            log_index: *place,
            entry_hash: hex(&Record::parse(bytes).expect("a record").entry_hash),
            values: shown.iter().map(|column| field(&event, &column.name)).collect(),
            record: STANDARD.encode(bytes),
            proof: tree.proof(*place, LOG_SIZE),
        }
    });
    Sample {
        of: events.len() as u64,
        items: items.collect(),
        seed,
        columns: shown.clone(),
    }
}

/// A section about which there is nothing.
fn empty() -> Section {
    Section {
        id: "auditing".to_owned(),
        control: None,
        title: "Changes to auditing".to_owned(),
        asks: "Was anything switched off?".to_owned(),
        directness: None,
        notes: String::new(),
        query: None,
        question: Value::Null,
        result: Outcome::NoEvidence,
        findings: Vec::new(),
        metrics: Vec::new(),
        charts: Vec::new(),
        tables: Vec::new(),
        sample: None,
    }
}
