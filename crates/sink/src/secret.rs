//! Secrets, read from their files when they are needed and wiped afterwards.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::DeliveryError;

/// The most bytes of a file with a secret or with certificates.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// The bytes of a regular file.
pub(crate) fn read(what: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>, DeliveryError> {
    let wrong = |why: String| DeliveryError::permanent(format!("the {what} {}: {why}", path.display()));
    // Without O_NONBLOCK the opening of a pipe would wait for its other end.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| wrong(error.to_string()))?;
    let metadata = file.metadata().map_err(|error| wrong(error.to_string()))?;
    if !metadata.is_file() {
        return Err(wrong("is no regular file".to_owned()));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(wrong(format!("has more than {MAX_FILE_BYTES} bytes")));
    }
    // Room for all of it, so that no copy is left behind by a growing vector.
    let room = usize::try_from(metadata.len()).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(MAX_FILE_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| wrong(error.to_string()))?;
    Ok(bytes)
}

/// The one word in a file, without the white space around it.
pub(crate) fn token(path: &Path) -> Result<Zeroizing<String>, DeliveryError> {
    let bytes = read("token file", path)?;
    let word = bytes.trim_ascii();
    if word.is_empty() || !word.iter().all(u8::is_ascii_graphic) {
        return Err(DeliveryError::permanent(format!(
            "the token file {} has no single word of printable ASCII",
            path.display()
        )));
    }
    Ok(Zeroizing::new(String::from_utf8_lossy(word).into_owned()))
}
