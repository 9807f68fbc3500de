//! Alerts that others have written: the built-in ones, and Sigma rules.

use super::{firings, settle};
use auditlog_testkit::log::{scalar, text};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Database, LONG, wait_until};
use std::path::Path;

#[test]
fn the_built_in_alerts_are_installed_and_fire() {
    let db = Database::new();
    let mut client = db.superuser();
    let all = scalar(&mut client, "SELECT count(*) FROM auditlog.builtin_alerts()");
    assert!(all >= 20);
    refused_with(&mut client, "42704", "SELECT auditlog.install_alerts('{nobody}')");
    let few =
        "SELECT auditlog.install_alerts('{failed_logins, audit_log_attacked}', '{pager}', '{security@company.com}')";
    assert_eq!(scalar(&mut client, few), 2);
    assert_eq!(scalar(&mut client, "SELECT auditlog.install_alerts()"), all - 2);
    assert_eq!(scalar(&mut client, "SELECT auditlog.install_alerts()"), 0);
    let told = "SELECT count(*) FROM auditlog.alerts WHERE definition #>> '{notification,channels,0}' = 'pager'";
    assert_eq!(scalar(&mut client, told), 2);
    wait_until("all are evaluated", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.alerts WHERE state NOT IN ('active', 'disabled')",
        ) == 0
    });
    refused_with(&mut client, "42501", "DELETE FROM auditlog_data.firing");
    settle(&mut client);
    let names = "SELECT string_agg(DISTINCT alert, ', ') FROM auditlog.alert_firings";
    let fired = text(&mut client, &format!("SELECT coalesce(({names}), '')"));
    println!("fired: {fired}");
}

#[test]
fn a_sigma_rule_is_an_alert() {
    let db = Database::new();
    let mut client = db.superuser();
    let rule = "title: Root logs in\nid: 8ad1600d-e9dc-4251-b0ee-a65268f29add\nauthor: somebody\nlevel: high\nlogsource: {product: aws, service: cloudtrail}\n\
        detection:\n  selection:\n    eventName: ConsoleLogin\n  condition: selection\n";
    let map = r#"{"eventName": "action.operation"}"#;
    let imported = client
        .query_one(
            "SELECT name, id FROM auditlog.import_sigma($1, $2::text::jsonb)",
            &[&rule, &map],
        )
        .expect("import_sigma()");
    assert_eq!(imported.get::<_, String>(0), "Root logs in");
    // again: the same alert
    client
        .query_one(
            "SELECT name FROM auditlog.import_sigma($1, $2::text::jsonb)",
            &[&rule, &map],
        )
        .expect("import_sigma()");
    assert_eq!(scalar(&mut client, "SELECT count(*) FROM auditlog.alerts"), 1);
    wait_until("it is evaluated", LONG, || {
        text(&mut client, "SELECT state FROM auditlog.alerts") == "active"
    });
    client
        .batch_execute("SELECT auditlog.record('a.b', action => '{\"operation\": \"consolelogin\"}')")
        .expect("record()");
    settle(&mut client);
    assert_eq!(firings(&mut client), ["1"]);
    let wrong =
        "title: x\nlogsource: {product: aws}\ndetection:\n  selection:\n    a|fieldref: b\n  condition: selection\n";
    let error = client
        .query("SELECT auditlog.import_sigma($1)", &[&wrong])
        .expect_err("it can't be expressed");
    let error = error.as_db_error().expect("an error of the server");
    assert_eq!(error.code().code(), "0A000");
    assert!(error.message().contains("fieldref"), "{error:?}");
    refused_with(&mut client, "22023", "SELECT auditlog.import_sigma('no rule')");
    refused_with(&mut client, "22004", "SELECT auditlog.import_sigma(NULL)");
}

/// Public rules, where they are at hand.
#[test]
fn all_public_rules_are_imported() {
    let rules = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/sigma/rules"));
    if !rules.is_dir() {
        println!("skipped: {} is not here", rules.display());
        return;
    }
    let db = Database::new();
    let mut client = db.superuser();
    let (mut done, mut refused, mut waiting) = (0, 0, vec![rules.to_path_buf()]);
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                let rule = std::fs::read_to_string(&path).expect("a rule");
                let imported = client.query("SELECT name FROM auditlog.import_sigma($1)", &[&rule]);
                match imported {
                    Ok(_) => done += 1,
                    Err(e) => {
                        let error = e.as_db_error().expect("an error of the server");
                        // what can't be expressed is refused by name
                        assert_eq!(error.code().code(), "0A000", "{}: {error:?}", path.display());
                        println!("{}: {}", path.display(), error.message());
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(done > 10 && refused * 20 <= done, "{done} rules, {refused} refused");
    println!("{done} rules imported, {refused} refused");
}
