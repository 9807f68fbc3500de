//! Certificates of retention: which places need no record.

use std::fs::File;
use std::io::{self, Read};

use auditlog_tlog::note::{MAX_NOTE_BYTES, NoteError};
use auditlog_tlog::{Frontier, Hash, SignedNote, TileId};

use super::events::Work;
use super::head::{keys_of, signers};
use super::told::Told;
use super::tree::Tree;
use super::{CannotJudge, Check, list, parallel};
use crate::certificate::{Certificate, Range, digest, place_leaf};
use crate::finding::{Finding, Findings, Kind};
use crate::layout::{CERTIFICATES, certificate_place};
use crate::places::Places;
use crate::report::Report;
use crate::tiles::TileError;

/// Certificates that are in memory at a time, for each thread: their ranges may take 320 KB each.
const AT_ONCE: usize = 4;

/// What one certificate is.
enum Judged {
    /// It fits.
    Accepted(Box<Certificate>),
    /// It is told of by an event that the selection does not have.
    Open,
    /// It covers nothing.
    Refused(Kind, String),
    /// No certificate.
    Stray,
}

/// Judges all certificates of the bundle. Returns the places that they cover; one that does not fit covers none.
///
/// `present` says whether the event at a place is in the bundle.
pub(super) fn judge(
    work: &Work<'_>,
    tree: &Tree,
    told: &Told,
    present: &(dyn Fn(u64) -> bool + Sync),
    findings: &mut Findings,
    report: &mut Report,
) -> Result<Places, CannotJudge> {
    let mut covered = Places::default();
    let names = list(work.directory, CERTIFICATES)?;
    let threads = work.options.threads.max(1);
    let judging = Judging {
        work,
        tree,
        told,
        present,
    };
    for names in names.chunks(threads * AT_ONCE) {
        let judged = parallel::run(names.len(), threads, |at| judging.certificate(&names[at]))?;
        for (name, judged) in names.iter().zip(judged) {
            let file = format!("{CERTIFICATES}/{name}");
            report.certificates += u64::from(!matches!(judged, Judged::Stray));
            match judged {
                Judged::Accepted(certificate) => {
                    if let Some(finding) = cover(&certificate.log_indexes, &file, work, &mut covered) {
                        findings.add(finding);
                    } else {
                        report.accept(&certificate);
                    }
                }
                Judged::Open => report.certificates_open += 1,
                Judged::Refused(kind, why) => findings.add(Finding::of_file(kind, file, why)),
                Judged::Stray if work.options.checks.on(Check::Files) => {
                    findings.add(Finding::of_file(Kind::Extra, file, "a bundle has no such file"));
                }
                Judged::Stray => {}
            }
        }
    }
    Ok(covered)
}

/// Adds the places of one certificate. An event is removed once: a finding when another covers one of them.
fn cover(ranges: &[Range], file: &str, work: &Work<'_>, covered: &mut Places) -> Option<Finding> {
    let twice = ranges.iter().find_map(|(first, last)| covered.first_of(*first, *last));
    for (first, last) in ranges {
        covered.add(*first, *last);
    }
    let place = twice.filter(|_| work.options.checks.on(Check::CertificateOverlap))?;
    let detail = format!("it covers log_index {place}, which another certificate covers already");
    Some(Finding::of_file(Kind::Modified, file, detail))
}

struct Judging<'a> {
    work: &'a Work<'a>,
    tree: &'a Tree,
    told: &'a Told,
    present: &'a (dyn Fn(u64) -> bool + Sync),
}

