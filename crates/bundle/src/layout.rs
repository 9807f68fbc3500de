//! Where things are in a bundle.

/// What `bundle.json` says under `format`.
pub const FORMAT: &str = "pg_auditlog-bundle/1";

/// The events of one file, present or not.
pub const EVENTS_PER_FILE: u64 = 65_536;

/// The manifest.
pub const MANIFEST: &str = "bundle.json";

/// The note that the bundle is about.
pub const CHECKPOINT: &str = "checkpoint";

/// The folder of the known notes.
pub const CHECKPOINTS: &str = "checkpoints";

/// The folder of the events.
pub const EVENTS: &str = "events";

/// The folder of the certificates of retention.
pub const CERTIFICATES: &str = "certificates";

/// The file of the events from `number` × 65,536 on.
pub fn events_path(number: u64) -> String {
    format!("{EVENTS}/{number:06}.bin")
}

/// The number of a file in the folder of the events; `None` when [`events_path`] would not have given it
/// this name.
pub fn events_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".bin")?;
    let number = plain_number(digits)?;
    (format!("{number:06}") == digits).then_some(number)
}

/// The file of the note of `size`.
pub fn checkpoint_path(size: u64) -> String {
    format!("{CHECKPOINTS}/{size:020}")
}

/// The size in a name in the folder of the notes; `None` when [`checkpoint_path`] would not have given it.
pub fn checkpoint_size(name: &str) -> Option<u64> {
    (name.len() == 20).then(|| plain_number(name)).flatten()
}

/// The file of the certificate that the event at `place` tells of.
pub fn certificate_path(place: u64) -> String {
    format!("{CERTIFICATES}/{place:020}")
}

/// The place in a name in the folder of the certificates; `None` when [`certificate_path`] would not have
/// given it.
pub fn certificate_place(name: &str) -> Option<u64> {
    checkpoint_size(name)
}

fn plain_number(digits: &str) -> Option<u64> {
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        assert_eq!(events_path(12), "events/000012.bin");
        for number in [0, 7, 999_999, 1_000_000] {
            let path = events_path(number);
            assert_eq!(
                events_number(path.strip_prefix("events/").expect("folder")),
                Some(number)
            );
        }
        for name in ["12.bin", "0000012.bin", "000012", "00001a.bin", "+00012.bin", ""] {
            assert_eq!(events_number(name), None, "{name}");
        }
        assert_eq!(checkpoint_size("00000000000000000256"), Some(256));
        assert_eq!(certificate_path(256), "certificates/00000000000000000256");
        assert_eq!(certificate_place("00000000000000000256"), Some(256));
        for name in [
            "256",
            "000000000000000000256",
            "+0000000000000000256",
            "99999999999999999999",
        ] {
            assert_eq!(checkpoint_size(name), None, "{name}");
        }
    }
}
