//! ECS, OCSF and CloudEvents. That OCSF keeps to its schema is asked of the schema itself by `tests/oracle/run.sh`.

mod support;

use auditlog_bundle::Record;
use auditlog_format::{Format, OCSF_CLASSES, ocsf_class, ocsf_class_name};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Made, hostile, json::strict, samples, writer};

fn text(bytes: &Option<Vec<u8>>) -> Option<Value> {
    let bytes = bytes.as_deref().filter(|bytes| !bytes.is_empty())?;
    Some(Value::String(hostile::lossy(bytes)))
}

proptest! {
    #[test]
    fn ecs_gives_the_texts_back((event, texts) in hostile::event()) {
        let ecs = strict(&event.written(&writer(Format::Ecs, Value::Null)));
        for (path, column) in [("/event/id", 1), ("/event/reason", 5), ("/user/id", 9), ("/user/email", 10), ("/user_agent/original", 11),
            ("/auditlog/session_id", 12), ("/auditlog/resource/type", 13), ("/auditlog/resource/id", 14), ("/http/request/id", 15),
            ("/organization/id", 7), ("/service/name", 16), ("/user/roles/0", 8)] {
            let found = ecs.pointer(path).filter(|value| value.as_str() != Some(""));
            let expected = text(&texts[column]);
            prop_assert_eq!(found, expected.as_ref(), "{}", path);
        }
        let document: Value = serde_json::from_str(&event.written(&writer(Format::Json, Value::Null))).unwrap();
        let after: Value = serde_json::from_str(ecs["auditlog"]["changes"]["after"].as_str().unwrap()).unwrap();
        prop_assert_eq!(&after, &document["changes"]["after"]);
        prop_assert_eq!(ecs.get("tags"), document.pointer("/metadata/tags"));
        prop_assert_eq!(&ecs["event"]["hash"], &document["auditlog"]["entry_hash"]);
        prop_assert_eq!(&ecs["event"]["sequence"], &document["auditlog"]["log_index"]);
    }

    #[test]
    fn nothing_gets_lost_in_ocsf((event, texts) in hostile::event(), version in prop::sample::select(vec!["1.3.0", "1.8.0"])) {
        let ocsf = strict(&event.written(&writer(Format::Ocsf, json!({"version": version}))));
        let bytes = event.bytes();
        let class = ocsf_class(&Record::parse(&bytes).unwrap()).unwrap();
        prop_assert!(OCSF_CLASSES.contains(&class));
        prop_assert_eq!(&ocsf["class_uid"], &json!(class));
        prop_assert_eq!(&ocsf["category_uid"], &json!(class / 1000));
        prop_assert_eq!(&ocsf["class_name"], ocsf_class_name(class));
        prop_assert_eq!(&ocsf["metadata"]["version"], version);
        let activity = ocsf["activity_id"].as_u64().unwrap();
        prop_assert_eq!(&ocsf["type_uid"], &json!(u64::from(class) * 100 + activity));
        // every text is somewhere, whole
        let whole = ocsf.to_string();
        for (column, text) in texts.iter().enumerate() {
            let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else { continue };
            let quoted = Value::String(hostile::lossy(text)).to_string();
            prop_assert!(whole.contains(&quoted), "{}: {} in {}", hostile::TEXTS[column], quoted, whole);
        }
        for (name, value) in ocsf["unmapped"].as_object().unwrap() {
            prop_assert!(value.is_string(), "{} is no text", name);
        }
    }

    #[test]
    fn cloudevents_keep_to_their_types((event, texts) in hostile::event()) {
        let line = event.written(&writer(Format::CloudEvents, Value::Null));
        let cloud = strict(&line);
        let document = strict(&event.written(&writer(Format::Json, Value::Null)));
        prop_assert_eq!(&cloud["data"], &document);
        prop_assert_eq!(&cloud["specversion"], "1.0");
        let hash = document["auditlog"]["entry_hash"].as_str().unwrap();
        prop_assert_eq!(&cloud["id"], &json!(format!("{}-{hash}", event.log_index)));
        prop_assert!(!cloud["type"].as_str().unwrap().is_empty());
        for (name, value) in cloud.as_object().unwrap() {
            prop_assert!(name.len() <= 20 || name == "datacontenttype");
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
            if name != "data" && name != "type" {
                prop_assert!(!value.as_str().unwrap().contains(char::is_control), "{}: {}", name, value);
            }
        }
        if texts[13].is_none() && texts[14].is_none() {
            prop_assert_eq!(cloud.get("subject"), None);
        }
    }
}

fn classified(event: &Made) -> (u32, String) {
    let ocsf = strict(&event.written(&writer(Format::Ocsf, Value::Null)));
    let class = ocsf["class_uid"].as_u64().unwrap() as u32;
    let bytes = event.bytes();
    assert_eq!(ocsf_class(&Record::parse(&bytes).unwrap()), Ok(class));
    (class, ocsf["activity_name"].as_str().unwrap().to_owned())
}

