//! Texts that are no frameworks.

use super::SMALL;
use crate::framework::builtin::FILES;
use crate::framework::{Framework, Parameters, Trigger};
use proptest::prelude::*;

#[test]
fn a_small_framework_has_everything() {
    let found = Framework::parse(SMALL).expect("a framework");
    let again = Framework::parse(&found.to_json().to_string()).expect("JSON");
    assert_eq!(found, again);
    let control = found.control("1").expect("control 1");
    // worst first
    let kinds: Vec<&str> = control.exceptions.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds, ["burst", "own", "late", "open", "weak"]);
    assert!(matches!(control.exceptions[3].trigger, Trigger::Unanswered { .. }));
    let parameters = Parameters::of(&found.parameters);
    let population = control.population(&parameters).expect("a query");
    assert_eq!(
        control.exceptions[4].within(&population, &parameters),
        "(event_type:authentication.* OR event_type:ticket.*) AND (metadata.auth_method:md5)"
    );
    assert_eq!(
        found.control("2").expect("control 2").checks[1].tests[0].to_string(),
        "max_clock_offset_ms<=500"
    );
}

#[test]
fn errors_say_where_and_what_to_do() {
    for (from, to, expected) in [
        (
            "name: Our own rules",
            "nam: x",
            "2:1 a framework has no key \"nam\" | Did you mean «name»? Known keys are framework, name, version, as_of, authority, notes, parameters, controls.",
        ),
        (
            "framework: own",
            "framework: Own rules",
            "1:12 the framework's short name is \"Own rules\" | Write lower case letters, digits and _, a letter first, at most 60.",
        ),
        (
            "as_of: 2026-11-22",
            "as_of: 2026-02-30",
            "4:8 as_of is \"2026-02-30\", not a day | Write the day of your sources, such as as_of: 2026-11-22.",
        ),
        (
            "unit: events",
            "unit: event",
            "6:35 unit is \"event\" | Did you mean «events»? Known are microseconds, milliseconds, seconds, minutes, hours, days, events, rows, percent.",
        ),
        (
            "value: 3,",
            "value: -3,",
            "6:26 the value is -3 | Write a whole number from 0 to 1000000000.",
        ),
        (
            "name: answer_days",
            "name: tries",
            "7:12 there are two parameters \"tries\" | Give each a name of its own.",
        ),
        (
            "control: \"2\"",
            "control: \"1\"",
            "23:14 there are two controls \"1\" | Give each a number of its own, or write both as one with a longer query.",
        ),
        (
            "event_type:authentication.* OR",
            "event_type:authentication.* ORR (",
            "12:",
        ),
        (
            "status:failed",
            "statsu:failed",
            "18:51 the query, at character 1: unknown field \"statsu\" | ",
        ),
        (
            "md5\"",
            "$md5\"",
            "17:67 the query: there is no parameter \"md5\" | Parameters are answer_days, tries. Write $$ for a dollar sign.",
        ),
        (
            "[no_gaps,",
            "[no_gap,",
            "27:32 the state chain has no test \"no_gap\" | Did you mean «no_gaps»? Known are no_gaps,",
        ),
        (
            "state: chain",
            "state: chains",
            "27:17 state is \"chains\" | Did you mean «chain»? Known are chain, health,",
        ),
        (
            "[no_gaps,",
            "[all_acknowledged,",
            "27:32 all_acknowledged is a test of the state alerts, not of chain | ",
        ),
        (
            "[no_gaps,",
            "[\"no_gaps<=3\",",
            "27:32 the test no_gaps compares nothing | Write no_gaps alone.",
        ),
        (
            "max_clock_offset_ms<=500",
            "max_clock_offset_ms>=500",
            "28:33 the test \"max_clock_offset_ms>=500\" has no bound | Write max_clock_offset_ms<= and a whole number or a parameter, such as max_clock_offset_ms<=$days.",
        ),
        (
            "max_clock_offset_ms<=500",
            "max_clock_offset_ms<=$tries",
            "28:33 max_clock_offset_ms: the parameter \"tries\" counts events | Name a parameter whose unit is milliseconds.",
        ),
        (
            "severity: [critical]",
            "severty: [critical]",
            "29:61 filter has no key \"severty\" | Did you mean «severity»? ",
        ),
        (
            "fields: [segment, gaps]",
            "fields: [segment, gap]",
            "30:23 fields: the checks have no column \"gap\" | Did you mean «gaps»? ",
        ),
        (
            "at_least: $tries",
            "at_least: 1",
            "18:110 at_least is 1 | Write a whole number from 2 to 1000000000.",
        ),
        (
            "within: $answer_days",
            "within: $tries",
            "21:158 within: the parameter \"tries\" counts events | Name a parameter whose unit is ",
        ),
        (
            "same: [actor.id, metadata.approved_by]",
            "same: [actor.id]",
            "19:78 same needs two fields | Name two fields, such as same: [metadata.grantor, metadata.grantee].",
        ),
        (
            "text: weak login",
            "text: weak login, per: [actor.id]",
            "17:96 per has no meaning here | ",
        ),
        (
            "directness: supporting",
            "directness: indirect",
            "31:17 directness is \"indirect\" | ",
        ),
        (
            "    checks:\n",
            "    exceptions: []\n    checks:\n",
            "26:17 the control \"2\" has exceptions but no query | ",
        ),
        (
            "kind: weak",
            "kind: burst",
            "18:16 there are two exceptions \"burst\" | Give each a kind of its own, so that findings can be told apart.",
        ),
    ] {
        assert!(SMALL.contains(from), "{from}");
        let error = Framework::parse(&SMALL.replacen(from, to, 1)).expect_err(to);
        let text = format!("{}:{} {} | {}", error.line, error.column, error.message, error.hint);
        assert!(text.starts_with(expected), "{to}\n{text}\n{expected}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Parts of texts are cut out, doubled or replaced: whatever comes, the answer is a framework or an error with a place.
    #[test]
    fn no_text_is_too_odd(file in 0..7_usize, cut in 0..40_000_usize, length in 0..200_usize, put in "[\\[\\]{}:*$\"a-c \n-]{0,8}") {
        let text = FILES.get(file).map_or(SMALL, |(_, text)| text);
        let from = text.floor_char_boundary(cut % text.len());
        let to = text.floor_char_boundary((from + length).min(text.len()));
        let mutated = format!("{}{put}{}", &text[..from], &text[to..]);
        if let Err(error) = Framework::parse(&mutated) {
            prop_assert!(error.line >= 1 && error.column >= 1);
            prop_assert!(!error.hint.is_empty() && !error.message.is_empty(), "{error:?}");
        }
    }
}