impl Judging<'_> {
    fn certificate(&self, name: &str) -> Result<Judged, CannotJudge> {
        let Some(place) = certificate_place(name) else {
            return Ok(Judged::Stray);
        };
        let bytes = read(self.work, name)?;
        let read = SignedNote::parse_bytes(&bytes).map_err(|error| error.to_string());
        let read = read.and_then(|note| {
            let certificate = Certificate::read(note.text()).map_err(|error| error.to_string())?;
            Ok((note, certificate))
        });
        let (note, certificate) = match read {
            Ok(both) => both,
            Err(why) => return Ok(Judged::Refused(Kind::Unreadable, why)),
        };
        if let Some((kind, why)) = self.signature(&note, &certificate) {
            return Ok(Judged::Refused(kind, why));
        }
        if self.checks(Check::CertificateEvent) {
            match self.told.certificates.get(&place) {
                Some(Some(told)) if *told == digest(note.text()) => {}
                Some(_) => {
                    let why = format!("the event at log_index {place} tells of another certificate");
                    return Ok(Judged::Refused(Kind::Modified, why));
                }
                None if !self.work.complete && !(self.present)(place) => return Ok(Judged::Open),
                None => {
                    let why = format!("no event auditlog.retention at log_index {place} tells of it");
                    return Ok(Judged::Refused(Kind::Modified, why));
                }
            }
        }
        if let Some(why) = self.places(place, &certificate) {
            return Ok(Judged::Refused(Kind::Modified, why));
        }
        if self.checks(Check::CertificateRoot) {
            match root(self.tree, &certificate.log_indexes)? {
                Ok(root) if root == certificate.root => {}
                Ok(_) => {
                    let why = "its root is not that of the leaves that the tree has at these places";
                    return Ok(Judged::Refused(Kind::Modified, why.to_owned()));
                }
                Err(damaged) => {
                    let why = format!("it cannot be compared with the tree: {damaged}");
                    return Ok(Judged::Refused(Kind::Unreadable, why));
                }
            }
        }
        Ok(Judged::Accepted(Box::new(certificate)))
    }

    fn checks(&self, check: Check) -> bool {
        self.work.options.checks.on(check)
    }

    /// Whether the log has signed this, in the one way to write it.
    fn signature(&self, note: &SignedNote, certificate: &Certificate) -> Option<(Kind, String)> {
        let origin = &certificate.origin;
        if self.checks(Check::CertificateText) && !certificate.is_written_as(note.text()) {
            return Some((Kind::Modified, "its JSON is not canonical (RFC 8785)".to_owned()));
        }
        if self.checks(Check::CertificateOrigin) && *origin != self.work.origin && !self.told.origins.contains(origin) {
            let why = format!("it is of the log «{origin}», and no event tells that this log was called so");
            return Some((Kind::Modified, why));
        }
        if !self.checks(Check::CertificateSignature) {
            return None;
        }
        match note.verify(&keys_of(origin, self.work.options)) {
            Ok(_) => None,
            Err(NoteError::Unknown) => {
                let why = format!(
                    "no key that was given has signed the certificate, but {}: give the keys of before a rotation as well",
                    signers(note)
                );
                Some((Kind::KeyReplaced, why))
            }
            Err(error) => Some((Kind::Modified, error.to_string())),
        }
    }

    /// What is wrong with the places.
    fn places(&self, place: u64, certificate: &Certificate) -> Option<String> {
        let last = certificate.log_indexes.last().map_or(0, |(_, last)| *last);
        if last >= self.work.size || (self.checks(Check::CertificateBelow) && last >= place) {
            return Some(format!(
                "it covers log_index {last}, which is not before {place}, where it is told of"
            ));
        }
        let places = certificate.places();
        (self.checks(Check::CertificateCount) && places != certificate.events).then(|| {
            let events = certificate.events;
            format!("it says that {events} events were removed, and names {places} places")
        })
    }
}

/// The bytes of a certificate, no more than a note can have.
fn read(work: &Work<'_>, name: &str) -> Result<Vec<u8>, CannotJudge> {
    let file = format!("{CERTIFICATES}/{name}");
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let most = MAX_NOTE_BYTES as u64 + 1;
        File::open(work.directory.join(&file))?
            .take(most)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(CannotJudge::io(file.clone()))
}

/// The root over these places of the tree; the text says why damaged tiles do not give it.
fn root(tree: &Tree, ranges: &[Range]) -> Result<Result<Hash, String>, CannotJudge> {
    let mut root = Frontier::new();
    let mut tile = (u64::MAX, Vec::new());
    for (first, last) in ranges {
        for index in first / 256..last / 256 + 1 {
            if tile.0 != index {
                let id = TileId { level: 0, index };
                tile = match tree.tiles.read(id) {
                    Ok(hashes) => (index, hashes),
                    Err(TileError::Damaged(why)) => return Ok(Err(format!("{}: {why}", tree.tiles.files.path(id)))),
                    Err(TileError::Io(error)) => return Err(CannotJudge::io(tree.tiles.files.path(id))(error)),
                };
            }
            let start = index * 256;
            for place in (*first).max(start)..(*last).min(start + 255) + 1 {
                // the caller has made sure that it is in the tree, whose tiles are read with their whole width
                root.push(place_leaf(place, &tile.1[(place - start) as usize]));
            }
        }
    }
    Ok(Ok(root.root()))
}
