//! Checkpoints: has the log signed them?

use auditlog_tlog::{Checkpoint, Policy, SignedNote};

use super::{Trust, Verified};
use crate::model::Report;

/// The checkpoint of the report, when a key that was given has signed it, it is of the report's log and covers it.
pub(super) fn of_report(report: &Report, trust: &Trust<'_>, verified: &mut Verified) -> Option<Checkpoint> {
    let integrity = &report.integrity;
    let checkpoint = match signed(integrity.checkpoint.as_deref()?, &integrity.origin, trust, verified) {
        Ok(checkpoint) => checkpoint,
        Err(why) => {
            verified.find("checkpoint", why);
            return None;
        }
    };
    if checkpoint.size < integrity.log_size {
        let detail = format!(
            "it covers {} events, the report {}",
            checkpoint.size, integrity.log_size
        );
        verified.find("checkpoint", detail);
        return None;
    }
    verified.checkpoint_size = Some(checkpoint.size);
    Some(checkpoint)
}

/// The checkpoint in a signed note of the log `origin`; the error says why it is not to be believed.
pub(super) fn signed(
    text: &str,
    origin: &str,
    trust: &Trust<'_>,
    verified: &mut Verified,
) -> Result<Checkpoint, String> {
    let note = SignedNote::parse(text).map_err(|error| format!("it is no signed note: {error}"))?;
    let none = Policy::none();
    let trusted = trust.policy.unwrap_or(&none).check(&note, trust.keys);
    let trusted = trusted.map_err(|error| format!("it is not to be believed: {error}"))?;
    if trusted.checkpoint.origin != origin {
        return Err(format!(
            "it is of the log «{}», the report of «{}»",
            trusted.checkpoint.origin.escape_debug(),
            origin.escape_debug()
        ));
    }
    let cosigners = trusted.cosigners.iter().map(|(key, _)| key.name().to_string());
    for name in std::iter::once(trusted.checkpoint.origin.clone()).chain(cosigners) {
        if !verified.signed_by.contains(&name) {
            verified.signed_by.push(name);
        }
    }
    Ok(trusted.checkpoint)
}
