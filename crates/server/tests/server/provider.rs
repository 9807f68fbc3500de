//! A small OpenID provider: signs whom a test says, and can be told to do it wrong.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::escape;
use crate::tokens::now;

/// Our name with the provider.
pub const CLIENT: &str = "audit";
/// What proves that it is us.
pub const SECRET: &str = "s:ecret ü";

/// What the provider does; tests change it.
#[derive(Clone)]
pub struct Manner {
    /// Claims that are put into each token, over those that belong there; null takes one out.
    pub claims: Value,
    /// The seed of the key that signs.
    pub seed: u8,
    /// Seconds that a token is good for.
    pub seconds: i64,
    /// Does a refresh token come along?
    pub refreshes: bool,
    /// What a refresh token comes to: whom the newer token speaks of.
    pub renewed_subject: Option<String>,
    /// The token endpoint says this and nothing else.
    pub answer: Option<(u16, String)>,
}

struct Granted {
    subject: String,
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

struct Inner {
    issuer: String,
    manner: Manner,
    codes: HashMap<String, Granted>,
    refresh: HashMap<String, String>,
    asked: Vec<String>,
}

/// A provider that runs until it is dropped.
pub struct Provider {
    pub issuer: String,
    pub address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    runtime: Option<tokio::runtime::Runtime>,
}

type Shared = Arc<Mutex<Inner>>;

fn lock(inner: &Shared) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Parameters of an address or a form.
pub fn parameters(text: &str) -> HashMap<String, String> {
    auditlog_pages::url::pairs(text).into_iter().collect()
}

/// The public half of a key.
pub fn public_key(seed: u8) -> Value {
    let x = URL_SAFE_NO_PAD.encode(SigningKey::from_bytes(&[seed; 32]).verifying_key().as_bytes());
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": format!("k{seed}"), "x": x, "use": "sig"}]})
}

/// A token with these claims.
pub fn signed(seed: u8, claims: &Value) -> String {
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": format!("k{seed}")}).to_string();
    let claims = claims.to_string();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = SigningKey::from_bytes(&[seed; 32]).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

impl Provider {
    /// At an address of its own.
    pub fn start() -> Provider {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))
            .expect("an address");
        let address = listener.local_addr().expect("an address");
        let issuer = format!("http://{address}/realms/main");
        let inner = Arc::new(Mutex::new(Inner {
            issuer: issuer.clone(),
            manner: Manner {
                claims: json!({}),
                seed: 7,
                seconds: 600,
                refreshes: false,
                renewed_subject: None,
                answer: None,
            },
            codes: HashMap::new(),
            refresh: HashMap::new(),
            asked: Vec::new(),
        }));
        let router = Router::new()
            .route("/realms/main/.well-known/openid-configuration", get(configuration))
            .route("/realms/main/keys", get(keys))
            .route("/realms/main/token", post(token))
            .with_state(Arc::clone(&inner));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Provider {
            issuer,
            address,
            inner,
            runtime: Some(runtime),
        }
    }

    /// Does something differently from now on.
    pub fn behave(&self, change: impl FnOnce(&mut Manner)) {
        change(&mut lock(&self.inner).manner);
    }

    /// Somebody has signed in there: where the browser is sent back to. `address` is where it came with.
    pub fn approve(&self, address: &str, subject: &str) -> String {
        let (place, query) = address.split_once('?').expect("a query");
        assert_eq!(place, format!("{}/auth", self.issuer));
        let given = parameters(query);
        assert_eq!(given["response_type"], "code");
        assert_eq!(given["client_id"], CLIENT);
        assert_eq!(given["code_challenge_method"], "S256");
        assert!(given["scope"].split(' ').any(|scope| scope == "openid"));
        let mut inner = lock(&self.inner);
        let code = format!("code/{}+{subject}", inner.codes.len() + inner.asked.len());
        let granted = Granted {
            subject: subject.to_owned(),
            nonce: given["nonce"].clone(),
            challenge: given["code_challenge"].clone(),
            redirect_uri: given["redirect_uri"].clone(),
        };
        inner.codes.insert(code.clone(), granted);
        let path = given["redirect_uri"]
            .strip_prefix("http://localhost")
            .expect("our address");
        format!(
            "{path}?state={}&code={}&session_state=x&iss={}",
            escape(&given["state"]),
            escape(&code),
            escape(&inner.issuer)
        )
    }

    /// Bodies that came to the token endpoint.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.inner).asked.clone()
    }

    /// Answers nobody any more.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn configuration(State(inner): State<Shared>) -> Json<Value> {
    let issuer = lock(&inner).issuer.clone();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "end_session_endpoint": format!("{issuer}/logout"),
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn keys(State(inner): State<Shared>) -> Json<Value> {
    Json(public_key(lock(&inner).manner.seed))
}

fn denied(code: &str) -> (StatusCode, String) {
    (
        StatusCode::BAD_REQUEST,
        json!({"error": code, "error_description": "<b>no</b>"}).to_string(),
    )
}

async fn token(State(inner): State<Shared>, headers: axum::http::HeaderMap, body: String) -> (StatusCode, String) {
    let mut inner = lock(&inner);
    inner.asked.push(body.clone());
    if let Some((status, text)) = inner.manner.answer.clone() {
        return (StatusCode::from_u16(status).expect("a status"), text);
    }
    let pair = format!("{CLIENT}:{}", escape(SECRET));
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    if headers.get("authorization").map(|value| value.as_bytes()) != Some(basic.as_bytes()) {
        return (StatusCode::UNAUTHORIZED, json!({"error": "invalid_client"}).to_string());
    }
    let given = parameters(&body);
    let (subject, nonce) = match given["grant_type"].as_str() {
        "authorization_code" => {
            // A code is good once (RFC 6749 §4.1.2).
            let Some(granted) = inner.codes.remove(&given["code"]) else {
                return denied("invalid_grant");
            };
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&given["code_verifier"]));
            if challenge != granted.challenge || given["redirect_uri"] != granted.redirect_uri {
                return denied("invalid_grant");
            }
            (granted.subject, Some(granted.nonce))
        }
        "refresh_token" => match inner.refresh.remove(&given["refresh_token"]) {
            Some(subject) => (inner.manner.renewed_subject.clone().unwrap_or(subject), None),
            None => return denied("invalid_grant"),
        },
        _ => return denied("unsupported_grant_type"),
    };
    let exp = i64::try_from(now()).expect("now") + inner.manner.seconds;
    let mut claims =
        json!({"iss": inner.issuer, "aud": CLIENT, "azp": CLIENT, "sub": subject, "exp": exp, "iat": now()});
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    for (name, value) in inner.manner.claims.as_object().expect("claims") {
        claims[name] = value.clone();
    }
    let mut answer = json!({"access_token": "opaque", "token_type": "Bearer", "expires_in": 60});
    answer["id_token"] = json!(signed(inner.manner.seed, &claims));
    if inner.manner.refreshes {
        let refresh = format!("refresh {}", inner.asked.len());
        inner.refresh.insert(refresh.clone(), subject);
        answer["refresh_token"] = json!(refresh);
    }
    (StatusCode::OK, answer.to_string())
}
