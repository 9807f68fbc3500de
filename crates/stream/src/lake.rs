//! The kind `aws_security_lake`: a custom source of AWS Security Lake (docs.aws.amazon.com, «Collecting data from custom
//! sources»): objects of Parquet with events of one class of OCSF and one day each.

use auditlog_notify::client::missing;
use auditlog_notify::{Attempt, Failure};
use auditlog_sink::ConfigError;
use auditlog_sink::client::Options;
use serde_json::{Map, Value};

use crate::item::{Item, Limits};
use crate::limits::{Usual, limits};
use crate::objects::{date, day, grouped, object_name, put_groups};
use crate::ocsf_fields::{Form, fields};
use crate::ocsf_parquet;
use crate::outcome::{Outcome, Sent};
use crate::shred::is_of;
use crate::store::Store;

/// Bytes of events in a batch: what fits into the memory of a worker (150 MB), beside what they are made from. AWS asks for an object in 5 minutes or less often,
/// but for more than 256 MB; so this is to be raised where more than that comes in 5 minutes.
const BYTES: usize = 32 << 20;

/// The least time between two objects, in seconds.
const SECONDS: u64 = 300;

/// A configured source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lake {
    pub(crate) store: Store,
    pub(crate) limits: Limits,
    region: String,
    account: String,
    source: String,
    /// Names of sources for single classes.
    sources: Vec<(u32, String)>,
}

impl Lake {
    pub(crate) fn parse(options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let account = options
            .text("account_id")?
            .ok_or_else(|| missing("account_id", "123456789012"))?
            .to_owned();
        let figures = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let external = account
            .strip_prefix("external")
            .is_some_and(|rest| rest.is_empty() || rest.strip_prefix('_').is_some_and(is_word));
        if !figures && !external {
            return Err(options
                .wrong("account_id", "an account of 12 figures, external or external_NAME")
                .hint("Events from outside AWS have external or external_NAME."));
        }
        let region = options
            .text("region")?
            .ok_or_else(|| missing("region", "us-east-1"))?
            .to_owned();
        let bucket = options
            .text("s3_bucket")?
            .ok_or_else(|| missing("s3_bucket", "aws-security-data-lake-us-east-1-abc"))?;
        let source = options.text("source_name")?.unwrap_or("pg_auditlog").to_owned();
        if !is_word(&source) || source.len() > 64 {
            return Err(options.wrong("source_name", "a name of letters, digits, «-» and «_»"));
        }
        let mut sources = Vec::new();
        for (class, name) in options.texts("source_names")? {
            let class = class.parse().ok().filter(|_| is_word(name) && name.len() <= 64);
            let class = class.ok_or_else(|| {
                options
                    .wrong("source_names", "an object of names by the numbers of classes")
                    .hint("Write \"source_names\": {\"6005\": \"pgdata\", \"3002\": \"pglogin\"}.")
            })?;
            sources.push((class, name.to_owned()));
        }
        Ok(Self {
            store: Store::parse(options, &format!("s3://{bucket}/ext"))?,
            limits: limits(
                options,
                &Usual {
                    bytes: BYTES,
                    most: 256 << 20,
                    events: 1_000_000,
                    seconds: SECONDS,
                },
            )?,
            region,
            account,
            source,
            sources,
        })
    }

    /// The source of a class: each class needs its own.
    fn source(&self, class: u32) -> String {
        let named = self.sources.iter().find(|(known, _)| *known == class);
        named.map_or_else(|| format!("{}_{class}", self.source), |(_, name)| name.clone())
    }

    pub(crate) fn send(&self, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Sent {
        let mut times = Vec::with_capacity(batch.len());
        for (index, item) in batch.iter().enumerate() {
            match checked(item) {
                Ok((_, time)) => times.push(time),
                Err(error) => return Sent::stopped(0, Outcome::Reject { index, error }),
            }
        }
        let keys = batch.iter().zip(&times);
        let groups = grouped(keys.map(|(item, time)| (item.class, day(time.saturating_mul(1_000)))));
        put_groups(&self.store, batch.len(), attempt, groups, |(class, day), places| {
            let mut ordered = places.to_vec();
            ordered.sort_by_key(|place| times[*place]);
            let longest = ordered.iter().map(|place| batch[*place].body.len()).max();
            let rows = ordered.iter().filter_map(|place| {
                let item = &batch[*place];
                checked(item).ok().map(|(row, _)| (row, item.body.len()))
            });
            let bytes = ocsf_parquet::file(*class, longest.unwrap_or(0), rows)
                .map_err(|error| Outcome::pause(Failure::new(format!("could not write events as Parquet: {error}"))))?;
            let path = format!(
                "{}/region={}/accountId={}/eventDay={}",
                self.source(*class),
                self.region,
                self.account,
                date(*day, "%Y%m%d")
            );
            let name = object_name(batch, places, &bytes);
            Ok((format!("{path}/{name}.zst.parquet"), bytes))
        })
    }
}

/// The event as an object, and its time in milliseconds since 1970 UTC.
fn checked(item: &Item<'_>) -> Result<(Map<String, Value>, i64), Failure> {
    let wrong = |what: &str| {
        Failure::new(format!("the event is no event of OCSF: {what}")).hint("Give the sink the format «ocsf».")
    };
    let row: Map<String, Value> = serde_json::from_slice(item.body).map_err(|_| wrong("it is not a JSON object"))?;
    for field in fields(0).iter().filter(|field| field.needed) {
        let value = row.get(field.name);
        if !value.is_some_and(|value| is_of(field.form, value)) {
            return Err(wrong(&format!("«{}» is missing or no number", field.name)));
        }
    }
    if !row
        .get("metadata")
        .is_some_and(|metadata| is_of(Form::Group(&[]), metadata))
    {
        return Err(wrong("«metadata» is missing"));
    }
    let class = row.get("class_uid").and_then(Value::as_u64);
    if class != Some(u64::from(item.class)) {
        return Err(wrong(&format!("its class is not {}", item.class)));
    }
    let time = row.get("time").and_then(Value::as_i64).unwrap_or(0);
    Ok((row, time))
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
