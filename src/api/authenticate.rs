//! `auditlog.authenticate`: a signed token says whom the session speaks for, until the transaction ends. For
//! applications whose users share connections.

use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::guc;
use crate::hooks::access::{self, Kind};
use crate::identity::{self, ApiToken, Subject};
use crate::store::columns::text;
use crate::store::{api_tokens, principals, token_keys};
use auditlog_core::json::Json;
use auditlog_identity::{Expected, Keys, verify};
use auditlog_redact::token::PREFIX;
use pgrx::PgSqlErrorCode as Code;
use pgrx::guc::GucSetting;
use pgrx::pg_sys::Datum;
use sha2::{Digest, Sha256};
use std::ffi::CString;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

crate::sql_function!(auditlog_authenticate, pg_finfo_auditlog_authenticate, authenticate);
crate::sql_function!(auditlog_set_token_keys, pg_finfo_auditlog_set_token_keys, set_keys);

/// Bytes that a JWK Set may have.
const LONGEST_SET: u64 = 1 << 20;

/// `authenticate(token)`
fn authenticate(call: &Call) -> Datum {
    let Some(token) = call.str(0) else {
        Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "token is missing")
            .detail("The token is NULL.")
            .hint("Give the JSON Web Token that the user's browser or program has sent.")
            .raise()
    };
    if token.starts_with(PREFIX) {
        return by_api_token(token);
    }
    let (keys, expected) = configured();
    let now = crate::shmem::unix_micros().div_euclid(1_000_000);
    let subject = verify(token, &keys, &expected, now).unwrap_or_else(|refused| {
        Fault::new(Code::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "the token is refused")
            .detail(format!("{}.", capital(&refused.to_string())))
            .hint("Have the user log in again. Keys, issuer and audience are set by auditlog.set_token_keys(), or by auditlog.jwks_file and its neighbours.")
            .raise()
    });
    let tenant = match subject.tenant {
        Some(tenant) => Some(tenant),
        None => match principals::tenants_of(&subject.id).as_slice() {
            [tenant] => tenant.clone(),
            [] => unknown(),
            _ => Fault::new(
                Code::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
                "the token does not say of which tenant its subject is",
            )
            .detail("Principals of several tenants have this actor id.")
            .hint("Have the issuer put the tenant into the claim \"tenant\".")
            .raise(),
        },
    };
    let subject = Subject {
        actor_id: subject.id,
        tenant,
    };
    if principals::of_actor(&subject).is_none() {
        unknown();
    }
    let actor_id = text(subject.actor_id.as_bytes());
    identity::set(subject, None);
    actor_id
}

/// A token of ours. Each use is told of, also one that is refused; a row cannot be written, for the transaction may be read-only.
fn by_api_token(token: &str) -> Datum {
    let found = api_tokens::by_hash(&Sha256::digest(token));
    let number = found.as_ref().map_or(Json::Null, |found| own_event::number(found.id));
    let name = found.as_ref().map_or(Json::Null, |found| own_event::text(&found.name));
    let arguments = Json::Object(vec![("token_id".to_owned(), number), ("token".to_owned(), name)]);
    let good = found.filter(|found| found.refusal.is_none());
    let Some(found) = good else {
        access::note(Kind::View, "authenticate", arguments);
        // Who does not have a good token learns nothing of those that were.
        Fault::new(
            Code::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
            "the token is refused",
        )
        .detail("It is unknown, revoked or expired.")
        .hint("auditlog.tokens lists yours; auditlog.create_token() makes one.")
        .raise()
    };
    let subject = Subject {
        actor_id: found.actor_id,
        tenant: found.tenant,
    };
    if principals::of_actor(&subject).is_none() {
        unknown();
    }
    let actor_id = text(subject.actor_id.as_bytes());
    let token = ApiToken {
        id: found.id,
        scopes: found.scopes,
    };
    identity::set(subject, Some(token));
    access::note(Kind::View, "authenticate", arguments);
    actor_id
}

