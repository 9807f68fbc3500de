//! The exporter: one for each database, while something is to be exported to files. It reads the log by position, in short
//! transactions and with the rights of who asked; a thread makes lines of what was read and writes them. What was made
//! durable is written down, so that whatever crashes, the files come out the same.

use super::export_output::{self, Done, Remote, Work};
use super::off_main::Background;
use super::presence::may_work;
use super::{job, launcher};
use crate::api::export_rows::{max_size, source};
use crate::api::exports::{described, split};
use crate::api::own_event::{self, OwnEvent};
use crate::compat;
use crate::guc;
use crate::shmem::Slot;
use crate::store::checkpoints;
use crate::store::exports::{self, Asked, Chunk, Range};
use crate::store::tiles::{Stored, Subtrees};
use crate::store::view_record::Recorder;
use auditlog_core::document::format_timestamp;
use auditlog_export::files::Names;
use auditlog_export::{Content, Destination, Ended, Manifest, Output, OutputError, Plan, manifest};
use auditlog_notify::egress::AllowedHosts;
use auditlog_tlog::proof;
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Sleep between two looks for an export.
const NAP: Duration = Duration::from_millis(250);
/// Time after which it goes when nobody asks for anything, and seconds after which it looks again.
const IDLE: Duration = Duration::from_secs(5);
const AWAY: i64 = 60;
/// Longest wait for the thread without a look at interrupts.
const STEP: Duration = Duration::from_millis(20);
/// Bytes of records that are handed to the thread together.
const CHUNK: usize = 2 << 20;
/// Places that a transaction looks at, where few or many events match.
const LEAST_WINDOW: u64 = 16_384;
const MOST_WINDOW: u64 = 262_144;
/// A transaction that was shorter may look at more.
const SHORT: Duration = Duration::from_millis(100);
/// Time between two times that what was written is made durable and written down.
const SAVE: Duration = Duration::from_secs(1);
/// Time to wait for a checkpoint.
const PATIENCE: Duration = Duration::from_secs(60);

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_exporter_main(argument: pg_sys::Datum) {
    let Some(slot) = super::begin(argument, super::Duty::Exporter) else {
        return;
    };
    let pause = Exporter {
        slot,
        thread: Background::start(1, export_output::work),
        needed: Instant::now(),
    }
    .run();
    slot.exporter.unregister(pause);
}

struct Exporter {
    slot: &'static Slot,
    thread: Background<Work, Done>,
    needed: Instant,
}

/// Why an export ended early.
enum Stop {
    /// The server stops, or somebody drops the extension.
    Leave,
    /// Somebody has cancelled it.
    Cancelled,
    /// An error.
    Failed(String),
}

impl From<OutputError> for Stop {
    fn from(error: OutputError) -> Stop {
        Stop::Failed(match error {
            OutputError::TooLarge => format!(
                "the export is too large: it has more than {} MB (auditlog.export_max_size); reduce the time range or apply filters",
                guc::EXPORT_MAX_SIZE.get()
            ),
            other => other.to_string(),
        })
    }
}

/// An export that is under way.
struct Running {
    asked: Asked,
    names: Names,
    origin: String,
    proves: bool,
    /// Where the files go in the end, when that is no place of this server.
    remote: Option<Remote>,
}

impl Exporter {
    /// Works until there is nothing to do; returns the seconds after which to start again.
    fn run(mut self) -> i64 {
        loop {
            pgrx::check_for_interrupts!();
            launcher::reload();
            let found = self.transaction(|| (exports::next(), exports::next_to_clean()));
            match found {
                Ok((next, to_clean)) => {
                    if let Some(asked) = to_clean
                        && let Err(Stop::Leave) = self.clean(&asked)
                    {
                        return 1;
                    }
                    if let Some(asked) = next {
                        self.needed = Instant::now();
                        match self.export(&asked) {
                            Ok(()) | Err(Stop::Cancelled) => continue,
                            Err(Stop::Leave) => return 1,
                            Err(Stop::Failed(error)) => {
                                self.slot.exporter_errors.set(&error);
                                if self.transaction(|| exports::failed(asked.id, &error)).is_ok() {
                                    continue;
                                }
                            }
                        }
                    }
                }
                Err(Stop::Failed(error)) => self.slot.exporter_errors.set(&error),
                Err(_) => return 3,
            }
            if self.needed.elapsed() > IDLE {
                return AWAY;
            }
            if !BackgroundWorker::wait_latch(Some(NAP)) {
                return 1;
            }
        }
    }

