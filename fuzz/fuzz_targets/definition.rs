//! Any text is an alert or an error at a place of the text; an alert can be explained, and its JSON is the same alert.
//! `cp -r corpus/definition /tmp/corpus && cargo +nightly fuzz run definition /tmp/corpus`
#![no_main]

#[path = "place.rs"]
mod place;

use auditlog_policy::alert::definition::Definition;
use auditlog_policy::alert::engine::{Engine, Limits};
use auditlog_policy::alert::sample;
use auditlog_query::CheckOptions;
use auditlog_query::eval::JsonDocument;
use auditlog_query::matches;
use libfuzzer_sys::fuzz_target;

/// 2026-11-25T12:00:00Z
const NOW: i64 = 1_795_608_000_000_000;

fuzz_target!(|text: &str| {
    match Definition::parse(text) {
        Err(error) => {
            place::is_within(text, error.line, error.column);
            assert!(!error.message.is_empty() && !error.hint.is_empty(), "{error:?}");
        }
        Ok(definition) => {
            assert!(definition.describe().iter().all(|sentence| sentence.ends_with('.')));
            let json = definition.to_json().to_string();
            assert_eq!(Definition::parse(&json).as_ref(), Ok(&definition), "{json}");
            let options = CheckOptions::default();
            let mut engine = Engine::new(Limits::default());
            engine
                .set_alert(1, &definition, &options, NOW)
                .expect("its condition was checked");
            let checked = definition.check(&options).expect("its condition was checked");
            if let Some(event) = sample::matching(&definition, &options, NOW).expect("its condition was checked") {
                assert!(matches(&checked, JsonDocument::new(&event), NOW));
            }
        }
    }
});
