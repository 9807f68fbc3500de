//! AWS Signature Version 4 in a header, for a body whose hash is known (docs.aws.amazon.com, «Signature
//! Calculations for the Authorization Header: Transferring Payload in a Single Chunk»).

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Who signs, where and when.
pub(crate) struct Scope<'a> {
    pub(crate) access_key: &'a str,
    pub(crate) secret_key: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    /// `20130524T000000Z`, also the value of the header x-amz-date.
    pub(crate) time: &'a str,
}

/// What is signed.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// The path as it is sent, encoded once, as S3 wants it.
    pub(crate) path: &'a str,
    /// The query as it is sent, with its parts encoded and in order, without the question mark.
    pub(crate) query: &'a str,
    /// All headers to be signed, Host among them.
    pub(crate) headers: &'a [(String, String)],
    /// The SHA-256 of the body, in hexadecimal.
    pub(crate) payload: &'a str,
}

/// The value of the header Authorization.
pub(crate) fn authorization(scope: &Scope<'_>, signed: &Signed<'_>) -> String {
    let (canonical, names) = canonical_request(signed);
    let day = scope.time.get(..8).unwrap_or(scope.time);
    let place = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{place}\n{}",
        scope.time,
        sha256_hex(canonical.as_bytes())
    );
    let signature = hex(hmac(signing_key(scope, day).as_slice(), &text).as_slice());
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{place}, SignedHeaders={names}, Signature={signature}",
        scope.access_key
    )
}

/// The canonical request and the names of its headers.
fn canonical_request(signed: &Signed<'_>) -> (String, String) {
    let mut headers: Vec<(String, String)> = signed
        .headers
        .iter()
        .map(|(name, value)| {
            let words: Vec<_> = value.split_ascii_whitespace().collect();
            (name.to_ascii_lowercase(), words.join(" "))
        })
        .collect();
    // Stable: the values of one name stay in order.
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    headers.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1.extend([",", &later.1]);
        }
        same
    });
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let mut canonical = format!("{}\n{}\n{}\n", signed.method, signed.path, signed.query);
    for (name, value) in &headers {
        let _ = writeln!(canonical, "{name}:{value}");
    }
    let _ = write!(canonical, "\n{names}\n{}", signed.payload);
    (canonical, names)
}

fn signing_key(scope: &Scope<'_>, day: &str) -> Zeroizing<Vec<u8>> {
    let first = Zeroizing::new(format!("AWS4{}", scope.secret_key));
    [day, scope.region, scope.service, "aws4_request"]
        .iter()
        .fold(Zeroizing::new(first.as_bytes().to_vec()), |key, part| hmac(&key, part))
}

fn hmac(key: &[u8], text: &str) -> Zeroizing<Vec<u8>> {
    // A key of any length is taken (RFC 2104).
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Zeroizing::new(Vec::new());
    };
    mac.update(text.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

/// The SHA-256 of `bytes` in hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
#[path = "sigv4_tests.rs"]
mod tests;
