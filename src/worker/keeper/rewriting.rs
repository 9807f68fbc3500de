//! The keeper's work between hot and warm: partitions are written anew in another tier, or in other classes.

use super::{Keeper, Stop};
use crate::store::retention::{self, End, InForce};
use crate::store::retention_plan::{Kind, Move};
use crate::store::{partitions, rebuild};
use auditlog_policy::retention::tier::Tier;
use std::collections::HashSet;
use std::rc::Rc;

impl Keeper {
    /// Into another tier, or into the classes that the policy of today says.
    pub(super) fn rewrite(&self, found: &Move) -> Result<(), Stop> {
        let partition = &found.partition;
        let begun = self.transaction(|| {
            retention::begin(
                &partition.relation,
                &partition.class,
                found.kind.label(),
                "running",
                partition.bytes,
            )
        })?;
        // A class of its own is made in a transaction of its own: it locks the log against the sealer making partitions.
        self.transaction(|| {
            goes_to(found, &retention::in_force())
                .iter()
                .for_each(|class| partitions::make_class(class))
        })?;
        let result = self.transaction(|| {
            let policy = retention::in_force();
            let all = retention::partitions();
            // Those that get rows are written anew as well: so every snapshot finds all of them.
            let goes_to = goes_to(found, &policy);
            let sources: Vec<_> = all
                .iter()
                .filter(|one| one.month == partition.month)
                .filter(|one| one.relation == partition.relation || goes_to.contains(&one.class))
                .cloned()
                .collect();
            let to = match found.kind {
                Kind::ToWarm => Tier::Warm,
                _ => Tier::Hot,
            };
            let tier_of = |class: &str| -> &'static str {
                let known = sources.iter().find(|one| one.class == class);
                match found.kind {
                    Kind::Reclassify if known.map_or(&partition.tier, |one| &one.tier) == "warm" => "warm",
                    Kind::Reclassify => "hot",
                    _ => to.label(),
                }
            };
            let classes: Vec<Rc<str>> = policy
                .policy
                .classes()
                .iter()
                .map(|class| class.name.as_str().into())
                .collect();
            let mut own: Rc<str> = partition.class.as_str().into();
            let outcome = rebuild::replace(&sources, policy.version, &tier_of, &mut |row| {
                if found.kind == Kind::Reclassify {
                    let name = &policy
                        .policy
                        .class_of(row.text(auditlog_core::columns::position("event_type").unwrap_or(0)))
                        .name;
                    own = classes
                        .iter()
                        .find(|class| ***class == **name)
                        .cloned()
                        .unwrap_or_else(|| name.as_str().into());
                }
                Some(own.clone())
            });
            let outcome = outcome.unwrap_or_else(|busy| {
                crate::error::Fault::new(pgrx::PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, busy.to_string())
                    .hint("It is tried again in the next round.")
                    .raise()
            });
            retention::end(
                begun,
                &End {
                    state: "done",
                    events: outcome.kept,
                    bytes: rebuild::size(&partition.relation),
                    ..End::default()
                },
            );
        });
        self.or_failed(begun, result)
    }
}

/// The classes into which events of a partition go by a policy, when they are to be in others.
fn goes_to(found: &Move, policy: &InForce) -> HashSet<String> {
    match found.kind {
        Kind::Reclassify => retention::types(&found.partition.relation)
            .iter()
            .map(|(event_type, _)| policy.policy.class_of(event_type).name.clone())
            .collect(),
        _ => HashSet::new(),
    }
}
