//! No password survives, however it is written; and no text brings the redactor down.

use auditlog_redact::{Strings, sql, value};
use proptest::prelude::*;

/// A piece that every secret has, and nothing else.
const MARK: &str = "Zq7xK";

fn secret() -> impl Strategy<Value = String> {
    // With everything that strings, escapes, connection strings and nesting could trip over.
    prop::collection::vec(
        prop_oneof![
            Just("'".to_owned()),
            Just("\\".to_owned()),
            Just("\"".to_owned()),
            Just("$".to_owned()),
            Just("$$".to_owned()),
            Just("--".to_owned()),
            Just("/*".to_owned()),
            Just("*/".to_owned()),
            Just(";".to_owned()),
            Just(")".to_owned()),
            Just(",".to_owned()),
            Just("ü".to_owned()),
            Just(" and ".to_owned()),
            Just(" valid until ".to_owned()),
            "[a-z0-9=@:/%&]{1,3}",
        ],
        0..4,
    )
    .prop_map(|parts| {
        let middle = parts.len() / 2;
        format!("{}{MARK}{}", parts[..middle].concat(), parts[middle..].concat())
    })
}

/// A secret without what ends a word in a connection string or a URL.
fn word() -> impl Strategy<Value = String> {
    "[a-z0-9!$%*,;:|<>()-]{0,3}".prop_map(|s| format!("{s}{MARK}{s}"))
}

fn gap() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(" ".to_owned()),
        Just("\n\t".to_owned()),
        Just(" /* x ' /* y */ */ ".to_owned()),
        Just(" -- it's\n".to_owned()),
    ]
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A string constant, in one of the forms that PostgreSQL has.
fn constant(text: String) -> impl Strategy<Value = String> {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    let unicode = text.replace('\\', "\\\\").replace('\'', "''").replace('Z', "\\005A");
    let half = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(i, _)| i);
    let (first, second) = text.split_at(half);
    prop_oneof![
        Just(quote(&text)),
        Just(format!("E'{escaped}'")),
        Just(format!("e'{}'", escaped.replace("\\'", "''"))),
        Just(format!("U&'{unicode}'")),
        Just(format!("N{}", quote(&text))),
        Just(format!("$zz9${text}$zz9$")),
        Just(format!("{}\n {}", quote(first), quote(second))),
        Just(format!("{} -- x\n{}", quote(first), quote(second))),
    ]
}

fn any_case(word: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        Just(word.to_owned()),
        Just(word.to_uppercase()),
        Just(format!("\"{word}\""))
    ]
}

fn safe(text: &str) -> Result<(), TestCaseError> {
    let out = sql(text, Strings::Standard);
    // Halves of a mark are in no output either.
    prop_assert!(!out.contains("Zq7") && !out.contains("7xK"), "{text}\n became\n{out}");
    Ok(())
}

