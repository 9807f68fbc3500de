//! Where an export goes.

use std::path::{Component, Path, PathBuf};

/// Longest text, in bytes.
const LONGEST: usize = 1_000;
/// What URLs of object storage begin with.
const SCHEMES: [&str; 3] = ["s3://", "az://", "gs://"];

/// A file, or an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// An absolute path.
    File(PathBuf),
    /// An object.
    Object {
        /// The URL of the store with its prefix.
        store: String,
        /// The object's name there.
        name: String,
    },
}

impl Destination {
    /// Reads an absolute path, `file://` and such a path, or the URL of an object.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST || text.ends_with('/') || text.chars().any(char::is_control) {
            return None;
        }
        if let Some(scheme) = SCHEMES.iter().find(|scheme| text.starts_with(**scheme)) {
            let (store, name) = text.rsplit_once('/').filter(|(store, _)| store.len() > scheme.len())?;
            return Some(Self::Object {
                store: store.to_owned(),
                name: name.to_owned(),
            });
        }
        let path = Path::new(text.strip_prefix("file://").unwrap_or(text));
        let plain = path.is_absolute() && path.components().all(|part| part != Component::ParentDir);
        (plain && path.file_name().is_some()).then(|| Self::File(path.to_path_buf()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_files_and_objects() {
        assert_eq!(Destination::parse("/a/b"), Some(Destination::File("/a/b".into())));
        assert_eq!(
            Destination::parse("file:///a/b"),
            Some(Destination::File("/a/b".into()))
        );
        let object = Destination::Object {
            store: "s3://bucket/some/prefix".to_owned(),
            name: "x.ndjson".to_owned(),
        };
        assert_eq!(Destination::parse("s3://bucket/some/prefix/x.ndjson"), Some(object));
        for wrong in [
            "",
            "/",
            "a",
            "/a/",
            "/a/../b",
            "http://a/b",
            "s3://bucket",
            "s3://",
            "s3:///x",
            "/a\nb",
            "file://a/b",
        ] {
            assert_eq!(Destination::parse(wrong), None, "{wrong}");
        }
    }
}
