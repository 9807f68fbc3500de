//! Single sign-on: which provider, and who this server is to it.

use std::path::PathBuf;

use auditlog_sink::client::{SCHEMES, Url};
use zeroize::Zeroizing;

use super::{ConfigError, Given, secret_file};

/// Where the provider sends browsers back to.
pub const CALLBACK: &str = "/login/sso/callback";

/// An OpenID provider, and who this server is to it.
#[derive(Debug, Clone)]
pub struct SingleSignOnSettings {
    /// The claim `iss` of its tokens, and where its configuration is found.
    pub issuer: String,
    /// Our name there, the claim `aud` of its tokens.
    pub client_id: String,
    /// What proves that it is us; a client without one has PKCE alone.
    pub client_secret: Option<Zeroizing<String>>,
    /// What is asked for, separated by spaces; `openid` is among them.
    pub scopes: String,
    /// Our address, as browsers have it, and [`CALLBACK`].
    pub redirect_url: String,
    /// What the button says.
    pub label: String,
    /// Certificates to believe instead of the system's.
    pub ca_file: Option<PathBuf>,
}

impl SingleSignOnSettings {
    /// What was said of it; none where no provider is named.
    ///
    /// # Errors
    /// When something is missing, or would cross the network in clear.
    pub fn of(given: &Given) -> Result<Option<SingleSignOnSettings>, ConfigError> {
        let wrong = |message: &str| ConfigError::Wrong(message.to_owned());
        let Some(issuer) = given.sso_issuer.clone() else {
            let others = [
                given.sso_client_id.is_some(),
                given.sso_client_secret_file.is_some(),
                given.sso_redirect_url.is_some(),
            ];
            return match others.contains(&true) {
                true => Err(wrong(
                    "sso_issuer is missing: the provider that the other settings of sso_ are for",
                )),
                false => Ok(None),
            };
        };
        if given.authenticator.is_none() {
            return Err(wrong(
                "sso_issuer needs authenticator: whoever signs in there comes in under that login",
            ));
        }
        let place = address("sso_issuer", &issuer)?;
        if place.path.contains('?') {
            return Err(wrong("sso_issuer has no query"));
        }
        let redirect_url = given.sso_redirect_url.clone();
        let redirect_url =
            redirect_url.ok_or_else(|| wrong("sso_redirect_url is missing: https://this.server/login/sso/callback"))?;
        if address("sso_redirect_url", &redirect_url)?.path != CALLBACK {
            return Err(ConfigError::Wrong(format!(
                "sso_redirect_url has to end with {CALLBACK}"
            )));
        }
        let client_id = given.sso_client_id.clone().filter(|id| !id.is_empty());
        let client_secret = match &given.sso_client_secret_file {
            Some(path) => Some(secret_file(path)?),
            None => None,
        };
        let scopes = given.sso_scopes.clone().unwrap_or_else(|| "openid".to_owned());
        if !scopes.split_ascii_whitespace().any(|scope| scope == "openid") {
            return Err(wrong("sso_scopes has to have openid"));
        }
        Ok(Some(SingleSignOnSettings {
            issuer,
            client_id: client_id.ok_or_else(|| wrong("sso_client_id is missing: the name of this server there"))?,
            client_secret,
            scopes,
            redirect_url,
            label: given.sso_label.clone().unwrap_or_else(|| "Single sign-on".to_owned()),
            ca_file: given.sso_ca_file.clone(),
        }))
    }

    /// Our address as browsers have it, without a path.
    pub fn origin(&self) -> &str {
        self.redirect_url.strip_suffix(CALLBACK).unwrap_or_default()
    }
}

/// An address that secrets may be sent to.
fn address(name: &str, text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text, SCHEMES).map_err(|error| ConfigError::Wrong(format!("{name}: {error}")))?;
    if url.scheme == "http" && !url.is_loopback() {
        return Err(ConfigError::Wrong(format!(
            "{name} begins with https://, unless it is this machine"
        )));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Given {
        Given {
            authenticator: Some("authenticator".to_owned()),
            sso_issuer: Some("https://id.example.com/realms/main".to_owned()),
            sso_client_id: Some("audit".to_owned()),
            sso_redirect_url: Some("https://audit.example.com/login/sso/callback".to_owned()),
            ..Given::default()
        }
    }

    #[test]
    fn what_is_missing_or_in_clear_is_refused() {
        let settings = SingleSignOnSettings::of(&given())
            .expect("settings")
            .expect("a provider");
        assert_eq!(settings.origin(), "https://audit.example.com");
        assert_eq!(settings.scopes, "openid");
        assert!(SingleSignOnSettings::of(&Given::default()).expect("none").is_none());
        let changes: [fn(&mut Given); 8] = [
            |given| given.sso_issuer = None,
            |given| given.authenticator = None,
            |given| given.sso_client_id = None,
            |given| given.sso_redirect_url = None,
            |given| given.sso_issuer = Some("http://id.example.com".to_owned()),
            |given| given.sso_redirect_url = Some("http://audit.example.com/login/sso/callback".to_owned()),
            |given| given.sso_redirect_url = Some("https://audit.example.com/elsewhere".to_owned()),
            |given| given.sso_scopes = Some("email".to_owned()),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut wrong = given();
            change(&mut wrong);
            assert!(SingleSignOnSettings::of(&wrong).is_err(), "{number}");
        }
        let mut here = given();
        here.sso_issuer = Some("http://127.0.0.1:8080/realms/main".to_owned());
        assert!(SingleSignOnSettings::of(&here).is_ok());
    }
}
