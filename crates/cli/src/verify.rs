//! `auditlog verify`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;

use auditlog_bundle::verify::Checks;
use auditlog_bundle::{Options, verify};
use auditlog_tlog::{Policy, VerifierKey};

use crate::archive;
use crate::failure::Failure;
use crate::input;
use crate::progress::Bar;
use crate::report;
use crate::tree::Tree;

/// Recompute everything in a bundle, an archive, an export or a report, trusting nothing in it but your key
///
/// Exit status: 0 when it is proven, 1 when something does not fit (all findings are listed),
/// 2 when nothing can be said.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The bundle, or the archive: a directory, or a URL of object storage (s3://, az://, gs://, file://). Or the manifest of an
    /// export (….manifest.json), whose files lie beside it. Or a report: its PDF, or its JSON or manifest, with the other files
    /// beside it (NAME.json, NAME.csv, NAME.manifest.json, NAME.pdf).
    #[arg(value_name = "DIR|URL|MANIFEST|REPORT")]
    directory: String,
    /// Options of the object storage, as a JSON object.
    #[arg(long, value_name = "FILE")]
    store_options: Option<PathBuf>,
    /// The log's public key (name+id+key), from somewhere else than the bundle; several after a rotation.
    /// @FILE reads one from each line of a file.
    #[arg(long, value_name = "VKEY", required = true)]
    key: Vec<String>,
    /// A signed checkpoint that you have kept: shows that nothing before it was changed or cut off.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Which witnesses must have cosigned (c2sp.org/tlog-policy).
    #[arg(long, value_name = "FILE")]
    witness_policy: Option<PathBuf>,
    /// For an archive: a bundle of the same log, with a checkpoint that covers the archive. Shows that the log's tree
    /// has each event at its place.
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,
    /// For a report: the proof that the log has sealed it [default: NAME.proof.json, when it lies beside the report].
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// Print nothing; only the exit status says the result.
    #[arg(long, short)]
    quiet: bool,
    /// How many threads [default: one for each core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let keys = input::log_keys(&arguments.key)?;
    let path = Path::new(&arguments.directory);
    let of_report = match path.is_file() {
        true => report::kind_of(path)?,
        false => None,
    };
    if arguments.proof.is_some() && of_report.is_none() {
        return Err(Failure::new(
            "--proof is for reports, and this is none: give the report's PDF, JSON or manifest",
        ));
    }
    if archive::is_archive(&arguments.directory) {
        if !arguments.checkpoint.is_empty() || arguments.witness_policy.is_some() {
            return Err(Failure::new(
                "--checkpoint and --witness-policy are for bundles: an archive has no tree to compare with them",
            ));
        }
        let tree = arguments
            .tree
            .as_deref()
            .map(|path| Tree::open(path, &keys))
            .transpose()?;
        let options = arguments.store_options.as_deref();
        return archive::run(&arguments.directory, options, &keys, tree.as_ref(), arguments.shown());
    }
    if arguments.tree.is_some() || arguments.store_options.is_some() {
        return Err(Failure::new(
            "--tree and --store-options are for archives; a bundle has its own tree",
        ));
    }
    let mut known = Vec::new();
    for path in &arguments.checkpoint {
        known.push((path.display().to_string(), input::note(path)?));
    }
    let policy = arguments.witness_policy.as_deref().map(input::policy).transpose()?;
    if path.is_file() {
        if !known.is_empty() {
            return Err(Failure::new(
                "--checkpoint is for bundles: exports and reports have a checkpoint of their own",
            ));
        }
        return match of_report {
            None => export(arguments, &keys, policy.as_ref()),
            Some(kind) => {
                let proof = arguments.proof.as_deref();
                report::run(path, kind, proof, &keys, policy.as_ref(), arguments.shown())
            }
        };
    }
    let bar = Bar::new(arguments.quiet);
    let options = Options {
        keys: &keys,
        known: &known,
        policy: policy.as_ref(),
        threads: arguments
            .threads
            .unwrap_or_else(|| available_parallelism().map_or(1, usize::from)),
        progress: &bar,
        checks: Checks::all(),
    };
    let report = verify(path, &options);
    bar.finish();
    let report = report?;
    if arguments.json {
        println!("{:#}", report.json());
    } else if !arguments.quiet {
        print!("{}", report.text());
    }
    Ok(ExitCode::from(if report.proven() { 0 } else { 1 }))
}

impl Arguments {
    fn shown(&self) -> archive::Shown {
        archive::Shown {
            json: self.json,
            quiet: self.quiet,
        }
    }
}

/// Of an export.
fn export(arguments: &Arguments, keys: &[VerifierKey], policy: Option<&Policy>) -> Result<ExitCode, Failure> {
    let report = auditlog_export::verify(Path::new(&arguments.directory), keys, policy)?;
    if arguments.json {
        println!("{:#}", report.json());
    } else if !arguments.quiet {
        print!("{}", report.text());
    }
    Ok(ExitCode::from(if report.fits() { 0 } else { 1 }))
}
