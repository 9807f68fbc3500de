//! Any text is Sigma rules or an error at a place of the text; what is imported are alerts.
//! `cp -r corpus/sigma /tmp/corpus && cargo +nightly fuzz run sigma /tmp/corpus`
#![no_main]

#[path = "place.rs"]
mod place;

use auditlog_policy::alert::definition::Definition;
use auditlog_query::CheckOptions;
use auditlog_sigma::import;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match import(text, None) {
        Err(error) => {
            place::is_within(text, error.line, error.column);
            assert!(!error.message.is_empty() && !error.hint.is_empty(), "{error:?}");
        }
        Ok(imported) => {
            for alert in imported {
                let definition = alert.definition;
                let json = definition.to_json().to_string();
                assert_eq!(Definition::parse(&json).as_ref(), Ok(&definition), "{json}");
                definition.check(&CheckOptions::default()).expect("a condition");
                assert!(!definition.describe().is_empty());
            }
        }
    }
});
