//! The kinds of Redis that a URL can name, on servers of these tests' own: behind Sentinels and a password, a cluster,
//! one that evicts what it was told, and one that takes nothing new.

use std::{path::PathBuf, process::Stdio, time::Duration};

use futures_util::StreamExt;
use jobs::{
    Announcement, Offer, State,
    dispatch::{Commands, Dispatch, Server, advise, what_to_do},
    events::Event,
};
use migrations::testing::insist;
use redis::{AsyncConnectionConfig, Client, Cmd, RedisResult, aio::MultiplexedConnection, cmd};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
};
use uuid::Uuid;

/// A server in a folder of its own; both end with the test.
struct Started {
    port: u16,
    folder: PathBuf,
    _server: Child,
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Starts a server with a configuration, and waits until it says that it is `ready`.
async fn start(configuration: &str, arguments: &[&str], ready: &str) -> Started {
    let port = free_port().await;
    let folder = std::env::temp_dir().join(format!("deskwork-redis-{}", Uuid::now_v7()));
    std::fs::create_dir(&folder).expect("a new folder");
    let file = folder.join("redis.conf");
    let text = format!("port {port}\nbind 127.0.0.1\ndir {}\nsave \"\"\n{configuration}", folder.display());
    std::fs::write(&file, text).expect("written");
    let run = |program: &str| {
        Command::new(program)
            .arg(&file)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    };
    let mut server =
        run("redis-server").or_else(|_| run("valkey-server")).expect("redis-server is installed");
    let mut lines = BufReader::new(server.stdout.take().expect("it is piped")).lines();
    loop {
        let line = lines.next_line().await.expect("readable").expect("the server runs");
        if line.contains(ready) {
            break;
        }
    }
    // What it says later must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Started { port, folder, _server: server }
}

/// A port that nobody listens on, below those that the kernel gives to outgoing connections: no other test's connection
/// takes it before the server does.
async fn free_port() -> u16 {
    loop {
        let port = 15_000 + u16::try_from(Uuid::now_v7().as_u128() % 17_000).expect("below 17,000");
        if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
            return port;
        }
    }
}

async fn server(configuration: &str) -> Started {
    start(configuration, &[], "Ready to accept connections").await
}

async fn sentinel(master: &Started, configuration: &str) -> Started {
    let monitor =
        format!("sentinel monitor main 127.0.0.1 {} 1\nsentinel auth-pass main secret\n", master.port);
    start(&format!("{monitor}{configuration}"), &["--sentinel"], "+monitor master main").await
}

