//! Options: what is taken, and what is said of what is not.

mod support;

use auditlog_format::{Format, Options, Writer};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{samples, source};

fn refused(format: Format, options: Value) -> (String, String) {
    let error = Options::parse(format, &options).expect_err(&options.to_string());
    (error.message, error.hint)
}

#[test]
fn nothing_and_null_are_the_usual_options() {
    for format in Format::ALL {
        let usual = Options::usual(format);
        assert_eq!(usual.format(), format);
        assert_eq!(Options::parse(format, &json!({})), Ok(usual.clone()));
        assert_eq!(Options::parse(format, &Value::Null), Ok(usual));
    }
    assert_eq!(
        Options::parse(Format::Syslog, &json!({"facility": null, "msg": null})),
        Ok(Options::usual(Format::Syslog))
    );
}

#[test]
fn options_must_be_an_object() {
    let (message, hint) = refused(Format::Json, json!(["x"]));
    assert_eq!(message, "the options of a format must be a JSON object");
    assert_eq!(hint, "Write them as {\"name\": \"value\"}.");
}

#[test]
fn an_unknown_option_is_told_the_nearest() {
    let (message, hint) = refused(Format::Csv, json!({"delimeter": ";"}));
    assert_eq!(message, "the format csv has no option \"delimeter\"");
    assert_eq!(
        hint,
        "Did you mean delimiter? The options are columns, delimiter, null."
    );
    let (_, hint) = refused(Format::Json, json!({"pretty": true}));
    assert_eq!(hint, "This format has no options.");
    let (message, _) = refused(Format::Syslog, json!({"vendor": "x"}));
    assert_eq!(message, "the format syslog has no option \"vendor\"");
    assert!(Options::parse(Format::Syslog, &json!({"msg": "cef", "vendor": "x"})).is_ok());
}

#[test]
fn columns_are_names_or_paths() {
    let (message, hint) = refused(Format::Csv, json!({"columns": ["timestmp"]}));
    assert_eq!(message, "there is no column \"timestmp\"");
    assert_eq!(hint, "Did you mean timestamp?");
    let (_, hint) = refused(Format::Csv, json!({"columns": ["actor.emial"]}));
    assert_eq!(hint, "Did you mean actor.email?");
    let (_, hint) = refused(Format::Csv, json!({"columns": ["zzz"]}));
    assert!(hint.starts_with("Use names of auditlog.events"), "{hint}");
    for columns in [json!([]), json!("timestamp"), json!([1])] {
        let (message, hint) = refused(Format::Csv, json!({ "columns": columns }));
        assert_eq!(
            message,
            "the option \"columns\" of the format csv is not what it must be"
        );
        assert!(hint.starts_with("It must be a list of names"), "{hint}");
    }
    let (message, _) = refused(Format::Csv, json!({"columns": ["hash", "hash"]}));
    assert_eq!(message, "the option \"columns\" of the format csv has \"hash\" twice");
    // the salt never leaves
    assert_eq!(
        refused(Format::Csv, json!({"columns": ["salt"]})).0,
        "there is no column \"salt\""
    );
    assert_eq!(
        refused(Format::Csv, json!({"columns": [""]})).0,
        "there is no column \"\""
    );
}

