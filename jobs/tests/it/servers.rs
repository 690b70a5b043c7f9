//! The kinds of Redis that a URL can name, on servers of these tests' own: behind Sentinels and a password, and one that
//! evicts what it was told.

use std::{path::PathBuf, process::Stdio};

use jobs::dispatch::{Dispatch, Server};
use redis::{Client, Cmd, RedisResult, cmd};
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
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
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

async fn server(configuration: &str) -> Started {
    start(configuration, &[], "Ready to accept connections").await
}

async fn sentinel(master: &Started, configuration: &str) -> Started {
    let monitor =
        format!("sentinel monitor main 127.0.0.1 {} 1\nsentinel auth-pass main secret\n", master.port);
    start(&format!("{monitor}{configuration}"), &["--sentinel"], "+monitor master main").await
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
    let lists = [
        format!("127.0.0.1:{}", open.port),
        format!("127.0.0.1:{}", closed.port),
        format!("127.0.0.1:1,127.0.0.1:{},127.0.0.1:{}", closed.port, open.port),
    ];
    for (number, sentinels) in lists.iter().enumerate() {
        let url = format!("redis+sentinel://:secret@{sentinels}/main/2");
        let dispatch = dispatch(&url);
        let mut link = dispatch.link().await.unwrap_or_else(|error| panic!("{sentinels}: {error}"));
        dispatch.ping(&mut link).await.expect("it answers");
        dispatch.listen_events().await.expect("it relays");
        let key = format!("key{number}");
        dispatch.commands().run(cmd("SET").arg(&key).arg("x")).await.expect("it takes a key");
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
async fn a_redis_that_evicts_is_told_what_to_do() {
    let server = server("maxmemory-policy allkeys-lru\n").await;
    let url = format!("redis://127.0.0.1:{}/", server.port);
    let dispatch = dispatch(&url);
    let mut link = dispatch.link().await.expect("connects");
    let advice = dispatch.eviction_advice(&mut link).await.expect("it tells").expect("it evicts");
    assert!(
        advice.contains("allkeys-lru") && advice.contains("CONFIG SET maxmemory-policy noeviction"),
        "{advice}"
    );
    assert_eq!(advice.lines().count(), 1);
    run(&url, cmd("CONFIG").arg("SET").arg("maxmemory-policy").arg("noeviction")).await.expect("set");
    assert_eq!(dispatch.eviction_advice(&mut link).await.expect("it tells"), None);
}
