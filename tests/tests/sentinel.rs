//! A Redis that is found through Sentinels, all of which speak TLS and nothing else, with certificates of an authority that
//! only this installation knows: a whole cluster works by the address and by the place of the authority's certificate.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use cluster::folder::Folder;
use cluster::processes::{Cluster, Options, free_address};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long anything that is waited for may take before the test gives up.
const LIMIT: Duration = Duration::from_secs(120);

/// An authority, and the key and certificate of a server at 127.0.0.1, good for a hundred years. The authority's own key is
/// kept nowhere.
fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sentinel")
}

/// A server that ends with the test.
struct Server {
    port: u16,
    _process: Child,
}

/// Starts a server that takes TLS alone, and waits until it says that it is `ready`.
async fn start(folder: &Path, name: &str, more: &str, arguments: &[&str], ready: &str) -> Server {
    let (port, certificates) = (free_address().expect("a free port").port(), certificates());
    let (folder, certificates) = (folder.display(), certificates.display());
    let text = format!(
        "port 0\ntls-port {port}\nbind 127.0.0.1\ndir {folder}\nsave \"\"\ntls-auth-clients no\ntls-replication yes\n\
         tls-cert-file {certificates}/server.pem\ntls-key-file {certificates}/server.key\n\
         tls-ca-cert-file {certificates}/authority.pem\n{more}"
    );
    let file = format!("{folder}/{name}.conf");
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
    let mut process =
        run("redis-server").or_else(|_| run("valkey-server")).expect("redis-server is installed");
    let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
    loop {
        let line = lines.next_line().await.expect("readable").expect("it runs, and was built with TLS");
        if line.contains(ready) {
            break;
        }
    }
    // What it says later must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Server { port, _process: process }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_works_with_sentinels_and_a_redis_that_speak_tls_alone() {
    let folder = Folder::temporary().expect("a folder");
    let master =
        start(folder.path(), "redis", "requirepass secret\n", &[], "Ready to accept connections").await;
    let watched =
        format!("sentinel monitor main 127.0.0.1 {} 1\nsentinel auth-pass main secret\n", master.port);
    let arguments = ["--sentinel"];
    let sentinel = start(folder.path(), "sentinel", &watched, &arguments, "+monitor master main").await;
    let url = format!("rediss+sentinel://:secret@127.0.0.1:{}/main", sentinel.port);
    let authority = certificates().join("authority.pem").display().to_string();

    let mut options = Options { workers: 1, schedulers: 1, ..Options::default() };
    options.env.extend([("REDIS_URL".to_owned(), url), ("SSL_CERT_FILE".to_owned(), authority)]);
    let cluster = Cluster::start(options).await.expect("it starts");
    // Of what is due at once the api tells Redis, and of what is due later the scheduler does.
    for job in [json!({ "kind": "probe" }), json!({ "kind": "probe", "delay_ms": 500 })] {
        let id = cluster.desk.enqueue(&job, None).await.expect("accepted").job_id;
        let done = cluster.desk.wait(id, LIMIT).await.expect("it ends");
        assert_eq!((done.state.as_str(), done.attempt), ("done", 1));
    }
    cluster.stop().await;
}
