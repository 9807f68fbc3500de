//! `auditlog verify-proof`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use auditlog_bundle::Record;
use auditlog_bundle::content::Entries;
use auditlog_bundle::record::MAGIC;
use auditlog_bundle::report::hex;
use auditlog_core::encode::parse_hex;
use auditlog_tlog::{Hash, Policy, TlogProof};

use crate::failure::Failure;
use crate::input;

/// Check a proof that one event is in a log (c2sp.org/tlog-proof)
///
/// Exit status: 0 when it is proven, 1 when it is not, 2 when nothing can be said.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("entry").required(true))]
pub struct Arguments {
    /// The proof.
    #[arg(value_name = "FILE")]
    proof: PathBuf,
    /// The log's public key, from somewhere else than the proof.
    #[arg(long, value_name = "VKEY", required = true)]
    key: Vec<String>,
    /// Which witnesses must have cosigned (c2sp.org/tlog-policy).
    #[arg(long, value_name = "FILE")]
    witness_policy: Option<PathBuf>,
    /// The event's entry_hash, 64 hexadecimal digits.
    #[arg(long, value_name = "HEX", group = "entry")]
    leaf: Option<String>,
    /// The event itself: a file with its record, as auditlog.bundle_record gives it.
    #[arg(long, value_name = "FILE", group = "entry")]
    record: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let keys = input::log_keys(&arguments.key)?;
    let policy = match &arguments.witness_policy {
        Some(path) => input::policy(path)?,
        None => Policy::none(),
    };
    let text = input::one_newline(input::text_file(&arguments.proof)?);
    let verdict = judge(arguments, &text, &keys, &policy)?;
    match verdict {
        Ok(text) => {
            print!("{text}");
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            println!("NOT PROVEN: {why}");
            Ok(ExitCode::from(1))
        }
    }
}

fn judge(
    arguments: &Arguments,
    text: &str,
    keys: &[auditlog_tlog::VerifierKey],
    policy: &Policy,
) -> Result<Result<String, String>, Failure> {
    let proof = match TlogProof::parse(text) {
        Ok(proof) => proof,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let leaf = match (&arguments.leaf, &arguments.record) {
        (Some(digits), _) => parse_hex(digits).ok_or_else(|| Failure::new("--leaf takes 64 hexadecimal digits"))?,
        (None, Some(path)) => {
            let bytes = fs::read(path).map_err(Failure::of(path))?;
            match leaf_of_record(&bytes, proof.index) {
                Ok(leaf) => leaf,
                Err(why) => return Ok(Err(why)),
            }
        }
        (None, None) => return Err(Failure::new("give --leaf or --record")),
    };
    Ok(match proof.verify(&leaf, keys, policy) {
        Err(error) => Err(error.to_string()),
        Ok(trusted) => {
            let checkpoint = &trusted.checkpoint;
            let mut text = format!(
                "PROVEN: event {} of the log «{}» has the entry_hash {}\n  in the tree of {} events (root {})\n",
                proof.index,
                checkpoint.origin.escape_debug(),
                hex(&leaf),
                checkpoint.size,
                hex(&checkpoint.root)
            );
            for (key, time) in &trusted.cosigners {
                text.push_str(&format!("  cosigned by {} at {time} seconds since 1970\n", key.name()));
            }
            if arguments.witness_policy.is_none() {
                text.push_str(
                    "What this does not prove:\n  - no witness policy given: a fork shown to others is not excluded\n",
                );
            }
            Ok(text)
        }
    })
}

/// The leaf of a record, with or without the length before it, whose place must be the proof's.
fn leaf_of_record(bytes: &[u8], index: u64) -> Result<Hash, String> {
    let bytes = if bytes.starts_with(&MAGIC) {
        bytes
    } else {
        bytes.get(4..).unwrap_or_default()
    };
    let record = Record::parse(bytes).map_err(|error| error.to_string())?;
    if record.log_index != index {
        return Err(format!(
            "the record has log_index {}, the proof is of {index}",
            record.log_index
        ));
    }
    let content = Entries::default().content(&record).map_err(|error| error.to_string())?;
    match content.value_beside_erased {
        None => Ok(content.entry_hash),
        Some(column) => Err(format!(
            "the value of {column} was erased, and another stands in its place"
        )),
    }
}
