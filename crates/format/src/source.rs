//! Where the events come from.

/// What a record does not say of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The log's origin, as in its checkpoints.
    pub origin: String,
    /// The extension's version.
    pub version: String,
    /// The name of the machine the database is on; empty when nobody knows.
    pub hostname: String,
    /// The database's name; empty when nobody knows.
    pub database: String,
}
