//! Objects of the archive: written from a partition's rows, uploaded and read back in a thread, and brought back again. The
//! keeper's main thread reads and writes the database; no transaction is open while a thread talks to the store.

use super::restored;
use crate::guc;
use crate::store::archive;
use crate::store::pace::Pace;
use crate::store::record;
use crate::store::retention::Partition;
use crate::store::row::Hasher;
use auditlog_archive::{
    Change, Manifest, ObjectReader, ObjectWriter, Options, Placement, SignedManifest, Trust, WriteError, rewrite,
    verify,
};
use auditlog_bundle::Record;
use auditlog_bundle::redact::redact;
use auditlog_core::decode::decode_plain;
use auditlog_core::document::to_document;
use auditlog_core::encode::Values;
use auditlog_notify::egress::{self, AllowedHosts};
use auditlog_objects::{Created, Store};
use auditlog_query::eval::JsonDocument;
use auditlog_query::node::Checked;
use auditlog_query::{CheckOptions, check, matches, parse};
use auditlog_tlog::SigningKey;
use chrono::NaiveDate;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Time for one transfer; a large object takes long.
const DEADLINE: Duration = Duration::from_secs(600);

/// Where the archive is, as it is set.
#[derive(Debug, Clone)]
pub struct Place {
    /// The URL.
    pub url: String,
    options: serde_json::Value,
    hosts: AllowedHosts,
}

impl Place {
    /// The archive that is set, or the one that an object was written to.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn of(url: &str) -> Result<Place, String> {
        let options = guc::text(&guc::ARCHIVE_OPTIONS);
        let options = if options.trim().is_empty() { "{}" } else { &options };
        let place = Place {
            url: url.to_owned(),
            options: serde_json::from_str(options).map_err(|error| format!("auditlog.archive_options: {error}"))?,
            hosts: AllowedHosts::parse(&guc::text(&guc::ALLOWED_HOSTS))
                .map_err(|error| format!("auditlog.allowed_hosts: {}", error.message))?,
        };
        place.open().map(|_| place)
    }

    fn open(&self) -> Result<Store, String> {
        let hosts = self.hosts.clone();
        let store = Store::open(&self.url, &self.options)
            .map_err(|error| format!("the archive {}: {}", self.url, error.message))?;
        Ok(store.with_allowed(Arc::new(move |address, host| egress::allowed(address, host, &hosts))))
    }
}

/// A file that goes when it is dropped, or at the server's next start.
#[derive(Debug)]
pub struct Draft(PathBuf);

