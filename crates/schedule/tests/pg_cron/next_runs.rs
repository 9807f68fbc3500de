//! When pg_cron runs a schedule: its reader, called through `shim.c`, and its rule for a minute there.

use crate::{cluster, pg_config, texts, version};
use auditlog_schedule::{Schedule, Zone};
use auditlog_testkit::command::{bin_dir, run};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, Random};
use std::path::Path;
use std::process::Command;

/// Random schedules that are compared.
const SCHEDULES: usize = 1000;

/// The first minute: 2027-10-01T00:00Z. In the minutes from there on are a 29 February and the changes of
/// the clocks of all zones below, most of them both in spring and in autumn.
const FIRST: i64 = 1_822_348_800 / 60;

/// 13 months.
const MINUTES: i32 = 396 * 24 * 60;

/// Whose clocks count; Lord Howe's change by half an hour.
const ZONES: [&str; 4] = ["GMT", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York"];

/// Runs from the beginning of the range on that are compared: of a schedule with fewer, all.
const MOST: usize = 2_000;

/// Moments anywhere in the range after which we are asked for some runs.
const MOMENTS: usize = 10;

/// Those some. A schedule of each minute has as many in the five hours around a change of the clocks.
const SOME: usize = 300;

const MINUTE_US: i64 = 60_000_000;

const RANGE_US: u64 = MINUTES as u64 * MINUTE_US as u64;

/// What the shim needs of a server.
pub fn missing(bin: &Path) -> Option<String> {
    let version = version(bin)?;
    if !version.starts_with("1.4") {
        return Some(format!("the shim does not know the structure of pg_cron {version}"));
    }
    if Command::new("gcc").arg("--version").output().is_err() {
        return Some("gcc is absent".to_owned());
    }
    let header = pg_config(bin, "--includedir-server")?.join("postgres.h");
    (!header.exists()).then(|| format!("{} is absent", header.display()))
}

pub fn compare() {
    let cluster = cluster();
    let mut client = cluster.connect("postgres");
    load_shim(&cluster, &mut client);
    the_structure_is_known(&mut client);
    let clocks = ZONES.map(Clocks::new);
    let mut random = Random::from_clock();
    let mut schedules: Vec<(String, Schedule)> = texts::FIXED.iter().filter_map(|text| readable(text)).collect();
    let wanted = schedules.len() + SCHEDULES;
    while schedules.len() < wanted {
        schedules.extend(readable(&texts::text(&mut random)));
    }
    let (mut with, mut without) = (0, 0);
    for clocks in &clocks {
        for (text, schedule) in &schedules {
            let runs = runs(&mut client, text, clocks.name);
            let same = |after_us: i64, most: usize| clocks.compare(text, schedule, &runs, after_us, most);
            same(FIRST * MINUTE_US - 1, MOST);
            for change in &clocks.changes {
                same((change - 150) * MINUTE_US, SOME);
            }
            for _ in 0..MOMENTS {
                same(FIRST * MINUTE_US + random.below(RANGE_US) as i64, SOME);
            }
            with += usize::from(!runs.is_empty());
            without += usize::from(runs.is_empty());
        }
    }
    println!(
        "pg_cron 1.4: equal runs of {} schedules in {} zones; {with} with runs, {without} without",
        schedules.len(),
        clocks.len()
    );
    assert!(with > 2 * without, "{with} with runs, {without} without");
}

/// A zone of the comparison.
struct Clocks {
    name: &'static str,
    zone: Zone,
    /// The minutes in which its clocks change.
    changes: Vec<i64>,
}

impl Clocks {
    fn new(name: &'static str) -> Clocks {
        let zone: Zone = name.parse().expect("a zone");
        let offset = |minute: i64| {
            let us = minute * MINUTE_US;
            zone.local(us).expect("a time").and_utc().timestamp_micros() - us
        };
        // all changes of these zones are at a half hour
        let halves = (FIRST..FIRST + i64::from(MINUTES)).step_by(30);
        let changes: Vec<i64> = halves.filter(|at| offset(*at) != offset(at - 1)).collect();
        assert_eq!(changes.len() >= 2, name != "GMT", "{name}: {changes:?}");
        Clocks { name, zone, changes }
    }

    /// Are our next runs after a moment, up to so many, those of pg_cron?
    fn compare(&self, text: &str, schedule: &Schedule, runs: &[i64], after_us: i64, most: usize) {
        let from = runs.partition_point(|run| run * MINUTE_US <= after_us);
        let mut last = after_us;
        for run in &runs[from..runs.len().min(from + most)] {
            let next = schedule.next(last, &self.zone);
            let wanted = run * MINUTE_US;
            assert_eq!(next, Some(wanted), "{text:?} in {} after {last} µs", self.name);
            last = wanted;
        }
        if runs.len() <= from + most {
            let next = schedule.next(last, &self.zone);
            let end = (FIRST + i64::from(MINUTES)) * MINUTE_US;
            assert!(
                next.is_none_or(|next| next >= end),
                "{text:?} in {} after {last} µs: {next:?}, in pg_cron none",
                self.name
            );
        }
    }
}

/// The minutes in which pg_cron runs a schedule.
fn runs(client: &mut Client, text: &str, zone: &str) -> Vec<i64> {
    let row = client
        .query_one("SELECT shim.runs($1, $2, $3, $4)", &[&text, &zone, &FIRST, &MINUTES])
        .expect("runs");
    let bits: Option<Vec<u8>> = row.get(0);
    let bits = bits.unwrap_or_else(|| panic!("pg_cron refuses {text:?}"));
    let mut runs = Vec::new();
    for (word, bytes) in (0..).zip(bits.chunks(8)) {
        let mut rest = bytes
            .iter()
            .rev()
            .fold(0_u64, |rest, byte| rest << 8 | u64::from(*byte));
        while rest != 0 {
            runs.push(FIRST + word * 64 + i64::from(rest.trailing_zeros()));
            rest &= rest - 1;
        }
    }
    runs
}

/// A text that both read, and that says when by the clock.
fn readable(text: &str) -> Option<(String, Schedule)> {
    // 1.4 does not know the last day
    let schedule = Schedule::parse(text).ok().filter(|_| !text.contains('$'))?;
    let timed = !schedule.at_start() && schedule.interval().is_none();
    timed.then(|| (text.to_owned(), schedule))
}

/// Compiles the shim beside the cluster's data, where the server can read it.
fn load_shim(cluster: &Cluster, client: &mut Client) {
    let headers = pg_config(&bin_dir(), "--includedir-server").expect("a directory");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pg_cron/shim.c");
    let library = cluster.dir().join("shim.so");
    let mut compiler = Command::new("gcc");
    compiler
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-I"])
        .arg(headers);
    run(compiler.arg("-o").arg(&library).arg(source));
    let library = library.display();
    let create = format!(
        "CREATE SCHEMA shim;
         CREATE FUNCTION shim.entry(text) RETURNS bigint[] LANGUAGE c STRICT AS '{library}', 'entry';
         CREATE FUNCTION shim.runs(text, text, bigint, integer) RETURNS bytea LANGUAGE c STRICT AS '{library}', 'runs'"
    );
    client.batch_execute(&create).expect("the shim");
}

/// Known schedules, so that a structure other than the shim's shows here and not as a wrong run.
fn the_structure_is_known(client: &mut Client) {
    let bits = |low: u32, high: u32| (low..=high).fold(0_i64, |set, value| set | 1 << value);
    let mut entry = |text: &str| -> Option<Vec<i64>> {
        let row = client.query_one("SELECT shim.entry($1)", &[&text]).expect("an entry");
        row.get(0)
    };
    let (day, weekday, start, minute, hour) = (1, 2, 4, 8, 16);
    let (minutes, hours, days, months) = (bits(0, 59), bits(0, 23), bits(1, 31), bits(1, 12));
    // both Sundays, whichever was written
    let sunday = bits(0, 0) | bits(7, 7);
    for (text, known) in [
        ("59 23 31 12 6", [1 << 59, 1 << 23, 1 << 31, 1 << 12, 1 << 6, 0]),
        ("0 0 1 1 0", [1, 1, 1 << 1, 1 << 1, sunday, 0]),
        ("0 0 1 1 7", [1, 1, 1 << 1, 1 << 1, sunday, 0]),
        ("* 0 1 1 1", [minutes, 1, 1 << 1, 1 << 1, 1 << 1, minute]),
        ("0 * 1 1 1", [1, hours, 1 << 1, 1 << 1, 1 << 1, hour]),
        ("0 0 * 1 1", [1, 1, days, 1 << 1, 1 << 1, day]),
        ("0 0 1 * 1", [1, 1, 1 << 1, months, 1 << 1, 0]),
        ("0 0 1 1 *", [1, 1, 1 << 1, 1 << 1, bits(0, 7), weekday]),
        (
            "0-59 8-17 1 jan-mar fri",
            [minutes, bits(8, 17), 1 << 1, bits(1, 3), 1 << 5, 0],
        ),
    ] {
        assert_eq!(entry(text).as_deref(), Some(&known[..]), "{text}");
    }
    let reboot = entry("@reboot").expect("an entry");
    assert_eq!(reboot[5] & start, start);
    assert_eq!(entry("0 0 1 1"), None);
}
