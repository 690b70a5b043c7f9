//! The recording upstream as a program, for the demo, the chaos run and work by hand.
//!
//! `upstream [ADDRESS]` listens on a loopback address (default `127.0.0.1:0`), prints its URL, and runs until
//! it is interrupted or terminated.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let text = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let addr: SocketAddr =
        text.parse().with_context(|| format!("{text} is not an address like 127.0.0.1:8090"))?;
    if !addr.ip().is_loopback() {
        bail!("{addr} is not a loopback address; this server is for local runs only");
    }
    let upstream =
        cluster::upstream::start(addr).await.with_context(|| format!("cannot listen on {addr}"))?;
    println!("upstream: listening on http://{}", upstream.addr);
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    Ok(())
}
