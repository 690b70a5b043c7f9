//! Tokens: a code is exchanged for an access token that lasts an hour and a refresh token that is good once, and so on.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::graphql::TOKEN;
use super::{Client, Shopify, UPSTREAM};
use crate::error::{ClientError, SetupError};
use crate::http::{Answer, CallContext, Repeat, Request, Verdict, judge_status, url_under};

/// What opens a shop for a while.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Tokens {
    /// Sent with each call.
    pub access_token: String,
    /// Seconds until it expires; none for one that does not.
    pub expires_in: Option<u32>,
    /// What the next tokens are asked for with.
    pub refresh_token: Option<String>,
    /// What the owner agreed to.
    #[serde(default)]
    pub scope: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

impl Tokens {
    /// How long the access token is good.
    pub fn lifetime(&self) -> Option<Duration> {
        self.expires_in.map(|secs| Duration::from_secs(u64::from(secs)))
    }
}

impl Shopify {
    /// Where the owner of a shop is asked to agree.
    ///
    /// # Errors
    /// The domain cannot be used.
    pub fn authorize_url(&self, shop: &str, redirect_uri: &str, state: &str) -> Result<Url, SetupError> {
        let mut url = url_under(&self.base(shop)?, &["admin", "oauth", "authorize"]);
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("scope", &self.settings.scopes)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("state", state);
        Ok(url)
    }

    /// Exchanges the code that came with the browser for tokens that expire.
    ///
    /// # Errors
    /// The shop does not answer, or the code is none.
    pub async fn exchange(
        &self,
        context: &CallContext,
        shop: &str,
        code: &str,
    ) -> Result<Tokens, ClientError> {
        self.ask(context, shop, &[("code", code), ("expiring", "1")]).await
    }

    /// Exchanges a refresh token for the next tokens.
    ///
    /// # Errors
    /// The shop does not answer, or does not take the token any more (`Rejected` or `Unauthorised`).
    pub async fn refresh(
        &self,
        context: &CallContext,
        shop: &str,
        refresh_token: &str,
    ) -> Result<Tokens, ClientError> {
        self.ask(context, shop, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    async fn ask(
        &self,
        context: &CallContext,
        shop: &str,
        fields: &[(&str, &str)],
    ) -> Result<Tokens, ClientError> {
        let base = self.base(shop).map_err(|_| ClientError::ForbiddenAddress {
            upstream: UPSTREAM,
            problem: "it is no shop's domain",
        })?;
        let mut form = Url::parse("form:").expect("a URL without anything");
        form.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("client_secret", &self.settings.client_secret)
            .extend_pairs(fields);
        let request = Request {
            method: Method::POST,
            url: url_under(&base, &["admin", "oauth", "access_token"]),
            headers: HeaderMap::from_iter([(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            )]),
            body: Some(Bytes::from(form.query().unwrap_or_default().to_owned())),
            // The same refresh token is answered with the same tokens until the new ones are used.
            repeat: Repeat::Always,
        };
        let answer = self.outbound.send(context, &request, judge).await?;
        serde_json::from_slice(&answer.body)
            .ok()
            .filter(|tokens: &Tokens| !tokens.access_token.is_empty())
            .ok_or(ClientError::BadAnswer { upstream: UPSTREAM, problem: "there is no token in it" })
    }
}

impl Client {
    /// Has the shop forget the token that this client has, and the app with it.
    ///
    /// # Errors
    /// The shop does not answer, or does not know the token any more.
    pub async fn revoke(&self, context: &CallContext) -> Result<(), ClientError> {
        let base = self.shared.base(&self.shop).map_err(|_| ClientError::ForbiddenAddress {
            upstream: UPSTREAM,
            problem: "it is no shop's domain",
        })?;
        let request = Request {
            method: Method::DELETE,
            url: url_under(&base, &["admin", "api_permissions", "current.json"]),
            headers: HeaderMap::from_iter([(TOKEN, self.token.clone())]),
            body: None,
            repeat: Repeat::Always,
        };
        self.shared.outbound.send(context, &request, judge).await.map(|_| ())
    }
}

fn judge(answer: &Answer) -> Verdict {
    judge_status(answer.status)
}
