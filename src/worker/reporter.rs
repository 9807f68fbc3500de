//! The reporter: one for each database, while a report is to be made. It reads the log a section at a time, in transactions of their
//! own, as long as who asked may make reports; a thread makes the files, so that no session ever draws a page.

use super::off_main::Background;
use super::presence::may_work;
use super::report_upload::{self, Next, Upload, Uploaded};
use super::{job, launcher, report_delivery};
use crate::api::own_event;
use crate::reporting::{Making, Proof};
use crate::shmem::Slot;
use crate::store::catalog::as_owner;
use crate::store::checkpoints;
use crate::store::reports::{self, Asked, File};
use auditlog_core::document::format_timestamp;
use auditlog_core::json::Json;
use auditlog_report::files::{Files, sha256};
use auditlog_report::model::Report;
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Sleep between two looks for a report.
const NAP: Duration = Duration::from_millis(250);
/// Time after which it goes when nobody asks for anything, and seconds after which it looks again.
const IDLE: Duration = Duration::from_secs(5);
const AWAY: i64 = 60;
/// Longest wait for the thread without a look at interrupts.
const STEP: Duration = Duration::from_millis(20);
/// Time to wait for a checkpoint; a report without one says so.
const PATIENCE: Duration = Duration::from_secs(60);

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_reporter_main(argument: pg_sys::Datum) {
    let Some(slot) = super::begin(argument, super::Duty::Reporter) else {
        return;
    };
    let pause = Reporter {
        slot,
        thread: Background::start(1, draw),
        sender: Background::start(1, report_upload::send),
        sending: false,
        needed: Instant::now(),
    }
    .run();
    slot.reporter.unregister(pause);
}

struct Reporter {
    slot: &'static Slot,
    thread: Background<Work, Result<Drawn, String>>,
    /// Brings files to sinks. Reports are made meanwhile.
    sender: Background<Upload, Uploaded>,
    sending: bool,
    needed: Instant,
}

/// A report and the formats that are wanted.
struct Work {
    report: Report,
    formats: Vec<String>,
}

/// Its files.
struct Drawn {
    files: Vec<File>,
    manifest_sha256: String,
    findings: usize,
}

/// Why a report ended early.
enum Stop {
    /// The server stops, or somebody drops the extension.
    Leave,
    /// Somebody has cancelled it.
    Cancelled,
    /// An error.
    Failed(String),
}

/// Makes the files, on a thread: nothing of PostgreSQL may be touched.
fn draw(work: Work) -> Result<Drawn, String> {
    let report = &work.report;
    let made = Files::of(report).map_err(|error| error.to_string())?;
    let wants = |format: &str| work.formats.iter().any(|one| one == format);
    let mut drawn = Vec::new();
    if wants("pdf") {
        drawn.push(file("pdf", made.pdf(report).map_err(|error| error.to_string())?));
    }
    let manifest_sha256 = sha256(&made.manifest);
    if wants("json") {
        drawn.push(file("json", made.json));
    }
    if wants("csv") {
        drawn.push(file("csv", made.csv));
    }
    drawn.push(file("manifest", made.manifest));
    Ok(Drawn {
        files: drawn,
        manifest_sha256,
        findings: report.sections.iter().map(|section| section.findings.len()).sum(),
    })
}

fn file(format: &'static str, content: Vec<u8>) -> File {
    File {
        format,
        sha256: sha256(&content),
        content,
    }
}

impl Reporter {
    /// Works until there is nothing to do; returns the seconds after which to start again.
    fn run(mut self) -> i64 {
        loop {
            pgrx::check_for_interrupts!();
            launcher::reload();
            match self.transaction(reports::next) {
                Ok(Some(asked)) => {
                    self.needed = Instant::now();
                    match self.report(&asked) {
                        Ok(()) | Err(Stop::Cancelled) => continue,
                        Err(Stop::Leave) => return 1,
                        Err(Stop::Failed(error)) => {
                            self.slot.reporter_errors.set(&error);
                            if self.transaction(|| reports::failed(asked.id, &error)).is_ok() {
                                continue;
                            }
                        }
                    }
                }
                Ok(None) => {}
                Err(Stop::Failed(error)) => self.slot.reporter_errors.set(&error),
                Err(_) => return 3,
            }
            match self.bring() {
                Ok(true) => {
                    self.needed = Instant::now();
                    continue;
                }
                Ok(false) => {}
                Err(Stop::Failed(error)) => self.slot.reporter_errors.set(&error),
                Err(_) => return 3,
            }
            if self.sending {
                self.needed = Instant::now();
            }
            if self.needed.elapsed() > IDLE {
                return AWAY;
            }
            if !BackgroundWorker::wait_latch(Some(NAP)) {
                return 1;
            }
        }
    }

    /// Goes on with bringing files to sinks; whether something was done.
    fn bring(&mut self) -> Result<bool, Stop> {
        if self.sending {
            let Some(done) = self.sender.ready() else {
                return Ok(false);
            };
            self.sending = false;
            self.transaction(|| report_upload::write_down(&done))?;
            return Ok(true);
        }
        match self.transaction(report_upload::next)? {
            Next::Nothing => Ok(false),
            Next::Again => Ok(true),
            Next::Checkpoint => {
                self.slot.checkpoint_wanted.store(true, Ordering::Release);
                self.slot.publisher.wake();
                self.needed = Instant::now();
                Ok(false)
            }
            Next::Send(upload) => {
                self.sender.give(*upload);
                self.sending = true;
                Ok(true)
            }
        }
    }