    fn export(&self, asked: &Asked) -> Result<(), Stop> {
        let (running, plan) = self.transaction(|| plan(asked))?.map_err(Stop::Failed)?;
        let progress = exports::progress(asked);
        let Done::Output(output, _) = self.have(Work::Open(Box::new(plan), Box::new(progress)))? else {
            return Err(unexpected());
        };
        let (output, gap_from) = self.write(&running, output)?;
        // From here on files get their names.
        self.go_on(asked)?;
        let size = running.asked.log_size as u64;
        let gap = match running.proves {
            false => Vec::new(),
            true => self
                .transaction(|| exports::hashes(&mut Subtrees::default(), gap_from, size))?
                .ok_or_else(|| Stop::Failed("the Merkle tree is damaged: run auditlog.verify()".to_owned()))?,
        };
        let Done::Ended(output, ended) = self.have(Work::End(output, gap))? else {
            return Err(unexpected());
        };
        let manifest = self.manifest(&running, &output, &ended)?;
        let names = Box::new(running.names.clone());
        let Done::Manifest(sha256) = self.have(Work::Manifest(names.clone(), Box::new(manifest.clone())))? else {
            return Err(unexpected());
        };
        if let Some(remote) = running.remote {
            // The manifest goes last: whoever finds it finds all.
            let files = manifest.files.iter().map(|file| file.name.clone());
            let proof = manifest.proof.iter().map(|proof| proof.name.clone());
            let files = files.chain(proof).chain([running.names.manifest()]).collect();
            self.have(Work::Upload(names.clone(), Box::new(remote), files))?;
            self.finish(asked, &output, &manifest, &sha256)?;
            // What is left after a crash here is room that is lost, nothing more.
            let _ = self.have(Work::Remove(names, 0, true));
            return Ok(());
        }
        self.finish(asked, &output, &manifest, &sha256)
    }

    fn finish(&self, asked: &Asked, output: &Output, manifest: &Manifest, sha256: &str) -> Result<(), Stop> {
        self.transaction(|| {
            exports::done(asked.id, &progress_text(output), sha256);
            tell_done(asked, manifest, sha256);
        })
    }

    /// Reads the log to its end, while the thread writes what was read before. Returns the first place whose gap was not
    /// written.
    fn write(&self, running: &Running, output: Box<Output>) -> Result<(Box<Output>, u64), Stop> {
        let asked = &running.asked;
        let size = asked.log_size as u64;
        let mut subtrees = Subtrees::default();
        let mut recorder = Recorder::default();
        let (mut position, mut gap_from) = (output.progress().position, output.progress().gap_from());
        let mut window = LEAST_WINDOW;
        let mut saved = Instant::now();
        let mut free = Some(output);
        loop {
            let chunk = if position < size {
                let begin = Instant::now();
                let range = Range {
                    position,
                    end: size.min(position + window),
                    gap_from,
                    bytes: CHUNK,
                };
                let tree = running.proves.then_some(&mut subtrees);
                let chunk = self.transaction(|| {
                    if !exports::may_export(asked.role) {
                        return Err(NO_RIGHTS.to_owned());
                    }
                    let chunk = exports::read(asked, &range, &mut recorder, tree).map_err(|error| error.to_string())?;
                    compat::flush_wal();
                    Ok(chunk)
                })?;
                let chunk: Chunk = chunk.map_err(Stop::Failed)?;
                (position, gap_from) = (chunk.position, chunk.gap_from);
                if begin.elapsed() < SHORT && position == range.end {
                    window = (window * 2).min(MOST_WINDOW);
                } else if begin.elapsed() > 4 * SHORT {
                    window = (window / 2).max(LEAST_WINDOW);
                }
                Some(chunk)
            } else {
                None
            };
            let output = match free.take() {
                Some(output) => output,
                None => {
                    let Done::Output(output, is_durable) = self.wait()? else {
                        return Err(unexpected());
                    };
                    if is_durable {
                        let is_wanted = self.transaction(|| exports::save(asked.id, &progress_text(&output)))?;
                        if !is_wanted {
                            return Err(Stop::Cancelled);
                        }
                    }
                    output
                }
            };
            let Some(chunk) = chunk else {
                return Ok((output, gap_from));
            };
            let durable = saved.elapsed() >= SAVE;
            if durable {
                saved = Instant::now();
            }
            self.thread.give(Work::Write(output, Box::new(chunk), durable));
        }
    }

    /// Waits for a checkpoint that covers the export, and says what there is.
    fn manifest(&self, running: &Running, output: &Output, ended: &Ended) -> Result<Manifest, Stop> {
        let size = running.asked.log_size;
        let deadline = Instant::now() + PATIENCE;
        let (checkpoint, consistency) = loop {
            let found = self.transaction(|| {
                let found = checkpoints::to_prove_with(&running.origin, size)?;
                let hashes = if size == 0 || found.size == size {
                    Ok(Vec::new())
                } else {
                    proof::consistency(size as u64, found.size as u64, &Stored).map_err(|error| error.to_string())
                };
                Some(hashes.map(|hashes| (Some(found.note), manifest::hexes(&hashes))))
            })?;
            match found {
                Some(found) => break found.map_err(Stop::Failed)?,
                None if size == 0 => break (None, Vec::new()),
                None if Instant::now() > deadline => {
                    let why = "no checkpoint covers the export: auditlog.health() says why none is signed";
                    return Err(Stop::Failed(why.to_owned()));
                }
                None => {
                    self.go_on(&running.asked)?;
                    self.slot.checkpoint_wanted.store(true, Ordering::Release);
                    self.slot.publisher.wake();
                    if !BackgroundWorker::wait_latch(Some(NAP)) {
                        return Err(Stop::Leave);
                    }
                }
            }
        };
        let asked = &running.asked;
        let progress = output.progress();
        Ok(Manifest {
            format_version: manifest::FORMAT.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            export_id: asked.id,
            origin: running.origin.clone(),
            format: asked.format.clone(),
            options: serde_json::from_str(&asked.options).unwrap_or_default(),
            query: asked.query.clone(),
            since: asked.since.map(format_timestamp),
            until: asked.until.map(format_timestamp),
            asked_by: asked.asked_by.clone(),
            asked_at: format_timestamp(asked.asked_at),
            log_size: size as u64,
            events: progress.events,
            bytes: progress.bytes(),
            first_log_index: progress.first,
            last_log_index: progress.last,
            files: ended.files.clone(),
            proof: ended.proof.clone(),
            checkpoint,
            consistency,
        })
    }

