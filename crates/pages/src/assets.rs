//! Static files. They are part of the program; their addresses begin with a hash over all of them, so that
//! a browser may keep them for ever, and modules of the script find each other by relative paths.

use std::fmt::Write as _;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// A file under `/assets/`.
pub struct Asset {
    /// Path below `/assets/<hash>/`.
    pub path: &'static str,
    /// Media type.
    pub content_type: &'static str,
    /// What is in it.
    pub body: &'static [u8],
    /// Entity tag, in quotes.
    pub etag: String,
}

/// For `Cache-Control`, when the hash in the address is the one of these files.
pub const CACHE_FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The policy that every page is to be sent with. Nothing of the pages needs more.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const CSS: &str = concat!(
    include_str!("../assets/css/tokens.css"),
    include_str!("../assets/css/base.css"),
    include_str!("../assets/css/layout.css"),
    include_str!("../assets/css/components.css"),
    include_str!("../assets/css/data.css"),
    include_str!("../assets/css/pages.css"),
    include_str!("../assets/css/print.css"),
);

const CSS_TYPE: &str = "text/css; charset=utf-8";
const JS_TYPE: &str = "text/javascript; charset=utf-8";

macro_rules! scripts {
    ($($name:literal),* $(,)?) => {
        /// Modules of the script, for `modulepreload`.
        pub const SCRIPTS: &[&str] = &[$(concat!("js/", $name)),*];
        const FILES: &[(&str, &str, &[u8])] = &[
            ("app.css", CSS_TYPE, CSS.as_bytes()),
            ("favicon.svg", "image/svg+xml", include_bytes!("../assets/favicon.svg")),
            $((concat!("js/", $name), JS_TYPE, include_bytes!(concat!("../assets/js/", $name)))),*
        ];
    };
}

scripts!(
    "main.js",
    "copy.js",
    "dom.js",
    "forms.js",
    "histogram.js",
    "keys.js",
    "live.js",
    "merkle.js",
    "note.js",
    "preferences.js",
    "progress.js",
    "proof.js",
    "rows.js",
    "suggest.js",
    "text.js",
    "time.js",
    "viewer.js",
);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|(path, content_type, body)| Asset {
            path,
            content_type,
            body,
            etag: format!("\"{}\"", &hex(&Sha256::digest(body))[..32]),
        })
        .collect()
});

static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for asset in all() {
        hasher.update(asset.path);
        hasher.update([0]);
        hasher.update(&asset.etag);
    }
    hex(&hasher.finalize())[..16].to_owned()
});

/// All of them.
pub fn all() -> &'static [Asset] {
    &ASSETS
}

/// The hash in the addresses.
pub fn hash() -> &'static str {
    &HASH
}

/// The address of a file.
pub fn href(path: &str) -> String {
    format!("/assets/{}/{path}", hash())
}

/// The file of what stands behind `/assets/`, and whether it may be kept for ever: the address has the hash of
/// these files, not that of an older or newer program.
pub fn find(path: &str) -> Option<(&'static Asset, bool)> {
    let (given, path) = path.split_once('/')?;
    let asset = all().iter().find(|asset| asset.path == path)?;
    Some((asset, given == hash()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_found() {
        for asset in all() {
            let href = href(asset.path);
            let (found, current) = find(href.strip_prefix("/assets/").unwrap()).unwrap();
            assert_eq!(found.path, asset.path);
            assert!(current);
            assert!(!asset.body.is_empty());
        }
        assert!(!find("0/app.css").unwrap().1);
        assert!(find("0/../app.css").is_none());
    }
}
