//! A private PostgreSQL cluster that lives as long as its [`Cluster`] value, or at the longest as
//! long as the test's process.

use crate::command::{as_server, both, client_program, run, server_program};
use crate::lifeline::Lifeline;
use crate::wait::{LONG, wait_until};
use postgres::{Client, Config, NoTls};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What a new cluster is to be like; [`Options::default`] is right for most tests.
#[derive(Debug, Clone)]
pub struct Options {
    /// `shared_preload_libraries = 'pg_auditlog'`.
    pub preload: bool,
    /// Listen on 127.0.0.1 too, not only on the Unix socket.
    pub tcp: bool,
    /// Further settings for `postgresql.conf`; they win over the kit's own.
    pub settings: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            preload: true,
            tcp: false,
            settings: Vec::new(),
        }
    }
}

impl Options {
    /// Adds a setting.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Options {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// How to stop a server (`pg_ctl stop -m …`).
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Stop {
    Fast,
    Immediate,
}

/// A private cluster in a directory of its own; dropping it stops and removes it.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    port: u16,
    tcp: bool,
    lifeline: Lifeline,
}

static COUNTER: AtomicU32 = AtomicU32::new(0);

impl Cluster {
    /// Makes and starts a new cluster.
    ///
    /// # Panics
    /// When that fails, as everywhere in this crate: a test that has no server has failed.
    pub fn start(options: &Options) -> Cluster {
        let cluster = Cluster::make(options.tcp);
        run(server_program("initdb")
            .args([
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "-D",
            ])
            .arg(cluster.data()));
        cluster.configure(options);
        cluster.go();
        cluster
    }

    /// A copy of `source` made by `pg_basebackup` and started: a streaming standby, or a cluster of
    /// its own that recovers to the end of the backup.
    pub fn from_base_backup(source: &Cluster, standby: bool) -> Cluster {
        let copy = Cluster::base_backup(source, standby);
        copy.go();
        copy
    }

    /// The same, not started yet.
    pub fn base_backup(source: &Cluster, standby: bool) -> Cluster {
        let copy = Cluster::make(false);
        let mut backup = server_program("pg_basebackup");
        backup
            .args(["-U", "postgres", "-c", "fast", "-X", "stream", "-h"])
            .arg(&source.dir);
        backup.args(["-p", &source.port.to_string(), "-D"]).arg(copy.data());
        if standby {
            backup.arg("-R");
        }
        run(&mut backup);
        copy.append(&copy.place());
        copy
    }

    /// Makes a stopped base backup recover, at its next start, from an archive up to a point that
    /// `pg_create_restore_point()` has named, and go on from there.
    pub fn recover_to(&self, archive: &Path, point: &str) {
        self.set("restore_command", &format!("cp {}/%f %p", archive.display()));
        self.set("recovery_target_name", point);
        self.set("recovery_target_action", "promote");
        run(as_server("touch").arg(self.data().join("recovery.signal")));
    }

    fn make(tcp: bool) -> Cluster {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        // Short, because the path of a Unix socket may have no more than 107 bytes.
        let dir = PathBuf::from(format!("/tmp/pgal-{}-{number}", std::process::id()));
        run(as_server("mkdir").arg(&dir));
        let port = if tcp { free_port() } else { 5432 };
        let lifeline = Lifeline::new(&dir);
        Cluster {
            dir,
            port,
            tcp,
            lifeline,
        }
    }

    fn configure(&self, options: &Options) {
        let mut text = String::from(
            "max_connections = 120\nmax_prepared_transactions = 10\nmax_worker_processes = 100\n\
             log_line_prefix = '%m [%p] %b %d '\nlog_min_messages = info\nshared_buffers = '64MB'\n\
             min_wal_size = '80MB'\nwal_level = replica\n\
             # nothing here survives a power cut anyway, and kill -9 takes no page cache with it\n\
             fsync = off\n\
             # tests that look at checkpoints ask for them, or set this\n\
             auditlog.checkpoint_interval = '1h'\nauditlog.verify_interval = 0\n\
             auditlog.sample_interval = 0\n\
             # tests count events: those about reads of theirs are in the way\n\
             auditlog.access_log = off\n",
        );
        if options.preload {
            text.push_str("shared_preload_libraries = 'pg_auditlog'\n");
        }
        text.push_str(&self.place());
        for (name, value) in &options.settings {
            writeln!(text, "{name} = '{}'", value.replace('\'', "''")).expect("writing to a string");
        }
        self.append(&text);
    }

    /// The settings that say where the server listens.
    fn place(&self) -> String {
        let listen = if self.tcp { "127.0.0.1" } else { "" };
        format!(
            "listen_addresses = '{listen}'\nport = {}\nunix_socket_directories = '{}'\n",
            self.port,
            self.dir.display()
        )
    }

    fn append(&self, text: &str) {
        let path = self.data().join("postgresql.conf");
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap_or_else(|e| panic!("cannot open {}: {e}", path.display()));
        file.write_all(text.as_bytes())
            .expect("postgresql.conf takes our settings");
    }

