//! `auditlog`: what an auditor, a witness and an operator need outside of PostgreSQL.
//!
//! Exit status: 0 = proven or done, 1 = findings, 2 = nothing can be said (usage, files, network).
#![forbid(unsafe_code)]

mod archive;
mod bundle;
mod failure;
mod input;
mod keygen;
mod progress;
mod proof;
mod report;
mod show;
mod signer;
mod state;
mod tree;
mod verify;
mod witness;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Verifies bundles of pg_auditlog without PostgreSQL, witnesses and signs logs, and makes keys and bundles.
#[derive(Debug, Parser)]
#[command(name = "auditlog", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Arguments),
    VerifyProof(proof::Arguments),
    Show(show::Arguments),
    Bundle(bundle::Arguments),
    Keygen(keygen::Arguments),
    Signer(signer::Arguments),
    Witness(witness::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Verify(arguments) => verify::run(&arguments),
        Command::VerifyProof(arguments) => proof::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Bundle(arguments) => bundle::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Signer(arguments) => signer::run(&arguments),
        Command::Witness(arguments) => witness::run(&arguments),
    };
    result.unwrap_or_else(|failure| {
        eprintln!("auditlog: {failure}");
        ExitCode::from(2)
    })
}
