//! TLS to the database: rustls with ring, as in the sinks; nothing is installed for the process.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ConnectError;
use crate::dsn::{Mode, Tls};

/// Makes connections that prove as much of the server as `tls` asks for.
pub fn connector(tls: &Tls) -> Result<MakeRustlsConnect, ConnectError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::of(&error))?;
    // as libpq: a file of certificates is there to be looked at, whatever the mode says
    let looks = matches!(tls.mode, Mode::VerifyCa | Mode::VerifyFull) || tls.root.is_some();
    let chain = match looks {
        true => {
            let roots = Arc::new(roots(tls.root.as_deref())?);
            Some(
                WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
                    .build()
                    .map_err(|error| ConnectError::of(&error))?,
            )
        }
        false => None,
    };
    let verifier = Verifier {
        chain,
        host: tls.mode == Mode::VerifyFull,
        provider,
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => {
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| ConnectError::new(format!("{}: no key in PEM: {error}", key.display())))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, key)
                .map_err(|error| ConnectError::of(&error))?
        }
        _ => builder.with_no_client_auth(),
    };
    // what PostgreSQL 17 asks for with sslnegotiation=direct
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

/// Whom to believe.
fn roots(file: Option<&Path>) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        for certificate in certificates(file)? {
            roots
                .add(certificate)
                .map_err(|error| ConnectError::new(format!("{}: {error}", file.display())))?;
        }
        return Ok(roots);
    }
    // a system's store may hold certificates of forms that rustls doesn't know; the others count
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(ConnectError::new(
            "the system has no certificates to believe: name a file in sslrootcert",
        ));
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let wrong = |why: String| ConnectError::new(format!("{}: no certificates in PEM{why}", file.display()));
    let read = CertificateDer::pem_file_iter(file).map_err(|error| wrong(format!(": {error}")))?;
    let certificates: Vec<_> = read
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(format!(": {error}")))?;
    if certificates.is_empty() {
        return Err(wrong(String::new()));
    }
    Ok(certificates)
}

/// Looks at as much of the server's certificate as the mode asks for.
#[derive(Debug)]
struct Verifier {
    /// Who may have signed it; `None` for anybody.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// Whether it must be for the host.
    host: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        // the chain is looked at before the name
        match chain.verify_server_cert(certificate, intermediates, host, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.host => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
