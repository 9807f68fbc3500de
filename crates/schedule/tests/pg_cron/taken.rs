//! What pg_cron takes and refuses.

use crate::cluster;
use crate::texts::{FIXED, text};
use auditlog_schedule::{ErrorKind, Schedule};
use auditlog_testkit::Random;
use auditlog_testkit::postgres::Client;
use auditlog_testkit::postgres::error::SqlState;

/// Random texts that are compared.
const TEXTS: usize = 1500;

pub fn compare() {
    let cluster = cluster();
    let mut client = cluster.connect("postgres");
    client.batch_execute("CREATE EXTENSION pg_cron").expect("pg_cron");
    let version: String = client
        .query_one("SELECT extversion FROM pg_extension WHERE extname = 'pg_cron'", &[])
        .expect("a version")
        .get(0);
    // 1.4, as Debian 12 has it, knows neither of them: seconds came with 1.5, the last day with 1.6
    let old = |text: &str| match version.as_str() {
        "1.5" => text.contains('$'),
        "1.4" | "1.4-1" => text.contains('$') || text.to_ascii_lowercase().contains("sec"),
        _ => false,
    };
    let mut random = Random::from_clock();
    let mut counts = [0_usize; 3];
    let texts = std::iter::from_fn(|| Some(text(&mut random))).filter(|text| !old(text));
    let fixed = FIXED.iter().map(|text| (*text).to_owned()).filter(|text| !old(text));
    for text in fixed.chain(texts.take(TEXTS)) {
        let taken = takes(&mut client, &text);
        match Schedule::parse(&text) {
            Ok(schedule) => {
                assert!(taken, "pg_cron {version} refuses {text:?}");
                let normal = schedule.to_string();
                assert!(
                    takes(&mut client, &normal),
                    "pg_cron {version} refuses {normal:?}, from {text:?}"
                );
                counts[0] += 1;
            }
            Err(error) if error.kind == ErrorKind::Syntax => {
                assert!(!taken, "pg_cron {version} takes {text:?}; we: {error}");
                counts[1] += 1;
            }
            Err(_) => counts[2] += 1,
        }
    }
    println!(
        "pg_cron {version}: {} taken by both, {} refused by both, {} refused as misread",
        counts[0], counts[1], counts[2]
    );
    assert!(counts.iter().all(|count| *count > TEXTS / 20), "{counts:?}");
}

/// Asks, and takes it back: no job is ever run, which pg_cron would do on whatever server listens at localhost.
fn takes(client: &mut Client, text: &str) -> bool {
    let mut transaction = client.transaction().expect("a transaction");
    match transaction.query_one("SELECT cron.schedule($1, 'SELECT 1')", &[&text]) {
        Ok(_) => true,
        Err(error) if error.code() == Some(&SqlState::INVALID_PARAMETER_VALUE) => false,
        Err(error) => panic!("{text:?}: {error}"),
    }
}
