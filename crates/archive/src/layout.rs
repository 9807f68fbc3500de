//! Where objects and manifests are, as names below a prefix with slashes between their parts.
//!
//! ```text
//! class=<class>/day=<day>/<origin>-<first>-<last>-<object>.zstd.parquet
//! _manifests/class=<class>/day=<day>/<the same>.manifest.json
//! ```
//!
//! `<origin>` and `<object>` are the first 16 hexadecimal digits of the SHA-256 of the log's name and of the object,
//! `<first>` and `<last>` the places in 20 digits. So a name says what is there, the same content has the same
//! name wherever it is written again, and names are in the order of the log. Engines take `class` and `day` for
//! columns (`**/*.parquet`, Hive partitioning).

use auditlog_core::erase::hex;
use auditlog_tlog::Hash;
use chrono::NaiveDate;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::manifest::Manifest;

/// The folder of the manifests. Spark, Hive and pyarrow pass over names that begin with «_», so an archive can be read as
/// one table.
pub const MANIFESTS: &str = "_manifests/";

const OBJECT_END: &str = ".zstd.parquet";
const MANIFEST_END: &str = ".manifest.json";

/// What may stand in a folder's name as it is. Hive and its readers escape with «%», too.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The class that the events are kept under.
    pub retention_class: String,
    /// The day in UTC of their `timestamp`.
    pub day: NaiveDate,
    /// The beginning of the SHA-256 of the log's name, 16 hexadecimal digits.
    pub origin: String,
    /// The first place.
    pub first: u64,
    /// The last place.
    pub last: u64,
    /// The beginning of the SHA-256 of the object, 16 hexadecimal digits.
    pub object: String,
}

impl Name {
    /// That of the object that a manifest is about.
    ///
    /// # Panics
    /// When the manifest has no places.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            retention_class: manifest.retention_class.clone(),
            day: manifest.day,
            origin: origin_digits(&manifest.origin),
            first: manifest.first(),
            last: manifest.last(),
            object: digits(&manifest.sha256),
        }
    }

    /// The object, below the prefix.
    pub fn object(&self) -> String {
        format!("{}{OBJECT_END}", self.stem())
    }

    /// The manifest, below the prefix.
    pub fn manifest(&self) -> String {
        format!("{MANIFESTS}{}{MANIFEST_END}", self.stem())
    }

    fn stem(&self) -> String {
        format!(
            "{}{}-{:020}-{:020}-{}",
            folder(&self.retention_class, Some(self.day)),
            self.origin,
            self.first,
            self.last,
            self.object
        )
    }

    /// Reads the name of an object or of a manifest; `None` when neither [`Name::object`] nor
    /// [`Name::manifest`] would have written it.
    pub fn parse(path: &str) -> Option<Self> {
        let of_manifest = path
            .strip_prefix(MANIFESTS)
            .and_then(|path| path.strip_suffix(MANIFEST_END));
        let stem = of_manifest.or_else(|| path.strip_suffix(OBJECT_END))?;
        let [class, day, file] = <[&str; 3]>::try_from(stem.split('/').collect::<Vec<_>>()).ok()?;
        let [origin, first, last, object] = <[&str; 4]>::try_from(file.split('-').collect::<Vec<_>>()).ok()?;
        let class = percent_decode_str(class.strip_prefix("class=")?).decode_utf8().ok()?;
        let name = Self {
            retention_class: class.into_owned(),
            day: day.strip_prefix("day=")?.parse().ok()?,
            origin: origin.to_owned(),
            first: first.parse().ok()?,
            last: last.parse().ok()?,
            object: object.to_owned(),
        };
        let is_digits =
            |text: &str| text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let sound = is_digits(&name.origin) && is_digits(&name.object) && name.first <= name.last;
        (sound && name.stem() == stem).then_some(name)
    }
}

/// The folder of a class and day, or of all days of a class, with the slash at its end.
pub fn folder(retention_class: &str, day: Option<NaiveDate>) -> String {
    let class = utf8_percent_encode(retention_class, ESCAPED);
    match day {
        Some(day) => format!("class={class}/day={day}/"),
        None => format!("class={class}/"),
    }
}

/// What a name says of the log.
pub fn origin_digits(origin: &str) -> String {
    digits(&Sha256::digest(origin.as_bytes()).into())
}

fn digits(hash: &Hash) -> String {
    hex(&hash[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(class: &str, first: u64, last: u64) -> Name {
        Name {
            retention_class: class.to_owned(),
            day: NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day"),
            origin: origin_digits("example.org/log"),
            first,
            last,
            object: "00112233445566ff".to_owned(),
        }
    }

    #[test]
    fn names_say_what_is_there() {
        let name = name("default", 7, 1234);
        let stem =
            "class=default/day=2026-03-10/7f39b7b28db4c2c6-00000000000000000007-00000000000000001234-00112233445566ff";
        let origin = origin_digits("example.org/log");
        let stem = stem.replace("7f39b7b28db4c2c6", &origin);
        assert_eq!(name.object(), format!("{stem}.zstd.parquet"));
        assert_eq!(name.manifest(), format!("_manifests/{stem}.manifest.json"));
    }

    #[test]
    fn other_names_are_none() {
        let object = name("a", 7, 9).object();
        for other in [
            object.replace(".zstd", ""),
            object.replace("class=", "klass="),
            object.replace("-00000000000000000007", "-7"),
            object.replace("00112233445566ff", "00112233445566FF"),
            object.replace("00000000000000000007", "00000000000000000010"),
            object.replace("class=a", "class=%61"),
            object.replace("2026-03-10", "2026-3-10"),
            format!("x/{object}"),
            format!("_manifests/{object}"),
        ] {
            assert_eq!(Name::parse(&other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn names_are_read_as_they_are_written(class: String, first: u64, length in 0u64..1000) {
            let name = name(&class, first, first.saturating_add(length));
            prop_assert_eq!(Name::parse(&name.object()), Some(name.clone()));
            prop_assert_eq!(Name::parse(&name.manifest()), Some(name.clone()));
            prop_assert!(name.object().split('/').all(|part| !matches!(part, "" | "." | "..")));
            prop_assert!(name.object().is_ascii());
        }
    }
}
