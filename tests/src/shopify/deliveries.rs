//! The webhooks of a shop on their way: signed, and by a seed some come twice, some late, some never.

use std::time::Duration;

use chrono::DateTime;
use futures_util::StreamExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::source::Change;
use super::wire::webhook_body;
use super::{SECRET, SHOP, Stub};

/// Whoever carries them to an address.
pub struct Courier {
    http: reqwest::Client,
    url: String,
    random: StdRng,
    /// Of a hundred, how many never arrive.
    lost: u32,
    /// Of a hundred, how many arrive twice.
    twice: u32,
}

/// One delivery, as it was written when it happened.
#[derive(Clone)]
pub struct Letter {
    topic: &'static str,
    event_id: String,
    triggered_at: String,
    body: String,
}

/// What became of deliveries.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivered {
    /// Deliveries that were answered with 2xx, repetitions among them.
    pub accepted: u64,
    /// Deliveries that were never made.
    pub lost: u64,
    /// Of them, those that would have told of a deletion: only asking for each order tells of it now.
    pub lost_deletions: u64,
    /// Deliveries that were answered otherwise, or not.
    pub refused: u64,
}

impl Courier {
    /// To an api.
    ///
    /// # Errors
    /// No client.
    pub fn new(base: &str, (lost, twice): (u32, u32), seed: u64) -> anyhow::Result<Courier> {
        Ok(Courier {
            http: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?,
            url: format!("{base}/api/webhooks/shopify"),
            random: StdRng::seed_from_u64(seed),
            lost,
            twice,
        })
    }

    /// Delivers letters in no order, some of them twice and some never.
    pub async fn deliver(&mut self, written: Vec<Letter>) -> Delivered {
        let mut letters = Vec::new();
        let mut delivered = Delivered::default();
        for letter in written {
            if self.random.random_range(0..100) < self.lost {
                delivered.lost += 1;
                delivered.lost_deletions += u64::from(letter.topic == "orders/delete");
                continue;
            }
            if self.random.random_range(0..100) < self.twice {
                letters.push(letter.clone());
            }
            letters.push(letter);
        }
        letters.shuffle(&mut self.random);
        let sent = futures_util::stream::iter(letters)
            .map(|letter| self.http_send(letter))
            .buffer_unordered(8)
            .collect::<Vec<bool>>()
            .await;
        delivered.accepted = sent.iter().filter(|is_accepted| **is_accepted).count() as u64;
        delivered.refused = sent.len() as u64 - delivered.accepted;
        delivered
    }

    async fn http_send(&self, letter: Letter) -> bool {
        let signature = signature(letter.body.as_bytes());
        let sent = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .header("x-shopify-shop-domain", SHOP)
            .header("x-shopify-topic", letter.topic)
            .header("x-shopify-event-id", letter.event_id)
            .header("x-shopify-triggered-at", letter.triggered_at)
            .header("x-shopify-hmac-sha256", signature)
            .body(letter.body)
            .send()
            .await;
        sent.is_ok_and(|answer| answer.status().is_success())
    }
}

/// What tells of a change, as things stand now.
pub fn letter(stub: &Stub, change: Change) -> Letter {
    let body = stub.source(|source| {
        source.orders.get(&change.order).map(|order| webhook_body(source, change.order, order, change.topic))
    });
    Letter {
        topic: change.topic,
        event_id: format!("{}-{}", change.order, change.at_micros),
        triggered_at: DateTime::from_timestamp_micros(change.at_micros).unwrap_or_default().to_rfc3339(),
        body: body.unwrap_or_default().to_string(),
    }
}

/// The header that proves a body.
fn signature(body: &[u8]) -> String {
    use base64::Engine;
    use hmac::{Hmac, KeyInit, Mac};
    let mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes any key");
    base64::engine::general_purpose::STANDARD.encode(mac.chain_update(body).finalize().into_bytes())
}