#[test]
fn events_are_of_the_class_that_fits() {
    let made = |event_type: &str, category: &str, operation: &str| {
        samples::bare()
            .text("event_type", event_type)
            .text("category", category)
            .text("operation", operation)
    };
    for (event, class, activity) in [
        (samples::seed(), 6003, "Update"),
        (samples::login(), 3002, "Logon"),
        (samples::row(), 6005, "Update"),
        (samples::grant(), 3005, "Assign Privileges"),
        (samples::role(), 3001, "Create"),
        (samples::table(), 6005, "Delete"),
        (samples::alert(), 2004, "Create"),
        (samples::select(), 6005, "Read"),
        (
            made("authentication.logout", "authentication", "logout"),
            3002,
            "Logoff",
        ),
        (
            made("authentication.password_change", "authentication", "alter role"),
            3001,
            "Password Change",
        ),
        (
            made("authentication.account_locked", "authentication", "lock"),
            3001,
            "Lock",
        ),
        (
            made("configuration.user_delete", "configuration", "delete"),
            3001,
            "Delete",
        ),
        (made("revoke.privilege", "access", "revoke"), 3005, "Revoke Privileges"),
        (
            made("auditlog.role_grant", "auditlog", "grant"),
            3005,
            "Assign Privileges",
        ),
        (made("ddl.create", "schema", "create table"), 6005, "Create"),
        (made("data.insert", "data", "insert"), 6005, "Write"),
        (made("data.copy_to", "data", "copy"), 6005, "Read"),
        (made("database.statement", "data", "select"), 6005, "Query"),
        (made("file.read", "data", "read"), 6003, "Read"),
        (made("policy.modify", "policy", "update"), 6003, "Update"),
        (
            made("crm.customer.modify", "crm", "update").text("resource_type", "crm.customer"),
            6005,
            "Update",
        ),
        (
            made("k8s.modify", "k8s", "update").text("resource_type", "apps/v1.deployments"),
            6003,
            "Update",
        ),
        (
            made("crm.customer.modify", "crm", "update")
                .text("resource_type", "a.b")
                .text("method", "api"),
            6003,
            "Update",
        ),
        (made("cloud.run", "cloud", "DescribeInstances"), 6003, "Read"),
        (made("x", "x", "frobnicate"), 6003, "frobnicate"),
    ] {
        assert_eq!(classified(&event), (class, activity.to_owned()));
    }
}

#[test]
fn what_the_schema_of_ocsf_limits_is_whole_elsewhere() {
    let long = "é".repeat(70_000);
    let event = samples::seed()
        .text("actor_id", &long)
        .text("actor_email", "nobody at all");
    let ocsf = strict(&event.written(&writer(Format::Ocsf, Value::Null)));
    assert_eq!(ocsf["actor"]["user"]["uid"].as_str().unwrap().chars().count(), 65_535);
    assert_eq!(ocsf["unmapped"]["actor_id"], long.as_str());
    assert_eq!(ocsf["actor"]["user"].get("email_addr"), None);
    assert_eq!(ocsf["unmapped"]["actor_email"], "nobody at all");
    let ocsf = strict(&samples::seed().written(&writer(Format::Ocsf, Value::Null)));
    assert_eq!(ocsf["actor"]["user"]["email_addr"], "admin@company.com");
    assert_eq!(ocsf["unmapped"].get("actor_email"), None);
}

#[test]
fn ecs_has_its_own_words() {
    let kinds = |event: Made| {
        let ecs = strict(&event.written(&writer(Format::Ecs, Value::Null)));
        let event = &ecs["event"];
        json!([event["kind"], event["category"], event["type"], event["outcome"]])
    };
    assert_eq!(kinds(samples::seed()), json!(["event", ["api"], ["change"], "success"]));
    assert_eq!(
        kinds(samples::login()),
        json!(["event", ["authentication"], ["start"], "failure"])
    );
    assert_eq!(
        kinds(samples::row()),
        json!(["event", ["database"], ["change"], "success"])
    );
    assert_eq!(
        kinds(samples::grant()),
        json!(["event", ["iam"], ["admin", "change"], "success"])
    );
    assert_eq!(
        kinds(samples::role()),
        json!(["event", ["iam"], ["user", "creation"], "success"])
    );
    assert_eq!(kinds(samples::alert()), json!(["alert", ["api"], ["info"], "success"]));
    assert_eq!(
        kinds(samples::hostile()),
        json!(["event", ["api"], ["deletion", "denied"], "failure"])
    );
    assert_eq!(
        kinds(samples::mfa()),
        json!(["event", ["authentication"], ["info"], "unknown"])
    );
    assert_eq!(kinds(samples::bare()), json!(["event", null, ["info"], "unknown"]));
}
