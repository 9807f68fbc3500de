//! Names that say of a value that it is secret.

const PARTS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "credential",
    "apikey",
    "api_key",
    "access_key",
    "private_key",
    "encryption_key",
    "sas_key",
];
const WHOLE: [&str; 8] = ["pwd", "pw", "pass", "token", "jwt", "bearer", "authorization", "auth"];
const ENDS: [&str; 5] = ["token", "_pwd", "_pw", "_pass", "_jwt"];

/// Functions whose arguments are keys, passwords or tokens.
const FUNCTIONS: [&str; 19] = [
    "authenticate",
    "crypt",
    "decrypt",
    "decrypt_iv",
    "encrypt",
    "encrypt_iv",
    "hmac",
    "pgp_pub_decrypt",
    "pgp_pub_decrypt_bytea",
    "pgp_sym_decrypt",
    "pgp_sym_decrypt_bytea",
    "pgp_sym_encrypt",
    "pgp_sym_encrypt_bytea",
    "sign",
    "verify_jwt",
    "http_header",
    "create_secret",
    "update_secret",
    "scram_sha_256",
];

/// Does a name (an option, a column, a setting, a keyword) say that its value is secret?
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    PARTS.iter().any(|part| name.contains(part))
        || WHOLE
            .iter()
            .any(|whole| name == *whole || name.strip_prefix("pg") == Some(whole))
        || ENDS.iter().any(|end| name.ends_with(end))
}

/// Are a function's arguments secret?
pub fn is_secret_function(name: &str) -> bool {
    FUNCTIONS.iter().any(|function| name.eq_ignore_ascii_case(function))
}

/// Is it part of a name? Letters of other scripts are.
pub fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-' || c == '$'
}

/// Does a text name something secret, or call a function whose arguments are?
pub fn mentions_secret(text: &str) -> bool {
    let mut rest = text;
    while let Some(start) = rest.find(is_name_char) {
        let tail = &rest[start..];
        let (word, after) = tail.split_at(tail.find(|c| !is_name_char(c)).unwrap_or(tail.len()));
        rest = after;
        let word = word.trim_matches('-');
        // Between name and parenthesis may be a comment, so its begin is enough.
        let called = || {
            after
                .trim_start_matches(['"', ' ', '\t', '\r', '\n'])
                .starts_with(['(', '/', '-'])
        };
        if is_secret(word) || (is_secret_function(word) && called()) {
            return true;
        }
    }
    false
}
