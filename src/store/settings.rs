//! Settings of the server, as its configuration gives them.

use super::spi;

/// Name and value of each setting: what a new session begins with, whatever this process has set for itself.
pub fn all() -> Vec<(String, String)> {
    let rows = spi::read(
        "SELECT name, COALESCE(reset_val, '') FROM pg_catalog.pg_settings WHERE context <> 'internal' ORDER BY name",
        &[],
    );
    rows.iter()
        .filter_map(|row| Some((row[0].text()?, row[1].text()?)))
        .collect()
}
