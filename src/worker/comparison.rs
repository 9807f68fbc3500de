//! Compares what is outside with the log: a file's last checkpoint after each start and before each append,
//! a witness's size when it knows another one.

use super::delivery::{Done, PROBE, refused};
use crate::store::checkpoint_sinks::{self as sinks, Due};
use crate::store::head::Head;
use crate::store::{checkpoints, tiles};
use auditlog_sink::{DeliveryError, FileFormat};
use auditlog_tlog::proof::root_at;
use auditlog_tlog::{Checkpoint, Hash, SignedNote};
use std::path::{Path, PathBuf};

/// What the last checkpoint in a file must be, as this log has it now.
pub fn after(due: &Due) -> Option<(PathBuf, u64, Hash)> {
    if due.kind != "file" || due.delivered == 0 {
        return None;
    }
    let size = due.delivered as u64;
    // Whatever the tiles give is compared; a root that can't be had is no root of that file.
    let root = root_at(size, &tiles::Stored).unwrap_or([0; 32]);
    Some((PathBuf::from(&due.address), size, root))
}

/// Is what the file ends with what we think? Otherwise what it holds, to be judged.
pub fn unexpected(after: Option<&(PathBuf, u64, Hash)>, origin: &str) -> Option<Result<Done, DeliveryError>> {
    let (path, size, root) = after?;
    let last = match auditlog_sink::read_last(path, FileFormat::Notes) {
        Ok(Some(last)) => last,
        Ok(None) => {
            return Some(Err(refused(
                "the file is empty; drop the sink and add it again if that is meant",
            )));
        }
        Err(e) => {
            return Some(Err(refused(&format!(
                "{}: {e}; drop the sink and add it again if that is meant",
                path.display()
            ))));
        }
    };
    let said = SignedNote::parse_bytes(&last)
        .ok()
        .and_then(|note| Checkpoint::parse(note.text()).ok());
    match said {
        Some(said) if said.origin == origin && (said.size, said.root) == (*size, *root) => None,
        Some(said) if said.origin == origin => Some(Ok(Done::Last(Some(last)))),
        _ => Some(Err(refused(
            "the file ends with something else than a checkpoint of this log; give each log a file of its own",
        ))),
    }
}

/// Reads the last checkpoint of a file; on a thread.
pub fn read_last(path: &Path) -> Result<Done, DeliveryError> {
    match auditlog_sink::read_last(path, FileFormat::Notes) {
        Ok(last) => Ok(Done::Last(last)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Done::Last(None)),
        Err(e) => Err(refused(&format!("{}: {e}", path.display()))),
    }
}

/// Somebody has a larger checkpoint than the log: nothing is signed any more.
pub fn rolled_back(sink: &str, origin: &str, size: u64, head: &Head) {
    let detail = format!(
        "{sink} has a checkpoint over {size} events, the log has {}: it was rolled back",
        head.size
    );
    checkpoints::block(origin, "rolled_back", &detail);
    sinks::failed(sink, &detail, PROBE.as_micros() as i64);
}

/// The last checkpoint of a file must be of this log.
pub fn compare(sink: &str, origin: &str, last: Option<&[u8]>, head: &Head) {
    let last = last
        .and_then(|bytes| SignedNote::parse_bytes(bytes).ok())
        .and_then(|note| Checkpoint::parse(note.text()).ok())
        .filter(|last| last.origin == origin);
    if let Some(last) = last {
        if last.size > head.size as u64 {
            return rolled_back(sink, origin, last.size, head);
        }
        if root_at(last.size, &tiles::Stored).ok() != Some(last.root) {
            let detail = format!("{sink} has a checkpoint over {} events of another log", last.size);
            checkpoints::block(origin, "forked", &detail);
            return sinks::failed(sink, &detail, PROBE.as_micros() as i64);
        }
        // What is there need not be written once more, even if we don't remember.
        sinks::resume_from(sink, origin, last.size as i64);
    }
    sinks::compared(sink);
}