fn keyword_statement() -> impl Strategy<Value = String> {
    (secret().prop_flat_map(constant), gap(), gap(), 0..9usize).prop_map(|(s, g, h, form)| match form {
        0 => format!("CREATE ROLE r LOGIN{g}PASSWORD{h}{s} VALID UNTIL 'infinity'"),
        1 => format!("ALTER USER \"it's\"{g}ENCRYPTED password{h}{s}"),
        2 => format!("select 1; /* a */ ALTER ROLE CURRENT_USER PASSWORD{g}{s};{h}select 2"),
        3 => format!("UPDATE u SET password{g}={h}{s}, x = 'y'"),
        4 => format!("INSERT INTO u (a, password, b) VALUES ('x',{g}{s},{h}'y')"),
        5 => format!("SELECT set_password(name =>{g}'x', new_password{h}=> {s})"),
        6 => format!("SELECT pgp_sym_encrypt('x',{g}{s}{h})"),
        7 => format!("ALTER SYSTEM SET app.api_key{g}TO{h}{s}"),
        _ => format!("SELECT crypt({s}{g}, {h}gen_salt('bf'))"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_a_keyword(text in keyword_statement()) {
        safe(&text)?;
    }

    #[test]
    fn in_options(name in any_case("password"), s in secret().prop_flat_map(constant), g in gap()) {
        safe(&format!("CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (user 'u',{g}{name}{g}{s})"))?;
        safe(&format!("CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (user 'u',{g}anything{g}{s})"))?;
        safe(&format!("ALTER SERVER s OPTIONS (SET {name}{g}{s}, ADD host 'h')"))?;
    }

    #[test]
    fn in_connection_strings(s in word(), how in 0..6usize, g in gap()) {
        let text = match how {
            0 => format!("host=h password={s} user=u"),
            1 => format!("host=h password = '{}' user=u", s.replace('\'', "\\'")),
            2 => format!("postgresql://u:{s}@h:5432/d"),
            3 => format!("postgresql://u@h/d?password={}&x=y", s.replace('&', "")),
            4 => format!("PGPASSWORD={s} psql"),
            _ => format!("{{\"user\":\"u\",\"password\":\"{s}\"}}"),
        };
        let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
        // a tag that is in no secret: those that hold one end the string early, and are no SQL
        for constant in [quote(&text), format!("E'{escaped}'"), format!("$Quote${text}$Quote$")] {
            safe(&format!("CREATE SUBSCRIPTION s{g}CONNECTION{g}{constant} PUBLICATION p"))?;
            safe(&format!("SELECT dblink_exec({constant}, 'SELECT 1')"))?;
        }
        prop_assert!(!value("x", &text).contains(MARK), "{text}: {}", value("x", &text));
    }

    /// Each level of strings around a statement is looked through.
    #[test]
    fn in_strings_within_strings(text in keyword_statement(), forms in prop::collection::vec(0..4usize, 1..5)) {
        let mut text = text;
        for (i, form) in forms.into_iter().enumerate() {
            text = match form {
                0 => format!("DO $d{i}$ BEGIN {text}; END $d{i}$"),
                1 => format!("EXECUTE {}", quote(&text)),
                2 => format!("EXECUTE E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
                _ => format!("SELECT dblink_exec('c', {})", quote(&text)),
            };
        }
        safe(&text)?;
    }

    #[test]
    fn put_together_elsewhere(s in secret().prop_flat_map(constant), how in 0..4usize) {
        safe(&match how {
            0 => format!("DO $b$ BEGIN EXECUTE 'ALTER ROLE x PASSWORD ' || quote_literal({s}); END $b$"),
            1 => format!("SELECT format('ALTER ROLE %I PASSWORD %L', 'x', {s})"),
            2 => format!("SELECT dblink_connect('host=h password=' || {s})"),
            _ => format!("EXECUTE 'ALTER ROLE x PASSWORD ''' || {s} || ''''"),
        })?;
    }

    /// Any text at all: no panic, and nothing is made up where nothing is secret.
    #[test]
    fn any_text(text in any::<String>()) {
        for strings in [Strings::Standard, Strings::Backslash] {
            let out = sql(&text, strings);
            prop_assert!(out == text || out.contains("<REDACTED>"));
        }
        let _ = value(&text, &text);
    }

    /// Text made of what the lexer cares for, cut anywhere.
    #[test]
    fn pieces(parts in prop::collection::vec(
        prop_oneof![
            "'|''|\"|\\\\|\\$|\\$\\$|\\$a\\$|--|/\\*|\\*/|\n|E'|U&'|U&\"|;|\\(|\\)|=|,|:|@|://| ",
            "password|secret|=|Bearer|%L|x|é|1|e|alter|user|mapping|options",
        ], 0..24)) {
        let text = parts.concat();
        for strings in [Strings::Standard, Strings::Backslash] {
            let out = sql(&text, strings);
            prop_assert!(out == text || out.contains("<REDACTED>"));
        }
    }
}
