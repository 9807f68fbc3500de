//! Many notifications as one, and one as two.

mod support;

use auditlog_notify::{Kind, Notification, Severity};
use proptest::prelude::*;
use support::notification;

fn some(count: usize) -> Vec<Notification> {
    (0..count)
        .map(|number| {
            let mut n = notification();
            n.id = format!("n{number}");
            n.fired_at += i64::try_from(number).unwrap();
            n.alert = format!("alert {}", number % 3);
            n.severity = if number == 1 {
                Severity::Critical
            } else {
                Severity::Notice
            };
            n.recipients = vec![format!("{}@company.com", number % 2)];
            n
        })
        .collect()
}

#[test]
fn a_digest_tells_of_all() {
    let digest = Notification::digest(some(7)).unwrap();
    assert_eq!(digest.kind, Kind::Digest);
    assert_eq!(digest.alert, "3 alerts");
    assert_eq!(digest.count, 35);
    assert_eq!(digest.severity, Severity::Critical);
    assert_eq!(digest.recipients, ["0@company.com", "1@company.com"]);
    assert_eq!(digest.fired_at, notification().fired_at + 6);
    assert_eq!(digest.members.len(), 7);
    assert_eq!(digest.members[3].id, "n3");
    assert_eq!(digest.members[3].group, notification().group);
    assert_eq!(Notification::digest(some(1)).unwrap().alert, "alert 0");
    assert_eq!(Notification::digest(Vec::new()), None);
}

#[test]
fn its_id_follows_from_its_members() {
    let digest = Notification::digest(some(7)).unwrap();
    assert_eq!(Notification::digest(some(7)).unwrap(), digest);
    assert_ne!(Notification::digest(some(8)).unwrap().id, digest.id);
    assert!(digest.id.len() < 64 && digest.id.starts_with("digest-"));
    // Not from their ids put together.
    let pair = |a: &str, b: &str| {
        let mut all = some(2);
        (all[0].id, all[1].id) = (a.to_owned(), b.to_owned());
        Notification::digest(all).unwrap().id
    };
    assert_ne!(pair("ab", "c"), pair("a", "bc"));
}

#[test]
fn digests_of_digests_are_flat() {
    let whole = Notification::digest(some(7)).unwrap();
    let (first, rest) = (some(7)[..3].to_vec(), some(7)[3..].to_vec());
    let parts = vec![
        Notification::digest(first).unwrap(),
        Notification::digest(rest).unwrap(),
    ];
    assert_eq!(Notification::digest(parts).unwrap(), whole);
}

#[test]
fn what_is_too_large_gets_shorter_once() {
    let mut n = notification();
    n.reason = Some("ü".repeat(10_000));
    n.group[0].1 = Some("x".repeat(10_000));
    let parts = n.clone().split();
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].id, n.id);
    assert_eq!(parts[0].dedup_key, n.dedup_key);
    assert!(serde_json::to_vec(&parts[0]).unwrap().len() < 3_000);
    assert_eq!(parts[0].clone().split(), Vec::new());
}

#[test]
fn it_is_kept_as_json() {
    let n = Notification::digest(some(3)).unwrap();
    let kept = serde_json::to_value(&n).unwrap();
    assert_eq!(kept["kind"], "digest");
    assert_eq!(kept["severity"], "critical");
    assert_eq!(serde_json::from_value::<Notification>(kept).unwrap(), n);
    let old = r#"{"id":"1","kind":"fired","alert":"a","severity":"debug","count":1,"database":"d","fired_at":0,"dedup_key":"k"}"#;
    assert_eq!(serde_json::from_str::<Notification>(old).unwrap().group, Vec::new());
}

proptest! {
    /// Split as often as may be, a digest loses nobody and its parts end.
    #[test]
    fn splitting_loses_nothing(count in 1..200_usize) {
        let mut open = vec![Notification::digest(some(count)).unwrap()];
        let mut ids = Vec::new();
        while let Some(next) = open.pop() {
            if next.members.len() > 1 {
                let parts = next.split();
                prop_assert_eq!(parts.len(), 2);
                prop_assert!(parts[0].id != parts[1].id);
                prop_assert!(parts.iter().all(|part| part.count == 5 * part.members.len() as u64));
                open.extend(parts.into_iter().rev());
            } else {
                ids.push(next.members[0].id.clone());
            }
        }
        prop_assert_eq!(ids, some(count).into_iter().map(|n| n.id).collect::<Vec<_>>());
    }
}
