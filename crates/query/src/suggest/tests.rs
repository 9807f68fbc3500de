use super::*;

/// The cursor is at `|`.
fn at(marked: &str) -> Place {
    let cursor = marked.chars().position(|c| c == '|').expect("a mark");
    place(&marked.replacen('|', "", 1), cursor)
}

fn expect(marked: &str, expected: Expected, prefix: &str, replaced: &str) {
    let place = at(marked);
    assert_eq!(place.expected, expected, "{marked}");
    assert_eq!(place.prefix, prefix, "{marked}");
    let text: Vec<char> = marked.replacen('|', "", 1).chars().collect();
    let found: String = text[place.from..place.to].iter().collect();
    assert_eq!(found, replaced, "{marked}");
}

fn value(field: &str) -> Expected {
    Expected::Value(field.to_owned())
}

#[test]
fn names_and_operators() {
    expect("|", Expected::Condition, "", "");
    expect("sta|", Expected::Condition, "sta", "sta");
    expect("st|atus:failed", Expected::Condition, "st", "status:");
    expect("status:failed |", Expected::OperatorOrCondition, "", "");
    expect("status:failed a|", Expected::OperatorOrCondition, "a", "a");
    expect("status:failed AND |", Expected::Condition, "", "");
    expect("status:failed OR NOT se|", Expected::Condition, "se", "se");
    expect("(status:failed) |", Expected::OperatorOrCondition, "", "");
    expect("-|", Expected::Condition, "", "");
    expect("(|", Expected::Condition, "", "");
    expect("login |", Expected::OperatorOrCondition, "", "");
    expect("_exists_:act|", Expected::FieldName, "act", "act");
    expect("# a comment |", Expected::Nothing, "", "");
    expect("# a comment\nus|", Expected::Condition, "us", "us");
    expect("\"a phr|ase\"", Expected::Nothing, "", "");
    expect("*:wo|", Expected::Nothing, "wo", "wo");
}

#[test]
fn values() {
    expect("status:|", value("status"), "", "");
    expect("status:fa|", value("status"), "fa", "fa");
    expect("status:fa|iled AND a:b", value("status"), "fa", "failed");
    expect("status: |", value("status"), "", "");
    expect("severity:>=wa|", value("severity"), "wa", "wa");
    expect("severity >= |", value("severity"), "", "");
    expect(
        "actor.user_agent:\"Mozilla 5|",
        value("actor.user_agent"),
        "Mozilla 5",
        "\"Mozilla 5",
    );
    expect("a:\"b|c\" d", value("a"), "b", "\"bc\"");
    expect("a:\"bc\"|", Expected::OperatorOrCondition, "", "");
    expect("status:(failed OR |", value("status"), "", "");
    expect("status:(failed |", Expected::Operator, "", "");
    expect("status:(failed o|", Expected::Operator, "o", "o");
    expect("status:(failed den|", value("status"), "den", "den");
    expect("status:(failed) |", Expected::OperatorOrCondition, "", "");
    expect("region IN (us-east-1, |", value("region"), "", "");
    expect("region:[a, b|]", value("region"), "b", "b");
    expect(
        "ip:10.0.0.1 AND resource.\"a b\":x|",
        value("resource.\"a b\""),
        "x",
        "x",
    );
    expect("_saved_:lo|", Expected::Saved, "lo", "lo");
    expect("_saved_:|", Expected::Saved, "", "");
    expect("changes.after.items:{a:1|}", Expected::Nothing, "1", "1");
    expect("changes.after.items:{a:1} |", Expected::OperatorOrCondition, "", "");
    expect("ünïcode:ä|", value("ünïcode"), "ä", "ä");
}

#[test]
fn names_of_the_table() {
    let found = names("STA");
    let found: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, ["status", "action.status"]);
    assert_eq!(names("nothing like it"), []);
    assert_eq!(names("").len(), FIELDS.len() + ALIASES.len());
}

#[test]
fn literals_mean_the_value() {
    for (value, written) in [
        ("failed", "failed"),
        ("a b", "\"a b\""),
        ("a\"b\\", "\"a\\\"b\\\\\""),
        ("null", "\"null\""),
        ("-x", "\"-x\""),
        ("", "\"\""),
        ("a*", "\"a*\""),
        ("ü@x.de", "ü@x.de"),
    ] {
        assert_eq!(literal(value), written);
    }
}

/// Every prefix and cursor of these has an answer.
#[test]
fn never_fails() {
    let pieces = [
        "status", ":", "\"", "'", "(", ")", "[", "]", "{", "}", "\\", " ", "AND", "NOT", "IN", ",", "#", "\n", "!",
        "=", "<", ">", "~", "*", "_saved_", "-", "+", "|", "&", "ü", "🦀", "a.b",
    ];
    let mut state = 1_u64;
    for _ in 0..200_000 {
        let mut query = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            query.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        let length = query.chars().count();
        let cursor = (state >> 40) as usize % (length + 2);
        let place = place(&query, cursor);
        assert!(place.from <= place.to && place.to <= length, "{query:?} {cursor}");
    }
}
