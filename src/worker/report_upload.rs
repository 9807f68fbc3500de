//! Brings the files of custom reports to sinks that take files. What is to be sent is read in a transaction, a thread sends it, and
//! what came of it is written down in another one: whatever crashes, the same files are put again, and those that are there stay.

use crate::api::own_event;
use crate::api::report_proof::{self, Missing};
use crate::api::sink_config;
use crate::shmem;
use crate::store::report_deliveries::{self, Due};
use crate::store::{checkpoints, reports, sinks};
use auditlog_core::document::format_timestamp;
use auditlog_core::json::Json;
use auditlog_notify::breaker::wait;
use auditlog_notify::egress::{self, AllowedHosts};
use auditlog_stream::{Attempt, Failure, NamedFile, Outcome, Secrets, Stream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

/// Time for one file.
const DEADLINE: Duration = Duration::from_secs(120);
/// Tries until somebody has to look: with the waits between them these are about two days.
const MOST_ATTEMPTS: i64 = 48;
/// Time between two tries when nothing passes until somebody changes something.
const PAUSE: Duration = Duration::from_secs(3_600);
/// So long the files wait for a checkpoint that covers the report's event, and so often that is looked at.
const PATIENCE_US: i64 = 600_000_000;
const LOOK: Duration = Duration::from_secs(1);
/// Longest part of a definition's name in the name of a folder, in characters.
const LONGEST_NAME: usize = 60;

/// Files by their formats: names and media types.
const FILES: [(&str, &str, &str); 4] = [
    ("pdf", "report.pdf", "application/pdf"),
    ("json", "report.json", "application/json"),
    ("csv", "report.csv", "text/csv"),
    ("manifest", "manifest.json", "application/json"),
];
/// The proof is beside them: what `auditlog verify --proof` takes.
const PROOF: &str = "report.proof.json";

/// What is to be sent.
pub struct Upload {
    due: Due,
    stream: Stream,
    folder: String,
    files: Vec<(&'static str, &'static str, Vec<u8>)>,
    proven: bool,
    hosts: AllowedHosts,
    secrets: PathBuf,
}

/// What came of it.
pub struct Uploaded {
    due: Due,
    place: String,
    folder: String,
    files: usize,
    bytes: usize,
    proven: bool,
    outcome: Result<(), Outcome>,
}

/// What to do now.
pub enum Next {
    /// Nothing is due.
    Nothing,
    /// Something was written down; there may be more.
    Again,
    /// A checkpoint is wanted before this can be sent.
    Checkpoint,
    /// To send this.
    Send(Box<Upload>),
}

/// The next that is to be sent, in a transaction.
pub fn next() -> Next {
    let Some(due) = report_deliveries::next() else {
        return Next::Nothing;
    };
    let give_up = |error: &str| {
        report_deliveries::failed(&due, error, None);
        tell_failure(&due, error);
        Next::Again
    };
    let Some(sink) = sinks::get(&due.sink) else {
        return give_up("there is no sink of this name any more");
    };
    let Some(event_id) = reports::event_id(due.report) else {
        return give_up("the report has no event");
    };
    let origin = checkpoints::incarnation().map_or_else(String::new, |now| now.origin);
    let parsed = match sink_config::parse(&sink.kind, &sink.config, Some(&sink.format), &origin) {
        Ok(parsed) => parsed,
        Err(problem) => return give_up(&problem.message),
    };
    let hosts = match sink_config::hosts() {
        Ok(hosts) => hosts,
        Err(error) => return give_up(&error),
    };
    let proof = match report_proof::find(due.report, &event_id) {
        Ok(proof) => Some(proof.to_json()),
        Err(Missing::Checkpoint) if shmem::unix_micros() - due.done_at < PATIENCE_US => {
            report_deliveries::wait(&due, LOOK);
            return Next::Checkpoint;
        }
        Err(_) => None,
    };
    let proven = proof.is_some();
    let read = |(format, name, media_type)| Some((name, media_type, reports::file(due.report, format)?));
    let mut files: Vec<_> = FILES.into_iter().filter_map(read).collect();
    files.extend(proof.map(|proof| (PROOF, "application/json", proof)));
    Next::Send(Box::new(Upload {
        stream: parsed.stream,
        folder: folder(&due),
        files,
        proven,
        hosts,
        secrets: super::deliverer::secrets_directory(),
        due,
    }))
}

/// The folder of a report: no other report has it, in no other database either.
fn folder(due: &Due) -> String {
    let name = due.name.chars().take(LONGEST_NAME);
    let name: String = name.map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let day = |at: i64| format_timestamp(at).chars().take(10).collect::<String>();
    let sha256 = due.manifest_sha256.get(..12).unwrap_or_default();
    format!(
        "reports/{name}/{}_{}_{}-{sha256}",
        day(due.since),
        day(due.until),
        due.report
    )
}

/// Sends it, on a thread: nothing of PostgreSQL may be touched.
pub fn send(upload: Upload) -> Uploaded {
    // A panic in it must not end the thread.
    let outcome = catch_unwind(AssertUnwindSafe(|| put_all(&upload)));
    let outcome = outcome.unwrap_or_else(|_| {
        Err(Outcome::Retry {
            after: None,
            error: Failure::new("internal error in the thread that sends files"),
        })
    });
    Uploaded {
        due: upload.due,
        place: upload.stream.to_string(),
        folder: upload.folder,
        files: upload.files.len(),
        bytes: upload.files.iter().map(|(_, _, bytes)| bytes.len()).sum(),
        proven: upload.proven,
        outcome,
    }
}

fn put_all(upload: &Upload) -> Result<(), Outcome> {
    let secrets = Secrets::new(upload.secrets.clone());
    for (name, content_type, bytes) in &upload.files {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let attempt = Attempt {
            secrets: &secrets,
            deadline: DEADLINE,
            now: now.map_or(0, |now| now.as_micros() as i64),
            allow: &|host, address| egress::allowed(address, host, &upload.hosts),
        };
        let file = NamedFile {
            name: &format!("{}/{name}", upload.folder),
            content_type,
            bytes,
        };
        upload.stream.put_file(&file, &attempt)?;
    }
    Ok(())
}

/// Writes down what came of it, in a transaction.
pub fn write_down(done: &Uploaded) {
    let Err(outcome) = &done.outcome else {
        if report_deliveries::delivered(&done.due, &done.folder, done.proven) {
            tell(
                &done.due,
                "success",
                vec![
                    ("place", own_event::text(&done.place)),
                    ("folder", own_event::text(&done.folder)),
                    ("files", own_event::number(done.files as i64)),
                    ("bytes", own_event::number(done.bytes as i64)),
                    ("manifest_sha256", own_event::text(&done.due.manifest_sha256)),
                ],
            );
        }
        return;
    };
    let error = outcome.error().map(ToString::to_string).unwrap_or_default();
    let attempt = done.due.attempts + 1;
    let again = (attempt < MOST_ATTEMPTS).then(|| match outcome {
        Outcome::Pause { .. } => PAUSE,
        Outcome::Retry { after, .. } => wait(u32::try_from(attempt).unwrap_or(u32::MAX), *after, 0.5),
        _ => wait(u32::try_from(attempt).unwrap_or(u32::MAX), None, 0.5),
    });
    report_deliveries::failed(&done.due, &error, again);
    if attempt == 1 || again.is_none() {
        tell_failure(&done.due, &error);
    }
}

fn tell_failure(due: &Due, error: &str) {
    tell(due, "failed", vec![("error", own_event::text(error))]);
}

/// Who got the files of a report is a part of the log as well.
fn tell(due: &Due, status: &str, members: Vec<(&str, Json)>) {
    let object = |pairs: Vec<(&str, Json)>| Json::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    let text = own_event::text;
    let mut metadata = vec![
        ("report_id", own_event::number(due.report)),
        ("name", text(&due.name)),
        ("sink", text(&due.sink)),
    ];
    metadata.extend(members);
    own_event::record_document(object(vec![
        ("event_type", text("auditlog.report")),
        ("severity", text(if status == "success" { "info" } else { "warning" })),
        (
            "actor",
            object(vec![("type", text("database_role")), ("id", text(&due.asked_by))]),
        ),
        (
            "resource",
            object(vec![("type", text("report")), ("id", text(&due.report.to_string()))]),
        ),
        (
            "action",
            object(vec![("operation", text("report_delivered")), ("status", text(status))]),
        ),
        ("metadata", object(metadata)),
    ]));
}
