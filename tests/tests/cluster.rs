//! The library that every whole-cluster program stands on: a cluster comes up, works, suffers what it is
//! told to suffer, and leaves nothing behind.

use std::{path::Path, time::Duration};

use cluster::{
    folder::Folder,
    processes::{Cluster, Options},
    servers::{Afterwards, Servers},
};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_works_through_faults_and_leaves_nothing_behind() {
    let options = Options { workers: 1, schedulers: 1, ..Options::default() };
    let mut cluster = Cluster::start(options).await.expect("it starts");
    let dir = cluster.dir().to_owned();

    // Linux weighs sessions against each other before processes; the worker's own steps back as a whole.
    if let Ok(group) = std::fs::read_to_string(format!("/proc/{}/autogroup", cluster.workers[0].pid)) {
        assert!(group.trim_end().ends_with("nice 10"), "{group}");
    }

    let probe = json!({ "kind": "probe", "payload": { "name": "first", "effect": true } });
    let job = cluster.desk.enqueue(&probe, Some("first")).await.expect("accepted");
    let again = cluster.desk.enqueue(&probe, Some("first")).await.expect("accepted again");
    assert_eq!(job.job_id, again.job_id);
    let job = cluster.desk.wait(job.job_id, LIMIT).await.expect("it ends");
    assert_eq!((job.state.as_str(), job.attempt), ("done", 1));
    assert_eq!(cluster.upstream.recorded().effects.get("first"), Some(&1));

    let killed = cluster.kill_worker(0).await;
    assert!(!Path::new(&format!("/proc/{}", killed.pid)).exists());
    let few = [("DESK_DATABASE_CONNECTIONS", "3"), ("DESK_QUEUES", "default=16,ops=2")];
    let log = cluster.start_worker_with(&few).expect("another one starts").log.clone();
    cluster.servers.restart_redis().expect("Redis comes back empty");
    cluster.servers.wipe_redis().await.expect("it is wiped");
    let job = cluster.desk.enqueue(&json!({ "kind": "probe" }), None).await.expect("accepted");
    assert_eq!(cluster.desk.wait(job.job_id, LIMIT).await.expect("it ends").state, "done");
    // It works with a setting that costs something, and says so in one line with what to do.
    let log = std::fs::read_to_string(log).expect("its log");
    let line = log.lines().find(|line| line.contains("fewer connections than slots")).expect("it is told");
    assert!(line.contains("raise DESK_DATABASE_CONNECTIONS or lower DESK_QUEUES"), "{line}");
    assert!(line.contains("\"connections\":3") && line.contains("\"slots\":"), "{line}");
    // And what it works at, and what it leaves to others.
    let line = log.lines().find(|line| line.contains("takes jobs")).expect("it is told");
    let left = "ai,bulk,imports,intelligence,outbound,profiles,reading";
    assert!(line.contains("default=16,ops=2") && line.contains(left), "{line}");

    let pids: Vec<u32> = cluster
        .workers
        .iter()
        .chain(&cluster.schedulers)
        .chain([&cluster.api])
        .map(|process| process.pid)
        .collect();
    cluster.stop().await;
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is still there");
    }
    assert!(!dir.exists(), "{} is still there", dir.display());
}

#[test]
fn private_servers_go_with_their_guard() {
    let folder = Folder::temporary().expect("a folder");
    let servers = Servers::start(folder.path(), Afterwards::Remove).expect("they start");
    let url = servers.redis_url.clone();
    servers.pause_redis().expect("it is paused");
    servers.resume_redis().expect("it goes on");
    drop(servers);
    let address = url.trim_start_matches("redis://").trim_end_matches("/0");
    assert!(std::net::TcpStream::connect(address).is_err(), "Redis still answers at {address}");
    assert!(!folder.path().join("redis").exists() && !folder.path().join("postgres").exists());
}
