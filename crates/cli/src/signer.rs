//! `auditlog signer`: keeps a log's key away from its database, and signs no tree that does not extend
//! the one it has signed before. The protocol is that of [`auditlog_bundle::signer`].

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use auditlog_bundle::signer::{Answer, parse_request};
use auditlog_tlog::hash::empty_root;
use auditlog_tlog::note::NoteSigner;
use auditlog_tlog::proof::verify_consistency;
use auditlog_tlog::witness::{MAX_BODY_BYTES, TreeHead};
use auditlog_tlog::{Checkpoint, KeyName, SignedNote};

use crate::failure::Failure;
use crate::input;
use crate::state::{self, Lock, beside};

/// Sign a log's checkpoints over a Unix socket, each only when it extends the one before it
///
/// The key is then out of the reach of whoever has the database. Stop it with SIGTERM at any time.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The socket to be made. Only its owner may use it.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// The log's secret key (auditlog keygen).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file with the largest tree that was signed. Losing it lets the log be rolled back unseen.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// The log's origin.
    #[arg(long, value_name = "ORIGIN")]
    origin: String,
}

/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many connections at once.
const AT_ONCE: usize = 32;

struct Signer {
    origin: String,
    signer: NoteSigner,
    state: PathBuf,
    deciding: Mutex<()>,
    _lock: Lock,
}

/// Runs the command; it ends only with the process.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let lock = beside(&arguments.state, "lock");
    let signer = Signer {
        signer: NoteSigner::new(KeyName::new(&arguments.origin)?, input::signing_key(&arguments.key)?),
        origin: arguments.origin.clone(),
        state: arguments.state.clone(),
        deciding: Mutex::new(()),
        _lock: Lock::take(&lock).map_err(Failure::of(&lock))?,
    };
    // a record that cannot be read is no empty one
    let head = state::load(&signer.state, &signer.origin).map_err(Failure::of(&signer.state))?;
    let listener = listen(&arguments.socket)?;
    let mut out = io::stdout();
    writeln!(
        out,
        "listening at {}\nvkey: {}",
        arguments.socket.display(),
        signer.signer.verifier()
    )?;
    writeln!(
        out,
        "on record: {}",
        head.map_or("nothing".to_owned(), |head| format!("size {}", head.size))
    )?;
    out.flush()?;
    serve(&listener, Arc::new(signer))
}

fn listen(path: &Path) -> Result<UnixListener, Failure> {
    // one that nobody listens at was left by a process that was killed
    if path.exists() {
        if UnixStream::connect(path).is_ok() {
            return Err(Failure::new(format!("somebody listens at {} already", path.display())));
        }
        let is_socket =
            fs::symlink_metadata(path).map(|data| std::os::unix::fs::FileTypeExt::is_socket(&data.file_type()));
        if !is_socket.map_err(Failure::of(path))? {
            return Err(Failure::new(format!("{} is no socket", path.display())));
        }
        fs::remove_file(path).map_err(Failure::of(path))?;
    }
    let listener = UnixListener::bind(path).map_err(Failure::of(path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(Failure::of(path))?;
    Ok(listener)
}

fn serve(listener: &UnixListener, signer: Arc<Signer>) -> Result<ExitCode, Failure> {
    let busy = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                eprintln!("auditlog signer: {error}");
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        if busy.fetch_add(1, Ordering::SeqCst) >= AT_ONCE {
            busy.fetch_sub(1, Ordering::SeqCst);
            continue; // closed without an answer
        }
        let (signer, done) = (Arc::clone(&signer), Arc::clone(&busy));
        std::thread::spawn(move || {
            if let Err(error) = answer(stream, &signer) {
                eprintln!("auditlog signer: {error}");
            }
            done.fetch_sub(1, Ordering::SeqCst);
        });
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(mut stream: UnixStream, signer: &Signer) -> io::Result<()> {
    let body = read_request(&mut stream)?;
    let answer = signer.answer(&body)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(answer.to_string().as_bytes())
}

/// Reads until the client shuts its half down.
fn read_request(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let until = Instant::now() + PATIENCE;
    let mut body = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(body),
            Ok(count) => body.extend(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if body.len() > MAX_BODY_BYTES {
            // its reader says why
            return Ok(body);
        }
    }
}

impl Signer {
    fn answer(&self, body: &[u8]) -> io::Result<Answer> {
        let request = match parse_request(body) {
            Ok(request) => request,
            Err(error) => return Ok(Answer::BadRequest(error.to_string())),
        };
        let text = request.checkpoint.text();
        let checkpoint = match Checkpoint::parse(text) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return Ok(Answer::BadRequest(error.to_string())),
        };
        if checkpoint.origin != self.origin {
            let why = format!(
                "the checkpoint is of the log «{}», not «{}»",
                checkpoint.origin, self.origin
            );
            return Ok(Answer::Refused(why));
        }
        if request.old_size > checkpoint.size {
            return Ok(Answer::BadRequest("the old size is above the checkpoint's".to_owned()));
        }
        let _deciding = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = state::load(&self.state, &self.origin)?;
        let old = stored.unwrap_or_else(|| TreeHead {
            size: 0,
            root: empty_root(),
        });
        if request.old_size != old.size {
            return Ok(Answer::Conflict(old.size));
        }
        let Checkpoint { size, root, .. } = checkpoint;
        if let Err(error) = verify_consistency(old.size, &old.root, size, &root, &request.proof) {
            return Ok(Answer::Refused(error.to_string()));
        }
        let head = TreeHead { size, root };
        if stored != Some(head) {
            state::store(&self.state, &self.origin, head)?;
        }
        let note = SignedNote::new(text).map_err(io::Error::other)?;
        Ok(Answer::Signed(self.signer.sign(&note)))
    }
}
