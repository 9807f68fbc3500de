//! `auditlog keygen`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

use auditlog_bundle::report::hex;
use auditlog_tlog::{KeyName, SigningKey};

use crate::failure::Failure;

/// Make a signing key (Ed25519, PKCS#8) that only you can read, and print its public key
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The file to be made. It must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What the key signs for: the log's origin, or the name of a witness.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The key is a witness's, so print the public key that policies name.
    #[arg(long, requires = "name")]
    witness: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let name = arguments.name.as_deref().map(KeyName::new).transpose()?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| Failure::new(format!("no random numbers: {error}")))?;
    let key = SigningKey::from_seed(&seed);
    seed.fill(0);
    let path = &arguments.out;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).map_err(Failure::of(path))?;
    file.write_all(key.to_pem().as_bytes()).map_err(Failure::of(path))?;
    file.sync_all().map_err(Failure::of(path))?;
    println!("public key: {}", hex(&key.public()));
    match name {
        Some(name) if arguments.witness => println!("vkey: {}", key.cosigner_vkey(name)),
        Some(name) => println!("vkey: {}", key.vkey(name)),
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}
