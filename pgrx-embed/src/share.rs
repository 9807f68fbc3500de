//! The folder where the server looks for install scripts.

use crate::failure::{Failure, Result};
use crate::project::Project;
use crate::psql;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// A script that the server can find as long as this value lives.
#[derive(Debug)]
pub struct Placed {
    path: PathBuf,
    /// Whether it was there before, and so stays.
    stays: bool,
}

/// `SHAREDIR/extension` of the running server.
pub fn folder(project: &Project) -> Result<PathBuf> {
    let path = psql::value(
        project,
        "SELECT setting FROM pg_catalog.pg_config WHERE name = 'SHAREDIR'",
    )?;
    let folder = Path::new(&path).join("extension");
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(Failure::new(format!("there is no {}", folder.display()))
        .detail("The server looks for install scripts there.")
        .hint("Run the check on the machine of the server."))
}

/// Puts a script where the server looks. One that is there already must be the same: a server with
/// other scripts than the checkout would test something else.
pub fn place(folder: &Path, name: &str, text: &str) -> Result<Placed> {
    let path = folder.join(name);
    let fail = |e: std::io::Error| {
        Failure::new(format!("{}: {e}", path.display())).hint(
            "The check puts old install scripts where the server looks for them, and needs the right to write there.",
        )
    };
    match fs::File::create_new(&path) {
        Ok(mut file) => {
            let placed = Placed {
                path: path.clone(),
                stays: false,
            };
            file.write_all(text.as_bytes())
                .and_then(|()| readable(&file))
                .map_err(fail)?;
            Ok(placed)
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            if fs::read(&path).map_err(fail)? == text.as_bytes() {
                return Ok(Placed { path, stays: true });
            }
            Err(
                Failure::new(format!("{} is another script than the checkout's", path.display()))
                    .hint("Build and install the checkout: scripts/build.sh"),
            )
        }
        Err(e) => Err(fail(e)),
    }
}

/// The server runs under an account of its own.
#[cfg(unix)]
fn readable(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &fs::File) -> std::io::Result<()> {
    Ok(())
}

impl Drop for Placed {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        if let Err(e) = fs::remove_file(&self.path) {
            eprintln!("error: {}: {e}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_away_what_it_put_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("pgrx-embed-{}", std::process::id()));
        fs::create_dir(&folder).expect("folder");
        let path = folder.join("a.sql");

        let placed = place(&folder, "a.sql", "1").expect("placed");
        assert_eq!(fs::read_to_string(&path).expect("there"), "1");
        drop(placed);
        assert!(!path.exists());

        fs::write(&path, "1").expect("written");
        drop(place(&folder, "a.sql", "1").expect("the same"));
        assert!(path.exists());
        let failure = place(&folder, "a.sql", "2").expect_err("another").to_string();
        assert!(failure.contains("another script"), "{failure}");
        assert_eq!(fs::read_to_string(&path).expect("untouched"), "1");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
