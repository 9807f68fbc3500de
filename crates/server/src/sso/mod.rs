//! Single sign-on: people sign in at an OpenID provider (authorization code with PKCE), and the token that comes of it is their
//! identity here, on the very way of any other bearer: the extension checks it again for each transaction.
//!
//! What is checked here too, by the extension's own code (`auditlog-identity`) and with keys that the provider itself gives:
//! signature, issuer, audience, times; and what only this server can know: that the sign-in was begun here, by this browser, and
//! that the token is the one that it was begun for (nonce).

mod http;
mod provider;
pub mod renewal;
mod token;
mod underway;

pub use underway::{LONGEST, Underway};

use zeroize::Zeroizing;

use crate::config::{ConfigError, SingleSignOnSettings};
use crate::identity::tokens::SignedIn;
use http::Http;
use provider::Providers;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    /// The provider does not answer.
    #[error("the identity provider cannot be reached: {0}")]
    Unreachable(String),
    /// It answers something that cannot be used.
    #[error("the identity provider's answer cannot be used: {0}")]
    Unfit(String),
    /// It has not let the person in, or not taken the code; its code for that.
    #[error("the identity provider refused: {0}")]
    Refused(String),
    /// Not begun here by this browser, begun too long ago, or ended before.
    #[error("the sign-in was not begun here, or is over")]
    Unknown,
    /// The system gives no random bytes.
    #[error("no random bytes")]
    Random,
}

/// The provider, and sign-ins that are under way.
pub struct SingleSignOn {
    settings: SingleSignOnSettings,
    providers: Providers,
    underway: Underway,
}

/// What the provider sends back by the browser.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Which sign-in it is.
    pub state: String,
    /// To be exchanged for tokens.
    pub code: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
    /// Who answers (RFC 9207).
    pub issuer: Option<String>,
}

impl SingleSignOn {
    /// Asks nobody yet: the provider may come later than this server.
    ///
    /// # Errors
    /// When the file of certificates is named in a way that cannot be.
    pub fn new(settings: SingleSignOnSettings) -> Result<SingleSignOn, ConfigError> {
        let http = Http::new(settings.ca_file.as_deref())?;
        Ok(SingleSignOn {
            providers: Providers::new(settings.issuer.clone(), http),
            settings,
            underway: Underway::default(),
        })
    }

    /// What the button says.
    pub fn label(&self) -> &str {
        &self.settings.label
    }

    /// Begins a sign-in of a browser: where it is to go to.
    ///
    /// # Errors
    /// When the provider's configuration cannot be had.
    pub async fn begin(&self, browser: &str, return_to: &str) -> Result<String, SsoError> {
        let provider = self.providers.current().await?;
        let begun = self.underway.begin(browser, return_to)?;
        let (settings, metadata) = (&self.settings, &provider.metadata);
        Ok(with_query(
            &metadata.authorization_endpoint,
            &[
                ("response_type", "code"),
                ("client_id", &settings.client_id),
                ("redirect_uri", &settings.redirect_url),
                ("scope", &settings.scopes),
                ("state", &begun.state),
                ("nonce", &begun.nonce),
                ("code_challenge", &begun.challenge),
                ("code_challenge_method", "S256"),
            ],
        ))
    }

    /// Ends the sign-in that a browser has come back from; it has one try. Whoever it is, and where it wanted to go.
    ///
    /// # Errors
    /// When it was not begun by this browser, or nobody has signed in.
    pub async fn finish(&self, browser: &str, answer: &Answer) -> Result<(SignedIn, String), SsoError> {
        let login = self.underway.take(browser, &answer.state).ok_or(SsoError::Unknown)?;
        let provider = self.providers.current().await?;
        match &answer.issuer {
            Some(issuer) if *issuer != self.settings.issuer => {
                return Err(SsoError::Unfit("another provider has answered".to_owned()));
            }
            None if provider.metadata.says_who_answers => {
                return Err(SsoError::Unfit(
                    "it does not say who it is, as it has announced".to_owned(),
                ));
            }
            _ => {}
        }
        let code = match (&answer.code, &answer.error) {
            (_, Some(error)) => return Err(SsoError::Refused(plain(error))),
            (Some(code), None) => code,
            (None, None) => return Err(SsoError::Unfit("it has neither a code nor an error".to_owned())),
        };
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", &self.settings.redirect_url),
            ("code_verifier", &login.verifier),
        ];
        let tokens = provider.tokens(&self.settings, &fields).await?;
        let signed_in = self.providers.check(&self.settings, tokens, Some(&login.nonce)).await?;
        Ok((signed_in, login.return_to))
    }

    /// Newer tokens of a person who has signed in.
    ///
    /// # Errors
    /// When there are none, now or for good.
    pub async fn renew(&self, refresh_token: &str, subject: &str) -> Result<SignedIn, SsoError> {
        let provider = self.providers.current().await?;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let mut tokens = provider.tokens(&self.settings, &fields).await?;
        // Some providers give a new one, others go on taking the old one.
        let kept = tokens.refresh_token.take();
        tokens.refresh_token = kept.or_else(|| Some(Zeroizing::new(refresh_token.to_owned())));
        let signed_in = self.providers.check(&self.settings, tokens, None).await?;
        if signed_in.subject != subject {
            return Err(SsoError::Unfit("the newer token is somebody else's".to_owned()));
        }
        Ok(signed_in)
    }

    /// Where a browser goes to end the session with the provider, if there is such a place. The token is not said there, as
    /// OpenID would have it (`id_token_hint`): it lets its bearer in here, and addresses lie about in many places.
    pub async fn goodbye(&self) -> Option<String> {
        let provider = self.providers.current().await.ok()?;
        let back = format!("{}/login", self.settings.origin());
        let fields = [
            ("client_id", self.settings.client_id.as_str()),
            ("post_logout_redirect_uri", &back),
        ];
        Some(with_query(provider.metadata.end_session_endpoint.as_deref()?, &fields))
    }

    /// Forgets sign-ins that nobody has ended; called now and then.
    pub fn tidy(&self) {
        self.underway.tidy();
    }
}

/// An address with parameters behind those that it has.
fn with_query(address: &str, fields: &[(&str, &str)]) -> String {
    let mark = if address.contains('?') { '&' } else { '?' };
    format!("{address}{mark}{}", *form(fields))
}

/// Fields as a form has them.
fn form(fields: &[(&str, &str)]) -> Zeroizing<String> {
    use auditlog_pages::url::encode;
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    Zeroizing::new(pairs.join("&"))
}

/// A provider's code for an error, when it is one (RFC 6749 §5.2) and no text of somebody's.
fn plain(code: &str) -> String {
    let is_code = !code.is_empty() && code.len() <= 64 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_code {
        code.to_owned()
    } else {
        "unknown_error".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_what_they_have() {
        let fields = [("a", "x y&"), ("b", "ü")];
        assert_eq!(with_query("https://i/a", &fields), "https://i/a?a=x%20y%26&b=%C3%BC");
        assert_eq!(
            with_query("https://i/a?p=1", &fields),
            "https://i/a?p=1&a=x%20y%26&b=%C3%BC"
        );
        assert_eq!(plain("access_denied"), "access_denied");
        assert_eq!(plain("<b>"), "unknown_error");
    }
}