impl Draft {
    fn new() -> std::io::Result<Draft> {
        let number = u64::from_be_bytes(crate::random::bytes());
        // PostgreSQL empties this folder when it starts.
        let folder = PathBuf::from("base/pgsql_tmp");
        std::fs::create_dir_all(&folder)?;
        Ok(Draft(
            folder.join(format!("pgsql_tmp_auditlog.{}.{number}", std::process::id())),
        ))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An object as it was written, not uploaded yet.
#[derive(Debug)]
pub struct Written {
    /// Its bytes.
    pub file: Draft,
    /// What is in it.
    pub manifest: Manifest,
}

/// Writes the events of a partition's day. Within a transaction; raises an error when that fails.
pub fn write(partition: &Partition, origin: &str, day: NaiveDate) -> Vec<Written> {
    let mut finished = Vec::new();
    let mut open: Option<(Draft, ObjectWriter<File>)> = None;
    let mut hasher = Hasher::default();
    let mut bytes = Vec::new();
    archive::rows(&partition.relation, day, |values, nulls| {
        bytes.clear();
        // SAFETY: rows of the log.
        if let Err(error) = unsafe { record::write(values, nulls, &mut hasher, &mut bytes) } {
            broken(&partition.relation, &error.to_string());
        }
        let (_, writer) = open.get_or_insert_with(|| begin(partition, origin, day));
        match writer.push(&bytes) {
            Ok(()) => {}
            Err(WriteError::Full) => {
                finished.extend(open.take().map(|one| finish(partition, one)));
                let (_, writer) = open.insert(begin(partition, origin, day));
                if let Err(error) = writer.push(&bytes) {
                    broken(&partition.relation, &error.to_string());
                }
            }
            Err(error) => broken(&partition.relation, &error.to_string()),
        }
    });
    let mut pace = Pace::default();
    finished.extend(open.take().map(|one| finish(partition, one)));
    pace.rest();
    finished
}

fn begin(partition: &Partition, origin: &str, day: NaiveDate) -> (Draft, ObjectWriter<File>) {
    let placement = Placement {
        origin: origin.to_owned(),
        retention_class: partition.class.clone(),
        day,
    };
    let draft = Draft::new().and_then(|draft| Ok((File::create_new(&draft.0)?, draft)));
    let (file, draft) = draft.unwrap_or_else(|error| broken(&partition.relation, &error.to_string()));
    match ObjectWriter::new(file, placement, Options::default()) {
        Ok(writer) => (draft, writer),
        Err(error) => broken(&partition.relation, &error.to_string()),
    }
}

fn finish(partition: &Partition, (file, writer): (Draft, ObjectWriter<File>)) -> Written {
    match writer.finish() {
        Ok((_, manifest)) => Written { file, manifest },
        Err(error) => broken(&partition.relation, &error.to_string()),
    }
}

fn broken(relation: &str, why: &str) -> ! {
    crate::error::Fault::broken("a partition cannot be archived")
        .detail(format!("{relation}: {why}."))
        .hint("Run auditlog.verify(); look whether the disk is full.")
        .raise()
}

/// What a thread does.
#[derive(Debug)]
pub enum Job {
    /// Creates an object, reads it back, and creates its manifest.
    Put(Place, Box<Written>, SignedManifest),
    /// Writes an object anew without the personal values of the events that match, as its manifest was signed.
    Erase(Place, Box<SignedManifest>, Wanted, Box<Option<SigningKey>>),
    /// Removes an object and its manifest.
    Delete(Place, String),
    /// Reads an object, compared with its manifest, for the events that match.
    Get(Place, String, String, Wanted),
}

/// What came of it.
#[derive(Debug)]
pub enum Done {
    /// It is there.
    Put,
    /// It is gone.
    Deleted,
    /// Another object is instead of it; `None`: nothing was to be erased.
    Erased(Option<Box<Rewritten>>),
    /// Its events as rows, each as the text of a JSON object.
    Got(Vec<String>),
}

/// An object that was written anew.
#[derive(Debug)]
pub struct Rewritten {
    /// Its manifest.
    pub signed: SignedManifest,
    /// The places of the events that were erased, ascending.
    pub places: Vec<i64>,
    /// How many values.
    pub values: usize,
}

/// In a thread.
///
/// # Errors
/// What went wrong, in words.
pub fn work(job: Job) -> Result<Done, String> {
    match job {
        Job::Put(place, written, signed) => put(&place, &written, &signed).map(|()| Done::Put),
        Job::Erase(place, signed, wanted, key) => {
            erase(&place, &signed, &wanted, key.as_ref().as_ref()).map(Done::Erased)
        }
        Job::Delete(place, name) => delete(&place, &name).map(|()| Done::Deleted),
        Job::Get(place, name, manifest, wanted) => get(&place, &name, &manifest, &wanted).map(Done::Got),
    }
}

fn put(place: &Place, written: &Written, signed: &SignedManifest) -> Result<(), String> {
    put_file(&place.open()?, &written.file, signed)
}

fn put_file(store: &Store, draft: &Draft, signed: &SignedManifest) -> Result<(), String> {
    let name = auditlog_archive::Name::of(&signed.manifest);
    let failed = |error: auditlog_objects::ObjectError| error.to_string();
    let mut file = File::open(&draft.0).map_err(|error| error.to_string())?;
    let created = store
        .put_new_from(&name.object(), &mut file, DEADLINE)
        .map_err(failed)?;
    if created == Created::AlreadyThereOther {
        return Err(format!("{} is there with other bytes", name.object()));
    }
    let text = signed.file().map_err(|error| error.to_string())?;
    // Nothing goes from the log that was not read back as it should be.
    read_back(store, &name.object(), &text, |_| Ok(()))?;
    // A manifest says when it was made by its checkpoint: one of before is as good.
    match store
        .put_new(&name.manifest(), text.into_bytes(), DEADLINE)
        .map_err(failed)?
    {
        Created::Created | Created::AlreadyThereSame => Ok(()),
        Created::AlreadyThereOther => {
            let there = store
                .get(&name.manifest(), DEADLINE)
                .map_err(failed)?
                .unwrap_or_default();
            let same = SignedManifest::parse(&there).is_ok_and(|there| there.manifest.sha256 == signed.manifest.sha256);
            if same {
                Ok(())
            } else {
                Err(format!("{} is there with other bytes", name.manifest()))
            }
        }
    }
}

fn delete(place: &Place, name: &str) -> Result<(), String> {
    let store = place.open()?;
    let failed = |error: auditlog_objects::ObjectError| error.to_string();
    // The manifest last: as long as it is there, it says what was there.
    store.delete(name, DEADLINE).map_err(failed)?;
    if let Some(name) = auditlog_archive::Name::parse(name) {
        store.delete(&name.manifest(), DEADLINE).map_err(failed)?;
    }
    Ok(())
}

/// Which events are wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// From when on, microseconds since the Unix epoch.
    pub since: Option<i64>,
    /// Before when.
    pub until: Option<i64>,
    /// Which of them.
    pub query: String,
    /// What «now» in it is.
    pub now: i64,
}

impl Wanted {
    fn checked(&self) -> Result<Checked, String> {
        let options = CheckOptions::default();
        let parsed = parse(&self.query, &options.limits).and_then(|query| check(&query, &options));
        parsed.map_err(|error| error.to_string())
    }

