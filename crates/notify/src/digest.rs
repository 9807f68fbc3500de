//! Many notifications as one, and one as two.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::notification::{Kind, Member, Notification};
use crate::severity::Severity;

impl Notification {
    /// One notification for many, in their order: for when more fire than anybody reads. Its id follows from
    /// theirs, so it is the same whenever it is made again; it is as bad as the worst of them, and goes to all
    /// whom one of them was for. Members of digests among them become its own. `None` of none.
    pub fn digest(all: Vec<Notification>) -> Option<Notification> {
        let last = all.iter().max_by_key(|one| one.fired_at)?;
        let (database, origin, fired_at) = (last.database.clone(), last.origin.clone(), last.fired_at);
        let mut digest = Notification {
            id: String::new(),
            kind: Kind::Digest,
            alert: String::new(),
            description: None,
            severity: Severity::Debug,
            group: Vec::new(),
            count: 0,
            window: None,
            reason: None,
            first: None,
            last: None,
            samples: Vec::new(),
            labels: std::collections::BTreeMap::new(),
            database,
            origin,
            fired_at,
            url: None,
            dedup_key: String::new(),
            recipients: Vec::new(),
            template: None,
            members: Vec::new(),
        };
        for one in all {
            for recipient in one.recipients {
                if !digest.recipients.contains(&recipient) {
                    digest.recipients.push(recipient);
                }
            }
            if one.kind == Kind::Digest {
                digest.members.extend(one.members);
            } else {
                digest.members.push(Member {
                    id: one.id,
                    kind: one.kind,
                    alert: one.alert,
                    severity: one.severity,
                    group: one.group,
                    count: one.count,
                    fired_at: one.fired_at,
                });
            }
        }
        Some(digest.of_members())
    }

    /// The two halves of a digest, for a receiver that has said it is too large ([`crate::Outcome::Split`]); of
    /// any other notification, its [short form](Notification::shortened). Nothing when it can't be made any
    /// smaller: then it must be given up.
    pub fn split(self) -> Vec<Notification> {
        if self.kind == Kind::Digest && self.members.len() > 1 {
            let mut first = self;
            let half = first.members.len() / 2;
            let rest = first.members.split_off(half);
            let second = Notification {
                members: rest,
                ..first.clone()
            };
            return vec![first.of_members(), second.of_members()];
        }
        let short = self.shortened();
        if short == self { Vec::new() } else { vec![short] }
    }

    /// Sets what follows from the members.
    fn of_members(mut self) -> Self {
        let mut hash = Sha256::new();
        for member in &self.members {
            hash.update((member.id.len() as u64).to_be_bytes());
            hash.update(&member.id);
        }
        let mut id = "digest-".to_owned();
        for byte in &hash.finalize()[..16] {
            let _ = write!(id, "{byte:02x}");
        }
        let mut names: Vec<&str> = self.members.iter().map(|member| member.alert.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        self.alert = match names.as_slice() {
            [one] => (*one).to_owned(),
            several => format!("{} alerts", several.len()),
        };
        self.count = self.members.iter().map(|member| member.count).sum();
        let worst = self.members.iter().map(|member| member.severity).max();
        self.severity = worst.unwrap_or(self.severity);
        self.dedup_key.clone_from(&id);
        self.id = id;
        self
    }
}
