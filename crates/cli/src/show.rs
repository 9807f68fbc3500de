//! `auditlog show`.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use auditlog_bundle::Record;
use auditlog_bundle::frames::{Frame, Frames};
use auditlog_bundle::layout::{EVENTS, events_number, events_path};
use auditlog_bundle::show::line;

use crate::failure::Failure;

/// Print the events of a bundle, one line of JSON each; nothing is verified
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The bundle.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let folder = arguments.directory.join(EVENTS);
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(Failure::of(&folder))? {
        let name = entry.map_err(Failure::of(&folder))?.file_name();
        numbers.extend(name.to_str().and_then(events_number));
    }
    numbers.sort_unstable();
    let mut out = BufWriter::new(stdout().lock());
    let mut damaged = 0u64;
    for number in numbers {
        let path = arguments.directory.join(events_path(number));
        let mut frames = Frames::new(File::open(&path).map_err(Failure::of(&path))?);
        while let Some(frame) = frames.next().map_err(Failure::of(&path))? {
            let shown = match frame {
                Frame::Record(bytes) => Record::parse(bytes).ok().and_then(|record| line(&record).ok()),
                Frame::Damage(_) => None,
            };
            match shown.map(|line| writeln!(out, "{line}")) {
                None => damaged += 1,
                Some(Ok(())) => {}
                // as when it is piped into `head`
                Some(Err(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }
    out.flush()?;
    if damaged > 0 {
        eprintln!("auditlog: {damaged} records cannot be read; «auditlog verify» says which");
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}
