//! The program as a process.
#![allow(dead_code)] // each test binary uses some of it

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use auditlog_bundle::synthetic::Log;
use auditlog_tlog::tile::Appender;
use auditlog_tlog::{Checkpoint, Hash, SignedNote, SigningKey, TileId, VerifierKey};

/// Runs the program to its end.
pub fn auditlog(arguments: &[&str]) -> Output {
    command().args(arguments).output().expect("the program runs")
}

pub fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_auditlog"))
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("no signal")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server, killed when dropped.
pub struct Server {
    child: Child,
    /// The lines it printed when it was ready.
    pub lines: Vec<String>,
}

impl Server {
    /// Starts one and waits for so many lines.
    pub fn start(arguments: &[&str], lines: usize) -> Self {
        let mut child = command()
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let read = (0..lines).map(|_| {
            let mut line = String::new();
            out.read_line(&mut line).expect("a line");
            line.trim_end().to_owned()
        });
        let lines = read.collect();
        Self { child, lines }
    }

    /// What follows `prefix` on one of its lines.
    pub fn said(&self, prefix: &str) -> String {
        let line = self.lines.iter().find_map(|line| line.strip_prefix(prefix));
        line.unwrap_or_else(|| panic!("no line {prefix}: {:?}", self.lines))
            .to_owned()
    }

    /// Sends SIGTERM and waits for its end.
    pub fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        self.child.wait().expect("its end").code()
    }

    /// Kills it, as a crash would.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("its end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer over HTTP: status, head, body.
pub fn http(address: &str, request: &str, body: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    // a server that has answered need not read on
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status");
    (status, head.to_lowercase(), body.to_owned())
}

/// A tree of a log, with all its tiles.
pub struct Tree {
    pub log: Log,
    appender: Appender,
    tiles: std::collections::BTreeMap<TileId, Vec<Hash>>,
}

impl auditlog_tlog::proof::HashSource for Tree {
    type Error = std::convert::Infallible;

    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, Self::Error> {
        Ok(wanted.iter().map(|(id, _)| self.tiles[id].clone()).collect())
    }
}

impl Tree {
    /// A tree of `size` entries that differ by `seed` from `from` on.
    pub fn new(origin: &str, size: u64, seed: u8, from: u64) -> Self {
        let log = Log {
            origin: origin.to_owned(),
            key: SigningKey::from_seed(&[5; 32]),
            seed: 1,
        };
        let mut tree = Self {
            log,
            appender: Appender::new(),
            tiles: std::collections::BTreeMap::new(),
        };
        for index in 0..size {
            let seed = if index < from { 0 } else { seed };
            tree.appender.append(auditlog_tlog::hash::leaf_hash(
                &[&index.to_be_bytes()[..], &[seed]].concat(),
            ));
        }
        for tile in tree.appender.changed() {
            tree.tiles.insert(tile.id, tile.hashes);
        }
        tree
    }

    pub fn vkey(&self) -> VerifierKey {
        self.log.vkey()
    }

    pub fn root(&self, size: u64) -> Hash {
        auditlog_tlog::proof::root_at(size, self).expect("all tiles are there")
    }

    pub fn note(&self, size: u64) -> SignedNote {
        self.log.sign(size, self.root(size))
    }

    pub fn text(&self, size: u64) -> String {
        let checkpoint = Checkpoint {
            origin: self.log.origin.clone(),
            size,
            root: self.root(size),
            extensions: Vec::new(),
        };
        checkpoint.text().expect("a checkpoint")
    }

    pub fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        auditlog_tlog::proof::consistency(old, new, self).expect("all tiles are there")
    }

    /// The body of an add-checkpoint request.
    pub fn body(&self, old: u64, new: u64) -> String {
        let request = auditlog_tlog::witness::AddCheckpoint {
            old_size: old,
            proof: self.consistency(old, new),
            checkpoint: self.note(new),
        };
        request.body()
    }
}

/// Makes a key with the program. Returns its vkey.
pub fn keygen(path: &Path, name: &str, witness: bool) -> String {
    let path = path.to_str().expect("a text");
    let mut arguments = vec!["keygen", "--out", path, "--name", name];
    if witness {
        arguments.push("--witness");
    }
    let output = auditlog(&arguments);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let out = stdout(&output);
    let vkey = out.lines().find_map(|line| line.strip_prefix("vkey: "));
    vkey.expect("a vkey").to_owned()
}
