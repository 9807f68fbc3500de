//! What checks read, collected once for a report.

use super::{Making, chain};
use crate::store::{report_reads, retention};
use auditlog_policy::retention::requirement::built_in;
use auditlog_report::framework::Moment;
use auditlog_report::framework::evidence::{Evidence, RetentionRow};

const DAY: i64 = 86_400_000_000;

/// All of it but the fields of events, which each check asks for.
pub(super) fn collect(making: &Making) -> Evidence {
    let asked = &making.asked;
    let until = asked.until.min(asked.asked_at);
    let found = report_reads::evidence(asked.since, until, asked.log_size, &making.whole()["types"]);
    // The SQL names what the types name; a row that is read otherwise would be evidence that is not there.
    let mut evidence: Evidence = serde_json::from_value(found).unwrap_or_else(|error| {
        crate::error::Fault::broken(format!("the evidence of the report cannot be read: {error}")).raise()
    });
    evidence.segments = chain::segments(making);
    evidence.retention = classes(asked.since, until);
    evidence
}

fn classes(since: i64, until: i64) -> Vec<RetentionRow> {
    let policy = retention::in_force();
    let requirements = built_in();
    let days = |from: Option<i64>| from.map_or(0, |from| ((until - from).max(0) / DAY) as u32);
    let rows = report_reads::retention(since, until).into_iter().map(|times| {
        let class = policy.policy.class(&times.class);
        let labels = class.map(|class| class.classification.clone()).unwrap_or_default();
        let asked: Vec<_> = requirements
            .iter()
            .filter(|one| labels.iter().any(|label| *label == one.id))
            .collect();
        // Without a policy nothing is ever moved.
        let kept = |age: Option<auditlog_policy::retention::age::Age>| {
            age.filter(|_| policy.version > 0)
                .map(|age| age.days())
                .filter(|days| *days < u32::MAX)
        };
        RetentionRow {
            class: times.class.clone(),
            classification: labels,
            oldest_record: times.oldest.map(Moment),
            newest_record: times.newest.map(Moment),
            policy: match (policy.version, class) {
                (0, _) => "no policy is set: everything is kept".to_owned(),
                (_, Some(class)) => format!(
                    "{} in all, {} at hand",
                    class.tiers.life().words(),
                    class.tiers.at_hand().words()
                ),
                (_, None) => "a class of an earlier policy".to_owned(),
            },
            policy_days: kept(class.map(|class| class.tiers.life())),
            online_policy_days: kept(class.map(|class| class.tiers.at_hand())),
            required_days: asked.iter().filter_map(|one| one.minimum_days).max(),
            maximum_days: asked.iter().filter_map(|one| one.maximum_days).min(),
            removed_after_days: times.removed_after,
            archived_after_days: times.archived_after,
            actual_days: days(times.oldest),
            online_days: days(times.online_oldest),
            legal_hold: !crate::store::holds::in_force(until).is_empty(),
            unapproved_purges: 0,
            state: match times.removed {
                0 => "nothing was removed".to_owned(),
                removed => format!("{removed} events were removed by policy"),
            },
        }
    });
    rows.collect()
}
