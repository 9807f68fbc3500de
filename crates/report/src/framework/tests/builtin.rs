//! The built-in frameworks.

use crate::framework::builtin::{FILES, builtin, find};
use crate::framework::{Bound, Check, Framework, Parameters, Span, Test, TestKind, Trigger, scan::Scan};
use std::collections::BTreeSet;

#[test]
fn each_file_is_a_framework() {
    for (id, text) in FILES {
        let found = Framework::parse(text).unwrap_or_else(|error| panic!("{id}: {error} ({})", error.hint));
        assert_eq!(found.id, *id);
        assert!(found.as_of.is_some() && !found.authority.is_empty(), "{id}");
        assert_eq!(find(id), Some(&found));
    }
    assert_eq!(builtin().len(), FILES.len());
}

#[test]
fn the_canonical_form_is_read_as_the_same() {
    for framework in builtin() {
        let json = framework.to_json().to_string();
        let again = Framework::parse(&json).unwrap_or_else(|error| panic!("{}: {error}", framework.id));
        assert_eq!(&again, framework);
        assert_eq!(again.sha256(), framework.sha256());
    }
    let mut hashes: Vec<String> = builtin().iter().map(Framework::sha256).collect();
    hashes.dedup();
    assert_eq!(hashes.len(), builtin().len());
    assert!(hashes.iter().all(|hash| hash.len() == 64));
}

#[test]
fn all_controls_of_the_reference_are_there() {
    let count = |id: &str| find(id).map_or(0, |framework| framework.controls.len());
    let counts = FILES.iter().map(|(id, _)| count(id)).collect::<Vec<_>>();
    assert_eq!(counts, [17, 21, 17, 30, 18, 38]);
}

#[test]
fn exceptions_are_ready_to_look_for() {
    for framework in builtin() {
        let parameters = Parameters::of(&framework.parameters);
        for control in &framework.controls {
            let scan = Scan::new(control, &parameters)
                .unwrap_or_else(|error| panic!("{} {}: {error}", framework.id, control.control));
            assert_eq!(scan.query().is_some(), !control.exceptions.is_empty());
        }
    }
}

#[test]
fn each_parameter_is_used_and_each_test_too() {
    let mut tests = BTreeSet::new();
    for framework in builtin() {
        let mut used = BTreeSet::new();
        let mut text = String::new();
        for control in &framework.controls {
            text.extend(control.query.iter().cloned());
            for Check { tests: all, .. } in &control.checks {
                for Test { kind, bound } in all {
                    tests.insert(*kind);
                    if let Some(Bound::Parameter(name)) = bound {
                        used.insert(name.clone());
                    }
                }
            }
            for exception in &control.exceptions {
                text.push_str(&exception.query);
                if let Trigger::Burst {
                    at_least: Bound::Parameter(name),
                    ..
                } = &exception.trigger
                {
                    used.insert(name.clone());
                }
                if let Trigger::Burst { within, .. } | Trigger::Late { within, .. } | Trigger::Unanswered { within, .. } =
                    &exception.trigger
                    && let Span::Parameter(name) = within
                {
                    used.insert(name.clone());
                }
            }
        }
        for parameter in &framework.parameters {
            let found = used.contains(&parameter.name) || text.contains(&format!("${}", parameter.name));
            assert!(found, "{}: {} is never used", framework.id, parameter.name);
        }
    }
    // what the catalogue of tests has and no framework asks
    let unused: Vec<&str> = TestKind::ALL
        .into_iter()
        .filter(|kind| !tests.contains(kind))
        .map(TestKind::name)
        .collect();
    assert_eq!(unused, Vec::<&str>::new());
}

/// The catalogue is the extension's own file: a query that names a type which nobody records would never find anything.
#[test]
fn queries_name_event_types_of_the_catalogue() {
    let catalogue = include_str!("../../../../../sql/schema/60_event_types.sql");
    let known: BTreeSet<&str> = catalogue
        .lines()
        .filter_map(|line| line.strip_prefix("('")?.split('\'').next())
        .collect();
    assert!(known.len() > 100);
    for framework in builtin() {
        for control in &framework.controls {
            let queries = control.exceptions.iter().map(|exception| exception.query.as_str());
            for query in queries.chain(control.query.as_deref()) {
                for part in query.split("event_type:").skip(1) {
                    let end = if part.starts_with('(') {
                        part.find(')')
                    } else {
                        part.find([' ', ')'])
                    };
                    let names = part[..end.unwrap_or(part.len())].trim_start_matches('(');
                    for name in names.split(" OR ") {
                        assert!(known.contains(name), "{} {}: {name:?}", framework.id, control.control);
                    }
                }
            }
        }
    }
}

#[test]
fn the_form_in_the_readme_is_read_and_names_all_tests() {
    let readme = include_str!("../../../frameworks/README.md");
    let example = readme
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("an example");
    let found = Framework::parse(example).unwrap_or_else(|error| panic!("{error} ({})", error.hint));
    assert_eq!((found.controls.len(), found.controls[0].exceptions.len()), (2, 2));
    for kind in TestKind::ALL {
        let name = format!(
            "`{}{}",
            kind.name(),
            kind.comparison().map_or("`", |comparison| comparison.symbol())
        );
        assert!(readme.contains(&name), "{name}");
    }
}

#[test]
fn questions_are_for_machines() {
    let framework = find("pci_dss").expect("built in");
    let mut parameters = Parameters::of(&framework.parameters);
    parameters.set("online_days", 100).expect("a parameter");
    let control = framework.control("10.5.1").expect("a control");
    assert_eq!(
        control.question(&parameters).to_string(),
        r#"{"checks":[{"state":"retention","tests":["actual_days>=365","online_days>=100","no_unapproved_purge"]}]}"#
    );
    for framework in builtin() {
        let parameters = Parameters::of(&framework.parameters);
        for control in &framework.controls {
            let question = control.question(&parameters);
            assert_eq!(
                question.get("conditions").is_some(),
                control.query.is_some(),
                "{}",
                control.control
            );
            assert!(!question.to_string().contains('$'), "{}", control.control);
        }
    }
}
