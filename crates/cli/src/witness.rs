//! `auditlog witness`: c2sp.org/tlog-witness.

mod http;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use auditlog_bundle::report::hex;
use auditlog_tlog::cosignature::Cosigner;
use auditlog_tlog::hash::leaf_hash;
use auditlog_tlog::witness::{Decision, TreeHead, cosignature_body};
use auditlog_tlog::{KeyName, VerifierKey, Witness};

use crate::failure::Failure;
use crate::input;
use crate::state::{self, Lock};

/// Cosign checkpoints of logs, each only when it extends the one before it (c2sp.org/tlog-witness)
///
/// To be run by somebody else than who runs the log. It speaks HTTP; for HTTPS put a proxy in front.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where to listen, such as 127.0.0.1:7380. Port 0 takes any that is free and prints it.
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// The witness's secret key (auditlog keygen --witness).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The witness's name in its cosignatures.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The folder with the largest tree of each log that was cosigned. Losing it makes the witness worthless.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The public keys of the logs to be witnessed. @FILE reads one from each line of a file.
    #[arg(long, value_name = "VKEY", required = true)]
    log: Vec<String>,
}

/// A witness with its key and its records.
pub struct Server {
    cosigner: Cosigner,
    witness: Witness,
    logs: Vec<VerifierKey>,
    folder: PathBuf,
    /// Held from the look at a log's record until the answer.
    deciding: BTreeMap<String, Mutex<()>>,
    _lock: Lock,
}

/// An answer over HTTP: status, content type, body.
pub type Reply = (u16, &'static str, String);

const TEXT: &str = "text/plain; charset=utf-8";

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let server = Server::new(arguments)?;
    http::serve(arguments.listen, server)?;
    Ok(ExitCode::SUCCESS)
}

impl Server {
    fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let logs = input::log_keys(&arguments.log)?;
        let cosigner = Cosigner::new(KeyName::new(&arguments.name)?, input::signing_key(&arguments.key)?);
        let folder = arguments.state.clone();
        std::fs::create_dir_all(&folder).map_err(Failure::of(&folder))?;
        let lock = folder.join("lock");
        let server = Self {
            _lock: Lock::take(&lock).map_err(Failure::of(&lock))?,
            deciding: logs
                .iter()
                .map(|key| (key.name().to_string(), Mutex::new(())))
                .collect(),
            witness: Witness::new(logs.clone()),
            cosigner,
            logs,
            folder,
        };
        // a record that cannot be read is no empty one
        for origin in server.deciding.keys() {
            let path = server.path(origin);
            state::load(&path, origin).map_err(Failure::of(&path))?;
        }
        Ok(server)
    }

    /// What the witness says of itself.
    pub fn about(&self) -> String {
        let mut text = format!(
            "A witness of transparency logs (c2sp.org/tlog-witness): POST /add-checkpoint\n\n{}\n\nlogs:\n",
            self.cosigner.verifier()
        );
        for key in &self.logs {
            text.push_str(&format!("{key}\n"));
        }
        text
    }

    /// The public key.
    pub fn vkey(&self) -> String {
        self.cosigner.verifier().to_string()
    }

    /// Answers an add-checkpoint request. The tree is on record, on disk, before its cosignature is out.
    pub fn add_checkpoint(&self, body: &[u8]) -> Reply {
        // holds the log's lock from the look-up on, to the end of this function
        let mut deciding = None;
        let decision = self.witness.decide(body, |origin| {
            deciding = self.lock(origin);
            state::load(&self.path(origin), origin)
        });
        let reply = match decision {
            Ok(decision) => self.reply(&decision),
            Err(error) => Err(error),
        };
        drop(deciding);
        reply.unwrap_or_else(|error| {
            eprintln!("auditlog witness: {error}");
            (500, TEXT, "the witness cannot read or write its records\n".to_owned())
        })
    }

    fn reply(&self, decision: &Decision) -> io::Result<Reply> {
        let Decision::Cosign {
            origin,
            size,
            root,
            note,
        } = decision
        else {
            let refusal = decision.refusal();
            let (content_type, body) = refusal.unwrap_or((TEXT, String::new()));
            return Ok((decision.status(), content_type, body));
        };
        let path = self.path(origin);
        let head = TreeHead {
            size: *size,
            root: *root,
        };
        if state::load(&path, origin)? != Some(head) {
            state::store(&path, origin, head)?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_err(|_| io::Error::other("the clock is before 1970"))?.as_secs();
        let signature = self.cosigner.cosign(note, now).map_err(io::Error::other)?;
        Ok((200, TEXT, cosignature_body(&[signature])))
    }

    fn lock(&self, origin: &str) -> Option<MutexGuard<'_, ()>> {
        // nothing is left half done when a thread panics: the file is written at once or not at all
        let lock = self.deciding.get(origin)?;
        Some(lock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The record of a log. Its origin may have any characters, so the name is its hash.
    fn path(&self, origin: &str) -> PathBuf {
        self.folder.join(hex(&leaf_hash(origin.as_bytes())))
    }
}
