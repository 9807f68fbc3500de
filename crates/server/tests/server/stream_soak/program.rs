//! The server as a process of its own: it is killed, and its memory is its own.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use auditlog_testkit::{LONG, wait_until};

use crate::world::World;

/// How a server is ended.
#[derive(Debug, Clone, Copy)]
pub enum Signal {
    /// Lets requests finish.
    Terminate,
    /// At once.
    Kill,
}

/// The program.
pub struct Program {
    arguments: Vec<String>,
    pub address: SocketAddr,
    log: PathBuf,
    child: Mutex<Child>,
}

impl Program {
    /// Starts it where the world's own server was, which has to be stopped.
    pub fn start(world: &World) -> Program {
        let given = world.given();
        let text = |value: &Option<String>| value.clone().expect("a setting");
        let password = given.authenticator_password_file.as_ref().expect("a file");
        let settings = [
            ("listen", world.address.to_string()),
            ("metrics-listen", "none".to_owned()),
            ("database", text(&given.database)),
            ("authenticator", text(&given.authenticator)),
            ("authenticator-password-file", password.display().to_string()),
            ("rate-requests", "1000000".to_owned()),
            ("stream-heartbeat", "500ms".to_owned()),
            // Below the cluster's max_connections, beside those of the writers.
            ("pool-total", "40".to_owned()),
            ("shutdown-grace", "5s".to_owned()),
            ("log", "warn".to_owned()),
        ];
        let arguments: Vec<String> = settings
            .into_iter()
            .flat_map(|(name, value)| [format!("--{name}"), value])
            .collect();
        let log = std::env::temp_dir().join(format!("{}-{}.log", std::process::id(), world.database));
        let child = Mutex::new(spawn(&arguments, &log));
        let program = Program {
            arguments,
            address: world.address,
            log,
            child,
        };
        program.await_start();
        program
    }

    fn await_start(&self) {
        wait_until("the server listens", LONG, || TcpStream::connect(self.address).is_ok());
    }

    /// Ends it and starts it again.
    pub fn restart(&self, signal: Signal) {
        {
            let mut child = self.child.lock().expect("no panic");
            match signal {
                Signal::Kill => child.kill().expect("SIGKILL"),
                Signal::Terminate => {
                    let status = Command::new("kill").arg(child.id().to_string()).status();
                    assert!(status.is_ok_and(|status| status.success()), "SIGTERM");
                }
            }
            let begun = Instant::now();
            let status = child.wait().expect("it ends");
            if matches!(signal, Signal::Terminate) {
                assert!(status.success(), "SIGTERM ends it in order: {status}");
                assert!(begun.elapsed() < Duration::from_secs(10), "within its grace");
            }
            *child = spawn(&self.arguments, &self.log);
        }
        self.await_start();
    }

    /// Its resident memory in kB; none while it is away.
    pub fn memory(&self) -> Option<u64> {
        let pid = self.child.lock().expect("no panic").id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Looks at its memory ten times a second until told to end; from the last call of `restart` on.
    pub fn watch(&self, samples: &Mutex<Vec<u64>>, is_over: &AtomicBool) {
        while !is_over.load(Ordering::SeqCst) {
            if let Some(memory) = self.memory() {
                samples.lock().expect("no panic").push(memory);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What it said.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.said();
            let lines: Vec<&str> = said.lines().collect();
            eprintln!("--- end of the server's log ---");
            lines[lines.len().saturating_sub(20)..]
                .iter()
                .for_each(|line| eprintln!("{line}"));
        }
        let child = self.child.get_mut().expect("no panic");
        let _ = child.kill();
        let _ = child.wait();
        let _ = std::fs::remove_file(&self.log);
    }
}

/// Debug as the tests are, unless AUDITLOG_SERVER_BIN names another one (tests/server/soak.sh).
fn spawn(arguments: &[String], log: &PathBuf) -> Child {
    let program =
        std::env::var("AUDITLOG_SERVER_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_auditlog-server").to_owned());
    let log = std::fs::File::options().create(true).append(true).open(log);
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("a log"))
        .spawn()
        .expect("the server starts")
}
