//! Writes an archive of synthetic events: `cargo run -p auditlog-archive --example make -- DIRECTORY EVENTS`.
//! Prints the log's public key. For trying engines and `auditlog verify`.

use std::fs;
use std::path::Path;

use auditlog_archive::{Name, ObjectWriter, Options, Placement};
use auditlog_bundle::synthetic::{Log, Plan};
use auditlog_core::chain::GENESIS;
use auditlog_tlog::Frontier;
use chrono::NaiveDate;

/// The events of one object.
const EVENTS: u64 = 100_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().expect("a directory");
    let size: u64 = arguments.next().expect("a number").parse().expect("a number of events");
    let log = Log::new(1);
    let plan = Plan {
        size,
        ..Plan::default()
    };
    let mut tree = Frontier::new();
    let (mut previous, mut index) = (GENESIS, 0);
    while index < size {
        let placement = Placement {
            origin: log.origin.clone(),
            retention_class: "default".to_owned(),
            day: NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day"),
        };
        let mut writer = ObjectWriter::new(Vec::new(), placement, Options::default()).expect("options");
        for _ in 0..EVENTS.min(size - index) {
            let (bytes, leaf, hash) = log.record(index, previous, &log.row_of(index, &plan));
            writer.push(&bytes).expect("a record of the day");
            tree.push(leaf);
            previous = hash;
            index += 1;
        }
        let (object, mut manifest) = writer.finish().expect("an object");
        manifest.checkpoint = Some(log.sign(tree.size(), tree.root()).to_string());
        let name = Name::of(&manifest);
        let signed = manifest.sign(&log.key).expect("a manifest");
        let write = |path: String, bytes: &[u8]| {
            let path = Path::new(&directory).join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        };
        write(name.object(), &object);
        write(name.manifest(), signed.file().expect("a manifest").as_bytes());
    }
    println!("{}", log.vkey());
}
