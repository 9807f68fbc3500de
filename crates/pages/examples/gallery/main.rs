//! Writes every page with synthetic data into a folder, for looking: `cargo run -p auditlog-pages --example gallery -- DIR`.
//! `tests/browser/` serves such a folder, makes pictures and runs axe over it.

use std::path::Path;

use auditlog_pages::assets;

mod admin;
mod data;
mod evidence;
mod looks;
mod proof;
mod site;
mod viewer;
mod watch;

fn write(path: &Path, body: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, body)
}

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "gallery".into());
    let folder = Path::new(&folder);
    let mut names = Vec::new();
    for page in site::site() {
        write(
            &folder.join(format!("{}.html", page.name)),
            page.markup.into_string().as_bytes(),
        )?;
        names.push(page.name);
    }
    for asset in assets::all() {
        write(
            &folder.join(assets::href(asset.path).trim_start_matches('/')),
            asset.body,
        )?;
    }
    let (proof, key) = proof::proof();
    write(&folder.join("inclusion.proof"), proof.as_bytes())?;
    let live: Vec<_> = data::events(40, data::Spice(true), &[])
        .iter()
        .skip(1)
        .map(auditlog_pages::event::Event::document)
        .collect();
    let index = serde_json::json!({"pages": names, "csp": assets::CONTENT_SECURITY_POLICY, "vkey": key, "live": live});
    write(&folder.join("index.json"), index.to_string().as_bytes())
}