#[test]
fn values_out_of_range_are_refused() {
    for (format, options) in [
        (Format::Csv, json!({"delimiter": "\""})),
        (Format::Csv, json!({"delimiter": ",,"})),
        (Format::Csv, json!({"delimiter": "a"})),
        (Format::Csv, json!({"delimiter": "\n"})),
        (Format::Csv, json!({"delimiter": "é"})),
        (Format::Csv, json!({"delimiter": ""})),
        (Format::Csv, json!({"null": "a,b"})),
        (Format::Csv, json!({"null": "\""})),
        (Format::Csv, json!({"null": 1})),
        (Format::Syslog, json!({"facility": "audits"})),
        (Format::Syslog, json!({"facility": 13})),
        (Format::Syslog, json!({"hostname": "two words"})),
        (Format::Syslog, json!({"hostname": ""})),
        (Format::Syslog, json!({"app_name": "a".repeat(49)})),
        (Format::Syslog, json!({"enterprise_number": 0})),
        (Format::Syslog, json!({"enterprise_number": 4_294_967_296u64})),
        (Format::Syslog, json!({"time_digits": 7})),
        (Format::Syslog, json!({"time_digits": -1})),
        (Format::Syslog, json!({"max_bytes": 1023})),
        (Format::Syslog, json!({"msg": "xml"})),
        (Format::Cef, json!({"vendor": "a|b"})),
        (Format::Cef, json!({"product": ""})),
        (Format::Cef, json!({"product": "a\nb"})),
        (Format::Cef, json!({"vendor": "a".repeat(64)})),
        (Format::Leef, json!({"version": "3.0"})),
        (Format::Leef, json!({"delimiter": "="})),
        (Format::Ocsf, json!({"version": "1.4.0"})),
        (Format::CloudEvents, json!({"source": "a b"})),
        (Format::CloudEvents, json!({"source": ""})),
        (Format::CloudEvents, json!({"source": "é"})),
    ] {
        let (message, hint) = refused(format, options.clone());
        let name = options.as_object().unwrap().keys().next().unwrap();
        assert_eq!(
            message,
            format!("the option \"{name}\" of the format {format} is not what it must be"),
            "{options}"
        );
        assert!(hint.starts_with("It must be ") && hint.ends_with('.'), "{hint}");
    }
    let (message, _) = refused(Format::Leef, json!({"version": "1.0", "delimiter": "^"}));
    assert_eq!(message, "LEEF 1.0 has no other delimiter than the tab");
}

#[test]
fn what_is_taken_is_taken() {
    for (format, options) in [
        (
            Format::Csv,
            json!({"columns": ["log_index", "actor.email", "hash"], "delimiter": "tab", "null": "\\N"}),
        ),
        (Format::CsvRaw, json!({"delimiter": "\t"})),
        (Format::Syslog, json!({"msg": "leef", "version": "1.0"})),
        (
            Format::Syslog,
            json!({"msg": "ocsf", "version": "1.8.0", "max_bytes": 1_048_576}),
        ),
        (Format::Leef, json!({"delimiter": "0x5e"})),
        (
            Format::CloudEvents,
            json!({"source": "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"}),
        ),
    ] {
        assert!(Options::parse(format, &options).is_ok(), "{options}");
    }
}

/// Values that options have, and others.
fn value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "",
        ",",
        ";",
        "tab",
        "\t",
        "\"",
        "\n",
        "x09",
        "x5E",
        "0x7C",
        "1.0",
        "2.0",
        "1.3.0",
        "1.8.0",
        "audit",
        "local3",
        "json",
        "cef",
        "leef",
        "text",
        "ocsf",
        "ecs",
        "NULL",
        "a b",
        "//x",
        "\u{1f600}",
        "timestamp",
        "actor.email",
        "salt",
    ]);
    prop_oneof![
        word.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0u64..5000).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        prop::collection::vec(word, 0..4).prop_map(Value::from),
        Just(Value::Null),
    ]
}

proptest! {
    #[test]
    fn what_is_taken_can_be_written(
        format in prop::sample::select(&Format::ALL[..]),
        options in prop::collection::btree_map(
            prop::sample::select(vec!["columns", "delimiter", "null", "facility", "hostname", "app_name", "enterprise_number",
                "time_digits", "msg", "max_bytes", "vendor", "product", "version", "source"]),
            value(),
            0..3,
        ),
    ) {
        let options: Value = options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<serde_json::Map<_, _>>().into();
        match Options::parse(format, &options) {
            Ok(options) => {
                let writer = Writer::new(options, source());
                prop_assert!(!samples::seed().written(&writer).is_empty());
            }
            Err(error) => {
                prop_assert!(!error.message.is_empty() && !error.message.ends_with('.'));
                prop_assert!(error.hint.ends_with(['.', '?', '}']), "{}", error.hint);
                prop_assert!(!error.message.contains(char::is_control));
            }
        }
    }
}
