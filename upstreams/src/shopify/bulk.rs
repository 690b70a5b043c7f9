//! Bulk operations: the shop writes everything into one file of JSON lines, which is read as a stream, a line at a time,
//! from any byte at which a line begins.

use std::time::Duration;

use accounts::foreign::json;
use bytes::{Buf, BytesMut};
use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderValue, RANGE};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use super::graphql::{Query, bad, filter};
use super::{Client, Resource, UPSTREAM, queries};
use crate::error::ClientError;
use crate::http::{CallContext, Repeat, Streamed};

/// The longest line that is read. An order without its lines has a few kilobytes.
const LINE_BYTES: usize = 4 * 1024 * 1024;

/// A file that sends nothing for so long is broken.
const SILENT_FOR: Duration = Duration::from_secs(30);

/// How a bulk operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bulk {
    /// The shop is writing; so many objects are written.
    Running(u64),
    /// The file is there; none where there was nothing to write.
    Ready {
        /// Where.
        url: Option<String>,
        /// Its size.
        bytes: Option<u64>,
    },
    /// It ended without a file, for this reason.
    Failed(String),
}

impl Client {
    /// Has the shop write everything that was changed within a time; the operation's id. None when another operation is
    /// running: a shop has one at a time.
    ///
    /// # Errors
    /// As for any call.
    pub async fn start_bulk(
        &self,
        context: &CallContext,
        resource: Resource,
        (since, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Option<String>, ClientError> {
        let variables = json!({ "query": queries::bulk(resource, &filter(since, until)) });
        let text = queries::RUN_BULK;
        // A second one is refused while the first runs, so asking again does no harm.
        let query = Query { name: "run_bulk", size: 0, text, variables, repeat: Repeat::Always };
        let data = self.query(context, query).await?;
        let run = &data["bulkOperationRunQuery"];
        match run["bulkOperation"]["id"].as_str() {
            Some(id) => Ok(Some(id.to_owned())),
            None if run["userErrors"].as_array().is_some_and(|errors| !errors.is_empty()) => Ok(None),
            None => Err(bad("no bulk operation was begun")),
        }
    }

    /// How a bulk operation stands.
    ///
    /// # Errors
    /// As for any call.
    pub async fn bulk(&self, context: &CallContext, id: &str) -> Result<Bulk, ClientError> {
        let (text, variables) = (queries::LOOK_BULK, json!({ "id": id }));
        let query = Query { name: "bulk", size: 0, text, variables, repeat: Repeat::Always };
        let data = self.query(context, query).await?;
        let node = &data["node"];
        let number = |name: &str| match &node[name] {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        Ok(match node["status"].as_str().unwrap_or_default() {
            "COMPLETED" => {
                Bulk::Ready { url: node["url"].as_str().map(str::to_owned), bytes: number("fileSize") }
            }
            "CREATED" | "RUNNING" | "CANCELING" => Bulk::Running(number("objectCount").unwrap_or(0)),
            "" => Bulk::Failed("it is not known any more".to_owned()),
            other => {
                let code = node["errorCode"].as_str().unwrap_or(other);
                Bulk::Failed(crate::retry::clean_code(code))
            }
        })
    }

    /// Begins to read a bulk operation's file at a byte at which a line begins.
    ///
    /// # Errors
    /// As for any call.
    pub async fn read_bulk(
        &self,
        context: &CallContext,
        url: &str,
        from: u64,
    ) -> Result<BulkFile, ClientError> {
        let url = Url::parse(url).map_err(|_| bad("the file's address is no URL"))?;
        let mut headers = HeaderMap::new();
        if from > 0 {
            let range =
                HeaderValue::from_str(&format!("bytes={from}-")).expect("digits are a header's value");
            headers.insert(RANGE, range);
        }
        // The file lies elsewhere: the shop's token is not sent there.
        let answer = match self.shared.outbound.open(context, url, headers).await {
            // The end of the file was reached before.
            Err(ClientError::Rejected { status: 416, .. }) => return Ok(BulkFile::at_end(from)),
            answer => answer?,
        };
        let skip = if answer.status == StatusCode::PARTIAL_CONTENT { 0 } else { from };
        Ok(BulkFile { answer: Some(answer), buffer: BytesMut::new(), skip, at: from })
    }
}

/// A file of JSON lines as it is read; it holds one line in memory.
pub struct BulkFile {
    answer: Option<Streamed>,
    buffer: BytesMut,
    /// Bytes that come again because the other side knows no ranges.
    skip: u64,
    /// Where the next line begins.
    at: u64,
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkLine {
    /// The object.
    pub object: Value,
    /// The byte at which it began.
    pub at: u64,
}

impl BulkFile {
    fn at_end(at: u64) -> BulkFile {
        BulkFile { answer: None, buffer: BytesMut::new(), skip: 0, at }
    }

    /// Where the next line begins.
    pub fn place(&self) -> u64 {
        self.at
    }

    /// The next line; none at the end.
    ///
    /// # Errors
    /// The file broke off, or a line is none.
    pub async fn next(&mut self) -> Result<Option<BulkLine>, ClientError> {
        loop {
            if let Some(end) = memchr_newline(&self.buffer) {
                let line = self.buffer.split_to(end + 1);
                if let Some(line) = self.line(&line)? {
                    return Ok(Some(line));
                }
                continue;
            }
            if self.buffer.len() > LINE_BYTES {
                return Err(bad("a line of its file is longer than is read"));
            }
            let piece = match &mut self.answer {
                Some(answer) => answer.next(SILENT_FOR).await?,
                None => None,
            };
            let Some(mut piece) = piece else {
                self.answer = None;
                let rest = std::mem::take(&mut self.buffer);
                return if rest.is_empty() { Ok(None) } else { self.line(&rest) };
            };
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(piece.len());
            piece.advance(skipped);
            self.skip -= skipped as u64;
            self.buffer.extend_from_slice(&piece);
        }
    }

    fn line(&mut self, bytes: &[u8]) -> Result<Option<BulkLine>, ClientError> {
        let at = self.at;
        self.at += bytes.len() as u64;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let cleaned = json::clean(bytes).map_err(|_| bad("a line of its file is not JSON"))?;
        let object =
            serde_json::from_str(&cleaned.text).map_err(|_| bad("a line of its file is not JSON"))?;
        Ok(Some(BulkLine { object, at }))
    }
}

impl std::fmt::Debug for BulkFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BulkFile").field("upstream", &UPSTREAM).field("at", &self.at).finish_non_exhaustive()
    }
}

fn memchr_newline(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}
