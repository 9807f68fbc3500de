//! What belongs together in an archive: manifests and objects, by their names and what manifests say.
//!
//! [`verify()`](crate::verify()) judges one object; this says what only all of them can show: an object that no
//! manifest speaks of, a manifest whose object is gone, a place of the log that two objects have.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_bundle::{Finding, Kind};
use auditlog_tlog::Hash;

use crate::layout::{MANIFESTS, Name};
use crate::manifest::{Manifest, SignedManifest};

/// An archive's files as they are gone through.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    objects: BTreeSet<String>,
    manifests: BTreeMap<String, Manifest>,
    findings: Vec<Finding>,
    others: Vec<String>,
}

/// What an archive has.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Names of manifests, each with the name of its object, which is there.
    pub pairs: Vec<(String, String)>,
    /// What does not fit.
    pub findings: Vec<Finding>,
    /// Manifests of objects that others are instead of, and that are still there: what a crash in the midst of a
    /// rewriting leaves. Their events are in the archive twice for as long.
    pub replaced: Vec<String>,
    /// Files that are none of ours.
    pub others: Vec<String>,
}

impl Inventory {
    /// Adds the name of a file below the archive's prefix. The bytes of manifests are added by
    /// [`Inventory::manifest`], and their names need not be added here.
    pub fn name(&mut self, name: &str) {
        match Name::parse(name) {
            Some(_) if !name.starts_with(MANIFESTS) => drop(self.objects.insert(name.to_owned())),
            Some(_) => {}
            None => self.others.push(name.to_owned()),
        }
    }

    /// Adds a manifest: its name and its bytes.
    pub fn manifest(&mut self, name: &str, bytes: &[u8]) {
        match SignedManifest::parse(bytes) {
            Err(error) => self
                .findings
                .push(Finding::of_file(Kind::Unreadable, name, error.to_string())),
            Ok(signed) if Name::of(&signed.manifest).manifest() != name => {
                let detail = "the manifest has the name of another";
                self.findings.push(Finding::of_file(Kind::Modified, name, detail));
            }
            Ok(signed) => drop(self.manifests.insert(name.to_owned(), signed.manifest)),
        }
    }

    /// What belongs together, and what does not.
    pub fn finish(self) -> Contents {
        let mut contents = Contents {
            findings: self.findings,
            others: self.others,
            ..Contents::default()
        };
        let replaced: BTreeSet<Hash> = self
            .manifests
            .values()
            .flat_map(|manifest| manifest.replaces.iter().map(|old| old.sha256))
            .collect();
        let mut alone = self.objects;
        let mut current: Vec<(&String, &Manifest)> = Vec::new();
        for (name, manifest) in &self.manifests {
            let object = Name::of(manifest).object();
            let there = alone.remove(&object);
            if replaced.contains(&manifest.sha256) {
                contents.replaced.push(name.clone());
                continue;
            }
            current.push((name, manifest));
            if there {
                contents.pairs.push((name.clone(), object));
            } else {
                let mut finding = Finding::of_file(Kind::Missing, name, "the object of the manifest is not there");
                finding.log_index = Some(manifest.first());
                finding.count = manifest.events;
                contents.findings.push(finding);
            }
        }
        for object in alone {
            // one that was being written: its manifest comes last
            contents.findings.push(Finding::of_file(
                Kind::Extra,
                object,
                "no manifest speaks of the object",
            ));
        }
        overlaps(&current, &mut contents.findings);
        contents
    }
}

