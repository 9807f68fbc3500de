//! The parts that `auditlog-stream` uses too, so that secrets and signatures are written once.

pub use crate::secrets::{Secret, missing};
pub use crate::signing::{Signed, Signing, header_value};
