//! The library's client for a location, with the credentials of the moment.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, Checksum, S3ConditionalPut};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{ClientOptions, HeaderMap, HeaderValue, ObjectStore, RetryConfig};
use sha2::{Digest, Sha256};

use crate::credentials::Section;
use crate::error::ObjectError;
use crate::location::{Remote, Service, s3_host};
use crate::transport::Transport;

/// Clients of one store, with the credentials of one moment.
#[derive(Clone)]
pub(crate) struct Clients {
    /// The hash of the credentials.
    pub(crate) of: [u8; 32],
    pub(crate) reading: Arc<dyn ObjectStore>,
    /// S3 takes an object under a bucket's lock with one more header, which the library signs as a default one.
    pub(crate) writing: Arc<dyn ObjectStore>,
}

impl Clients {
    /// The same for both.
    pub(crate) fn same(of: [u8; 32], client: Arc<dyn ObjectStore>) -> Self {
        Self {
            of,
            writing: Arc::clone(&client),
            reading: client,
        }
    }

    /// Those whose credentials are in `text`, the credentials file.
    pub(crate) fn new(remote: &Remote, text: &str, transport: &Transport) -> Result<Self, ObjectError> {
        let of = Sha256::digest(text.as_bytes()).into();
        let reading = client(remote, text, transport, HeaderMap::new())?;
        if !matches!(remote.service, Service::S3 { .. }) {
            return Ok(Self::same(of, reading));
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-sdk-checksum-algorithm", HeaderValue::from_static("SHA256"));
        Ok(Self {
            of,
            reading,
            writing: client(remote, text, transport, headers)?,
        })
    }
}

fn client(
    remote: &Remote,
    text: &str,
    transport: &Transport,
    headers: HeaderMap,
) -> Result<Arc<dyn ObjectStore>, ObjectError> {
    let clear = remote.endpoint.as_ref().is_some_and(|url| url.scheme == "http");
    let options = ClientOptions::new()
        .with_allow_http(clear)
        .with_default_headers(headers);
    // one attempt: when to try again is the caller's
    let retry = RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    };
    let endpoint = remote.endpoint.as_ref().map(|url| {
        let path = url.path.trim_end_matches('/');
        format!("{}://{}{path}", url.scheme, url.authority())
    });
    let section = Section::parse(&remote.credentials_file, text, &remote.profile);
    let unusable = |error: object_store::Error| {
        ObjectError::permanent(
            error.to_string(),
            "See that the options and the credentials are those of this storage.",
        )
    };
    match &remote.service {
        Service::S3 { region, path_style } => {
            let (Some(key), Some(secret)) = (
                section.value("aws_access_key_id")?,
                section.value("aws_secret_access_key")?,
            ) else {
                return Err(section.missing("aws_access_key_id and aws_secret_access_key"));
            };
            let base = endpoint.unwrap_or_else(|| format!("https://{}", s3_host(region)));
            // the library takes an endpoint of this style with the bucket in its host
            let base = match (path_style, base.split_once("://")) {
                (false, Some((scheme, host))) => format!("{scheme}://{}.{host}", remote.bucket),
                _ => base,
            };
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name(&remote.bucket)
                .with_region(region)
                .with_endpoint(base)
                .with_virtual_hosted_style_request(!path_style)
                .with_access_key_id(key)
                .with_secret_access_key(secret)
                .with_allow_http(clear)
                .with_conditional_put(S3ConditionalPut::ETagMatch)
                .with_checksum_algorithm(Checksum::SHA256)
                .with_client_options(options)
                .with_retry(retry)
                .with_http_connector(transport.clone());
            if let Some(token) = section.value("aws_session_token")? {
                builder = builder.with_token(token);
            }
            Ok(Arc::new(builder.build().map_err(unusable)?))
        }
        Service::Azure { account, application } => {
            let mut builder = MicrosoftAzureBuilder::new()
                .with_account(account)
                .with_container_name(&remote.bucket)
                .with_allow_http(clear)
                .with_client_options(options)
                .with_retry(retry)
                .with_http_connector(transport.clone());
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            let secrets = ["azure_storage_key", "azure_storage_sas", "azure_client_secret"];
            let [key, sas, secret] = secrets.map(|name| section.value(name));
            builder = match (application, key?, sas?, secret?) {
                (Some(application), None, None, Some(secret)) => {
                    builder.with_client_secret_authorization(&application.client, secret, &application.tenant)
                }
                (None, Some(key), None, None) => builder.with_access_key(key),
                (None, None, Some(sas), None) => builder.with_config(object_store::azure::AzureConfigKey::SasKey, sas),
                (Some(_), ..) => return Err(section.missing("azure_client_secret, and nothing else")),
                (None, ..) => return Err(section.missing("azure_storage_key or azure_storage_sas, one of them")),
            };
            Ok(Arc::new(builder.build().map_err(unusable)?))
        }
        Service::Google => {
            let mut builder = GoogleCloudStorageBuilder::new()
                .with_bucket_name(&remote.bucket)
                .with_service_account_key(text)
                .with_client_options(options)
                .with_retry(retry)
                .with_http_connector(transport.clone());
            if let Some(endpoint) = endpoint {
                builder = builder.with_base_url(&endpoint);
            }
            Ok(Arc::new(builder.build().map_err(unusable)?))
        }
    }
}