    fn has(&self, query: &Checked, values: &Values<'_>) -> Result<bool, String> {
        let event = auditlog_bundle::show::event(values).map_err(|error| error.to_string())?;
        let time = event.timestamp.unwrap_or(i64::MIN);
        let inside = self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until);
        Ok(inside && matches(query, JsonDocument::new(&to_document(&event)), self.now))
    }
}

fn erase(
    place: &Place,
    signed: &SignedManifest,
    wanted: &Wanted,
    key: Option<&SigningKey>,
) -> Result<Option<Box<Rewritten>>, String> {
    let store = place.open()?;
    let query = wanted.checked()?;
    let (old, new) = (Draft::of_thread(), Draft::of_thread());
    let (old, new) = (
        old.map_err(|error| error.to_string())?,
        new.map_err(|error| error.to_string())?,
    );
    let name = auditlog_archive::Name::of(&signed.manifest).object();
    let mut file = File::create_new(&old.0).map_err(|error| error.to_string())?;
    if store
        .get_to(&name, &mut file, DEADLINE)
        .map_err(|error| error.to_string())?
        .is_none()
    {
        return Err(format!("{name} is not in the archive"));
    }
    let (mut places, mut values, mut failure) = (Vec::new(), 0, None);
    let change = |record: &Record<'_>| {
        let erased = decode_plain(record.values)
            .map_err(|error| error.to_string())
            .and_then(|fields| wanted.has(&query, &fields))
            .and_then(|has| {
                if has {
                    redact(record).map_err(|error| error.to_string())
                } else {
                    Ok(None)
                }
            });
        match erased {
            Ok(Some((bytes, count))) => {
                places.push(record.log_index as i64);
                values += count;
                Change::Replace(bytes)
            }
            Ok(None) => Change::Keep,
            Err(error) => {
                failure.get_or_insert(error);
                Change::Keep
            }
        }
    };
    let open = File::open(&old.0).map_err(|error| error.to_string())?;
    let out = File::create_new(&new.0).map_err(|error| error.to_string())?;
    let rewritten =
        rewrite(open, &signed.manifest, out, Options::default(), change).map_err(|error| error.to_string())?;
    if let Some(error) = failure {
        return Err(error);
    }
    let Some((_, manifest)) = rewritten.filter(|_| !places.is_empty()) else {
        return Ok(None);
    };
    let signed = match key {
        Some(key) => manifest.sign(key).map_err(|error| error.to_string())?,
        None => manifest.unsigned(),
    };
    put_file(&store, &new, &signed)?;
    places.sort_unstable();
    Ok(Some(Box::new(Rewritten { signed, places, values })))
}

fn get(place: &Place, name: &str, manifest: &str, wanted: &Wanted) -> Result<Vec<String>, String> {
    let query = wanted.checked()?;
    let signed = SignedManifest::parse(manifest.as_bytes()).map_err(|error| error.to_string())?;
    let class = signed.manifest.retention_class;
    let mut records = Vec::new();
    read_back(&place.open()?, name, manifest, |bytes| {
        let record = Record::parse(bytes).map_err(|error| error.to_string())?;
        let values = decode_plain(record.values).map_err(|error| error.to_string())?;
        if wanted.has(&query, &values)? {
            records.push(restored::row(&record, &values, &class)?);
        }
        Ok(())
    })?;
    Ok(records)
}

/// Reads an object into a file, compares it with its manifest, and hands its records to `each`.
fn read_back(
    store: &Store,
    name: &str,
    manifest: &str,
    mut each: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let draft = Draft::of_thread().map_err(|error| error.to_string())?;
    let mut file = File::create_new(&draft.0).map_err(|error| error.to_string())?;
    let there = store
        .get_to(name, &mut file, DEADLINE)
        .map_err(|error| error.to_string())?;
    if there.is_none() {
        return Err(format!("{name} is not in the archive"));
    }
    let open = || File::open(&draft.0).map_err(|error| error.to_string());
    let report = verify(manifest.as_bytes(), open()?, Trust { keys: &[], leaf: None });
    if let Some(finding) = report.findings.first() {
        return Err(format!("{name} does not fit its manifest: {finding:?}"));
    }
    let reader = ObjectReader::open(open()?).map_err(|error| error.to_string())?;
    let mut failure = None;
    reader
        .for_each(|place, record| match record {
            Ok(record) if failure.is_none() => failure = each(record).err(),
            Ok(_) => {}
            Err(error) => failure = failure.take().or(Some(format!("log_index {place}: {error}"))),
        })
        .map_err(|error| error.to_string())?;
    failure.map_or(Ok(()), Err)
}

impl Draft {
    /// The same from a thread, which may not ask PostgreSQL for random numbers.
    fn of_thread() -> std::io::Result<Draft> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let folder = PathBuf::from("base/pgsql_tmp");
        std::fs::create_dir_all(&folder)?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Ok(Draft(folder.join(format!(
            "pgsql_tmp_auditlog.{}.back.{number}",
            std::process::id()
        ))))
    }
}

/// Is there an archive?
pub fn is_set() -> bool {
    !guc::text(&guc::ARCHIVE).is_empty()
}
