//! A store that speaks S3: put, get and delete of one object each, every request signed with the digest of its body, with paths
//! that begin with the bucket.

mod signature;

use std::io;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{StreamExt, TryStreamExt};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Body, Client, Method, Response, StatusCode, Url};
use sha2::{Digest, Sha256};
use tokio::fs::File;

use self::signature::{Signed, Signer, authorization, encoded};
use super::{FilesError, Reading, pieces};

/// How long the store may take until it begins to answer a request without a body.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How long a whole upload may take.
const UPLOAD_WITHIN: Duration = Duration::from_secs(600);
/// The digest of no body.
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

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

impl S3Settings {
    /// The store's address, when all of it fits.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn checked(&self) -> Result<Url, &'static str> {
        let is_word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
                && text.bytes().any(|byte| byte != b'.')
        };
        if !is_word(&self.bucket) || !is_word(&self.region) {
            return Err("its bucket and region must be words of letters, digits, dots and dashes");
        }
        if self.access_key.is_empty() || self.secret_key.is_empty() {
            return Err("both parts of its key must be set");
        }
        let endpoint = Url::parse(&self.endpoint).map_err(|_| "it must be an http or https URL")?;
        let is_bare = endpoint.path() == "/" && endpoint.query().is_none() && endpoint.username().is_empty();
        if !matches!(endpoint.scheme(), "https" | "http") || !endpoint.has_host() || !is_bare {
            return Err("it must be an http or https URL without a path");
        }
        Ok(endpoint)
    }

    /// Where an object is read, with the headers that let us.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn reading(&self, key: &str, now: DateTime<Utc>) -> Result<(Url, HeaderMap), &'static str> {
        self.request(&self.checked()?, &Method::GET, key, NOTHING, now)
    }

    fn request(
        &self,
        endpoint: &Url,
        method: &Method,
        key: &str,
        body: &str,
        now: DateTime<Utc>,
    ) -> Result<(Url, HeaderMap), &'static str> {
        // A part of dots alone would be taken out of the address on the way, and another object be asked for.
        if key.is_empty() || key.split('/').any(|part| matches!(part, "." | "..")) {
            return Err("the key must have a part, and none of dots alone");
        }
        let path = format!("/{}/{}", self.bucket, encoded(key));
        let mut url = endpoint.clone();
        url.set_path(&path);
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let stamp = now.format("%Y%m%dT%H%M%SZ").to_string();
        let signer =
            Signer { region: &self.region, access_key: &self.access_key, secret_key: &self.secret_key };
        let signed =
            [("host", host.as_str()), ("x-amz-content-sha256", body), ("x-amz-date", stamp.as_str())];
        let request =
            Signed { method: method.as_str(), path: url.path(), headers: &signed, body, stamp: &stamp };
        let authorization = authorization(signer, &request);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-amz-date", stamp.as_str()),
            ("x-amz-content-sha256", body),
            ("authorization", authorization.as_str()),
        ] {
            let value =
                HeaderValue::from_str(value).map_err(|_| "the key has signs that no header carries")?;
            headers.insert(name, value);
        }
        Ok((url, headers))
    }
}

impl S3 {
    /// A client of the store.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn new(settings: S3Settings) -> Result<S3, &'static str> {
        let base = settings.checked()?;
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| "the client cannot be made")?;
        Ok(S3 { client, base, settings })
    }

    pub(super) async fn put(&self, key: &str, file: &Path, size: u64) -> Result<(), FilesError> {
        let mut digest = Sha256::new();
        let mut read = pin!(pieces(File::open(file).await?));
        while let Some(piece) = read.try_next().await? {
            digest.update(&piece);
        }
        let digest = hex::encode(digest.finalize());
        let body = Body::wrap_stream(pieces(File::open(file).await?));
        let request = self.request(Method::PUT, key, &digest)?.header("content-length", size).body(body);
        let answer = request.timeout(UPLOAD_WITHIN).send().await.map_err(failed)?;
        checked(answer).map(|_| ())
    }

    pub(super) async fn get(&self, key: &str) -> Result<Reading, FilesError> {
        let request = self.request(Method::GET, key, NOTHING)?;
        let answer = tokio::time::timeout(ANSWER_WITHIN, request.send()).await;
        let answer =
            checked(answer.map_err(|_| FilesError::Store("it did not answer".to_owned()))?.map_err(failed)?)?;
        let size_bytes = answer.content_length();
        Ok(Reading { size_bytes, bytes: answer.bytes_stream().map_err(io::Error::other).boxed() })
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), FilesError> {
        let request = self.request(Method::DELETE, key, NOTHING)?.timeout(ANSWER_WITHIN);
        match checked(request.send().await.map_err(failed)?) {
            Ok(_) | Err(FilesError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn request(&self, method: Method, key: &str, body: &str) -> Result<reqwest::RequestBuilder, FilesError> {
        let (url, headers) = self
            .settings
            .request(&self.base, &method, key, body, Utc::now())
            .map_err(|fault| FilesError::Store(fault.to_owned()))?;
        Ok(self.client.request(method, url).headers(headers))
    }
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

    fn settings() -> S3Settings {
        S3Settings {
            endpoint: "https://s3.example.com:9000".to_owned(),
            region: "us-east-1".to_owned(),
            bucket: "examplebucket".to_owned(),
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        }
    }

    #[test]
    fn what_is_signed_is_what_is_asked_for() {
        let now = DateTime::UNIX_EPOCH;
        let (url, headers) = settings().reading("orders/May 2026+(1).csv", now).expect("it fits");
        assert_eq!(url.as_str(), "https://s3.example.com:9000/examplebucket/orders/May%202026%2B%281%29.csv");
        assert_eq!(headers["x-amz-date"], "19700101T000000Z");
        let signed = headers["authorization"].to_str().expect("text");
        assert!(signed.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date"), "{signed}");
        let (_, other) = settings().reading("orders/June.csv", now).expect("it fits");
        assert_ne!(headers["authorization"], other["authorization"]);
        for key in ["", "..", "a/../b", "./a"] {
            assert!(settings().reading(key, now).is_err(), "{key}");
        }
    }

    #[test]
    fn settings_that_do_not_fit_are_refused_before_anything_is_sent() {
        for (endpoint, bucket) in [
            ("s3.example.com", "b"),
            ("https://s3.example.com/x", "b"),
            ("ftp://x", "b"),
            ("https://x", "a/b"),
            ("https://x", ".."),
            ("https://x", ""),
        ] {
            let (endpoint, bucket) = (endpoint.to_owned(), bucket.to_owned());
            let settings = S3Settings { endpoint, bucket, ..settings() };
            assert!(settings.checked().is_err(), "{} {}", settings.endpoint, settings.bucket);
        }
    }
}
