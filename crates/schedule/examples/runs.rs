//! `cargo run -p auditlog-schedule --example runs -- ZONE FROM UNTIL < schedules`
//!
//! For each line of the input one line: how many runs it has after FROM up to UNTIL (RFC 3339), their
//! FNV-1a hash, and the first; or why it is refused. What compares us with pg_cron reads this.

use auditlog_schedule::{Schedule, Zone};
use chrono::DateTime;
use std::io::BufRead;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [zone, from, until] = args.as_slice() else {
        return Err("arguments: ZONE FROM UNTIL".into());
    };
    let zone: Zone = zone.parse()?;
    let from = DateTime::parse_from_rfc3339(from)?.timestamp_micros();
    let until = DateTime::parse_from_rfc3339(until)?.timestamp_micros();
    for line in std::io::stdin().lock().lines() {
        match Schedule::parse(&line?) {
            Ok(schedule) => {
                let runs: Vec<i64> = schedule.upcoming(from, &zone).take_while(|us| *us <= until).collect();
                let hash = runs
                    .iter()
                    .flat_map(|us| (us / 1_000_000).to_le_bytes())
                    .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
                    });
                let first = runs.first().map_or(0, |us| us / 1_000_000);
                println!("{} {hash:016x} {first}", runs.len());
            }
            Err(error) => println!("refused {:?}", error.kind),
        }
    }
    Ok(())
}
