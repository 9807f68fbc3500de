//! The keeper's work for the cold tier: partitions into the archive, what is over there, and what is asked back.

use super::super::archiver::{self, Done, Job, Place, Wanted};
use super::super::{checkpoint, removal};
use super::{Keeper, NAP, Stop};
use crate::guc;
use crate::shmem;
use crate::store::archive::{self, Live, Object};
use crate::store::pace::Pace;
use crate::store::retention::{self, End};
use crate::store::retention_plan::{self, Move};
use crate::store::{checkpoints, holds};
use auditlog_archive::{Manifest, Name, SignedManifest};
use pgrx::bgworkers::BackgroundWorker;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Rows that are brought back in one transaction.
const ROWS: usize = 1_000;

impl Keeper {
    /// Writes a partition's events into the archive, and certifies that they are to go from the log.
    pub(super) fn archive(&self, found: &Move) -> Result<(), Stop> {
        let partition = &found.partition;
        let url = guc::text(&guc::ARCHIVE);
        let place = Place::of(&url).map_err(Stop::Failed)?;
        self.await_checkpoint()?;
        let id = self.transaction(|| {
            retention::begin(
                &partition.relation,
                &partition.class,
                "archive",
                "running",
                partition.bytes,
            )
        })?;
        let result = self.archived(found, &place, id);
        self.or_failed(id, result)
    }

    fn archived(&self, found: &Move, place: &Place, id: i64) -> Result<(), Stop> {
        let partition = &found.partition;
        let (erased, last) = self.transaction(|| archive::erased_and_last(&partition.relation))?;
        self.await_covered(last)?;
        let mut manifests: Vec<Manifest> = Vec::new();
        for day in self.transaction(|| archive::days(&partition.relation))? {
            let signed = self.transaction(|| {
                let signer = checkpoint::signer().map_err(|trouble| trouble.detail)?;
                let note = checkpoints::newest(&signer.origin, 0).map(|last| last.note);
                let mut signed = Vec::new();
                for mut written in archiver::write(partition, &signer.origin, day) {
                    written.manifest.checkpoint = note.clone();
                    let manifest = written.manifest.clone();
                    let manifest = match &signer.key {
                        Some(key) => manifest.sign(key).map_err(|error| error.to_string())?,
                        None => manifest.unsigned(),
                    };
                    signed.push((written, manifest));
                }
                Ok::<_, String>(signed)
            })?;
            for (written, signed) in signed.map_err(Stop::Failed)? {
                // First the note: after a crash or a failure it says what may be there without a manifest.
                self.noted(id, place, &signed)?;
                let mut pace = Pace::default();
                self.away(Job::Put(place.clone(), Box::new(written), signed.clone()))?;
                pace.rest();
                manifests.push(signed.manifest);
            }
        }
        self.delete(self.transaction(|| archive::stale(id, &partition.class, partition.month.range()))?)?;
        self.transaction(|| removal::certify_archived(found, id, &manifests, erased, &place.url))
    }

    /// Removes objects that never got rows' places.
    fn delete(&self, unused: Vec<Live>) -> Result<(), Stop> {
        for object in unused {
            let place = Place::of(&object.url).map_err(Stop::Failed)?;
            self.away(Job::Delete(place, object.name.clone()))?;
            self.transaction(|| archive::ended(&object.name, "gone"))?;
        }
        Ok(())
    }

    fn noted(&self, id: i64, place: &Place, signed: &SignedManifest) -> Result<(), Stop> {
        let (manifest, name) = (&signed.manifest, Name::of(&signed.manifest));
        let text = signed.file().map_err(|error| Stop::Failed(error.to_string()))?;
        self.transaction(|| {
            archive::note(&Object {
                name: &name.object(),
                move_id: id,
                url: &place.url,
                class: &manifest.retention_class,
                day: manifest.day,
                places: (manifest.first(), manifest.last()),
                events: manifest.events,
                bytes: manifest.bytes,
                manifest: &text,
            });
        })
    }

