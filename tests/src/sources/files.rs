//! What has to come of a file, whichever server has it; and of the store of attachments, where it is one that speaks S3.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use platform::sources::Place;
use serde::Deserialize;
use upstreams::files::{self, Files, FilesError, S3, S3Settings};
use uuid::Uuid;

use super::Shop;
use crate::folder::Folder;

const FIRST: &str = "number,who,at,pieces,total,changed\r\n\
    A-1,c1,2026-10-01 08:00:00,2,10.50,2026-10-01 10:00:00\r\nA-2,c2,2026-10-02 08:00:00,1,7.25,2026-10-02 10:00:00\r\n";
const SECOND: &str = "number,who,at,pieces,total,changed\r\n\
    A-1,c1,2026-10-01 08:00:00,2,11.50,2026-11-01 10:00:00\r\nA-2,c2,2026-10-02 08:00:00,1,7.25,2026-10-02 10:00:00\r\n";

/// A store that speaks S3.
#[derive(Clone, Debug, Deserialize)]
pub struct Store {
    endpoint: String,
    region: String,
    bucket: String,
    access_key: String,
    secret_key: String,
    /// An object of [`FIRST`], packed, that somebody else put there.
    packed: String,
}

/// A server of files.
#[derive(Clone, Debug, Deserialize)]
pub struct Remote {
    port: u16,
    user: String,
    host_key: String,
    secret: String,
    /// A secret that opens nothing.
    wrong: String,
    /// Where the file is there.
    path: String,
    /// Where it is on this machine.
    file: PathBuf,
}

/// The bytes that `Store::packed` is to have, for who puts them there.
pub fn first() -> &'static str {
    FIRST
}

impl Store {
    fn settings(&self) -> S3Settings {
        S3Settings {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            access_key: self.access_key.clone(),
            secret_key: self.secret_key.clone(),
        }
    }

    fn place(&self, key: &str) -> Place {
        Place::S3 {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            access_key: self.access_key.clone(),
        }
    }

    /// The store of attachments; what is on its way there is in the folder.
    fn files(&self, folder: &Folder) -> Result<Files> {
        Ok(Files::in_s3(folder.path().to_owned(), S3::new(self.settings()).map_err(anyhow::Error::msg)?))
    }

    /// The store of attachments keeps a file there, reads it and removes it; a wrong key is refused by who checks the signature.
    pub async fn keeps_attachments(&self) -> Result<()> {
        boot::install_tls();
        let folder = Folder::temporary()?;
        let files = self.files(&folder)?;
        let place = files::Place { tenant: Uuid::now_v7(), id: Uuid::now_v7() };
        let large: Vec<u8> = (0..3_000_000_u32).map(|place| (place % 251) as u8).collect();
        for bytes in [&large[..], b"hello", b""] {
            keep(&files, place, bytes).await?;
            let read = files.read_whole(place, 4_000_000).await?;
            ensure!(read == bytes, "{} bytes were kept, and {} others read", bytes.len(), read.len());
        }
        let wrong = Store { secret_key: "wrong".to_owned(), ..self.clone() }.files(&folder)?;
        let refused = wrong.read(place).await.err().context("any signature is taken")?;
        ensure!(matches!(&refused, FilesError::Store(told) if told.contains("403")), "{refused}");
        ensure!(keep(&wrong, place, b"other").await.is_err(), "any signature is taken");
        files.remove(place).await?;
        files.remove(place).await?;
        ensure!(matches!(files.read(place).await, Err(FilesError::Missing)), "it is still there");
        Ok(())
    }

    /// An object is a source: packed, read again when it changed, and not when it did not.
    pub async fn is_a_source(&self) -> Result<()> {
        let shop = Shop::open().await?;
        shop.save(self.place(&self.packed), &self.secret_key, &BTreeMap::new()).await?;
        let first = shop.done().await?;
        ensure!(first["import"]["orders_inserted"] == 2, "{first}");
        let folder = Folder::temporary()?;
        let files = self.files(&folder)?;
        let place = files::Place { tenant: Uuid::now_v7(), id: Uuid::now_v7() };
        let put = |text: &'static str| keep(&files, place, text.as_bytes());
        put(FIRST).await?;
        let key = format!("{}/{}", place.tenant, place.id);
        shop.save(self.place(&key), &self.secret_key, &BTreeMap::new()).await?;
        read_as_it_changes(&shop, || put(SECOND)).await?;
        shop.save(self.place("nothing"), &self.secret_key, &BTreeMap::new()).await?;
        let missing = shop.refused().await?;
        ensure!(missing.contains("404"), "{missing}");
        shop.save(self.place(&key), "wrong", &BTreeMap::new()).await?;
        let refused = shop.refused().await?;
        ensure!(refused.contains("403"), "{refused}");
        Ok(())
    }
}

impl Remote {
    /// The server's public key.
    pub fn host_key(&self) -> String {
        self.host_key.clone()
    }

    fn place(&self, host_key: &str, path: &str) -> Place {
        Place::Sftp {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: self.user.clone(),
            path: path.to_owned(),
            host_key: host_key.to_owned(),
        }
    }

    /// A file there is a source. `stranger` is the key of another server: whoever has it is not talked to.
    pub async fn is_a_source(&self, stranger: &str) -> Result<()> {
        let shop = Shop::open().await?;
        let nothing = BTreeMap::new();
        let put = |text: &'static str, age: u64| {
            let file = self.file.clone();
            async move {
                std::fs::write(&file, text)?;
                // The time of a change counts in seconds; these two are some apart.
                let at = SystemTime::now() - Duration::from_secs(age);
                std::fs::File::options().write(true).open(&file)?.set_modified(at)?;
                anyhow::Ok(())
            }
        };
        put(FIRST, 60).await?;
        shop.save(self.place(&self.host_key, &self.path), &self.secret, &nothing).await?;
        let first = shop.done().await?;
        ensure!(first["import"]["orders_inserted"] == 2, "{first}");
        read_as_it_changes(&shop, || put(SECOND, 30)).await?;
        for (host_key, path, secret, part) in [
            (&*self.host_key, "/nowhere/orders.csv", &*self.secret, "there is no such file"),
            (&self.host_key, "/", &self.secret, "what lies there"),
            (&self.host_key, &self.path, &self.wrong, "password or key"),
            (stranger, &self.path, &self.secret, "host key is another"),
        ] {
            shop.save(self.place(host_key, path), secret, &nothing).await?;
            let told = shop.refused().await?;
            ensure!(told.contains(part), "{part}: {told}");
        }
        Ok(())
    }
}

/// What lies in the source is [`FIRST`]; `change` puts [`SECOND`] there.
async fn read_as_it_changes<F: Future<Output = Result<()>>>(
    shop: &Shop,
    change: impl FnOnce() -> F,
) -> Result<()> {
    shop.done().await?;
    ensure!(shop.sold().await? == "A-1=10.50/1 A-2=7.25/1", "{}", shop.sold().await?);
    let known = shop.done().await?;
    ensure!(known["rows"] == 0 && known["import"].is_null(), "it is read though nothing changed: {known}");
    change().await?;
    let changed = shop.done().await?;
    ensure!(changed["import"]["orders_replaced"] == 1, "{changed}");
    ensure!(shop.sold().await? == "A-1=11.50/1 A-2=7.25/1", "{}", shop.sold().await?);
    ensure!(shop.is_tidy(), "a file was left behind");
    Ok(())
}

async fn keep(files: &Files, place: files::Place, bytes: &[u8]) -> Result<()> {
    let mut incoming = files.receive().await?;
    incoming.write(bytes).await?;
    Ok(files.keep(incoming, place).await?)
}
