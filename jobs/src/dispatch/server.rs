//! Which Redis: a single server, one found through Sentinel, or a cluster, with or without TLS; and
//! connections to it.
//!
//! `redis://` and `rediss://` name a server; `redis+sentinel://host:port,host:port/NAME` the Sentinels
//! that know the master NAME; `redis+cluster://host:port,host:port` some nodes of a cluster (`rediss+…`
//! with TLS). Valkey speaks the same protocol.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection, PubSub},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    sentinel::{SentinelClient, SentinelServerType},
};
use tokio::sync::Mutex;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A Redis, as configured.
#[derive(Clone)]
pub struct Server {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Single(Box<Client>),
    Sentinel(Arc<Mutex<SentinelClient>>),
    Cluster { client: Arc<ClusterClient>, nodes: Vec<String> },
}

impl Server {
    /// Reads the URL; connects later.
    ///
    /// # Errors
    /// The URL cannot be read.
    pub fn new(url: &str) -> RedisResult<Server> {
        let kind = if let Some((scheme, rest)) = split_scheme(url, "+sentinel") {
            let (hosts, name) =
                rest.split_once('/').ok_or_else(|| invalid("a Sentinel URL ends in /NAME"))?;
            let nodes: Vec<String> = hosts.split(',').map(|host| format!("{scheme}://{host}")).collect();
            Kind::Sentinel(Arc::new(Mutex::new(SentinelClient::build(
                nodes,
                name,
                None,
                SentinelServerType::Master,
            )?)))
        } else if let Some((scheme, rest)) = split_scheme(url, "+cluster") {
            let hosts = rest.trim_end_matches('/');
            let nodes: Vec<String> = hosts.split(',').map(|host| format!("{scheme}://{host}")).collect();
            let client = ClusterClient::builder(nodes.clone()).connection_timeout(CONNECT_TIMEOUT).build()?;
            Kind::Cluster { client: Arc::new(client), nodes }
        } else {
            Kind::Single(Box::new(Client::open(url)?))
        };
        Ok(Server { kind })
    }

    /// A connection of its own whose commands fail after `response_timeout`.
    pub(crate) async fn connect(&self, response_timeout: Duration) -> RedisResult<Connection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(response_timeout));
        Ok(match &self.kind {
            Kind::Single(client) => {
                Connection::Single(client.get_multiplexed_async_connection_with_config(&config).await?)
            }
            Kind::Sentinel(client) => {
                Connection::Single(client.lock().await.get_async_connection_with_config(&config).await?)
            }
            Kind::Cluster { client, .. } => Connection::Cluster(
                client
                    .get_async_connection_with_config(
                        redis::cluster::ClusterConfig::new()
                            .set_connection_timeout(CONNECT_TIMEOUT)
                            .set_response_timeout(response_timeout),
                    )
                    .await?,
            ),
        })
    }

    /// A connection that listens to channels. In a cluster any node relays them.
    pub(crate) async fn subscribe(&self, channels: &[String]) -> RedisResult<PubSub> {
        let mut pubsub = tokio::time::timeout(CONNECT_TIMEOUT, async {
            match &self.kind {
                Kind::Single(client) => client.get_async_pubsub().await,
                Kind::Sentinel(client) => {
                    let master = client.lock().await.async_get_client().await?;
                    master.get_async_pubsub().await
                }
                Kind::Cluster { nodes, .. } => {
                    let mut last = invalid("the cluster has no nodes");
                    for node in nodes {
                        match Client::open(node.as_str())?.get_async_pubsub().await {
                            Ok(pubsub) => return Ok(pubsub),
                            Err(error) => last = error,
                        }
                    }
                    Err(last)
                }
            }
        })
        .await
        .map_err(|_| RedisError::from((ErrorKind::Io, "the connection took too long")))??;
        for channel in channels {
            pubsub.subscribe(channel).await?;
        }
        Ok(pubsub)
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.kind {
            Kind::Single(_) => "Server(single)",
            Kind::Sentinel(_) => "Server(sentinel)",
            Kind::Cluster { .. } => "Server(cluster)",
        })
    }
}

fn split_scheme<'a>(url: &'a str, suffix: &str) -> Option<(&'a str, &'a str)> {
    let (scheme, rest) = url.split_once("://")?;
    Some((scheme.strip_suffix(suffix)?, rest))
}

fn invalid(what: &'static str) -> RedisError {
    RedisError::from((ErrorKind::InvalidClientConfig, what))
}

/// A connection to whichever Redis it is.
#[derive(Clone)]
pub(crate) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Connection::Single(connection) => connection.req_packed_command(cmd),
            Connection::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Connection::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Connection::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Connection::Single(connection) => connection.get_db(),
            Connection::Cluster(connection) => connection.get_db(),
        }
    }
}
