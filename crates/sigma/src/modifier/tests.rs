use super::*;
use proptest::prelude::*;

fn node(value: &str) -> Node {
    Node {
        place: Place::default(),
        value: Value::Text(value.to_owned()),
    }
}

fn shown(modifiers: &[&str], value: &str) -> Result<Vec<String>, String> {
    match test(modifiers, &node(value), Place::default()).map_err(|error| error.message)? {
        Test::Texts(texts, _) => Ok(texts.iter().map(|text| text.iter().map(piece).collect()).collect()),
        other => Ok(vec![format!("{other:?}")]),
    }
}

fn piece(part: &Part) -> String {
    match part {
        Part::Text(text) => text.replace('*', "\\*"),
        Part::Many => "*".to_owned(),
        Part::One => "?".to_owned(),
    }
}

#[test]
fn modifiers_change_the_value() {
    for (modifiers, value, expected) in [
        (vec![], r"a\*b*c\\?", vec![r"a\*b*c\?"]),
        (vec![], r"C:\Windows", vec![r"C:\Windows"]),
        (vec!["contains"], "a", vec!["*a*"]),
        (vec!["contains"], "*a", vec!["*a*"]),
        (vec!["startswith"], "a", vec!["a*"]),
        (vec!["endswith"], "a", vec!["*a"]),
        (vec!["base64"], "foobar", vec!["Zm9vYmFy"]),
        // of the specification's example in the documentation of sigmac
        (
            vec!["base64offset", "contains"],
            "foobar",
            vec!["*Zm9vYmFy*", "*Zvb2Jhc*", "*mb29iYX*"],
        ),
        (vec!["wide", "base64"], "cmd", vec!["YwBtAGQA"]),
        (vec!["utf16be", "base64"], "cmd", vec!["AGMAbQBk"]),
        (vec!["utf16", "base64"], "cmd", vec!["//5jAG0AZAA="]),
        (vec!["windash"], "a -x", vec!["a -x", "a /x", "a –x", "a —x", "a ―x"]),
        (vec!["windash"], "a-b - c", vec!["a-b - c"]),
    ] {
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(shown(&modifiers, value), Ok(expected), "{modifiers:?} {value}");
    }
}

#[test]
fn what_is_unknown_or_does_not_fit_is_named() {
    for (modifiers, value, message) in [
        (vec!["fieldref"], "a", "the modifier fieldref can't be expressed"),
        (vec!["expand"], "%a%", "the modifier expand can't be expressed"),
        (vec!["hour"], "5", "the modifier hour"),
        (vec!["soundslike"], "5", "the modifier \"soundslike\""),
        (vec!["wide"], "a", "the modifier wide by itself"),
        (vec!["base64"], "a*", "an encoded value with wildcards"),
        (vec!["re"], "a(?=b)", "this regular expression can't be expressed"),
        (vec!["re", "x"], "a", "\"x\" behind re"),
        (vec!["base64offset"], "a", "base64offset of so short a value"),
        (vec!["base64offset"], "", "base64offset of so short a value"),
        (vec!["cidr"], "10.0.0.1", "is not a network"),
        (vec!["cidr"], "10.0.0.0/40", "is not a network"),
        (vec!["lt"], "many", "is not a number"),
        (vec!["exists"], "yes", "neither true nor false"),
        (vec!["contains", "cidr"], "10.0.0.0/8", "does not go together"),
        (vec!["windash"], "-a -b -c -d", "windash with so many dashes"),
    ] {
        let error = shown(&modifiers, value).expect_err(value);
        assert!(error.contains(message), "{modifiers:?} {value}: {error}");
    }
}

proptest! {
    /// One of the three is found wherever the text stands in what was encoded.
    #[test]
    fn an_encoded_text_is_found_at_every_offset(before in "[ -~]{0,5}", text in "[ -)+->@-~]{2,12}", after in "[ -~]{0,5}") {
        let all = STANDARD.encode(format!("{before}{text}{after}"));
        let wanted = offsets(text.as_bytes()).expect("long enough");
        let found = wanted.iter().any(|parts| matches!(&parts[..], [Part::Text(text)] if all.contains(text.as_str())));
        prop_assert!(found, "{} {:?}", all, wanted);
    }
}
