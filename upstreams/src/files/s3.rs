//! A store that speaks S3: put, get and delete of one object each, signed as AWS Signature Version 4 says
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>), with paths that begin with the
//! bucket. Objects are named by ids, so nothing in a path needs escaping.

use std::io;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{StreamExt, TryStreamExt};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Body, Client, Method, Response, StatusCode, Url};
use sha2::{Digest, Sha256};
use tokio::fs::File;

use super::{FilesError, Reading, pieces};

/// How long the store may take until it begins to answer a request without a body.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How long a whole upload may take.
const UPLOAD_WITHIN: Duration = Duration::from_secs(600);
/// The bytes of a body are not part of what is signed; TLS and the length look after them.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// How the store is reached.
#[derive(Clone)]
pub struct S3Settings {
    /// For example `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// For example `eu-central-1`.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// The key's public part.
    pub access_key: String,
    /// The key's secret part.
    pub secret_key: String,
}

/// The store. Cheap to clone. Printing it for debugging shows no secret.
#[derive(Clone)]
pub struct S3 {
    client: Client,
    base: Url,
    settings: S3Settings,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3").field("bucket", &self.settings.bucket).finish_non_exhaustive()
    }
}

impl S3 {
    /// A client of the store.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn new(settings: S3Settings) -> Result<S3, &'static str> {
        let is_word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        };
        if !is_word(&settings.bucket) || !is_word(&settings.region) {
            return Err("bucket and region are words of letters, digits, dots and dashes");
        }
        if settings.access_key.is_empty() || settings.secret_key.is_empty() {
            return Err("both parts of the key are needed");
        }
        let endpoint = Url::parse(&settings.endpoint).map_err(|_| "the endpoint is a URL")?;
        let is_bare = endpoint.path() == "/" && endpoint.query().is_none() && endpoint.username().is_empty();
        if !matches!(endpoint.scheme(), "https" | "http") || !endpoint.has_host() || !is_bare {
            return Err("the endpoint is a URL of scheme and host alone");
        }
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| "the client cannot be made")?;
        Ok(S3 { client, base: endpoint, settings })
    }

    pub(super) async fn put(&self, key: &str, file: &Path, size: u64) -> Result<(), FilesError> {
        let body = Body::wrap_stream(pieces(File::open(file).await?));
        let request = self.request(Method::PUT, key, Utc::now())?.header("content-length", size).body(body);
        let answer = request.timeout(UPLOAD_WITHIN).send().await.map_err(failed)?;
        checked(answer).map(|_| ())
    }

    pub(super) async fn get(&self, key: &str) -> Result<Reading, FilesError> {
        let request = self.request(Method::GET, key, Utc::now())?;
        let answer = tokio::time::timeout(ANSWER_WITHIN, request.send()).await;
        let answer =
            checked(answer.map_err(|_| FilesError::Store("it did not answer".to_owned()))?.map_err(failed)?)?;
        let size_bytes = answer.content_length();
        Ok(Reading { size_bytes, bytes: answer.bytes_stream().map_err(io::Error::other).boxed() })
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), FilesError> {
        let request = self.request(Method::DELETE, key, Utc::now())?.timeout(ANSWER_WITHIN);
        match checked(request.send().await.map_err(failed)?) {
            Ok(_) | Err(FilesError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn request(
        &self,
        method: Method,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<reqwest::RequestBuilder, FilesError> {
        let path = format!("/{}/{key}", self.settings.bucket);
        let url = self.base.join(&path).map_err(|_| FilesError::Store("the path is none".to_owned()))?;
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let stamp = now.format("%Y%m%dT%H%M%SZ").to_string();
        let authorization = authorization(&self.settings, method.as_str(), url.path(), &host, &stamp);
        Ok(self
            .client
            .request(method, url)
            .header("x-amz-date", stamp)
            .header("x-amz-content-sha256", UNSIGNED)
            .header("authorization", authorization))
    }
}

fn authorization(settings: &S3Settings, method: &str, path: &str, host: &str, stamp: &str) -> String {
    const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";
    let day = &stamp[..8];
    let scope = format!("{day}/{}/s3/aws4_request", settings.region);
    let canonical = format!(
        "{method}\n{path}\n\nhost:{host}\nx-amz-content-sha256:{UNSIGNED}\nx-amz-date:{stamp}\n\n{SIGNED}\n{UNSIGNED}"
    );
    let digest = hex::encode(Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}");
    let mut key = format!("AWS4{}", settings.secret_key).into_bytes();
    for part in [day, &settings.region, "s3", "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    let signature = hex::encode(mac(&key, to_sign.as_bytes()));
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={SIGNED}, Signature={signature}",
        settings.access_key
    )
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn checked(answer: Response) -> Result<Response, FilesError> {
    match answer.status() {
        status if status.is_success() => Ok(answer),
        StatusCode::NOT_FOUND => Err(FilesError::Missing),
        status => Err(FilesError::Store(format!("it answered {status}"))),
    }
}

fn failed(error: reqwest::Error) -> FilesError {
    // Without the address, which names the tenant.
    FilesError::Store(error.without_url().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed apart from this code, from the same request.
    #[test]
    fn a_request_is_signed_as_the_standard_says() {
        let settings = S3Settings {
            endpoint: "https://s3.example.com".to_owned(),
            region: "us-east-1".to_owned(),
            bucket: "examplebucket".to_owned(),
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        };
        assert_eq!(
            authorization(&settings, "GET", "/examplebucket/a/b", "s3.example.com", "20130524T000000Z"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
             Signature=cf9fe0c63aaa4ea7474f6ab056cf513486eaa3bd021074e841d9b4bc49103023"
        );
    }

    #[test]
    fn settings_that_do_not_fit_are_refused_before_anything_is_sent() {
        for (endpoint, bucket) in [
            ("s3.example.com", "b"),
            ("https://s3.example.com/x", "b"),
            ("ftp://x", "b"),
            ("https://x", "a/b"),
            ("https://x", ""),
        ] {
            let settings = S3Settings {
                endpoint: endpoint.to_owned(),
                region: "r".to_owned(),
                bucket: bucket.to_owned(),
                access_key: "a".to_owned(),
                secret_key: "s".to_owned(),
            };
            assert!(S3::new(settings).is_err(), "{endpoint} {bucket}");
        }
    }
}
