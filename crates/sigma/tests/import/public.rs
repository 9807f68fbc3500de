use super::*;

/// What can't be expressed, and why; a field for keywords helps with the first.
const REFUSED: [(&str, &str); 2] = [
    (
        "java_local_file_read",
        "a keyword without a letter or digit can't be expressed",
    ),
    ("aws_update_login_profile", "the modifier fieldref can't be expressed"),
];

#[test]
fn public_rules_become_alerts_with_their_authors() {
    let Some(rules) = shared("sigma/rules") else { return };
    let (mut imported, mut refused) = (0, Vec::new());
    for path in files(&rules) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let yaml = std::fs::read_to_string(&path).expect("a rule");
        match import(&yaml, None) {
            Err(error) => {
                assert!(
                    error.unsupported && error.line > 1 && !error.hint.is_empty(),
                    "{stem}: {error:?}"
                );
                refused.push((stem, error.message));
            }
            Ok(mut alerts) => {
                assert_eq!(alerts.len(), 1, "{stem}");
                let Imported { definition, notes } = alerts.remove(0);
                for label in [
                    "author",
                    "sigma_id",
                    "level",
                    "status",
                    "tags",
                    "references",
                    "logsource",
                ] {
                    let found = definition.labels.iter().find(|(name, _)| name == label);
                    let said = label == "references" || found.is_some_and(|(_, text)| !text.is_empty());
                    assert!(said, "{stem}: {label}");
                }
                assert!(
                    definition.description.is_some() && definition.notification.is_some(),
                    "{stem}"
                );
                assert_eq!(notes.is_empty(), has_map(&definition), "{stem}: {notes:?}");
                // what has no values at all is found by no rule but those that look for something missing
                let negative = stem == "aws_cloudtrail_vpc_flow_logs_deleted";
                assert!(
                    !holds(&definition, &json!({"event_type": "other"})) || negative,
                    "{stem}"
                );
                imported += 1;
            }
        }
    }
    assert!(imported >= 189, "{imported}");
    let refused: Vec<(&str, &str)> = refused
        .iter()
        .map(|(stem, why)| (stem.as_str(), why.as_str()))
        .collect();
    assert_eq!(refused, REFUSED);
}

fn has_map(definition: &Definition) -> bool {
    let source = definition.labels.iter().find(|(name, _)| name == "logsource");
    source.is_some_and(|(_, source)| source.starts_with("aws/cloudtrail") || source.contains("kubernetes"))
}

#[test]
fn keywords_of_any_kind_are_found_in_a_field_that_is_named() {
    let Some(rules) = shared("sigma/rules") else { return };
    let map = json!({"keywords": ["metadata.message"]});
    let path = rules.join("application/jvm/java_local_file_read.yml");
    let yaml = std::fs::read_to_string(path).expect("a rule");
    let alert = import(&yaml, Some(&map)).expect("a rule").remove(0).definition;
    let event = |message: &str| json!({"event_type": "system.error", "metadata": {"message": message}});
    assert!(holds(
        &alert,
        &event("java.io.FileNotFoundException: /var/www/../../../etc/passwd")
    ));
    assert!(!holds(
        &alert,
        &event("java.io.FileNotFoundException: /var/www/index.html")
    ));
}
