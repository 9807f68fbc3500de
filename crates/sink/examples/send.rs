//! Delivers a file: `send KIND ADDRESS OPTIONS NAME FILE`. For trials against real servers.

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auditlog_sink::{Message, Target, deliver};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, address, options, name, file] = arguments.as_slice() else {
        return Err("send KIND ADDRESS OPTIONS NAME FILE".into());
    };
    let target = Target::parse(kind, address, &serde_json::from_str(options)?)?;
    let body = std::fs::read(file)?;
    let message = Message {
        name,
        content_type: "text/plain; charset=utf-8",
        body: &body,
        time: i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?,
    };
    match deliver(&target, &message, Duration::from_secs(20)) {
        Ok(receipt) => println!("{target}: {receipt:?}"),
        Err(error) => println!("{target}: {:?}: {error}", error.kind),
    }
    Ok(())
}
