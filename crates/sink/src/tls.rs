//! TLS 1.2 and 1.3 with rustls and ring; nothing is installed for the process.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, ClientConfig, ClientConnection, Error, RootCertStore};

use crate::error::{ConfigError, DeliveryError};
use crate::options::Options;
use crate::secret;

/// Whom to believe, and who we are. The files are read for every delivery, so they may be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsOptions {
    /// Certificates (PEM) to believe instead of the system's.
    ca_file: Option<PathBuf>,
    /// Our certificate chain and key (PEM).
    client: Option<(PathBuf, PathBuf)>,
}

impl TlsOptions {
    /// Reads the options `ca_file`, `client_cert_file` and `client_key_file`; they are refused when there is
    /// no TLS.
    ///
    /// # Errors
    /// When one has a value that it can't have, or one of the last two is missing.
    pub fn parse(options: &mut Options<'_>, used: bool) -> Result<Option<Self>, ConfigError> {
        let ca_file = options.file("ca_file")?;
        let certificate = options.file("client_cert_file")?;
        let key = options.file("client_key_file")?;
        if !used {
            return match (ca_file, certificate, key) {
                (None, None, None) => Ok(None),
                _ => Err(
                    ConfigError::new("certificates are given, but the address doesn't use TLS").hint(
                        "Take an address that does (https://, tls://), or leave out ca_file, client_cert_file and \
                         client_key_file.",
                    ),
                ),
            };
        }
        let client = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate, key)),
            _ => return Err(ConfigError::new("client_cert_file and client_key_file need each other")),
        };
        Ok(Some(Self { ca_file, client }))
    }
}

/// A session with `host` that has not begun.
pub(crate) fn session(
    options: &TlsOptions,
    host: &str,
    alpn: Option<&'static [u8]>,
) -> Result<ClientConnection, DeliveryError> {
    let wrong = |error: Error| DeliveryError::permanent(format!("TLS cannot be set up: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_root_certificates(roots(options)?);
    let mut config = match &options.client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates("certificate file", certificate)?;
            let pem = secret::read("key file", key)?;
            let secret = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
                DeliveryError::permanent(format!("the key file {} has no key in PEM: {error}", key.display()))
            })?;
            builder.with_client_auth_cert(chain, secret).map_err(wrong)?
        }
    };
    config.alpn_protocols = alpn.into_iter().map(<[u8]>::to_vec).collect();
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| DeliveryError::permanent(format!("a certificate can't be for the host «{host}»")))?;
    ClientConnection::new(Arc::new(config), name).map_err(wrong)
}

fn roots(options: &TlsOptions) -> Result<RootCertStore, DeliveryError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = &options.ca_file {
        for certificate in certificates("certificate file", file)? {
            roots.add(certificate).map_err(|error| {
                DeliveryError::permanent(format!(
                    "the certificate file {} has a certificate that can't be used: {error}",
                    file.display()
                ))
            })?;
        }
        return Ok(roots);
    }
    // A system's store may hold certificates of forms that rustls doesn't know; the others count.
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found
            .errors
            .first()
            .map_or_else(|| "it is empty".to_owned(), ToString::to_string);
        return Err(DeliveryError::permanent(format!(
            "the system has no certificates to believe ({why}); name some in ca_file"
        )));
    }
    Ok(roots)
}

fn certificates(what: &str, path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, DeliveryError> {
    let pem = secret::read(what, path)?;
    let wrong = |why: String| {
        DeliveryError::permanent(format!(
            "the {what} {} has no certificates in PEM: {why}",
            path.display()
        ))
    };
    let all: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    if all.is_empty() {
        return Err(wrong("none found".to_owned()));
    }
    Ok(all)
}

/// Whether somebody must change something, here or there, before this passes.
pub(crate) fn is_permanent(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(_)
        | Error::NoCertificatesPresented
        | Error::UnsupportedNameType
        | Error::InvalidMessage(_)
        | Error::PeerIncompatible(_)
        | Error::NoApplicationProtocol => true,
        Error::AlertReceived(alert) => !matches!(
            alert,
            AlertDescription::CloseNotify
                | AlertDescription::InternalError
                | AlertDescription::UserCanceled
                | AlertDescription::BadRecordMac
        ),
        _ => false,
    }
}
