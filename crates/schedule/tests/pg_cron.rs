//! What pg_cron itself takes and refuses, asked in a private cluster. «skipped» where Debian's package
//! `postgresql-15-cron` is absent: `apt-get install postgresql-15-cron`.

use auditlog_schedule::{ErrorKind, Schedule};
use auditlog_testkit::command::{bin_dir, run};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::postgres::error::SqlState;
use auditlog_testkit::{Cluster, Options, Random};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian's packages put the server's programs.
const DEBIAN: &str = "/usr/lib/postgresql/15/bin";

/// Texts that are compared.
const TEXTS: usize = 1500;

fn has_pg_cron(bin: &Path) -> bool {
    let output = Command::new(bin.join("pg_config")).arg("--sharedir").output();
    output.is_ok_and(|output| {
        let share = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        share.join("extension/pg_cron.control").exists()
    })
}

#[test]
fn pg_cron_takes_and_refuses_the_same() {
    if has_pg_cron(&bin_dir()) {
        return compare();
    }
    if !has_pg_cron(Path::new(DEBIAN)) {
        // past the capture of the test's output
        let _ = writeln!(std::io::stderr(), "skipped: postgresql-15-cron is absent");
        return;
    }
    // The package is beside Debian's server, not beside the private copy: once more, with that one.
    let program = std::env::current_exe().expect("this program");
    let mut again = Command::new(program);
    again.args(["--exact", "pg_cron_takes_and_refuses_the_same", "--nocapture"]);
    let output = run(again.env("PG_BIN", DEBIAN));
    let verdict = output.lines().find(|line| line.starts_with("pg_cron 1"));
    println!("{}", verdict.expect("a comparison"));
}

fn compare() {
    let options = Options {
        preload: false,
        ..Options::default()
    };
    let cluster = Cluster::start(
        &options
            .set("shared_preload_libraries", "pg_cron")
            .set("cron.database_name", "postgres"),
    );
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

/// Corners of pg_cron's reader. A comment without an end of line is not among them: pg_cron 1.4 never
/// comes back from it.
const FIXED: &[&str] = &[
    "",
    " ",
    "\n",
    "\n* * * * *",
    "# every minute\n* * * * *",
    "* * * * *\n",
    "* * * * *\r\n",
    "* *\n* * *",
    "*\t*\t*\t*\t*",
    "* * * * * ",
    "* * * * *\u{b}",
    "* * * *",
    "* * * * ",
    "05 004 * * *",
    "*/60 * * * *",
    "*/1000 * * * *",
    "*/0 * * * *",
    "*/00 * * * *",
    "5-5/9 * * * *",
    "1/5 * * * *",
    "1, * * * *",
    "1,,2 * * * *",
    "0 0 0 * *",
    "0 0 * 0 *",
    "0 0 * * 7",
    "0 0 * * 8",
    "0 0 * JAN,fEb Sun",
    "0 0 * jan-mar mon-fri/2",
    "0 0 * mon *",
    "0 0 * * monday",
    "0 0 ? * *",
    "0 0 L * *",
    "0 0 $ * *",
    "0 0 $",
    "0 0 $,1 * *",
    "0 0 1,$ * *",
    "@hourly",
    "@daily",
    "@midnight",
    "@weekly",
    "@monthly",
    "@yearly",
    "@annually",
    "@reboot",
    "@restart",
    "@Daily",
    "@daily ",
    "@daily\n",
    "@daily\r",
    " @daily",
    "@",
    "@every 5m",
    "30 seconds",
    "30seconds",
    "+30 seconds",
    "-30 seconds",
    "1 second",
    "2 second",
    "1 second ",
    "1 seconds ",
    "60 seconds",
    "0 seconds",
    "30 SECONDS",
    "30 secs",
    "30 seconds ago",
    "5 minutes",
    "ä * * * *",
];

/// A schedule, or nearly one.
fn text(random: &mut Random) -> String {
    if random.chance(4) {
        return format!(
            "{} second{}",
            random.below(70),
            if random.chance(70) { "s" } else { "" }
        );
    }
    let limits: [(u64, u64, &[&str]); 5] = [
        (0, 59, &[]),
        (0, 23, &[]),
        (1, 31, &[]),
        (1, 12, &["jan", "Feb", "MAR", "nov", "dec"]),
        (0, 7, &["sun", "Mon", "FRI", "sat"]),
    ];
    let mut words: Vec<String> = limits
        .iter()
        .map(|(low, high, names)| field(random, *low, *high, names))
        .collect();
    if random.chance(8) {
        words[2] = "$".to_owned();
    }
    if random.chance(5) {
        words.pop();
    } else if random.chance(4) {
        words.push("*".to_owned());
    }
    let mut text = words.join(if random.chance(90) { " " } else { "\t " });
    if random.chance(15) && !text.is_empty() {
        let noise = ["-", "/", ",", "*", "x", "9", "#", "?", "L", " ", ";", "\n", "é"];
        let at = random.below(text.len() as u64) as usize;
        let noise = noise[random.below(noise.len() as u64) as usize];
        // a "#" at the beginning would be a comment without an end
        if at > 0 || noise != "#" {
            text.insert_str(at, noise);
        }
    }
    text
}

/// Seldom backwards.
fn range(first: String, last: String, random: &mut Random) -> String {
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(a), Ok(b)) if a > b && random.chance(95) => format!("{b}-{a}"),
        _ => format!("{first}-{last}"),
    }
}

fn field(random: &mut Random, low: u64, high: u64, names: &[&str]) -> String {
    let mut items = Vec::new();
    for _ in 0..=random.below(3) {
        let value = |random: &mut Random| {
            if !names.is_empty() && random.chance(40) {
                return names[random.below(names.len() as u64) as usize].to_owned();
            }
            // seldom just outside
            let number = low + random.below(high - low + 1);
            if random.chance(1) {
                (high + 1).to_string()
            } else {
                number.to_string()
            }
        };
        let item = match random.below(10) {
            0..=3 => "*".to_owned(),
            4 => format!("*/{}", 1 + random.below(high + 2)),
            5..=7 => value(random),
            _ => range(value(random), value(random), random),
        };
        let step = if random.chance(5) {
            format!("/{}", random.below(9))
        } else {
            String::new()
        };
        items.push(item + &step);
        if random.chance(60) {
            break;
        }
    }
    items.join(",")
}
