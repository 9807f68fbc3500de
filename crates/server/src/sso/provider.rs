//! The provider: what it says of itself (OpenID Connect Discovery), its keys, and the exchange of a code for tokens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use auditlog_identity::{Expected, Keys, Refused};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::http::{Http, checked};
use super::{SsoError, form, plain, token};
use crate::config::SingleSignOnSettings;
use crate::identity::tokens::{SignedIn, Tokens};

/// What the provider said of itself is asked for again after this.
const FRESH: Duration = Duration::from_secs(3_600);
/// A provider that did not answer, or keys that a token did not know, are not asked for again before this.
const PAUSE: Duration = Duration::from_secs(5);

/// What the provider says of itself, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    pub end_session_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    pub says_who_answers: bool,
}

/// A provider that has answered.
pub(super) struct Provider {
    http: Http,
    pub metadata: Metadata,
    keys: Keys,
    since: Instant,
}

/// The provider, now and then asked anew.
pub(super) struct Providers {
    issuer: String,
    http: Http,
    known: Mutex<Option<Arc<Provider>>>,
    /// One question at a time; when the last one failed, and why.
    asking: tokio::sync::Mutex<Option<(Instant, String)>>,
}

/// What comes for a code.
#[derive(Deserialize)]
struct Granted {
    id_token: Option<Zeroizing<String>>,
    refresh_token: Option<Zeroizing<String>>,
}

/// Why nothing does.
#[derive(Deserialize)]
struct Denied {
    error: String,
}

impl Providers {
    /// Not asked yet.
    pub fn new(issuer: String, http: Http) -> Providers {
        Providers {
            issuer,
            http,
            known: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    fn known(&self) -> Option<Arc<Provider>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is known of it, not too old if it can be helped.
    pub async fn current(&self) -> Result<Arc<Provider>, SsoError> {
        match self.known() {
            Some(provider) if provider.since.elapsed() < FRESH => Ok(provider),
            // Who has signed in before must not wait for a provider that is down.
            Some(provider) => Ok(self.newer(FRESH).await.unwrap_or(provider)),
            None => self.newer(FRESH).await,
        }
    }

    /// Asks it, unless somebody has since.
    async fn newer(&self, than: Duration) -> Result<Arc<Provider>, SsoError> {
        let mut failed = self.asking.lock().await;
        if let Some(provider) = self.known().filter(|provider| provider.since.elapsed() < than) {
            return Ok(provider);
        }
        if let Some((at, why)) = failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE) {
            tracing::debug!(ago = at.elapsed().as_secs(), "the provider is not asked so soon again");
            return Err(SsoError::Unreachable(why.clone()));
        }
        match self.ask().await {
            Ok(provider) => {
                *failed = None;
                let provider = Arc::new(provider);
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&provider));
                Ok(provider)
            }
            Err(error) => {
                *failed = Some((Instant::now(), error.to_string()));
                Err(error)
            }
        }
    }

    async fn ask(&self) -> Result<Provider, SsoError> {
        let place = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let said = self.http.get(&place).await?;
        let metadata: Metadata = match said.status {
            200 => serde_json::from_slice(&said.body).map_err(|error| SsoError::Unfit(error.to_string()))?,
            status => return Err(SsoError::Unfit(format!("its configuration: {status}"))),
        };
        if metadata.issuer != self.issuer {
            return Err(SsoError::Unfit("its configuration is of another issuer".to_owned()));
        }
        let methods = metadata.code_challenge_methods_supported.as_ref();
        if methods.is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
            return Err(SsoError::Unfit("it does not take S256 for PKCE".to_owned()));
        }
        for endpoint in [&metadata.authorization_endpoint, &metadata.token_endpoint]
            .into_iter()
            .chain(&metadata.end_session_endpoint)
        {
            checked(endpoint)?;
        }
        let said = self.http.get(&metadata.jwks_uri).await?;
        let keys = std::str::from_utf8(&said.body).unwrap_or_default();
        let keys = Keys::parse(keys).map_err(|error| SsoError::Unfit(format!("its keys: {error}")))?;
        Ok(Provider {
            http: self.http.clone(),
            metadata,
            keys,
            since: Instant::now(),
        })
    }

    /// Whom tokens speak of; `nonce` is that of a sign-in, and none when they are newer ones of somebody's.
    pub async fn check(
        &self,
        settings: &SingleSignOnSettings,
        tokens: Tokens,
        nonce: Option<&str>,
    ) -> Result<SignedIn, SsoError> {
        let expected = Expected {
            issuer: settings.issuer.clone(),
            audience: settings.client_id.clone(),
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
        let verify = |keys: &Keys| auditlog_identity::verify(&tokens.id_token, keys, &expected, now);
        let subject = match verify(&self.current().await?.keys) {
            // It may have changed its keys.
            Err(Refused::UnknownKey) => verify(&self.newer(PAUSE).await?.keys),
            other => other,
        };
        let subject = subject.map_err(|refused| SsoError::Unfit(format!("its token: {refused}")))?;
        token::signed_in(tokens, subject, &settings.client_id, nonce)
    }
}

impl Provider {
    /// Exchanges something for tokens.
    pub async fn tokens(&self, settings: &SingleSignOnSettings, fields: &[(&str, &str)]) -> Result<Tokens, SsoError> {
        use auditlog_pages::url::encode;
        let mut fields = fields.to_vec();
        let mut headers = Vec::new();
        match &settings.client_secret {
            Some(secret) if self.takes_basic() => {
                let pair = Zeroizing::new(format!("{}:{}", encode(&settings.client_id), encode(secret)));
                headers.push((
                    "Authorization".to_owned(),
                    format!("Basic {}", STANDARD.encode(pair.as_bytes())),
                ));
            }
            Some(secret) => fields.extend([("client_id", settings.client_id.as_str()), ("client_secret", secret)]),
            None => fields.push(("client_id", &settings.client_id)),
        }
        let said = self
            .http
            .post(&self.metadata.token_endpoint, headers, form(&fields))
            .await?;
        if said.status != 200 {
            let denied = serde_json::from_slice::<Denied>(&said.body);
            return Err(match denied {
                Ok(denied) => SsoError::Refused(plain(&denied.error)),
                Err(_) => SsoError::Unfit(format!("its answer to the code: {}", said.status)),
            });
        }
        // The library's words may have parts of what it could not read.
        let granted: Granted = serde_json::from_slice(&said.body)
            .map_err(|_| SsoError::Unfit("what came for the code is not of OpenID".to_owned()))?;
        Ok(Tokens {
            id_token: granted
                .id_token
                .ok_or_else(|| SsoError::Unfit("there came no token of whom it is".to_owned()))?,
            refresh_token: granted.refresh_token,
        })
    }

    /// Is the secret said in a header? That is what is so unless the provider says otherwise.
    fn takes_basic(&self) -> bool {
        let methods = self.metadata.token_endpoint_auth_methods_supported.as_ref();
        methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"))
    }
}