    /// Starts the stopped server and waits until it takes connections.
    pub fn go(&self) {
        let mut command = server_program("pg_ctl");
        command
            .arg("-D")
            .arg(self.data())
            .arg("-l")
            .arg(self.log_path())
            .args(["-w", "-t", "120", "start"]);
        // The server inherits what pg_ctl has: a pipe of ours would never end.
        let status = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(
            status.is_ok_and(|s| s.success()),
            "the server does not start:\n{}",
            self.log_tail(40)
        );
    }

    /// Stops the server.
    pub fn stop(&self, mode: Stop) {
        let mode = if matches!(mode, Stop::Fast) {
            "fast"
        } else {
            "immediate"
        };
        run(server_program("pg_ctl")
            .arg("-D")
            .arg(self.data())
            .args(["-w", "-t", "120", "-m", mode, "stop"]));
    }

    /// Stops (fast) and starts the server.
    pub fn restart(&self) {
        self.stop(Stop::Fast);
        self.go();
    }

    /// Changes settings in `postgresql.conf`; the server reads them at the next start.
    pub fn set(&self, name: &str, value: &str) {
        self.append(&format!("{name} = '{}'\n", value.replace('\'', "''")));
    }

    /// Changes a setting of the running server. The postmaster tells its processes before it takes another connection: once a
    /// new session has the value, the workers have been told, too.
    pub fn change(&self, name: &str, value: &str) {
        self.set(name, value);
        self.psql("postgres", "SELECT pg_reload_conf()");
        wait_until(&format!("{name} is {value}"), LONG, || {
            self.psql("postgres", &format!("SHOW {name}")).trim_end() == value
        });
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The cluster's directory, where its socket and its log are; removed at the end.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The TCP port, when the cluster has one, and the number in the socket's name.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The server's whole log.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn log_tail(&self, lines: usize) -> String {
        let log = self.log();
        let all: Vec<&str> = log.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// How to connect through the socket as `role`.
    pub fn config(&self, role: &str, database: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.dir).port(self.port).user(role).dbname(database);
        config.connect_timeout(Duration::from_secs(30));
        config
    }

    /// Connects as superuser.
    pub fn connect(&self, database: &str) -> Client {
        self.connect_as("postgres", database)
    }

    /// Connects as `role`.
    pub fn connect_as(&self, role: &str, database: &str) -> Client {
        self.config(role, database)
            .connect(NoTls)
            .unwrap_or_else(|e| panic!("cannot connect to {database} as {role}: {e:?}\n{}", self.log_tail(20)))
    }

    /// A new database that has the extension, and a connection to it as superuser.
    pub fn create_database_with_extension(&self, database: &str) -> Client {
        self.connect("postgres")
            .batch_execute(&format!("CREATE DATABASE {database}"))
            .expect("CREATE DATABASE");
        let mut client = self.connect(database);
        client
            .batch_execute("CREATE EXTENSION pg_auditlog")
            .expect("CREATE EXTENSION pg_auditlog");
        client
    }

    /// A new login role that is a member of `groups`.
    pub fn create_login(&self, name: &str, groups: &[&str]) {
        let mut client = self.connect("postgres");
        client
            .batch_execute(&format!("CREATE ROLE {name} LOGIN"))
            .expect("CREATE ROLE");
        for group in groups {
            client
                .batch_execute(&format!("GRANT {group} TO {name}"))
                .expect("GRANT role");
        }
    }

    /// Runs SQL (with psql's own commands) through `psql`, unaligned, and returns what it prints.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        run(self
            .client_program("psql", database)
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql]))
    }

    /// Runs a file through `psql`; `Err` has what it printed.
    ///
    /// # Errors
    /// When psql ends with an error.
    pub fn psql_file(&self, database: &str, variables: &[(&str, &str)], file: &Path) -> Result<String, String> {
        let mut command = self.client_program("psql", database);
        command.args(["-Xq", "-v", "ON_ERROR_STOP=1"]);
        for (name, value) in variables {
            command.arg("-v").arg(format!("{name}={value}"));
        }
        let output = command.arg("-f").arg(file).output().expect("psql starts");
        if output.status.success() {
            Ok(both(&output))
        } else {
            Err(both(&output))
        }
    }

    /// A client program (`psql`, `pg_dump` …) that talks to `database` as superuser.
    pub fn client_program(&self, name: &str, database: &str) -> std::process::Command {
        let mut command = client_program(name);
        command
            .arg("-h")
            .arg(&self.dir)
            .args(["-p", &self.port.to_string(), "-U", "postgres", "-d", database]);
        command
    }

    /// Copies one database with `pg_dump` into an existing one of another cluster with `psql`.
    pub fn dump_into(&self, database: &str, target: &Cluster, target_database: &str) {
        let file = self.dir.join(format!("{database}.sql"));
        run(self.client_program("pg_dump", database).arg("-f").arg(&file));
        if let Err(output) = target.psql_file(target_database, &[], &file) {
            panic!("the dump of {database} does not load:\n{output}");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- end of the server's log ---\n{}\n---", self.log_tail(40));
        }
        self.lifeline.cut();
    }
}

/// A TCP port that nobody listens on at the moment.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
