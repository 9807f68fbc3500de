//! Cases of public test suites: each agrees, or is listed in `deviations.json` with its reason.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use support::{compile, file, holds, json};

/// What differs from the case, if anything.
fn disagreement(case: &serde_json::Value) -> Option<String> {
    let query = case["query"].as_str().expect("query");
    let result = compile(query);
    let expected = case["expect"] == "parse_ok";
    match result {
        Ok(_) if !expected => Some("accepted".to_owned()),
        Err(error) if expected => Some(format!("refused: {error}")),
        Err(_) => None,
        Ok(checked) => {
            let document = case.get("doc").filter(|_| case.get("match").is_some())?;
            let found = holds(&checked, &json(document));
            (case["match"] != found).then(|| format!("match is {found} for {document}"))
        }
    }
}

#[test]
fn public_cases_agree_or_deviate_for_a_reason() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/query-cases/cases.jsonl");
    let Ok(cases) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is absent", path.display());
        return;
    };
    let deviations = file("deviations.json");
    let reasons: BTreeMap<u64, &str> = deviations
        .as_array()
        .expect("a list of reasons")
        .iter()
        .flat_map(|group| {
            let reason = group["reason"].as_str().expect("reason");
            group["ids"]
                .as_array()
                .expect("ids")
                .iter()
                .map(move |id| (id.as_u64().expect("id"), reason))
        })
        .collect();
    let mut wrong = Vec::new();
    let mut listed = 0;
    for line in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case");
        let id = case["id"].as_u64().expect("id");
        match (disagreement(&case), reasons.contains_key(&id)) {
            (Some(_), true) => listed += 1,
            (Some(how), false) => wrong.push(format!("{id} {}: {how}", case["query"])),
            (None, true) => wrong.push(format!("{id} agrees, but is listed as a deviation")),
            (None, false) => {}
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(listed, reasons.len(), "every listed case exists");
}
