//! Which Redis: a single server, one found through Sentinel, or a cluster, with or without TLS; and
//! connections to it.
//!
//! `redis://` and `rediss://` name a server; `redis+sentinel://host:port,host:port/NAME` the Sentinels
//! that know the master NAME, with `/NAME/2` for its database 2; `redis+cluster://host:port,host:port` some nodes of a
//! cluster (`rediss+…` with TLS). `user:password@` before the hosts is for all of them, and for the master that
//! Sentinels name. Sentinels may have no password of their own. Valkey speaks the same protocol.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, Pipeline,
    RedisConnectionInfo, RedisError, RedisFuture, RedisResult, TlsMode, Value,
    aio::{ConnectionLike, MultiplexedConnection, PubSub},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
    sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType},
};
use tokio::sync::Mutex;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long Sentinels are asked for the master; some of them may be gone with it.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(3);

/// A Redis, as configured.
#[derive(Clone)]
pub struct Server {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Single(Box<Client>),
    Sentinel(Arc<Mutex<SentinelClient>>),
    Cluster { client: Arc<ClusterClient>, nodes: Vec<ConnectionInfo> },
}

impl Server {
    /// Reads the URL; connects later.
    ///
    /// # Errors
    /// The URL cannot be read.
    pub fn new(url: &str) -> RedisResult<Server> {
        let kind = if let Some((scheme, rest)) = split_scheme(url, "+sentinel") {
            let named = Sentinels::parse(scheme, rest)?;
            let client = SentinelClient::build(
                named.sentinels,
                named.master,
                Some(named.node),
                SentinelServerType::Master,
            )?;
            Kind::Sentinel(Arc::new(Mutex::new(client)))
        } else if let Some((scheme, rest)) = split_scheme(url, "+cluster") {
            let nodes = hosts(scheme, rest.trim_end_matches('/'))?;
            let client = ClusterClient::builder(nodes.clone())
                .connection_timeout(CONNECT_TIMEOUT)
                .tcp_settings(at_once())
                .build()?;
            Kind::Cluster { client: Arc::new(client), nodes }
        } else {
            Kind::Single(Box::new(Client::open(url.into_connection_info()?.set_tcp_settings(at_once()))?))
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
                // The library limits the connection to the master, not the search for it.
                let found = within(SEARCH_TIMEOUT, async {
                    client.lock().await.get_async_connection_with_config(&config).await
                });
                Connection::Single(found.await?)
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

    /// A connection that listens to channels. In a cluster any node relays them. Each place that is asked for it has a time
    /// of its own: one that says nothing does not use up that of the next.
    pub(crate) async fn subscribe(&self, channels: &[String]) -> RedisResult<PubSub> {
        let mut pubsub = match &self.kind {
            Kind::Single(client) => listening(client).await?,
            Kind::Sentinel(client) => {
                let master = within(SEARCH_TIMEOUT, async { client.lock().await.async_get_client().await });
                listening(&master.await?).await?
            }
            Kind::Cluster { nodes, .. } => first_listening(nodes).await?,
        };
        within(CONNECT_TIMEOUT, async {
            for channel in channels {
                pubsub.subscribe(channel).await?;
            }
            Ok(())
        })
        .await?;
        Ok(pubsub)
    }
}

async fn listening(client: &Client) -> RedisResult<PubSub> {
    within(CONNECT_TIMEOUT, client.get_async_pubsub()).await
}

async fn first_listening(nodes: &[ConnectionInfo]) -> RedisResult<PubSub> {
    let mut last = invalid("the cluster has no nodes");
    for node in nodes {
        match listening(&Client::open(node.clone())?).await {
            Ok(pubsub) => return Ok(pubsub),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn within<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(took_too_long()))
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

/// What a URL of Sentinels says.
struct Sentinels {
    sentinels: Vec<ConnectionInfo>,
    master: String,
    /// How to talk to the server that they name.
    node: SentinelNodeConnectionInfo,
}

impl Sentinels {
    fn parse(scheme: &str, rest: &str) -> RedisResult<Sentinels> {
        let (authority, path) =
            rest.split_once('/').ok_or_else(|| invalid("a Sentinel URL ends in /NAME"))?;
        let (master, db) = path.split_once('/').unwrap_or((path, ""));
        let db: i64 = match db {
            "" => 0,
            number => number.parse().map_err(|_| invalid("after /NAME comes the database's number"))?,
        };
        if master.is_empty() {
            return Err(invalid("a Sentinel URL ends in /NAME"));
        }
        let mut sentinels = hosts(scheme, authority)?;
        let credentials = sentinels[0].redis_settings().clone();
        let mut node = SentinelNodeConnectionInfo::default()
            .set_redis_connection_info(credentials.clone().set_db(db))
            .set_tcp_settings(at_once());
        if scheme == "rediss" {
            node = node.set_tls_mode(TlsMode::Secure);
        }
        if credentials.password().is_some() {
            // One that has no password refuses any. Each is tried both ways; the way that fails is passed over.
            let open = |sentinel: &ConnectionInfo| {
                sentinel.clone().set_redis_settings(RedisConnectionInfo::default())
            };
            let open: Vec<_> = sentinels.iter().map(open).collect();
            sentinels.extend(open);
        }
        Ok(Sentinels { sentinels, master: master.to_owned(), node })
    }
}

/// Each host of `user:password@host:port,host:port`, with the credentials.
fn hosts(scheme: &str, authority: &str) -> RedisResult<Vec<ConnectionInfo>> {
    let (credentials, hosts) = match authority.rsplit_once('@') {
        Some((credentials, hosts)) => (format!("{credentials}@"), hosts),
        None => (String::new(), authority),
    };
    hosts
        .split(',')
        .map(|host| format!("{scheme}://{credentials}{}", host.trim()).into_connection_info())
        .collect()
}

fn split_scheme<'a>(url: &'a str, suffix: &str) -> Option<(&'a str, &'a str)> {
    let (scheme, rest) = url.split_once("://")?;
    Some((scheme.strip_suffix(suffix)?, rest))
}

/// What is written is sent at once. The end of a call that fills some packets would otherwise wait for the server to
/// confirm those, which it may put off by 40 ms.
fn at_once() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

fn took_too_long() -> RedisError {
    RedisError::from((ErrorKind::Io, "the connection took too long"))
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

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

#[cfg(test)]
mod tests {
    use redis::ConnectionAddr;

    use super::*;

    fn of(info: &ConnectionInfo) -> (String, Option<&str>, Option<&str>) {
        let settings = info.redis_settings();
        (info.addr().to_string(), settings.username(), settings.password())
    }

    #[test]
    fn credentials_reach_every_host() {
        let nodes = hosts("redis", "desk:p%40ss@a:7001,b:7002,[::1]:7003").expect("hosts");
        let nodes: Vec<_> = nodes.iter().map(of).collect();
        let with = |addr: &str| (addr.to_owned(), Some("desk"), Some("p@ss"));
        assert_eq!(nodes[..2], [with("a:7001"), with("b:7002")]);
        assert_eq!(nodes.len(), 3);
        assert_eq!(of(&hosts("redis", "a:1").expect("a host")[0]), ("a:1".to_owned(), None, None));
        assert!(matches!(hosts("rediss", "a:1").expect("a host")[0].addr(), ConnectionAddr::TcpTls { .. }));
        for wrong in ["", "a:port", "a:1,,b:2"] {
            assert!(hosts("redis", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_master_gets_credentials_database_and_tls() {
        let named = Sentinels::parse("rediss", "desk:secret@a:1,b:2/main/3").expect("Sentinels");
        assert_eq!(named.master, "main");
        // Its fields can only be looked at by printing it.
        let node = format!("{:?}", named.node);
        assert!(node.contains("Some(Secure)") && node.contains("db: 3") && node.contains("desk"), "{node}");
        assert!(!node.contains("secret"), "{node}");
        let tries: Vec<_> = named.sentinels.iter().map(|sentinel| of(sentinel).2).collect();
        assert_eq!(tries, [Some("secret"), Some("secret"), None, None]);

        let plain = Sentinels::parse("redis", "a:1,b:2/main").expect("Sentinels");
        assert_eq!(plain.sentinels.len(), 2);
        assert!(!format!("{:?}", plain.node).contains("Secure"));
        for wrong in ["a:1", "a:1/", "a:1/main/x", "/main"] {
            assert!(Sentinels::parse("redis", wrong).is_err(), "{wrong}");
        }
    }
}
