//! Credentials in a file, in the form of AWS's shared credentials file.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::ObjectError;

/// The most bytes of a file.
const MAX_BYTES: u64 = 1 << 20;

/// Linux's O_NONBLOCK on all machines that we build for: the opening of a pipe must not wait for its other end.
const O_NONBLOCK: i32 = 0o4000;

/// The bytes of a regular file.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, ObjectError> {
    let wrong = |why: String| {
        ObjectError::permanent(
            format!("the credentials file {}: {why}", path.display()),
            "Write the credentials into a file that only the server's account can read.",
        )
    };
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open(path)
        .map_err(|error| wrong(error.to_string()))?;
    let metadata = file.metadata().map_err(|error| wrong(error.to_string()))?;
    if !metadata.is_file() {
        return Err(wrong("is no regular file".to_owned()));
    }
    if metadata.len() > MAX_BYTES {
        return Err(wrong(format!("has more than {MAX_BYTES} bytes")));
    }
    // Room for all of it, so that no copy is left behind by a growing text.
    let room = usize::try_from(metadata.len()).unwrap_or_default() + 1;
    let mut text = Zeroizing::new(String::with_capacity(room));
    file.take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| wrong(error.to_string()))?;
    Ok(text)
}

/// One section of a file.
pub(crate) struct Section<'a> {
    path: &'a Path,
    profile: &'a str,
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Section<'a> {
    /// The section `[profile]` of the text of the file at `path`.
    pub(crate) fn parse(path: &'a Path, text: &'a str, profile: &'a str) -> Self {
        let mut within = false;
        let mut pairs = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                within = section.trim() == profile;
            } else if let Some((name, value)) = line.split_once('=').filter(|_| within) {
                pairs.push((name.trim(), value.trim()));
            }
        }
        Self { path, profile, pairs }
    }

    /// A value, if it is there. It becomes part of a header or a URL.
    pub(crate) fn value(&self, name: &str) -> Result<Option<&'a str>, ObjectError> {
        let found = self
            .pairs
            .iter()
            .rev()
            .find(|(other, value)| *other == name && !value.is_empty());
        let Some((_, value)) = found else { return Ok(None) };
        if value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Some(value));
        }
        Err(self.wrong(&format!("has a value of {name} that is not printable ASCII")))
    }

    /// The error that one of `names` is missing.
    pub(crate) fn missing(&self, names: &str) -> ObjectError {
        self.wrong(&format!("has no section [{}] with {names}", self.profile))
    }

    fn wrong(&self, what: &str) -> ObjectError {
        ObjectError::permanent(
            format!("the credentials file {} {what}", self.path.display()),
            "Write it as ~/.aws/credentials is written: [default], and below it lines of name = value.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# a comment\nlost = 1\n[other]\nkey = theirs\n[ default ]\n key=one=two \n;key = no\nempty =\nkey2 = \u{e9}\n";

    #[test]
    fn a_section_has_its_own_lines() {
        let path = Path::new("/credentials");
        let section = Section::parse(path, TEXT, "default");
        assert_eq!(section.value("key"), Ok(Some("one=two")));
        assert_eq!(section.value("empty"), Ok(None));
        assert_eq!(section.value("lost"), Ok(None));
        assert!(section.value("key2").is_err());
        assert_eq!(Section::parse(path, TEXT, "other").value("key"), Ok(Some("theirs")));
        assert_eq!(Section::parse(path, TEXT, "none").value("key"), Ok(None));
        let error = section.missing("a and b");
        assert_eq!(
            error.message,
            "the credentials file /credentials has no section [default] with a and b"
        );
    }

    #[test]
    fn what_is_no_file_is_told_as_such() {
        let directory = tempfile::tempdir().expect("a directory");
        let error = read(directory.path()).expect_err("a directory");
        assert!(
            error.message.ends_with("is no regular file") || error.message.contains("directory"),
            "{error}"
        );
        assert!(!error.is_retry());
        let missing = read(&directory.path().join("none")).expect_err("nothing");
        assert!(missing.message.contains("No such file"), "{missing}");
    }
}
