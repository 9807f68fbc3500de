//! Credentials in the form of AWS's shared credentials file.

use std::path::Path;

use zeroize::Zeroizing;

use crate::error::DeliveryError;
use crate::secret;

/// What signs requests.
#[derive(Default)]
pub(crate) struct Credentials {
    pub(crate) access_key: String,
    pub(crate) secret_key: Zeroizing<String>,
    /// For temporary credentials.
    pub(crate) session_token: Option<Zeroizing<String>>,
}

/// The credentials of `profile` in the file.
pub(crate) fn read(path: &Path, profile: &str) -> Result<Credentials, DeliveryError> {
    let bytes = secret::read("credentials file", path)?;
    let wrong = |what: &str| DeliveryError::permanent(format!("the credentials file {} {what}", path.display()));
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("is not UTF-8"))?;
    let found = parse(text, profile).ok_or_else(|| {
        wrong(&format!(
            "has no section [{profile}] with aws_access_key_id and aws_secret_access_key"
        ))
    })?;
    // They become parts of headers.
    let texts = [
        Some(&found.access_key),
        Some(&*found.secret_key),
        found.session_token.as_deref(),
    ];
    if !texts
        .into_iter()
        .flatten()
        .all(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return Err(wrong("has a value that is not printable ASCII"));
    }
    Ok(found)
}

fn parse(text: &str, profile: &str) -> Option<Credentials> {
    let mut within = false;
    let mut found = Credentials::default();
    for line in text.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            within = section.trim() == profile;
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| within) else {
            continue;
        };
        let value = value.trim();
        match name.trim() {
            "aws_access_key_id" => found.access_key = value.to_owned(),
            "aws_secret_access_key" => found.secret_key = Zeroizing::new(value.to_owned()),
            "aws_session_token" if !value.is_empty() => {
                found.session_token = Some(Zeroizing::new(value.to_owned()));
            }
            _ => {}
        }
    }
    (!found.access_key.is_empty() && !found.secret_key.is_empty()).then_some(found)
}
