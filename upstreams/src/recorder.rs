//! The recording upstream of the cluster's own tests: probes have their effects there, so that somebody outside counts
//! how often each happened. It stands on loopback, where the policy for real upstreams lets nobody go, so this client
//! follows none of it.

/// The recording upstream.
#[derive(Clone, Debug)]
pub struct Recorder {
    base: String,
    http: reqwest::Client,
}

/// Why an effect was not recorded, or is not known of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecorderError {
    /// It answered with this status.
    #[error("the recording upstream answered {0}")]
    Refused(u16),
    /// It did not answer.
    #[error("the recording upstream cannot be reached")]
    Unreachable,
}

impl Recorder {
    /// The upstream at this base URL.
    ///
    /// # Errors
    /// The machine's certificates cannot be used.
    pub fn new(base: String) -> Result<Recorder, reqwest::Error> {
        Ok(Recorder { base, http: reqwest::Client::builder().build()? })
    }

    /// Whether the effect of that name was recorded.
    ///
    /// # Errors
    /// It cannot tell; that is no reason to have the effect again.
    pub async fn has(&self, name: &str) -> Result<bool, RecorderError> {
        match answer(self.http.get(self.url(name))).await? {
            200 => Ok(true),
            404 => Ok(false),
            status => Err(RecorderError::Refused(status)),
        }
    }

    /// Records an effect.
    ///
    /// # Errors
    /// It was not recorded, or the answer was lost.
    pub async fn record(&self, name: &str) -> Result<(), RecorderError> {
        match answer(self.http.post(self.url(name))).await? {
            200..300 => Ok(()),
            status => Err(RecorderError::Refused(status)),
        }
    }

    fn url(&self, name: &str) -> String {
        format!("{}/effects/{name}", self.base)
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<u16, RecorderError> {
    Ok(request.send().await.map_err(|_| RecorderError::Unreachable)?.status().as_u16())
}
