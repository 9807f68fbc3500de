//! Names of files, and how a file gets its name.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::line::hex;

/// What the file of hashes ends with, after the destination's name.
const PROOF: &str = ".proof";

/// The names of an export's files: all derive from the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    directory: PathBuf,
    name: String,
    export: i64,
}

impl Names {
    /// Of an export with this destination; `None` when that is no file in a directory.
    pub fn new(destination: &Path, export: i64) -> Option<Self> {
        Some(Self {
            directory: destination.parent()?.to_path_buf(),
            name: destination.file_name()?.to_str()?.to_owned(),
            export,
        })
    }

    /// The name of a part; of the only file when there are no parts.
    pub fn part(&self, number: Option<usize>) -> String {
        let Some(number) = number else {
            return self.name.clone();
        };
        match self.name.split_once('.') {
            Some((stem, rest)) if !stem.is_empty() => format!("{stem}-{:05}.{rest}", number + 1),
            _ => format!("{}-{:05}", self.name, number + 1),
        }
    }

    /// The name of the file of hashes.
    pub fn proof(&self) -> String {
        format!("{}{PROOF}", self.name)
    }

    /// The name of the manifest.
    pub fn manifest(&self) -> String {
        format!("{}{}", self.name, crate::manifest::SUFFIX)
    }

    /// Where a file is.
    pub fn at(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Where a file is until it is complete.
    pub fn temporary(&self, name: &str) -> PathBuf {
        self.directory.join(format!(".{name}.auditlog-export-{}", self.export))
    }

    /// Makes the directory's entries durable.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn sync(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    /// Removes what is not complete, of up to `parts` parts.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn remove_temporary(&self, parts: usize) -> io::Result<()> {
        let names = (0..parts).map(|number| self.part(Some(number)));
        for name in names.chain([self.part(None), self.proof(), self.manifest()]) {
            match fs::remove_file(self.temporary(&name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes the directory and all that is in it.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn remove_directory(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes the directory, if it is not there.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn make_directory(&self) -> io::Result<()> {
        fs::create_dir_all(&self.directory)
    }

    /// Gives a complete file its name. One that is there and has the same bytes is this one.
    ///
    /// # Errors
    /// When another file has that name, or as the operating system says.
    pub fn place(&self, name: &str, sha256: &str) -> io::Result<()> {
        let (temporary, place) = (self.temporary(name), self.at(name));
        // a link overwrites nothing, which a renaming would
        match fs::hard_link(&temporary, &place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if sha256_of(&place, u64::MAX)?.1 != sha256 {
                    return Err(io::Error::new(
                        io::ErrorKind::AlreadyExists,
                        format!(
                            "the file {} exists and has other bytes; it is not overwritten",
                            place.display()
                        ),
                    ));
                }
            }
            linked => linked?,
        }
        fs::remove_file(&temporary)?;
        self.sync()
    }
}

/// Bytes and SHA-256 of a file's first bytes, at most so many.
///
/// # Errors
/// As the operating system says.
pub fn sha256_of(path: &Path, most: u64) -> io::Result<(u64, String)> {
    let (bytes, hasher) = hash_of(File::open(path)?, most)?;
    Ok((bytes, hex(&hasher.finalize())))
}

/// Opens a file for nobody but this account, to go on in or, with `anew`, empty in place of what there is.
pub(crate) fn private(path: &Path, anew: bool) -> io::Result<File> {
    if anew {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(anew);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(crate) fn hash_of(file: impl Read, most: u64) -> io::Result<(u64, Sha256)> {
    let (mut file, mut hasher) = (file.take(most), Sha256::new());
    let (mut buffer, mut bytes) = (vec![0; 1 << 18], 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hasher)),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