    /// A manifest has a checkpoint over all its events.
    fn await_covered(&self, last: i64) -> Result<(), Stop> {
        let until = Instant::now() + removal::PATIENCE;
        loop {
            let covered = self.transaction(|| {
                let origin = checkpoints::incarnation().map(|now| now.origin).unwrap_or_default();
                checkpoints::newest(&origin, 0).is_some_and(|newest| newest.size > last)
            })?;
            if covered {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Stop::Failed("no checkpoint covers its events".to_owned()));
            }
            self.nudge_publisher()?;
        }
    }

    /// Has a thread do something, and sleeps meanwhile.
    fn away(&self, job: Job) -> Result<Done, Stop> {
        self.threads.give(job);
        loop {
            if let Some(done) = self.threads.ready() {
                return done.map_err(Stop::Failed);
            }
            if !BackgroundWorker::wait_latch(Some(NAP / 10)) {
                return Err(Stop::Leave);
            }
        }
    }

    /// Removes objects whose time is up and that no hold needs; returns how many. What failed moves have left goes too: the
    /// partition may be removed by now, and its events must not stay in the archive. But what failed in this round is
    /// tried again in the next, and has those objects.
    pub(super) fn expire(&self, at: i64, is_all_done: bool) -> Result<i64, Stop> {
        if is_all_done {
            self.delete(self.transaction(archive::left_over)?)?;
        }
        let due = self.transaction(|| retention_plan::expired(at))?;
        let mut gone = 0;
        for object in due {
            let queries = self.transaction(|| {
                let all = holds::in_force(at)
                    .into_iter()
                    .chain(holds::in_force(shmem::unix_micros()));
                all.map(|hold| hold.query).collect::<Vec<_>>()
            })?;
            if self.is_held(&object, &queries)? {
                continue;
            }
            let id = self.transaction(|| {
                let id = retention::begin(&object.name, &object.class, "expire", "running", object.bytes);
                removal::tell_expired(&object);
                id
            })?;
            let place = Place::of(&object.url).map_err(Stop::Failed)?;
            let result = self.away(Job::Delete(place, object.name.clone())).map(drop);
            self.or_failed(id, result)?;
            self.transaction(|| {
                archive::ended(&object.name, "gone");
                let end = End {
                    state: "done",
                    events: object.events,
                    bytes: Some(0),
                    ..End::default()
                };
                retention::end(id, &end);
            })?;
            gone += 1;
        }
        Ok(gone)
    }

    fn is_held(&self, object: &Live, queries: &[String]) -> Result<bool, Stop> {
        for query in queries {
            if !self
                .read(
                    object,
                    Wanted {
                        since: None,
                        until: None,
                        query: query.clone(),
                        now: shmem::unix_micros(),
                    },
                )?
                .is_empty()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read(&self, object: &Live, wanted: Wanted) -> Result<Vec<String>, Stop> {
        let place = Place::of(&object.url).map_err(Stop::Failed)?;
        match self.away(Job::Get(place, object.name.clone(), object.manifest.clone(), wanted))? {
            Done::Got(rows) => Ok(rows),
            Done::Put | Done::Deleted | Done::Erased(_) => Ok(Vec::new()),
        }
    }

    /// Brings back what was asked for; says whether anything was.
    pub(super) fn restore(&self) -> Result<bool, Stop> {
        let Some(asked) = self.transaction(archive::asked)? else {
            return Ok(false);
        };
        let result = self.bring_back(&asked);
        let (objects, events, error) = match &result {
            Ok((objects, events)) => (*objects, *events, None),
            Err(Stop::Failed(error)) => (0, 0, Some(error.clone())),
            Err(Stop::Leave) => return Err(Stop::Leave),
        };
        self.transaction(|| {
            if error.is_some() {
                archive::forget(asked.id);
            }
            archive::restored(asked.id, objects, events, error.as_deref());
        })?;
        self.slot.pending.store(true, Ordering::Release);
        Ok(true)
    }

    fn bring_back(&self, asked: &archive::Restore) -> Result<(i64, i64), Stop> {
        // What a crash has left of it.
        self.transaction(|| archive::forget(asked.id))?;
        let (mut objects, mut events) = (0, 0);
        for object in self.transaction(|| archive::objects(asked.since, asked.until))? {
            let wanted = Wanted {
                since: asked.since,
                until: asked.until,
                query: asked.query.clone(),
                now: shmem::unix_micros(),
            };
            let rows = self.read(&object, wanted)?;
            objects += 1;
            for rows in rows.chunks(ROWS) {
                events += rows.len() as i64;
                let rows = format!("[{}]", rows.join(","));
                self.transaction(|| archive::add(asked.id, &rows))?;
            }
        }
        Ok((objects, events))
    }

    /// Has an erasure reach the archive; says whether there was one.
    pub(super) fn erase(&self) -> Result<bool, Stop> {
        let Some(erasure) = self.transaction(archive::next_erasure)? else {
            return Ok(false);
        };
        if self.is_copy()? {
            return Ok(false);
        }
        let result = self.reach(&erasure);
        let error = match &result {
            Ok(()) => None,
            Err(Stop::Failed(error)) => Some(error.clone()),
            Err(Stop::Leave) => return Err(Stop::Leave),
        };
        self.transaction(|| archive::erased(erasure.id, error.as_deref()))?;
        result.map(|()| true)
    }

    fn reach(&self, erasure: &archive::Erasure) -> Result<(), Stop> {
        for object in self.transaction(|| archive::objects(None, None))? {
            let failed = |error: auditlog_archive::ManifestError| Stop::Failed(error.to_string());
            let signed = SignedManifest::parse(object.manifest.as_bytes()).map_err(failed)?;
            let place = Place::of(&object.url).map_err(Stop::Failed)?;
            let signer = self.transaction(|| checkpoint::signer().map_err(|trouble| trouble.detail))?;
            let key = signer.map_err(Stop::Failed)?.key;
            let wanted = Wanted {
                since: None,
                until: None,
                query: erasure.query.clone(),
                now: shmem::unix_micros(),
            };
            let job = Job::Erase(place.clone(), Box::new(signed), wanted, Box::new(key));
            let Done::Erased(Some(new)) = self.away(job)? else {
                continue;
            };
            let id =
                self.transaction(|| retention::begin(&object.name, &object.class, "erase", "running", object.bytes))?;
            self.noted(id, &place, &new.signed)?;
            self.transaction(|| {
                removal::tell_erased(erasure, &new.places, new.values);
                archive::set_live(&Name::of(&new.signed.manifest).object());
                archive::ended(&object.name, "replaced");
                archive::reached(erasure.id, new.places.len() as i64);
                let end = End {
                    state: "done",
                    events: new.places.len() as i64,
                    bytes: Some(new.signed.manifest.bytes as i64),
                    ..End::default()
                };
                retention::end(id, &end);
            })?;
        }
        self.clear()
    }

    /// Removes objects that others are instead of.
    pub(super) fn clear(&self) -> Result<(), Stop> {
        for (name, url) in self.transaction(archive::replaced)? {
            self.away(Job::Delete(Place::of(&url).map_err(Stop::Failed)?, name.clone()))?;
            self.transaction(|| archive::ended(&name, "gone"))?;
        }
        Ok(())
    }
}
