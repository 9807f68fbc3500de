//! The kind `object_store`: a batch as an object of lines, under its day.

use std::collections::BTreeMap;

use auditlog_notify::client::missing;
use auditlog_notify::{Attempt, Failure};
use auditlog_sink::ConfigError;
use auditlog_sink::client::Options;
use chrono::DateTime;
use sha2::{Digest as _, Sha256};

use crate::item::{Item, Limits, hex};
use crate::limits::{Usual, limits};
use crate::lines::{lines, newline};
use crate::outcome::{Outcome, Sent};
use crate::squeeze::Squeeze;
use crate::store::{Object, Store};

const DAY_US: i64 = 86_400_000_000;

/// A file that is put into object storage as it is.
pub struct NamedFile<'a> {
    /// Parts between slashes, none of them empty or `..`.
    pub name: &'a str,
    /// Its media type.
    pub content_type: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// A configured place for objects of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Objects {
    pub(crate) store: Store,
    pub(crate) limits: Limits,
    squeeze: Squeeze,
}

impl Objects {
    pub(crate) fn parse(options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let address = options
            .text("url")?
            .ok_or_else(|| missing("url", "s3://bucket/prefix"))?;
        Ok(Self {
            store: Store::parse(options, address)?,
            limits: limits(
                options,
                &Usual {
                    bytes: 16 << 20,
                    most: 256 << 20,
                    events: 50_000,
                    seconds: 60,
                },
            )?,
            squeeze: options.choice("compression", &Squeeze::CHOICES)?,
        })
    }

    /// Puts a file beside the batches. One with the same name and bytes counts as put, another one is never overwritten.
    pub(crate) fn put_file(&self, file: &NamedFile<'_>, attempt: &Attempt<'_>) -> Result<(), Outcome> {
        self.store.put(
            attempt,
            &Object {
                key: file.name.to_owned(),
                content_type: file.content_type,
                bytes: file.bytes,
            },
        )
    }

    pub(crate) fn send(&self, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Sent {
        if let Some(outcome) = newline(batch) {
            return Sent::stopped(0, outcome);
        }
        let groups = grouped(batch.iter().map(|item| day(item.timestamp_us)));
        put_groups(&self.store, batch.len(), attempt, groups, |day, places| {
            let items = places.iter().map(|place| &batch[*place]);
            let json = items.clone().all(|item| item.body.first() == Some(&b'{'));
            let bytes = self.squeeze.apply(lines(items)).map_err(squeezing)?;
            let kind = if json { "jsonl" } else { "log" };
            let name = object_name(batch, places, &bytes);
            let day = date(*day, "%Y-%m-%d");
            Ok((format!("day={day}/{name}.{kind}{}", self.squeeze.extension()), bytes))
        })
    }
}

/// The places of a batch by the keys of its events, in the order in which the keys come first.
pub(crate) fn grouped<K: Ord + Clone>(keys: impl Iterator<Item = K>) -> Vec<(K, Vec<usize>)> {
    let mut known: BTreeMap<K, usize> = BTreeMap::new();
    let mut groups: Vec<(K, Vec<usize>)> = Vec::new();
    for (place, key) in keys.enumerate() {
        let group = *known.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(place);
    }
    groups
}

/// Puts an object for each group, which `make` makes with its key. The events before the first that is not stored are safe.
pub(crate) fn put_groups<K>(
    store: &Store,
    events: usize,
    attempt: &Attempt<'_>,
    groups: Vec<(K, Vec<usize>)>,
    make: impl Fn(&K, &[usize]) -> Result<(String, Vec<u8>), Outcome>,
) -> Sent {
    let begin = std::time::Instant::now();
    let (mut objects, mut size) = (0, 0);
    for (key, places) in groups {
        let first = places.first().copied().unwrap_or(events);
        let put = make(&key, &places).and_then(|(key, bytes)| {
            size += bytes.len();
            let again = Attempt {
                secrets: attempt.secrets,
                deadline: attempt.deadline.saturating_sub(begin.elapsed()),
                now: attempt.now,
                allow: attempt.allow,
            };
            store.put(
                &again,
                &Object {
                    key,
                    content_type: "application/octet-stream",
                    bytes: &bytes,
                },
            )
        });
        if let Err(outcome) = put {
            // Groups come in the order of their first events: all before this one are stored.
            return Sent::stopped(first, outcome);
        }
        objects += 1;
    }
    Sent::all(events, format!("{objects} objects of {size} bytes are at {store}"))
}

/// The first and the last place in the log, and a hash: a batch that is put again has the same name.
pub(crate) fn object_name(batch: &[Item<'_>], places: &[usize], bytes: &[u8]) -> String {
    let indexes = places.iter().map(|place| batch[*place].log_index);
    let first = indexes.clone().min().unwrap_or(0);
    let last = indexes.max().unwrap_or(0);
    format!("{first:020}-{last:020}-{}", hex(&Sha256::digest(bytes)[..8]))
}

/// Days since 1970 UTC.
pub(crate) fn day(micros: i64) -> i64 {
    micros.div_euclid(DAY_US)
}

/// A day as text.
pub(crate) fn date(day: i64, form: &str) -> String {
    let time = DateTime::from_timestamp(day.saturating_mul(86_400), 0);
    time.map_or_else(|| "unknown".to_owned(), |time| time.format(form).to_string())
}

/// Compression in memory fails only where there is none.
pub(crate) fn squeezing(error: std::io::Error) -> Outcome {
    Outcome::retry(Failure::new(format!("could not compress the batch: {error}")))
}