    /// Ends it when somebody has cancelled it.
    fn go_on(&self, asked: &Asked) -> Result<(), Stop> {
        let is_wanted = self.transaction(|| exports::is_wanted(asked.id))?;
        is_wanted.then_some(()).ok_or(Stop::Cancelled)
    }

    /// Of one that was cancelled.
    fn clean(&self, asked: &Asked) -> Result<(), Stop> {
        if let Ok((names, spooled)) = names(asked) {
            let parts = exports::progress(asked).files.len() + 1;
            // What cannot be removed now will not be later: its directory is gone.
            let _ = self.have(Work::Remove(Box::new(names), parts, spooled));
        }
        self.transaction(|| exports::cleaned(asked.id))
    }

    fn have(&self, work: Work) -> Result<Done, Stop> {
        self.thread.give(work);
        self.wait()
    }

    /// Waits for the thread.
    fn wait(&self) -> Result<Done, Stop> {
        loop {
            pgrx::check_for_interrupts!();
            match self.thread.wait(STEP) {
                Some(Done::Failed(error)) => return Err(error.into()),
                Some(done) => return Ok(done),
                None => {}
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

/// Why an export does not begin, or does not go on.
const NO_RIGHTS: &str = "the role that asked for the export may not export any more";

fn unexpected() -> Stop {
    Stop::Failed("the export's thread has given another answer than it was asked for".to_owned())
}

/// Where files are written that go elsewhere, below the data directory.
const SPOOL: &str = "auditlog_exports";

/// The names of the files here, and whether they go elsewhere from here.
fn names(asked: &Asked) -> Result<(Names, bool), String> {
    let (path, spooled) = match Destination::parse(&asked.destination).ok_or("the destination is none")? {
        Destination::File(path) => (path, false),
        Destination::Object { name, .. } => (Path::new(SPOOL).join(asked.id.to_string()).join(name), true),
    };
    Ok((
        Names::new(&path, asked.id).ok_or("the destination is no file")?,
        spooled,
    ))
}

fn plan(asked: &Asked) -> Result<(Running, Plan), String> {
    if !exports::may_export(asked.role) {
        exports::begin(asked.id);
        return Err(NO_RIGHTS.to_owned());
    }
    exports::begin(asked.id);
    let (options, ours) = split(&asked.options);
    let content = Content::parse(&asked.format, &options, source()).map_err(|error| error.message)?;
    let (names, spooled) = names(asked)?;
    if spooled {
        names.make_directory().map_err(|error| format!("{SPOOL}: {error}"))?;
    }
    let remote = match Destination::parse(&asked.destination) {
        Some(Destination::Object { store, .. }) => Some(Remote {
            url: store,
            options: ours.store,
            hosts: AllowedHosts::parse(&guc::text(&guc::ALLOWED_HOSTS))
                .map_err(|error| format!("auditlog.allowed_hosts: {}", error.message))?,
        }),
        _ => None,
    };
    let proves = content.proves();
    let origin = checkpoints::incarnation().map(|now| now.origin);
    let running = Running {
        asked: asked.clone(),
        names: names.clone(),
        origin: origin.unwrap_or_else(|| checkpoints::default_origin(1)),
        proves,
        remote,
    };
    let plan = Plan {
        names,
        content,
        part_bytes: ours.part_bytes,
        max_bytes: u64::try_from(max_size()).unwrap_or(u64::MAX),
    };
    Ok((running, plan))
}

fn progress_text(output: &Output) -> String {
    serde_json::to_string(output.progress()).unwrap_or_default()
}

fn tell_done(asked: &Asked, manifest: &Manifest, sha256: &str) {
    let number = |number: u64| own_event::number(i64::try_from(number).unwrap_or(i64::MAX));
    let described = described(asked);
    let mut metadata = vec![
        ("export_id", own_event::number(asked.id)),
        ("destination", own_event::text(&asked.destination)),
        ("events", number(manifest.events)),
        ("bytes", number(manifest.bytes)),
        ("manifest_sha256", own_event::text(sha256)),
    ];
    metadata.extend(described.iter().map(|(name, value)| (name.as_str(), value.clone())));
    own_event::record(&OwnEvent {
        event_type: "auditlog.export",
        severity: "info",
        actor: ("database_role", &asked.asked_by),
        operation: "export_done",
        metadata: &metadata,
    });
}