/// Places of one log that two manifests have.
fn overlaps(manifests: &[(&String, &Manifest)], findings: &mut Vec<Finding>) {
    let mut ranges: Vec<(&str, u64, u64, &String)> = manifests
        .iter()
        .flat_map(|(name, manifest)| {
            let of = |range: &(u64, u64)| (manifest.origin.as_str(), range.0, range.1, *name);
            manifest.log_indexes.iter().map(of)
        })
        .collect();
    ranges.sort_unstable();
    let mut before: Option<(&str, u64, &String)> = None;
    for (origin, first, last, name) in ranges {
        match before {
            Some((same, end, other)) if same == origin && first <= end => {
                let detail = format!("{other} has these events, too");
                let mut finding = Finding::of_file(Kind::Extra, name, detail);
                finding.log_index = Some(first);
                finding.count = last.min(end) - first + 1;
                findings.push(finding);
                if last > end {
                    before = Some((origin, last, name));
                }
            }
            _ => before = Some((origin, last, name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Replaced;
    use chrono::NaiveDate;

    fn manifest(first: u64, last: u64, sha256: u8) -> Manifest {
        Manifest {
            bytes: 1,
            checkpoint: None,
            day: NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day"),
            events: last - first + 1,
            first_timestamp: None,
            last_timestamp: None,
            log_indexes: vec![(first, last)],
            origin: "example.org/log".to_owned(),
            replaces: Vec::new(),
            retention_class: "default".to_owned(),
            root: [0; 32],
            schema: 1,
            sha256: [sha256; 32],
        }
    }

    fn add(inventory: &mut Inventory, manifest: &Manifest) {
        let name = Name::of(manifest);
        inventory.name(&name.object());
        inventory.name(&name.manifest());
        let file = manifest.clone().unsigned().file().expect("a file");
        inventory.manifest(&name.manifest(), file.as_bytes());
    }

    fn found(inventory: Inventory) -> Vec<(Kind, Option<u64>, u64)> {
        let findings = inventory.finish().findings;
        findings
            .iter()
            .map(|finding| (finding.kind, finding.log_index, finding.count))
            .collect()
    }

    #[test]
    fn manifests_and_objects_belong_together() {
        let mut inventory = Inventory::default();
        add(&mut inventory, &manifest(0, 9, 1));
        add(&mut inventory, &manifest(10, 19, 2));
        inventory.name("README");
        let contents = inventory.finish();
        assert!(contents.findings.is_empty(), "{:?}", contents.findings);
        assert_eq!(contents.pairs.len(), 2);
        assert_eq!(contents.others, ["README"]);
    }

    #[test]
    fn what_is_alone_is_found() {
        let (one, two) = (manifest(0, 9, 1), manifest(10, 19, 2));
        let mut inventory = Inventory::default();
        inventory.name(&Name::of(&one).object());
        let file = two.clone().unsigned().file().expect("a file");
        inventory.manifest(&Name::of(&two).manifest(), file.as_bytes());
        assert_eq!(
            found(inventory),
            [(Kind::Missing, Some(10), 10), (Kind::Extra, None, 1)]
        );
    }

    #[test]
    fn events_in_two_objects_are_found() {
        let mut inventory = Inventory::default();
        add(&mut inventory, &manifest(0, 9, 1));
        add(&mut inventory, &manifest(8, 19, 2));
        add(&mut inventory, &manifest(3, 4, 3));
        let mut elsewhere = manifest(0, 9, 4);
        elsewhere.origin = "example.org/other".to_owned();
        add(&mut inventory, &elsewhere);
        assert_eq!(found(inventory), [(Kind::Extra, Some(3), 2), (Kind::Extra, Some(8), 2)]);
    }

    #[test]
    fn a_rewriting_that_was_cut_off_is_no_finding() {
        let old = manifest(0, 9, 1);
        let mut new = manifest(0, 8, 2);
        new.replaces.push(Replaced {
            certificate: None,
            sha256: old.sha256,
        });
        let mut inventory = Inventory::default();
        add(&mut inventory, &old);
        add(&mut inventory, &new);
        let contents = inventory.finish();
        assert!(contents.findings.is_empty(), "{:?}", contents.findings);
        assert_eq!(contents.replaced, [Name::of(&old).manifest()]);
        assert_eq!(contents.pairs, [(Name::of(&new).manifest(), Name::of(&new).object())]);
    }

    #[test]
    fn manifests_that_cannot_be_read_or_were_renamed_are_found() {
        let mut inventory = Inventory::default();
        let one = manifest(0, 9, 1);
        inventory.manifest(&Name::of(&one).manifest(), b"{}");
        let file = one.clone().unsigned().file().expect("a file");
        inventory.manifest(&Name::of(&manifest(0, 9, 2)).manifest(), file.as_bytes());
        assert_eq!(
            found(inventory),
            [(Kind::Unreadable, None, 1), (Kind::Modified, None, 1)]
        );
    }
}
