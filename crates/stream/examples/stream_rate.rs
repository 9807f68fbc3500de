//! How fast each kind delivers to a receiver on this machine that does next to nothing:
//! `cargo run --release -p auditlog-stream --example stream_rate [EVENTS]`. Events have about 900 bytes, as OCSF.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use auditlog_stream::{Attempt, Driver, Item, Link, Secrets, Stream};
use serde_json::{Value, json};

const NOW: i64 = 1_763_823_600_000_000;

type Failed = Box<dyn std::error::Error>;

/// A server that reads what it is sent, and answers each request if it has an answer.
fn server(answer: Option<&'static str>) -> Result<SocketAddr, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || match answer {
                Some(answer) => drop(talk(stream, answer)),
                None => drop(std::io::copy(&mut &stream, &mut std::io::sink())),
            });
        }
    });
    Ok(address)
}

fn talk(stream: TcpStream, answer: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line == "\r\n" {
            std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink())?;
            reader.get_mut().write_all(answer.as_bytes())?;
        }
        line.clear();
    }
    Ok(())
}

fn body(index: u64) -> Vec<u8> {
    let statement = format!("UPDATE orders SET amount = {} WHERE id = {index}", index * 7 % 1_000);
    json!({
        "category_uid": 6, "class_uid": 6005, "class_name": "Datastore Activity", "activity_id": 2, "type_uid": 600_502,
        "severity_id": 1, "severity": "Informational", "status_id": 1, "time": NOW / 1_000 + i64::try_from(index).unwrap_or(0),
        "metadata": {
            "version": "1.3.0", "uid": format!("pg_auditlog/00000000deadbeef/16384:{index}"), "sequence": index,
            "log_name": "pg_auditlog/00000000deadbeef/16384", "product": {"name": "pg_auditlog", "vendor_name": "pg_auditlog"},
        },
        "actor": {"user": {"name": format!("user_{}", index % 97), "type_id": 1}, "app_name": "orders-api"},
        "src_endpoint": {"ip": format!("10.0.{}.{}", index % 7, index % 251)},
        "database": {"name": "app", "type_id": 1}, "table": {"name": "public.orders"}, "type_id": 3,
        "query_info": {"query_string": statement, "uid": index.to_string()},
        "unmapped": {"origin": "pg_auditlog/00000000deadbeef/16384", "entry_hash": format!("{:064x}", index * 0x9e37_79b9)},
    })
    .to_string()
    .into_bytes()
}

fn main() -> Result<(), Failed> {
    let count: u64 = std::env::args().nth(1).map_or(Ok(200_000), |text| text.parse())?;
    let directory = std::env::temp_dir().join(format!("auditlog-rate-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let secret = directory.join("s");
    std::fs::write(&secret, "secret")?;
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600))?;
    let credentials = directory.join("credentials");
    std::fs::write(
        &credentials,
        "[default]\naws_access_key_id = A\naws_secret_access_key = S\n",
    )?;
    let splunk = server(Some("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"code\":0}"))?;
    let hub = server(Some("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"))?;
    let lines = server(None)?;
    let kinds: [(&str, Value); 9] = [
        (
            "splunk_hec",
            json!({"hec_url": format!("http://{splunk}"), "hec_token": "secret:s", "gzip": false}),
        ),
        (
            "splunk_hec",
            json!({"hec_url": format!("http://{splunk}"), "hec_token": "secret:s"}),
        ),
        (
            "azure_event_hub",
            json!({"event_hub_namespace": "n", "event_hub_name": "h", "shared_access_key": "secret:s", "endpoint": format!("http://{hub}")}),
        ),
        ("http", json!({"url": format!("http://{hub}/")})),
        ("http", json!({"url": format!("http://{hub}/"), "body": "cloudevents"})),
        ("syslog", json!({"address": format!("tcp://{lines}")})),
        ("file", json!({"path": directory.join("a.jsonl")})),
        ("object_store", json!({"url": directory.join("objects")})),
        (
            "aws_security_lake",
            json!({"account_id": "123456789012", "region": "us-east-1", "s3_bucket": "lake", "endpoint": format!("http://{hub}"), "credentials_file": credentials}),
        ),
    ];
    let bodies: Vec<Vec<u8>> = (0..count).map(body).collect();
    let items: Vec<Item<'_>> = (0..count)
        .zip(&bodies)
        .map(|(index, body)| Item {
            log_index: index,
            entry_hash: [7; 32],
            timestamp_us: NOW + i64::try_from(index).unwrap_or(0) * 1_000,
            class: 6_005,
            body,
        })
        .collect();
    for (kind, config) in kinds {
        let stream = Stream::parse(kind, &config, "pg_auditlog/00000000deadbeef/16384")?;
        let (limits, mut position, mut batches) = (stream.limits(), 0, 0);
        let (mut link, mut driver) = (Link::new(stream), Driver::default());
        let begin = Instant::now();
        while position < items.len() {
            let (mut bytes, mut end) = (0, position);
            while end < items.len() && end - position < limits.max_events {
                bytes += link.stream().weight(&items[end]);
                if bytes > limits.max_bytes && end > position {
                    break;
                }
                end += 1;
            }
            let attempt = Attempt {
                secrets: &Secrets::new(&directory),
                deadline: Duration::from_secs(600),
                now: NOW,
                allow: &|_, _| true,
            };
            let sent = driver.deliver(&mut link, &items[position..end], &attempt);
            if sent.delivered == 0 {
                return Err(format!("{kind}: {sent:?}").into());
            }
            position += sent.delivered;
            batches += 1;
        }
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "{kind:<18} {:>9.0} events/s, {batches} batches  {config}",
            items.len() as f64 / seconds
        );
    }
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}