/// Two masters, each with half of the slots.
async fn cluster() -> [Started; 2] {
    let buses = [free_port().await, free_port().await];
    let enabled = |bus: u16| format!("cluster-enabled yes\ncluster-port {bus}\n");
    let masters = [server(&enabled(buses[0])).await, server(&enabled(buses[1])).await];
    let mut links = [direct(&masters[0]).await, direct(&masters[1]).await];
    for (link, (first, last)) in links.iter_mut().zip([(0, 8_191), (8_192, 16_383)]) {
        let command = cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(first).arg(last).clone();
        command.query_async::<()>(link).await.expect("its slots");
    }
    let command = cmd("CLUSTER").arg("MEET").arg("127.0.0.1").arg(masters[1].port).arg(buses[1]).clone();
    command.query_async::<()>(&mut links[0]).await.expect("they meet");
    for link in &mut links {
        loop {
            let state: String = cmd("CLUSTER").arg("INFO").query_async(link).await.expect("its state");
            if state.contains("cluster_state:ok") && state.contains("cluster_slots_assigned:16384") {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    masters
}

async fn direct(server: &Started) -> MultiplexedConnection {
    let client = Client::open(format!("redis://127.0.0.1:{}/", server.port)).expect("a URL");
    // However long this machine stands still, the answer is waited for.
    let patient = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&patient).await.expect("connects")
}

fn dispatch(url: &str) -> Dispatch {
    Dispatch::new(Server::new(url).expect("a URL"), "test")
}

async fn run(url: &str, command: &Cmd) -> RedisResult<redis::Value> {
    dispatch(url).commands().run(command).await
}

#[tokio::test]
async fn a_protected_master_is_found_through_sentinels_with_and_without_a_password() {
    let master = server("requirepass secret\n").await;
    let open = sentinel(&master, "").await;
    let closed = sentinel(&master, "requirepass secret\n").await;
    // One that is gone without a word: whoever asks it hears nothing.
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let gone = (gone.local_addr().expect("its address"), gone);
    let lists = [
        format!("127.0.0.1:{}", open.port),
        format!("127.0.0.1:{}", closed.port),
        format!("127.0.0.1:1,127.0.0.1:{},127.0.0.1:{}", closed.port, open.port),
        format!("{},127.0.0.1:{}", gone.0, open.port),
    ];
    for (number, sentinels) in lists.iter().enumerate() {
        let url = format!("redis+sentinel://:secret@{sentinels}/main/2");
        let dispatch = dispatch(&url);
        insist(async || dispatch.ping(&mut dispatch.link().await?).await).await;
        insist(async || dispatch.listen_events().await).await;
        let key = format!("key{number}");
        insist(async || dispatch.commands().run(cmd("SET").arg(&key).arg("x")).await).await;
        let direct = Client::open(format!("redis://:secret@127.0.0.1:{}/2", master.port)).expect("a URL");
        let mut direct = direct.get_multiplexed_async_connection().await.expect("connects");
        let found: bool = cmd("EXISTS").arg(&key).query_async(&mut direct).await.expect("answers");
        assert!(found, "the key is in the master's database 2");
    }
    let url = |password: &str| format!("redis+sentinel://:{password}@127.0.0.1:{}/main", open.port);
    assert!(run(&url("wrong"), &cmd("PING")).await.is_err());
    run(&url("secret"), &cmd("PING")).await.expect("it answers");
}

#[tokio::test]
async fn a_cluster_holds_the_order_of_each_queue_and_relays_events() {
    const QUEUES: [&str; 8] =
        ["ai", "bulk", "default", "imports", "intelligence", "ops", "outbound", "profiles"];
    let masters = cluster().await;
    let url = format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", masters[0].port, masters[1].port);
    let dispatch = dispatch(&url);
    insist(async || dispatch.ping(&mut dispatch.link().await?).await).await;
    let has_epoch = async || dispatch.has_epoch(&mut dispatch.link().await?).await;
    assert!(!insist(&has_epoch).await);
    insist(async || dispatch.set_epoch(&mut dispatch.link().await?).await).await;
    assert!(insist(&has_epoch).await);

    // By rank, the last to go first.
    let offer = |queue: &str, priority: i16| {
        let (id, tenant) = (Uuid::now_v7(), Uuid::now_v7());
        Offer { id, tenant, queue: queue.to_owned(), priority }
    };
    let offers: Vec<Offer> =
        QUEUES.iter().flat_map(|queue| [3, 2, 0].map(|rank| offer(queue, rank))).collect();
    let (now, later) = offers.split_at(12);
    // All of a queue are in one slot, or it would be refused.
    insist(async || dispatch.offer_now(&mut dispatch.link().await?, now).await).await;
    dispatch.announce(Announcement { ready: later.to_vec(), next_due: None });
    dispatch.flush().await;
    for master in &masters {
        let keys: u64 = cmd("DBSIZE").query_async(&mut direct(master).await).await.expect("a number");
        assert!(keys > 0, "the queues are on both");
    }
    for (queue, offers) in QUEUES.iter().zip(offers.chunks(3)) {
        let depth = async || dispatch.depth(&mut dispatch.link().await?, queue).await;
        assert_eq!(insist(depth).await, 3, "{queue}");
        let place = async || dispatch.position(&mut dispatch.link().await?, queue, offers[0].id).await;
        assert_eq!(insist(place).await, Some(2), "{queue}");
        let mut lane = insist(async || dispatch.open_lane(queue).await).await;
        let popped = lane.pop(10).await.expect("three jobs");
        assert_eq!(popped, [offers[2].id, offers[1].id, offers[0].id], "{queue}");
    }

    let mut heard = insist(async || dispatch.listen_events().await).await.into_on_message();
    dispatch.tell(&[Event { id: offers[0].id, state: State::Done }]);
    let told = tokio::time::timeout(Duration::from_secs(30), heard.next()).await;
    assert_eq!(told.expect("it is relayed").expect("it is open").get_payload_bytes().len(), 17);

    // A node that is gone without a word keeps nobody from listening to the next.
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = gone.local_addr().expect("its address");
    let dispatch = self::dispatch(&format!("redis+cluster://{address},127.0.0.1:{}", masters[0].port));
    insist(async || dispatch.listen_events().await).await;
}

#[tokio::test]
async fn a_redis_that_evicts_is_told_what_to_do() {
    let server = server("maxmemory-policy allkeys-lru\n").await;
    let url = format!("redis://127.0.0.1:{}/", server.port);
    let dispatch = dispatch(&url);
    let told = async || dispatch.eviction_advice(&mut dispatch.link().await?).await;
    let advice = insist(&told).await.expect("it evicts");
    assert!(
        advice.contains("allkeys-lru") && advice.contains("CONFIG SET maxmemory-policy noeviction"),
        "{advice}"
    );
    assert_eq!(advice.lines().count(), 1);
    run(&url, cmd("CONFIG").arg("SET").arg("maxmemory-policy").arg("noeviction")).await.expect("set");
    assert_eq!(insist(&told).await, None);
}

/// How often a server has answered with this error.
async fn refusals(link: &mut MultiplexedConnection, error: &str) -> u64 {
    let told: String = cmd("INFO").arg("errorstats").query_async(link).await.expect("it tells");
    let line = format!("errorstat_{error}:count=");
    told.lines().find_map(|told| told.strip_prefix(&line)).map_or(0, |n| n.trim().parse().expect("a number"))
}

/// Sends a command of words.
async fn tell(link: &mut MultiplexedConnection, line: &str) {
    let mut words = line.split(' ');
    let mut command = cmd(words.next().expect("a command"));
    for word in words {
        command.arg(word);
    }
    command.query_async::<()>(link).await.expect("it does so");
}

#[tokio::test]
async fn a_redis_that_takes_nothing_new_is_told_everything_when_it_does_again() {
    let server = server("").await;
    let mut direct = direct(&server).await;
    let url = format!("redis://127.0.0.1:{}/", server.port);
    let offers = |queue: &str, count: usize| -> Vec<Offer> {
        let offer =
            |_| Offer { id: Uuid::now_v7(), tenant: Uuid::now_v7(), queue: queue.to_owned(), priority: 2 };
        (0..count).map(offer).collect()
    };
    for (error, refuse, accept) in [
        ("READONLY", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
        ("OOM", "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
    ] {
        let dispatch = dispatch(&url);
        // It knows of one job already: of an empty order Redis forgets something first, and what frees memory may go on.
        let known = offers(error, 1);
        insist(async || dispatch.offer_now(&mut dispatch.link().await?, &known).await).await;
        tell(&mut direct, refuse).await;
        let before = refusals(&mut direct, error).await;

        dispatch.announce(Announcement { ready: offers(error, 250), next_due: None });
        while refusals(&mut direct, error).await == before {
            tokio::task::yield_now().await;
        }
        let further = offers(error, 1);
        let mut link = insist(async || dispatch.link().await).await;
        let refused = dispatch.offer_now(&mut link, &further).await.expect_err("it takes nothing");
        assert!(advise(&refused), "somebody is told what to do: {refused}");
        insist(async || dispatch.ping(&mut dispatch.link().await?).await).await;
        let refused = dispatch.try_write(&mut link).await.expect_err("it answers, and takes nothing");
        assert!(what_to_do(&refused).is_some(), "{refused}");

        tell(&mut direct, accept).await;
        dispatch.flush().await;
        let depth = async || dispatch.depth(&mut dispatch.link().await?, error).await;
        assert_eq!(insist(depth).await, 251, "{error}: what was refused was told again");
    }
}

/// Which connection the commands go over.
async fn connection_of(commands: &Commands) -> redis::Value {
    insist(async || commands.run(cmd("CLIENT").arg("ID")).await).await
}

#[tokio::test]
async fn who_was_connected_to_a_primary_that_is_a_replica_now_connects_anew() {
    let server = server("").await;
    let mut direct = direct(&server).await;
    let commands = dispatch(&format!("redis://127.0.0.1:{}/", server.port)).commands();
    let before = connection_of(&commands).await;
    assert_eq!(connection_of(&commands).await, before, "one connection is kept");
    // It goes on answering, so that nobody sees by the connection that another is the primary now.
    tell(&mut direct, "REPLICAOF 127.0.0.1 1").await;
    let refused = commands.run(cmd("SET").arg("key").arg("x")).await.expect_err("it is a replica");
    assert_eq!(refused.code(), Some("READONLY"));
    assert_ne!(connection_of(&commands).await, before, "by its address it is looked for again");
}
