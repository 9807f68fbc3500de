//! One try, and what it needs beside channel and notification.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use auditlog_sink::client::Call;

use crate::outcome::{Failure, Outcome};
use crate::secrets::Secrets;

/// What one try needs.
pub struct Attempt<'a> {
    /// Where secrets are.
    pub secrets: &'a Secrets,
    /// The most time, at most a day. Only the system's look-up of a host's name and the sync of a file may take
    /// longer (decision 17).
    pub deadline: Duration,
    /// Now, in microseconds since 1970 UTC: for the time of a signature.
    pub now: i64,
    /// Whether this host may be connected to at this address, such as [`crate::egress::allowed`]. It is asked after
    /// the look-up of the host's name, for the very addresses that are connected to.
    pub allow: &'a dyn Fn(&str, SocketAddr) -> bool,
}

impl Attempt<'_> {
    /// Does `work` with a call whose connections to `host` are limited by time and list.
    pub(crate) fn with_call<T>(
        &self,
        host: &str,
        work: impl FnOnce(&Call<'_>) -> Result<T, Outcome>,
    ) -> Result<T, Outcome> {
        self.with_list(host, |allow| work(&Call::new(self.deadline, allow)))
    }

    /// Does `work`, which connects to `host` at the addresses that its argument agrees to; says what to do when it
    /// does not.
    pub(crate) fn with_list<T>(
        &self,
        host: &str,
        work: impl FnOnce(&dyn Fn(SocketAddr) -> bool) -> Result<T, Outcome>,
    ) -> Result<T, Outcome> {
        let (refused, allowed) = (Cell::new(false), Cell::new(false));
        let allow = |address: SocketAddr| {
            let allow = (self.allow)(host, address);
            refused.set(refused.get() || !allow);
            allowed.set(allowed.get() || allow);
            allow
        };
        work(&allow).map_err(|outcome| match outcome {
            Outcome::Pause { error } if refused.get() && !allowed.get() => Outcome::Pause {
                error: error.hint("Add the host, or its address or network, to auditlog.allowed_hosts."),
            },
            other => other,
        })
    }

    /// The secret's text, or the outcome that it can't be read.
    pub(crate) fn secret(&self, name: &crate::secrets::SecretName) -> Result<crate::secrets::Secret, Outcome> {
        self.secrets
            .read(name)
            .map_err(|error: Failure| Outcome::Pause { error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hint that an outcome has after these addresses were asked for, of which only the last byte 1 is allowed.
    fn hint(addresses: &[&str]) -> Option<String> {
        let attempt = Attempt {
            secrets: &Secrets::new("/nowhere"),
            deadline: Duration::from_secs(1),
            now: 0,
            allow: &|_, address| address.ip().to_string().ends_with(".1"),
        };
        let outcome = attempt.with_list("a.example", |allow| {
            for address in addresses {
                allow(address.parse().unwrap());
            }
            let error = Failure::new("no").hint("first");
            Err::<(), _>(Outcome::Pause { error })
        });
        outcome.unwrap_err().error().unwrap().hint.clone()
    }

    #[test]
    fn the_list_is_blamed_only_where_nothing_was_allowed() {
        assert_eq!(hint(&["192.0.2.1:1"]).as_deref(), Some("first"));
        assert_eq!(hint(&["192.0.2.2:1", "192.0.2.1:1"]).as_deref(), Some("first"));
        assert_eq!(hint(&[]).as_deref(), Some("first"));
        assert!(hint(&["192.0.2.2:1"]).unwrap().contains("auditlog.allowed_hosts"));
    }
}
