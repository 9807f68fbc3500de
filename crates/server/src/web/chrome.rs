//! What is around every page: who looks at it, the state of the log, messages, theme and clock.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use auditlog_pages::components::badge::Tone;
use auditlog_pages::components::seal::Integrity;
use auditlog_pages::layout::{Chrome, Role, Section, Viewer};

use super::visit::{Look, Open, Visit};
use crate::data::standing::{self, Standing};
use crate::data::state::WhoAmI;
use crate::http::Problem;

/// How old what the heads of pages say may be.
const FRESH: Duration = Duration::from_secs(3);
/// Heads that are kept.
const MOST: usize = 1_000;

/// What the heads of pages say of the log, for each identity that may know: asked once in a few seconds, not for each page.
#[derive(Default)]
pub struct Heads(Mutex<HashMap<[u8; 32], (Instant, Standing)>>);

impl Heads {
    fn get(&self, key: &[u8; 32]) -> Option<Standing> {
        let heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, standing) = heads.get(key)?;
        (at.elapsed() < FRESH).then(|| standing.clone())
    }

    fn put(&self, key: [u8; 32], standing: Standing) {
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heads.len() >= MOST {
            heads.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        if heads.len() < MOST {
            heads.insert(key, (Instant::now(), standing));
        }
    }

    /// Forgets what an identity was told, after it has changed something.
    pub fn forget(&self, key: &[u8; 32]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// The roles of a caller.
pub fn viewer(who: &WhoAmI) -> Viewer {
    // The role of who has come by a token is many people's.
    let by_token = who.identified_by.as_deref() == Some("token");
    let actor = who.actor_id.clone().filter(|_| by_token);
    Viewer {
        name: who.email.clone().or(actor).unwrap_or_else(|| who.role.clone()),
        roles: who
            .rights
            .iter()
            .filter_map(|right| Role::from_name(&format!("auditlog_{right}")))
            .collect(),
    }
}

/// What the pages show of the log's state.
pub fn integrity(standing: &Standing) -> Integrity {
    let (findings, first) = standing.findings().map_or((0, None), |(n, first)| (n, Some(first)));
    Integrity {
        size: super::natural(standing.size.unwrap_or(0)),
        verified: standing.verified(),
        verified_at: standing.verified_at,
        findings,
        first_finding: first,
        signed: standing.signed().map(|(size, _, at)| (size, at)),
        anchored: standing.anchored().map(|(size, by, at)| (size, at, by)),
        origin: standing.signed().map(|(_, origin, _)| origin.to_owned()),
        public_key: None,
        stopped: standing.stopped().map(str::to_owned),
    }
}

/// What a page has around it for somebody of whom nothing is known.
pub fn bare(look: &Look, csrf: &str) -> Chrome {
    Chrome {
        csrf: csrf.to_owned(),
        theme: look.theme,
        clock: look.clock,
        here: look.here.clone(),
        now: look.now,
        ..Chrome::default()
    }
}

impl Visit {
    /// What a page has around it, without the state of the log.
    pub fn plain_chrome(&self, viewer: Viewer, section: Section) -> Chrome {
        let told = |is_good| if is_good { Tone::Ok } else { Tone::Bad };
        let messages = self.session.take_messages();
        Chrome {
            viewer: Some(viewer),
            active: section,
            // without an authenticator the server takes none
            has_tokens: self.app.settings.authenticator.is_some(),
            log_name: self.app.service.database().unwrap_or_default().to_owned(),
            messages: messages.into_iter().map(|m| (told(m.is_good), m.text)).collect(),
            ..bare(&self.look, &self.session.csrf)
        }
    }

    /// What a page has around it. The end of its transaction.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn chrome(&self, open: Open, section: Section) -> Result<Chrome, Problem> {
        let mut standing = None;
        if open.viewer.sees_all() {
            let known = self.app.heads.get(&self.caller.key);
            standing = Some(match known {
                Some(known) => known,
                None => {
                    let asked = standing::of_the_log(&open.transaction).await?;
                    self.app.heads.put(self.caller.key, asked.clone());
                    asked
                }
            });
        }
        open.transaction.commit().await?;
        let mut chrome = self.plain_chrome(open.viewer, section);
        if let Some(standing) = standing {
            chrome.integrity = Some(integrity(&standing));
            chrome.open_firings = super::natural(standing.open_firings);
        }
        Ok(chrome)
    }
}
