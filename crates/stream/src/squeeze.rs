//! Compression.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// How bytes are made fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Squeeze {
    None,
    Gzip,
    Zstd,
}

/// zstd's level: its usual one, 3 to 5 times faster than gzip's and smaller.
const ZSTD_LEVEL: i32 = 3;

impl Squeeze {
    pub(crate) const CHOICES: [(&'static str, Self); 3] =
        [("zstd", Self::Zstd), ("gzip", Self::Gzip), ("none", Self::None)];

    /// What a file's name ends with.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// The bytes, compressed. The same bytes give the same result: gzip's header has no time.
    pub(crate) fn apply(self, bytes: Vec<u8>) -> std::io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(bytes),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
                encoder.write_all(&bytes)?;
                encoder.finish()
            }
            Self::Zstd => zstd::bulk::compress(&bytes, ZSTD_LEVEL),
        }
    }
}
