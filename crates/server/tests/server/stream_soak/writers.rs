//! Clients that record at a steady rate, whatever becomes of the database meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use auditlog_testkit::postgres::{Client, NoTls};
use serde_json::{Value, json};

use crate::world::World;

/// Events of one statement.
const BATCH: u64 = 20;

const TYPES: [&str; 8] = [
    "authentication.login",
    "authentication.logout",
    "resource.create",
    "resource.delete",
    "cost.budget",
    "automation.run",
    "configuration.change",
    "system.backup",
];

/// The event of a number: the same each time, its parts independent of each other.
fn event(n: u64) -> Value {
    let dice = |salt: u64, sides: u64| {
        let mixed = (n ^ salt.wrapping_mul(0xA24B_AED4_963E_E407)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33) % sides
    };
    json!({
        "event_type": TYPES[dice(1, 8) as usize],
        "severity": if dice(2, 50) == 0 { "critical" } else { "info" },
        "actor": {"type": "user", "id": format!("user_{}", dice(3, 100)), "ip_address": format!("10.0.{}.{}", dice(4, 60), dice(5, 250))},
        "resource": {"type": if dice(6, 3) == 0 { "bucket" } else { "instance" }, "id": format!("i-{}", dice(7, 300)),
            "region": if dice(8, 4) == 0 { "eu-west-1" } else { "us-east-1" }},
        "action": {"status": if dice(9, 5) == 0 { "failed" } else { "success" }},
        "metadata": {"n": n, "shard": dice(10, 100), "note": if dice(11, 150) == 0 { "strange zanzibar" } else { "as usual" }},
    })
}

fn connect(world: &World) -> Client {
    loop {
        let mut config = world.cluster.config("wri", &world.database);
        if let Ok(client) = config.password("wri").connect(NoTls) {
            return client;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One of `writers` that record `rate` events a second in all, until there are `total`. Counts in `recorded` what the
/// database has acknowledged; what was under way when it ended may be in the log or not, and is not sent again.
pub fn write(world: &World, number: u64, writers: u64, rate: u64, total: u64, recorded: &AtomicU64) {
    let mut client = connect(world);
    let begun = Instant::now();
    for batch in (number..total / BATCH).step_by(writers as usize) {
        let due = Duration::from_secs_f64((batch * BATCH) as f64 / rate as f64);
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        let events: Vec<Value> = (batch * BATCH..(batch + 1) * BATCH).map(event).collect();
        let events = Value::Array(events).to_string();
        match client.query("SELECT auditlog.record_batch($1::text::jsonb)", &[&events]) {
            Ok(_) => {
                recorded.fetch_add(BATCH, Ordering::SeqCst);
            }
            Err(_) => client = connect(world),
        }
    }
}
