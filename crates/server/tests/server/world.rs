//! A cluster whose people have passwords, a database with the log, and a server over it.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use auditlog_server::config::Given;
use auditlog_server::{Running, Settings, start};
use auditlog_testkit::{Cluster, Options};
use postgres::Client;
use tokio::runtime::Runtime;

use crate::client::{Request, request};

pub use auditlog_testkit::postgres;

/// People by name; the password is the name. One for each role, and one without any.
pub const PEOPLE: [(&str, &str); 7] = [
    ("adm", "auditlog_administrator"),
    ("ana", "auditlog_analyst"),
    ("com", "auditlog_compliance"),
    ("mia", "auditlog_manager"),
    ("ann", "auditlog_user"),
    ("wri", "auditlog_writer"),
    ("nob", ""),
];

/// The cluster that tests share.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| cluster(&Options::default()))
}

/// A cluster that asks everybody but the superuser for a password.
pub fn cluster(options: &Options) -> Cluster {
    let cluster = Cluster::start(options);
    let rules = "local all postgres trust\nlocal replication postgres trust\nlocal all all scram-sha-256\n";
    std::fs::write(cluster.data().join("pg_hba.conf"), rules).expect("pg_hba.conf can be written");
    let mut client = cluster.connect("postgres");
    client.batch_execute("SELECT pg_reload_conf()").expect("a reload");
    let mut sql = String::from(
        "CREATE ROLE service LOGIN PASSWORD 'service' IN ROLE pg_monitor;
         CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD 'authenticator';
         CREATE ROLE root LOGIN SUPERUSER PASSWORD 'root';",
    );
    for (name, _) in PEOPLE {
        sql.push_str(&format!("CREATE ROLE {name} LOGIN PASSWORD '{name}';"));
    }
    client.batch_execute(&sql).expect("roles");
    cluster
}

/// A database and a server over it.
pub struct World {
    pub cluster: &'static Cluster,
    pub database: String,
    runtime: Runtime,
    running: Option<Running>,
    given: Given,
    pub address: SocketAddr,
    pub metrics: SocketAddr,
}

impl World {
    pub fn new() -> World {
        World::with(|_| {})
    }

    /// With settings of its own.
    pub fn with(change: impl FnOnce(&mut Given)) -> World {
        World::on(shared(), change)
    }

    /// On a cluster of its own.
    pub fn on(cluster: &'static Cluster, change: impl FnOnce(&mut Given)) -> World {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let database = format!("served_{}", COUNTER.fetch_add(1, Ordering::Relaxed));
        let mut client = cluster.create_database_with_extension(&database);
        let mut sql = String::from("GRANT auditlog_user, auditlog_manager TO authenticator;");
        for (name, role) in PEOPLE.iter().filter(|(_, role)| !role.is_empty()) {
            sql.push_str(&format!("GRANT {role} TO {name};"));
        }
        sql.push_str(
            "SELECT auditlog.add_principal('ann', actor_id => 'user_17', email => 'ann@example.com', teams => '{ops}');
             SELECT auditlog.add_principal('mia', actor_id => 'user_4', teams => '{leads}', manages => '{ops}');
             SELECT auditlog.add_principal(actor_id => 'user_99', teams => '{dev}');",
        );
        client.batch_execute(&sql).expect("people");
        let password = cluster.dir().join("authenticator");
        let file = std::env::temp_dir().join(format!("{}-{database}", std::process::id()));
        std::fs::write(&file, "authenticator\n").expect("a file of a password");
        let mut given = Given {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            metrics_listen: Some("127.0.0.1:0".to_owned()),
            database: Some(format!(
                "host={} port={} dbname={database} user=service password=service",
                cluster.dir().display(),
                cluster.port()
            )),
            authenticator: Some("authenticator".to_owned()),
            authenticator_password_file: Some(file),
            rate_requests: Some(1_000_000),
            rate_exports: Some(1_000_000),
            rate_refusals: Some(1_000_000),
            stream_interval: Some("20ms".parse().expect("a time")),
            shutdown_grace: Some("5s".parse().expect("a time")),
            ..Given::default()
        };
        let _ = password;
        change(&mut given);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let running = runtime.block_on(start(settings(&given))).expect("the server starts");
        World {
            cluster,
            database,
            address: running.address,
            metrics: running.metrics.expect("metrics"),
            runtime,
            running: Some(running),
            given,
        }
    }

    /// Stops the server and starts it at the same address.
    pub fn restart(&mut self) {
        self.stop();
        self.given.listen = Some(self.address);
        let running = self
            .runtime
            .block_on(start(settings(&self.given)))
            .expect("the server starts again");
        self.running = Some(running);
    }

    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }

    /// What the server was started with.
    pub fn given(&self) -> &Given {
        &self.given
    }

    pub fn superuser(&self) -> Client {
        self.cluster.connect(&self.database)
    }

    /// A request of somebody whose password is the name.
    pub fn by(&self, name: &str, method: &str, target: &str) -> Request {
        request(self.address, method, target).basic(name, name)
    }

    pub fn get(&self, name: &str, target: &str) -> crate::client::Answer {
        self.by(name, "GET", target).send()
    }

    pub fn anonymous(&self, method: &str, target: &str) -> Request {
        request(self.address, method, target)
    }

    /// Records events of actors, in order; each has its number as `metadata.n`. Waits until they are sealed.
    pub fn record(&self, events: &[(&str, &str)]) {
        let mut client = self.superuser();
        for (number, (event_type, actor)) in events.iter().enumerate() {
            let document = serde_json::json!({
                "event_type": event_type,
                "actor": {"type": "user", "id": actor},
                "action": {"status": if number % 2 == 0 { "success" } else { "failed" }},
                "metadata": {"n": number},
            });
            let sql = "SELECT auditlog.record($1::text::jsonb)";
            client.query(sql, &[&document.to_string()]).expect("an event");
        }
        self.sealed(&mut client);
    }

    /// Waits until nothing waits to be sealed.
    pub fn sealed(&self, client: &mut Client) {
        auditlog_testkit::wait_until("everything is sealed", auditlog_testkit::LONG, || {
            let row = client
                .query_one("SELECT inbox_rows = 0 FROM auditlog.stat_seal", &[])
                .expect("stat_seal");
            row.get::<_, bool>(0)
        });
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
        // Each database has workers, and there are only so many.
        if !std::thread::panicking() {
            let drop = format!("DROP DATABASE {} WITH (FORCE)", self.database);
            self.cluster
                .connect("postgres")
                .batch_execute(&drop)
                .expect("DROP DATABASE");
        }
    }
}

fn settings(given: &Given) -> Settings {
    given.clone().settle().expect("settings")
}
