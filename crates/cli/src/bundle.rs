//! `auditlog bundle`: from a database, or whatever else is a [`Source`], to a bundle.

mod copy;
mod database;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use auditlog_bundle::layout::{EVENTS_PER_FILE, FORMAT};
use auditlog_bundle::verify::Progress;
use auditlog_bundle::{BundleWriter, Manifest, Selection};
use auditlog_core::document::format_timestamp;
use auditlog_tlog::tile::{TILE_WIDTH, from_bytes, tiles_of_size};
use auditlog_tlog::{Checkpoint, SignedNote, TileId};

use crate::failure::Failure;
use crate::progress::Bar;

/// So many tiles are asked for at once: 2 MiB.
const TILES_AT_ONCE: u64 = 256;

/// Write a log, or a selection of its events, as files that prove themselves
///
/// The database must hold the extension pg_auditlog, and you must be allowed to read all events. Across a
/// network say sslmode=verify-full: without it, whoever is in between may read the events.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The database, such as «host=/run/postgresql dbname=app» or postgresql://app@localhost/app.
    #[arg(long, value_name = "DSN", env = "AUDITLOG_DSN", hide_env_values = true)]
    dsn: String,
    /// The folder to be made.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only events whose timestamp is this or later.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only events whose timestamp is before this.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only events that match this query.
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
    /// Print nothing.
    #[arg(long, short)]
    quiet: bool,
}

/// Where a log is read from.
pub trait Source {
    /// The newest signed checkpoint over all that is sealed.
    fn checkpoint(&mut self) -> Result<String, Failure>;

    /// Hands each known checkpoint of `origin` up to `size` to `each`, with its size.
    fn checkpoints(
        &mut self,
        origin: &str,
        size: u64,
        each: &mut dyn FnMut(u64, &str) -> Result<(), Failure>,
    ) -> Result<(), Failure>;

    /// The public keys that have signed checkpoints of `origin`.
    fn keys(&mut self, origin: &str) -> Result<Vec<String>, Failure>;

    /// Hands the certificates of retention to `each`, with the places of the events that tell of them.
    fn certificates(
        &mut self,
        size: u64,
        each: &mut dyn FnMut(u64, &str) -> Result<(), Failure>,
    ) -> Result<(), Failure>;

    /// The tiles `first` to `last` of a level with their bytes, in order. They may have grown.
    fn tiles(&mut self, level: u8, first: u64, last: u64) -> Result<Vec<(u64, Vec<u8>)>, Failure>;

    /// Hands each record from `range` that is selected to `each`, in order.
    fn records(
        &mut self,
        range: std::ops::Range<u64>,
        selection: Option<&Selection>,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure>;
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut database = database::Database::connect(&arguments.dsn)?;
    let selection = Selection {
        since: arguments.since.clone(),
        until: arguments.until.clone(),
        query: arguments.query.clone(),
    };
    let selection = (selection != Selection::default()).then_some(selection);
    let bar = Bar::new(arguments.quiet);
    let written = write(&mut database, &arguments.out, selection, &bar);
    bar.finish();
    let written = written?;
    if !arguments.quiet {
        println!("{}", written.message(&arguments.out));
    }
    Ok(ExitCode::SUCCESS)
}

/// What has been written.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    origin: String,
    size: u64,
    events: u64,
    selected: bool,
}

impl Written {
    fn message(&self, directory: &Path) -> String {
        let Self {
            origin, size, events, ..
        } = self;
        let mut text = format!(
            "{events} of {size} events of the log «{origin}» are in {}",
            directory.display()
        );
        if !self.selected && events < size {
            text.push_str(&format!(
                "\n{} events are not there: retention has removed them, or you are not allowed to see them",
                size - events
            ));
        }
        text.push_str(
            "\nHand it over with the public key on another way, and check it: auditlog verify DIR --key VKEY",
        );
        text
    }
}

/// Writes the bundle. The checkpoint comes first, and everything else is cut to it.
pub fn write(
    source: &mut dyn Source,
    directory: &Path,
    selection: Option<Selection>,
    progress: &dyn Progress,
) -> Result<Written, Failure> {
    let text = source.checkpoint()?;
    let note = SignedNote::parse(&text)?;
    let Checkpoint { origin, size, .. } = Checkpoint::parse(note.text())?;
    let mut writer = BundleWriter::new(directory, size)?;
    writer.checkpoint(&text)?;
    source.checkpoints(&origin, size, &mut |size, note| Ok(writer.known(size, note)?))?;
    source.certificates(size, &mut |place, note| Ok(writer.certificate(place, note)?))?;
    write_tiles(source, &writer, size)?;
    progress.start(size);
    for first in (0..size).step_by(EVENTS_PER_FILE as usize) {
        let range = first..first.saturating_add(EVENTS_PER_FILE).min(size);
        let read = range.end - range.start;
        source.records(range, selection.as_ref(), &mut |record| Ok(writer.record(record)?))?;
        progress.add(read);
    }
    let events = writer.events();
    let selected = selection.is_some();
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        origin: origin.clone(),
        size,
        created_at: now(),
        events,
        selection,
        keys: source.keys(&origin)?,
        generator: concat!("auditlog ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    writer.finish(&manifest)?;
    Ok(Written {
        origin,
        size,
        events,
        selected,
    })
}

fn write_tiles(source: &mut dyn Source, writer: &BundleWriter, size: u64) -> Result<(), Failure> {
    for (level, tiles) in tiles_of_size(size).into_iter().enumerate() {
        let level = level as u8;
        let count = tiles.full + u64::from(tiles.partial > 0);
        for first in (0..count).step_by(TILES_AT_ONCE as usize) {
            let last = (first + TILES_AT_ONCE).min(count) - 1;
            let found = source.tiles(level, first, last)?;
            let wanted: Vec<u64> = (first..=last).collect();
            if found.iter().map(|(index, _)| *index).ne(wanted.iter().copied()) {
                return Err(Failure::new(format!(
                    "tiles of level {level} from {first} to {last} are missing: run SELECT * FROM auditlog.verify()"
                )));
            }
            for (index, bytes) in found {
                let id = TileId { level, index };
                let hashes = from_bytes(&bytes)
                    .ok_or_else(|| Failure::new(format!("{} has {} bytes", id.path(TILE_WIDTH), bytes.len())))?;
                writer.tile(id, &hashes)?;
            }
        }
    }
    Ok(())
}

fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format_timestamp(i64::try_from(since.as_secs()).unwrap_or_default() * 1_000_000)
}

#[cfg(test)]
mod tests;
