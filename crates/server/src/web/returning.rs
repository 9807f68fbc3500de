//! Where to go on to: a path of ours and nothing else.

use http::uri::PathAndQuery;

/// Longest address that is gone back to.
const LONGEST: usize = 8_192;

/// The path and query, when it is one of a page of this site; else none.
pub fn ours(given: &str) -> Option<String> {
    let is_plain = given.len() <= LONGEST
        && given.starts_with('/')
        && given.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        // «//evil» would be another host, here and behind a step in the path.
        && !given.split(['?', '#']).next()?.contains("//");
    let path: PathAndQuery = is_plain.then(|| given.parse().ok()).flatten()?;
    let first = path.path().split('/').nth(1).unwrap_or_default();
    let is_page = !matches!(
        first,
        "login" | "logout" | "api" | "assets" | "preferences" | "openapi.json"
    );
    is_page.then(|| path.as_str().to_owned())
}

/// The same, or the overview.
pub fn or_overview(given: &str) -> String {
    ours(given).unwrap_or_else(|| "/".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_ours() {
        for good in [
            "/",
            "/search?q=a%20b&range=7d",
            "/events/a%2Fb",
            "/events?id=.",
            "/search?q=//x",
        ] {
            assert_eq!(ours(good).as_deref(), Some(good));
        }
        for evil in [
            "",
            "//evil",
            "///evil",
            "\\\\evil",
            "/\\evil",
            "https://evil",
            "//evil/..",
            "/..//evil",
            "/.//evil",
            "javascript:alert(1)",
            "/\tevil",
            "/ evil",
            "/a\r\nSet-Cookie: x",
            "evil",
            "/\u{2028}",
            "/login",
            "/login?return_to=/",
            "/logout",
            "/api/v1/whoami",
            " /",
            "?q",
        ] {
            assert_eq!(ours(evil), None, "{evil:?}");
        }
    }
}
