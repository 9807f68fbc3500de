//! Properties of the entry: every change shows, the order of keys does not, erasure does not.

mod support;

use auditlog_core::columns::COLUMNS;
use auditlog_core::encode::{EncodeError, Hiding, Value, canonical_json, commit_column, encode_entry};
use auditlog_core::json::Json;
use auditlog_core::personal::{Committer, REDACTED_KEY};
use proptest::prelude::*;
use serde_json::json as serde;
use support::vectors::{Owned, column, hex};
use support::{any_json, equal, number, string};

type Row = Vec<Option<serde_json::Value>>;

fn value(kind: auditlog_core::columns::Kind) -> BoxedStrategy<serde_json::Value> {
    use auditlog_core::columns::Kind;
    match kind {
        Kind::Text => string().prop_map(|s| serde!(s)).boxed(),
        Kind::Time | Kind::Int => any::<i64>().prop_map(|i| serde!(i)).boxed(),
        Kind::Inet => prop_oneof![
            (any::<[u8; 4]>(), 0u8..=32).prop_map(|(a, bits)| format!("{}/{bits}", std::net::Ipv4Addr::from(a))),
            (any::<[u8; 16]>(), 0u8..=128).prop_map(|(a, bits)| format!("{}/{bits}", std::net::Ipv6Addr::from(a))),
        ]
        .prop_map(|s| serde!(s))
        .boxed(),
        Kind::TextArray => prop::collection::vec(string(), 0..4).prop_map(|v| serde!(v)).boxed(),
        Kind::Json => any_json(3).prop_map(|json| serde!(text(&json))).boxed(),
    }
}

/// JSON text that keeps a number's digits.
fn text(json: &Json) -> String {
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(b) => b.to_string(),
        Json::Number(n) => n.clone(),
        Json::String(s) => serde!(s).to_string(),
        Json::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(",")),
        Json::Object(pairs) => {
            let member = |(key, value): &(String, Json)| format!("{}:{}", serde!(key), text(value));
            format!("{{{}}}", pairs.iter().map(member).collect::<Vec<_>>().join(","))
        }
    }
}

fn row() -> impl Strategy<Value = Row> {
    COLUMNS
        .iter()
        .map(|column| prop::option::of(value(column.kind)).boxed())
        .collect::<Vec<_>>()
}

fn entry(row: &Row, hiding: &Hiding<'_>) -> Result<Vec<u8>, EncodeError> {
    let null = serde_json::Value::Null;
    let owned: Vec<Owned> = COLUMNS
        .iter()
        .zip(row)
        .map(|(c, v)| column(c.kind, c.path, v.as_ref().unwrap_or(&null), hiding))
        .collect();
    let values: [Value<'_>; COLUMNS.len()] = std::array::from_fn(|at| owned[at].borrow());
    let mut out = Vec::new();
    encode_entry(&values, hiding, &mut out).map(|()| out)
}

fn salted() -> Hiding<'static> {
    Hiding {
        committer: Some(Committer::new(b"salt")),
        ..Hiding::default()
    }
}

fn canonical(json: &Json, hiding: &Hiding<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    canonical_json(json, "", hiding, &mut out).expect("salt or placeholder");
    out
}

fn shuffled(json: Json) -> BoxedStrategy<Json> {
    match json {
        Json::Array(items) => items
            .into_iter()
            .map(shuffled)
            .collect::<Vec<_>>()
            .prop_map(Json::Array)
            .boxed(),
        Json::Object(pairs) => {
            let pairs: Vec<_> = pairs
                .into_iter()
                .map(|(key, value)| (Just(key), shuffled(value)))
                .collect();
            pairs.prop_shuffle().prop_map(Json::Object).boxed()
        }
        other => Just(other).boxed(),
    }
}

