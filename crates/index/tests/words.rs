//! Terms: pinned for ever, and the same on the side of queries.

use auditlog_index::{term, terms_of, value_term, value_term_of};
use auditlog_query::fold::fold;
use auditlog_query::tokens::{is_value, tokens};
use proptest::prelude::*;

fn of(text: &str) -> Vec<u32> {
    let mut terms = Vec::new();
    terms_of(text, &mut |term| terms.push(term));
    terms
}

#[test]
fn terms_are_pinned() {
    // Computed by an independent program (Python) from the description at `term`.
    let golden = [
        ("", 0xefd0_1f60),
        ("a", 0x82a2_a958),
        ("login", 0xb293_da51),
        ("alice", 0x3507_d047),
        ("com", 0x3bde_02c8),
        ("7f9c", 0x0568_449e),
        ("größe", 0x2eb8_95f5),
        ("日本", 0x1230_c550),
    ];
    for (word, expected) in golden {
        assert_eq!(term(word), expected, "{word}");
    }
}

#[test]
fn words_are_folded() {
    assert_eq!(of("user@Company.com"), [term("user"), term("company"), term("com")]);
    assert_eq!(of("--"), Vec::<u32>::new());
    assert_eq!(of("GRÖSSE ΣΟΦΟΣ"), [term("grösse"), term("σοφοσ")]);
    assert_eq!(of("\u{212a}elvin"), of("KELVIN"));
}

#[test]
fn whole_values_are_pinned_too() {
    // FNV-1a over 00 and the bytes, then fmix64, the upper half.
    assert_eq!(value_term_of("user_42"), Some(value_term("user_42")));
    assert_eq!(value_term_of("User_42"), Some(value_term("user_42")));
    assert_ne!(value_term("user_42"), term("user_42"));
    assert_eq!(value_term_of("login"), None);
    assert_eq!(value_term_of(&"a b".repeat(67)), None);
    assert_eq!(value_term("a-b"), 0x843e_6bef);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_terms_of_a_text_are_those_of_its_folded_words(text in prop_oneof![any::<String>(), "[ -~]{0,60}"]) {
        let expected: Vec<u32> = tokens(&text).map(|word| term(&fold(word))).collect();
        prop_assert_eq!(of(&text), expected);
        let expected: Vec<u32> = tokens(&fold(&text)).map(term).collect();
        prop_assert_eq!(of(&text), expected);
        let whole = is_value(&text).then(|| value_term(&fold(&text)));
        prop_assert_eq!(value_term_of(&text), whole);
        prop_assert_eq!(is_value(&fold(&text)), is_value(&text));
    }
}
