//! Files: at an address, in a store that speaks S3, or on a server by SFTP. Each has a mark by which it is known again when
//! nothing changed, so that it is not read twice.

use std::io::Write;

use chrono::Utc;
use reqwest::Url;
use reqwest::header::{ETAG, HeaderMap, LAST_MODIFIED};

use super::sftp::{self, Remote};
use super::{MOST_BYTES, SILENT_FOR, SourceError, Sources};
use crate::files::S3Settings;
use crate::http::CallContext;

/// Where a file is.
#[derive(Debug)]
pub enum FileAt {
    /// At an address.
    Url(String),
    /// In a store.
    S3(Object),
    /// On a server.
    Sftp(Remote),
}

/// An object of a store.
pub struct Object {
    /// The store, the bucket and who reads.
    pub store: S3Settings,
    /// The object.
    pub key: String,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("bucket", &self.store.bucket).finish_non_exhaustive()
    }
}

impl Sources {
    /// Reads a file into `sink`; its mark, empty where it has none, or none when it has the mark that is known.
    ///
    /// # Errors
    /// It must not be called, is away, refuses, or broke off.
    pub async fn fetch(
        &self,
        context: &CallContext,
        file: &FileAt,
        known: Option<&str>,
        sink: &mut (impl Write + Send),
    ) -> Result<Option<String>, SourceError> {
        match file {
            FileAt::Url(url) => {
                let url = Url::parse(url).map_err(|_| {
                    SourceError::Unfit("it is no address: write it as https://server/file".to_owned())
                })?;
                self.fetch_from(context, (url, HeaderMap::new()), known, sink).await
            }
            FileAt::S3(Object { store, key }) => {
                let signed = store.reading(key, Utc::now());
                let signed = signed.map_err(|fault| SourceError::Unfit(fault.to_owned()))?;
                self.fetch_from(context, signed, known, sink).await
            }
            FileAt::Sftp(remote) => {
                let address = self.address(&remote.host, remote.port).await?;
                sftp::fetch(context, remote, address, known, sink).await
            }
        }
    }

    async fn fetch_from(
        &self,
        context: &CallContext,
        (url, headers): (Url, HeaderMap),
        known: Option<&str>,
        sink: &mut (impl Write + Send),
    ) -> Result<Option<String>, SourceError> {
        let mut answer = self.outbound.open(context, url, headers).await?;
        let mark = [ETAG, LAST_MODIFIED].iter().find_map(|name| {
            Some(answer.headers().get(name)?.to_str().ok()?.chars().take(200).collect::<String>())
        });
        if mark.is_some() && mark.as_deref() == known {
            return Ok(None);
        }
        let mut bytes = 0;
        while let Some(piece) = answer.next(SILENT_FOR).await? {
            bytes += piece.len() as u64;
            if bytes > MOST_BYTES {
                return Err(SourceError::TooLarge);
            }
            sink.write_all(&piece)?;
        }
        sink.flush()?;
        Ok(Some(mark.unwrap_or_default()))
    }
}