/// Replaces the value at a path, if it is there.
fn replace(json: &mut Json, path: &[&str], with: &mut dyn FnMut(&Json) -> Json) {
    let Json::Object(pairs) = json else { return };
    let Some((_, value)) = pairs.iter_mut().find(|(key, _)| key == path[0]) else {
        return;
    };
    match path {
        [_] => *value = with(value),
        _ => replace(value, &path[1..], with),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn changing_one_value_changes_the_entry(
        row in row(), other in row(), at in 0..COLUMNS.len(), hidden in any::<bool>(),
    ) {
        let none: &[String] = &[];
        let hiding = Hiding { paths: if hidden { None } else { Some(none) }, ..salted() };
        let mut changed = row.clone();
        changed[at] = other[at].clone();
        let same = entry(&row, &hiding) == entry(&changed, &hiding);
        let json_equal = |a: &str, b: &str| equal(&support::json(a), &support::json(b));
        let unchanged = match (&row[at], &changed[at]) {
            (Some(serde_json::Value::String(a)), Some(serde_json::Value::String(b)))
                if COLUMNS[at].kind == auditlog_core::columns::Kind::Json => json_equal(a, b),
            (a, b) => a == b,
        };
        prop_assert_eq!(same, unchanged);
    }

    #[test]
    fn two_json_values_have_the_same_bytes_only_if_equal(a in any_json(3), b in any_json(3)) {
        prop_assert_eq!(canonical(&a, &Hiding::default()) == canonical(&b, &Hiding::default()), equal(&a, &b));
    }

    #[test]
    fn the_order_of_keys_does_not_count((a, b) in any_json(4).prop_flat_map(|json| (Just(json.clone()), shuffled(json)))) {
        prop_assert_eq!(canonical(&a, &Hiding::default()), canonical(&b, &Hiding::default()));
    }

    #[test]
    fn the_scale_of_a_number_counts(json in number()) {
        let Json::Number(digits) = &json else { unreachable!("numbers") };
        let longer = Json::Number(format!("{digits}{}", if digits.contains('.') { "0" } else { ".0" }));
        prop_assert_ne!(canonical(&json, &Hiding::default()), canonical(&longer, &Hiding::default()));
    }

    #[test]
    fn erasing_columns_keeps_the_entry(row in row(), erase in prop::collection::vec(any::<bool>(), COLUMNS.len())) {
        let paths: Vec<String> = COLUMNS.iter().map(|c| c.path.to_owned()).filter(|p| !p.is_empty()).collect();
        let hiding = Hiding { paths: Some(&paths), ..salted() };
        let committer = Committer::new(b"salt");
        let mut erased = row.clone();
        let mut redacted = Vec::new();
        let mut left = false;
        for (at, c) in COLUMNS.iter().enumerate().filter(|(_, c)| !c.path.is_empty()) {
            let Some(given) = &row[at] else { continue };
            if !erase[at] {
                left = true;
                continue;
            }
            let owned = column(c.kind, c.path, given, &hiding);
            redacted.push((c.path.to_owned(), commit_column(at, &owned.borrow(), &committer).expect("short")));
            erased[at] = None;
        }
        let before = entry(&row, &hiding);
        let partly = Hiding { redacted: &redacted, ..hiding.clone() };
        prop_assert_eq!(entry(&erased, &partly), before.clone());
        // without the salt the erased entry stands, and a value that is left has none
        let without = Hiding { committer: None, ..partly };
        if left {
            prop_assert!(matches!(entry(&erased, &without), Err(EncodeError::NoSalt(_))));
        } else {
            prop_assert_eq!(entry(&erased, &without), before);
        }
    }

    #[test]
    fn erasing_inside_json_keeps_the_bytes(a in any_json(3), b in any_json(3), rest in any_json(2)) {
        let member = |key: &str, value: &Json| (key.to_owned(), value.clone());
        let inner = Json::Object(vec![member("b", &b), member("rest", &rest)]);
        let json = Json::Object(vec![member("a", &a), member("in", &inner), member("list", &Json::Array(vec![inner.clone()]))]);
        let paths = ["a".to_owned(), "in.b".to_owned(), "list.b".to_owned(), "none".to_owned()];
        let hiding = Hiding { paths: Some(&paths), ..salted() };
        let committer = Committer::new(b"salt");
        let mut erased = json.clone();
        for path in ["a", "in.b"] {
            let steps: Vec<&str> = path.split('.').collect();
            replace(&mut erased, &steps, &mut |value| {
                let commitment = committer.commit(path, &canonical(value, &Hiding::default()));
                Json::Object(vec![(REDACTED_KEY.to_owned(), Json::String(hex(&commitment)))])
            });
        }
        let without = Hiding { committer: None, ..hiding.clone() };
        prop_assert_eq!(canonical(&erased, &without), canonical(&json, &hiding));
        prop_assert_ne!(canonical(&json, &hiding), canonical(&json, &Hiding::default()));
    }
}

#[test]
fn the_salt_counts() {
    let mut row: Row = vec![None; COLUMNS.len()];
    row[14] = Some(serde!("admin@company.com"));
    assert_eq!(COLUMNS[14].name, "actor_email");
    let other = Hiding {
        committer: Some(Committer::new(b"other")),
        ..Hiding::default()
    };
    assert_ne!(entry(&row, &salted()), entry(&row, &other));
    assert_eq!(
        entry(&row, &Hiding::default()),
        Err(EncodeError::NoSalt("actor.email".to_owned()))
    );
    let bytes = entry(&row, &salted()).expect("salted");
    assert!(
        !bytes.windows(5).any(|window| window == b"admin"),
        "the value is in the entry"
    );
}
