//! What the processes of one cluster are told, and the commands that give it a tenant.

use std::{fs::OpenOptions, io::Write, net::SocketAddr, os::unix::fs::OpenOptionsExt, path::PathBuf};

use anyhow::{Context, bail};
use base64::Engine;
use rand::RngExt;
use sqlx::{ConnectOptions, postgres::PgConnectOptions};

use super::{
    Options,
    process::{self, Logs, Process},
};
use crate::{
    desk::{Credentials, Desk},
    folder::Folder,
    proxy::Proxy,
    servers::Servers,
    upstream::Upstream,
};

/// The settings that the processes of one cluster share.
#[derive(Clone, Debug)]
pub(super) struct Env {
    programs: PathBuf,
    logs_dir: PathBuf,
    logs: Logs,
    pub(super) queues: String,
    pub(super) urls: Vec<(&'static str, String)>,
    settings: Vec<(String, String)>,
}

impl Env {
    pub(super) fn new(
        options: &Options,
        folder: &Folder,
        servers: &Servers,
        upstream: &Upstream,
        proxy: Option<&Proxy>,
    ) -> anyhow::Result<Env> {
        let logs_dir = folder.path().join("logs");
        let imports = folder.path().join("imports");
        std::fs::create_dir_all(&logs_dir)?;
        std::fs::create_dir_all(&imports)?;
        let mut env = Env {
            programs: process::programs()?,
            logs_dir,
            logs: options.logs,
            queues: options.queues.clone(),
            urls: logins(options, servers, proxy)?,
            settings: Vec::new(),
        };
        env.set("REDIS_URL", servers.redis_url.clone());
        env.set("DESK_MASTER_KEY", master_key(folder)?);
        env.set("DESK_IMPORT_DIR", imports.display().to_string());
        env.set("DESK_FILES_DIR", folder.path().join("files").display().to_string());
        env.set("DESK_ALLOW_LOOPBACK", "true".to_owned());
        env.set("DESK_PROBE_URL", format!("http://{}", upstream.addr));
        for (name, value) in &options.env {
            env.set(name, value.clone());
        }
        Ok(env)
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value));
    }

    fn for_program(&self, program: &str) -> Vec<(String, String)> {
        let url = self.urls.iter().find(|(name, _)| *name == program).map(|(_, url)| url.clone());
        let mut settings = self.settings.clone();
        settings.extend(url.map(|url| ("DATABASE_URL".to_owned(), url)));
        settings
    }

    pub(super) fn spawn(
        &self,
        name: &str,
        program: &'static str,
        ops: Option<SocketAddr>,
    ) -> anyhow::Result<Process> {
        let mut settings = self.for_program(program);
        settings.extend(ops.map(|ops| ("DESK_OPS_BIND".to_owned(), ops.to_string())));
        let log = self.logs_dir.join(format!("{name}.log"));
        Process::spawn(name, &self.programs.join(program), settings, log, self.logs, ops)
            .with_context(|| format!("{name} does not start"))
    }

    pub(super) async fn create_tenant(
        &self,
        slug: &str,
        base: &str,
        upstream: &Upstream,
    ) -> anyhow::Result<Desk> {
        let webhook_secret = random_key();
        let tenant_id =
            self.command(&["create-tenant", "--slug", slug, "--name", "Corner Records"], &[]).await?;
        let tenant_id = tenant_id.parse().context("create-tenant prints the tenant's id")?;
        let key = self.create_key(slug, "operator").await?;
        let secrets = [("GORGIAS_API_KEY", "recorded"), ("GORGIAS_WEBHOOK_SECRET", &webhook_secret)];
        let help_desk = upstream.gorgias_base();
        let connect =
            ["connect-gorgias", "--tenant", slug, "--base-url", &help_desk, "--email", "desk@shop.example"];
        let connect = [&connect[..], &["--verify", "hmac", "--allow-loopback"]].concat();
        self.command(&connect, &secrets).await?;
        Ok(Desk::new(base, Credentials { tenant: slug.to_owned(), tenant_id, key, webhook_secret }))
    }

    pub(super) async fn create_key(&self, slug: &str, scopes: &str) -> anyhow::Result<String> {
        let key = ["create-key", "--tenant", slug, "--name", "everything", "--scopes", scopes];
        self.command(&[&key[..], &["--expires-days", "7"]].concat(), &[]).await
    }

    /// Runs a command of the api program; what it printed.
    async fn command(&self, arguments: &[&str], secrets: &[(&str, &str)]) -> anyhow::Result<String> {
        let program = self.programs.join("api");
        let output = tokio::process::Command::new(&program)
            .args(arguments)
            .env_clear()
            .envs(self.for_program("api"))
            .envs(secrets.iter().copied())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("{} cannot be run", program.display()))?;
        if !output.status.success() {
            bail!("api {}: {}", arguments[0], String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// The database address of each program; that of the proxy when there is one.
fn logins(
    options: &Options,
    servers: &Servers,
    proxy: Option<&Proxy>,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut urls = options.given.logins.clone();
    for (program, role) in [("api", "desk_api"), ("worker", "desk_worker"), ("scheduler", "desk_scheduler")] {
        if urls.iter().all(|(known, _)| *known != program) {
            let url = servers.url_for(role)?;
            urls.push((program, proxy.map_or(Ok(url.clone()), |proxy| through(&url, proxy.addr))?));
        }
    }
    Ok(urls)
}

/// The same database at another address.
fn through(url: &str, addr: SocketAddr) -> anyhow::Result<String> {
    let options: PgConnectOptions = url.parse().context("the database's address")?;
    Ok(options.host(&addr.ip().to_string()).port(addr.port()).to_url_lossy().to_string())
}

/// The key of the clusters of a folder. In one that stays it stays as well, because the database of the cluster before may be
/// there still, and takes no process with another key.
fn master_key(folder: &Folder) -> anyhow::Result<String> {
    if !folder.stays() {
        return Ok(random_key());
    }
    let path = folder.path().join("master.key");
    if path.exists() {
        return std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()));
    }
    let key = random_key();
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(key.as_bytes()))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(key)
}

/// 32 random bytes in base64.
pub fn random_key() -> String {
    let bytes: [u8; 32] = rand::rng().random();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_stays_keeps_its_key_and_others_have_one_each() {
        let mut folder = Folder::temporary().expect("a folder");
        let key = |folder: &Folder| master_key(folder).expect("a key");
        assert_ne!(key(&folder), key(&folder));
        folder.keep();
        assert_eq!(key(&folder), key(&folder));
        std::fs::remove_dir_all(folder.path()).expect("it is removed");
    }
}
