//! The built-in frameworks: files as users would write their own.

use super::{Framework, FrameworkError};
use std::sync::LazyLock;

macro_rules! files {
    ($($id:literal),* $(,)?) => {
        &[$(($id, include_str!(concat!("../../frameworks/", $id, ".yaml")))),*]
    };
}

/// Short names and texts of the built-in frameworks.
pub const FILES: &[(&str, &str)] = files!["soc2", "iso27001", "hipaa", "pci_dss", "gdpr", "fedramp"];

static BUILTIN: LazyLock<Vec<Framework>> =
    LazyLock::new(|| FILES.iter().filter_map(|(_, text)| read(text).ok()).collect());

/// The built-in frameworks.
pub fn builtin() -> &'static [Framework] {
    &BUILTIN
}

/// The built-in framework with this short name.
pub fn find(id: &str) -> Option<&'static Framework> {
    builtin().iter().find(|framework| framework.id == id)
}

/// A test reads each of [`FILES`], so that none is ever left out.
fn read(text: &str) -> Result<Framework, FrameworkError> {
    Framework::parse(text)
}
