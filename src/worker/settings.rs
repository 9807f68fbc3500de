//! Changes of the server's configuration, as they take effect: the recorder compares what it had with what it has read.

use super::job;
use crate::capture::document::{Actor, Draft, Outcome, object, write};
use crate::capture::{self, Kind, record, setting};
use crate::store::{catalog, settings};
use auditlog_core::json::Json;
use pgrx::pg_sys;
use sha2::{Digest, Sha256};
use std::ffi::{CStr, c_char};
use std::fmt::Write as _;

/// What the configuration was.
pub struct Settings {
    known: Option<Vec<(String, String)>>,
    /// Digests of the files of access rules.
    files: Vec<(&'static str, Option<String>)>,
    captured: bool,
}

impl Default for Settings {
    /// Nothing is known yet.
    fn default() -> Settings {
        Settings {
            known: None,
            files: files(),
            captured: capture::is_on(Kind::Config),
        }
    }
}

impl Settings {
    /// Is the configuration to be read for the first time?
    pub fn is_unknown(&self) -> bool {
        self.known.is_none()
    }

    /// Reads the configuration, and records what has changed since. What switches this off is recorded, too.
    pub fn compare(&mut self) {
        let (on, files) = (capture::is_on(Kind::Config), files());
        let result = job::transaction(|| {
            let now = settings::all();
            if catalog::find().is_none() || !(on || self.captured) {
                return now;
            }
            let mut drafts = self
                .known
                .as_ref()
                .map_or_else(Vec::new, |known| setting::changes(known, &now));
            drafts.extend(changed_files(&self.files, &files));
            let actor = Actor {
                kind: "system",
                id: Some("postgresql".to_owned()),
                ..Actor::current()
            };
            for draft in drafts {
                record::here(write(draft, &actor, None, &Outcome::default()));
            }
            now
        });
        if let Ok(now) = result {
            self.known = Some(now);
            self.files = files;
            self.captured = on;
        }
    }
}

fn changed_files(before: &[(&'static str, Option<String>)], after: &[(&'static str, Option<String>)]) -> Vec<Draft> {
    let digest = |digest: &Option<String>| digest.clone().map(Json::String);
    let changed = before.iter().zip(after).filter(|(before, after)| before != after);
    changed
        .map(|((name, before), (_, after))| {
            let mut draft = Draft::new("config.hba_change", "config", "reload").on("file", *name);
            draft.before = Some(object([("sha256", digest(before))]));
            draft.after = Some(object([("sha256", digest(after))]));
            draft
        })
        .collect()
}

/// Digests of the files that say who may connect.
fn files() -> Vec<(&'static str, Option<String>)> {
    // SAFETY: settings of the server, NUL-terminated.
    unsafe {
        vec![
            ("pg_hba.conf", digest(pg_sys::HbaFileName)),
            ("pg_ident.conf", digest(pg_sys::IdentFileName)),
        ]
    }
}

unsafe fn digest(path: *const c_char) -> Option<String> {
    if path.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    let path = unsafe { CStr::from_ptr(path) }.to_str().ok()?;
    let content = std::fs::read(path).ok()?;
    Some(Sha256::digest(&content).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}