fn unknown() -> ! {
    Fault::new(
        Code::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
        "the token's subject is no principal",
    )
    .detail("The token is good, but nobody has said who its subject is.")
    .hint("Add it with auditlog.add_principal(actor_id => …), with its tenant if the token names one.")
    .raise()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// Keys and expectations: of the settings when they name a file, which only superusers can; or else those
/// that an administrator has set.
fn configured() -> (Keys, Expected) {
    let setting = |setting: &GucSetting<Option<CString>>| {
        let value = setting.get();
        value
            .and_then(|value| value.into_string().ok())
            .filter(|value| !value.is_empty())
    };
    if let Some(path) = setting(&guc::JWKS_FILE) {
        let (Some(issuer), Some(audience)) = (setting(&guc::JWT_ISSUER), setting(&guc::JWT_AUDIENCE)) else {
            Fault::broken("issuer or audience of tokens is not set")
                .detail("Without them a token for any other application of the same issuer would be taken.")
                .hint("Set auditlog.jwt_issuer and auditlog.jwt_audience beside auditlog.jwks_file.")
                .raise()
        };
        let keys =
            read_set(&path).and_then(|text| Keys::parse(&text).map_err(|e| format!("{}.", capital(&e.to_string()))));
        let keys = keys.unwrap_or_else(|detail| {
            Fault::broken("the keys for tokens cannot be read")
                .detail(detail)
                .hint("auditlog.jwks_file must name a JWK Set that the server's account can read and nobody else can write.")
                .raise()
        });
        return (keys, Expected { issuer, audience });
    }
    let Some(stored) = token_keys::get() else {
        Fault::broken("there are no keys to check tokens with")
            .detail("Neither auditlog.jwks_file is set nor has an administrator set keys.")
            .hint("Call auditlog.set_token_keys(jwks, issuer, audience).")
            .raise()
    };
    let keys = Keys::parse(&stored.jwks).unwrap_or_else(|e| {
        Fault::broken("the keys for tokens cannot be read")
            .detail(format!("{}.", capital(&e.to_string())))
            .hint("Set them again with auditlog.set_token_keys().")
            .raise()
    });
    let expected = Expected {
        issuer: stored.issuer,
        audience: stored.audience,
    };
    (keys, expected)
}

/// The file's text; or why there is none. Its path is for superusers, so it is not named.
fn read_set(path: &str) -> Result<String, String> {
    let failed = |e: std::io::Error| format!("The file cannot be read: {e}.");
    let file = std::fs::File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err("It is not a file.".to_owned());
    }
    // Who can write keys is whom he likes.
    if about.mode() & 0o022 != 0 {
        return Err("Others than its owner may write it.".to_owned());
    }
    let mut text = String::new();
    file.take(LONGEST_SET + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > LONGEST_SET {
        return Err(format!("It has more than {LONGEST_SET} bytes."));
    }
    Ok(text)
}

/// `set_token_keys(jwks, issuer, audience)`; without keys no token is taken any more.
fn set_keys(call: &Call) -> Datum {
    let given = |at: usize| call.text(at).filter(|text| !text.trim().is_empty());
    let before = token_keys::get();
    let after = given(0).map(|jwks| {
        if jwks.len() as u64 > LONGEST_SET {
            invalid("the keys are too long", format!("They have {} bytes.", jwks.len()));
        }
        if let Err(e) = Keys::parse(&jwks) {
            invalid(
                "this is no set of keys to check tokens with",
                format!("{}.", capital(&e.to_string())),
            );
        }
        let (Some(issuer), Some(audience)) = (given(1), given(2)) else {
            invalid(
                "issuer or audience is missing",
                "Without them a token for any other application of the same issuer would be taken.",
            )
        };
        token_keys::Stored { jwks, issuer, audience }
    });
    let who = crate::provenance::session_user();
    token_keys::set(after.as_ref(), &who);
    own_event::record_change(
        &OwnEvent {
            event_type: "auditlog.principal_change",
            severity: "critical",
            actor: ("database_role", &who),
            operation: "set_token_keys",
            metadata: &[],
        },
        Some(("token_keys", "token_keys")),
        before.as_ref().map(document),
        after.as_ref().map(document),
    );
    call.null()
}

fn invalid(message: &str, detail: impl Into<String>) -> ! {
    Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, message)
        .detail(detail)
        .hint("Give a JWK Set with public Ed25519 or RSA keys, the claim iss of its tokens, and the claim aud that is meant for this log.")
        .raise()
}

fn document(stored: &token_keys::Stored) -> Json {
    let ids = Keys::parse(&stored.jwks).map(|keys| {
        keys.ids()
            .map(|id| id.map_or(Json::Null, own_event::text))
            .collect::<Vec<_>>()
    });
    let digest = <sha2::Sha256 as sha2::Digest>::digest(stored.jwks.as_bytes());
    Json::Object(vec![
        ("issuer".to_owned(), own_event::text(&stored.issuer)),
        ("audience".to_owned(), own_event::text(&stored.audience)),
        ("key_ids".to_owned(), Json::Array(ids.unwrap_or_default())),
        (
            "jwks_sha256".to_owned(),
            own_event::text(&auditlog_core::erase::hex(&digest)),
        ),
    ])
}
