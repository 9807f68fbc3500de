//! HTTP Basic (RFC 7617): name and password with each request, for programs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::Person;

/// Name and password out of the credentials behind `Basic`.
pub fn parse(credentials: &str) -> Option<Person> {
    let bytes = Zeroizing::new(STANDARD.decode(credentials.trim()).ok()?);
    let (name, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    (!name.is_empty()).then(|| Person {
        name: name.to_owned(),
        password: Zeroizing::new(password.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_colon_but_passwords_may() {
        let person = parse(&STANDARD.encode("ann:a:b")).expect("credentials");
        assert_eq!((person.name.as_str(), person.password.as_str()), ("ann", "a:b"));
        assert!(parse(&STANDARD.encode(":x")).is_none());
        assert!(parse(&STANDARD.encode("ann")).is_none());
        assert!(parse("%%%").is_none());
    }
}
