//! What commands are given: keys, notes, policies.

use std::fs;
use std::io::Read;
use std::path::Path;

use auditlog_tlog::note::{KeyKind, MAX_NOTE_BYTES};
use auditlog_tlog::{Policy, SignedNote, SigningKey, VerifierKey};

use crate::failure::Failure;

/// The most bytes of a small text file.
const MAX_TEXT_BYTES: u64 = 4 * MAX_NOTE_BYTES as u64;

/// The public keys of logs: each text is a key, or `@` and the name of a file with one on each line.
pub fn log_keys(texts: &[String]) -> Result<Vec<VerifierKey>, Failure> {
    let mut keys = Vec::new();
    for text in texts {
        match text.strip_prefix('@') {
            None => keys.push(log_key(text)?),
            Some(file) => {
                let lines = text_file(Path::new(file))?;
                let lines = lines.lines().map(str::trim);
                for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
                    keys.push(log_key(line)?);
                }
            }
        }
    }
    Ok(keys)
}

fn log_key(text: &str) -> Result<VerifierKey, Failure> {
    let key = VerifierKey::parse(text)?;
    if key.kind() != KeyKind::Ed25519 {
        return Err(Failure::new(format!(
            "{} is the key of a witness, not of a log",
            key.name()
        )));
    }
    Ok(key)
}

/// A signed checkpoint in a file.
pub fn note(path: &Path) -> Result<SignedNote, Failure> {
    SignedNote::parse(&one_newline(text_file(path)?))
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// psql and editors end a text with one more newline than it has.
pub fn one_newline(mut text: String) -> String {
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    text.push('\n');
    text
}

/// A policy in a file.
pub fn policy(path: &Path) -> Result<Policy, Failure> {
    Policy::parse(&text_file(path)?).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// A secret key in a file.
pub fn signing_key(path: &Path) -> Result<SigningKey, Failure> {
    SigningKey::from_pem(&text_file(path)?).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// The text of a file that is not large.
pub fn text_file(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(Failure::of(path))?;
    file.take(MAX_TEXT_BYTES)
        .read_to_string(&mut text)
        .map_err(Failure::of(path))?;
    Ok(text)
}