    fn report(&self, asked: &Asked) -> Result<(), Stop> {
        let begun = self.transaction(|| {
            let making = Making::begin(asked.clone());
            reports::begin(asked.id, making.as_ref().map_or(0, |making| making.sections() as i64));
            making
        })?;
        let mut making = begun.map_err(Stop::Failed)?;
        making.prove_with(self.checkpoint(asked)?);
        let mut done = 0;
        while let Some(name) = making.next() {
            // Before the section, not with it: whoever cancels must not wait for it.
            if !self.transaction(|| reports::progress(asked.id, done, &name))? {
                return Err(Stop::Cancelled);
            }
            self.transaction(|| for_asker(asked, || making.step()))?;
            done += 1;
        }
        let report = self.transaction(|| for_asker(asked, || making.finish()))?;
        self.thread.give(Work {
            report,
            formats: asked.formats.clone(),
        });
        let drawn = self.wait()?.map_err(Stop::Failed)?;
        let is_wanted = self.transaction(|| {
            let event_id = crate::random::event_id(crate::shmem::unix_micros());
            let (findings, sha256) = (drawn.findings as i64, &drawn.manifest_sha256);
            let is_wanted = reports::done(asked.id, &drawn.files, findings, sha256, &event_id);
            if is_wanted {
                own_event::record_document(told(asked, &drawn, &event_id));
                report_delivery::tell(asked, drawn.findings as u64, sha256);
            }
            is_wanted
        })?;
        self.slot.deliverer.start_soon();
        is_wanted.then_some(()).ok_or(Stop::Cancelled)
    }

    /// A checkpoint that covers what the report is about; none when none is signed in time.
    fn checkpoint(&self, asked: &Asked) -> Result<Option<Proof>, Stop> {
        if asked.log_size == 0 {
            return Ok(None);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.transaction(|| {
                let origin = checkpoints::incarnation()?.origin;
                checkpoints::to_prove_with(&origin, asked.log_size)
            })?;
            if let Some(found) = found {
                return Ok(Some(Proof {
                    size: found.size as u64,
                    note: found.note,
                }));
            }
            let blocked = self.transaction(checkpoints::trouble)?.is_some();
            if blocked || Instant::now() > deadline {
                return Ok(None);
            }
            let wanted = self.transaction(|| reports::progress(asked.id, 0, "waiting for a checkpoint"))?;
            if !wanted {
                return Err(Stop::Cancelled);
            }
            self.slot.checkpoint_wanted.store(true, Ordering::Release);
            self.slot.publisher.wake();
            if !BackgroundWorker::wait_latch(Some(NAP)) {
                return Err(Stop::Leave);
            }
        }
    }

    /// Waits for the thread.
    fn wait(&self) -> Result<Result<Drawn, String>, Stop> {
        loop {
            pgrx::check_for_interrupts!();
            if let Some(done) = self.thread.wait(STEP) {
                return Ok(done);
            }
        }
    }

    /// Runs a piece in a transaction of its own.
    fn transaction<R>(&self, work: impl FnOnce() -> R) -> Result<R, Stop> {
        pgrx::check_for_interrupts!();
        launcher::reload();
        match job::transaction(|| may_work().then(work)) {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err(Stop::Leave),
            Err(error) => Err(Stop::Failed(error)),
        }
    }
}

/// With the owner's rights, of whose schema the parts are, as long as who asked may make reports: such a role sees all events.
fn for_asker<R>(asked: &Asked, work: impl FnOnce() -> R) -> R {
    if !reports::may_report(asked.role) {
        crate::error::Fault::refused("the role that asked for the report may not make reports any more")
            .hint("An administrator or a compliance officer calls auditlog.retry_report() or asks for it anew.")
            .raise();
    }
    as_owner(work)
}

/// The event that seals a report: it names the files by their hashes.
fn told(asked: &Asked, drawn: &Drawn, event_id: &str) -> Json {
    let object = |pairs: Vec<(&str, Json)>| Json::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    let text = own_event::text;
    let files = drawn.files.iter().filter(|file| file.format != "manifest");
    let files = files.map(|file| (file.format, text(&file.sha256))).collect();
    object(vec![
        ("event_id", text(event_id)),
        ("event_type", text("auditlog.report")),
        ("severity", text("info")),
        (
            "actor",
            object(vec![("type", text("database_role")), ("id", text(&asked.asked_by))]),
        ),
        (
            "resource",
            object(vec![("type", text("report")), ("id", text(&asked.id.to_string()))]),
        ),
        (
            "action",
            object(vec![("operation", text("report_done")), ("status", text("success"))]),
        ),
        (
            "metadata",
            object(vec![
                ("report_id", own_event::number(asked.id)),
                ("kind", text(&asked.kind)),
                ("name", text(&asked.name)),
                ("since", text(&format_timestamp(asked.since))),
                ("until", text(&format_timestamp(asked.until))),
                ("log_size", own_event::number(asked.log_size)),
                ("findings", own_event::number(drawn.findings as i64)),
                ("manifest_sha256", text(&drawn.manifest_sha256)),
                ("files", object(files)),
            ]),
        ),
    ])
}
