//! What only MySQL and MariaDB have: dates of zeros, numbers without a sign, texts in other encodings, orders whose numbers
//! differ by the size of a letter, and users with passwords.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use sqlx::Row;
use upstreams::sources::{Copied, Session, Wanted};

use super::Shop;
use super::server::Server;

const ODD: &str = "drop table if exists sales.odd; set session sql_mode = '';
    create table sales.odd (
        id bigint unsigned, flag tinyint(1), bits bit(4), price decimal(30, 10), day date, moment datetime(3),
        instant timestamp null, old varchar(20) character set latin1, word enum('yes', 'no'), doc json, year year,
        padded int(6) unsigned zerofill, raw varbinary(16)) character set utf8mb4;
    set names utf8mb4, time_zone = '+02:00';
    insert into sales.odd values
        (18446744073709551615, 1, b'1010', 12345678901234567890.0123456789, '2026-10-01', '2026-10-01 10:11:12.345',
         '2026-10-01 10:00:00', 'Käse, \"fein\"', 'yes', '{\"a\": \"ü\"}', 2026, 42, x'00ff'),
        (7, 0, b'0', -0.5, '0000-00-00', '0000-00-00 00:00:00', null, null, 'no', null, null, 1, null)";

const READ: &str = concat!(
    "\"id\",\"flag\",\"bits\",\"price\",\"day\",\"moment\",\"instant\",\"old\",\"word\",\"doc\",\"year\",\"padded\"\r\n",
    "\"7\",\"0\",\"0\",\"-0.5000000000\",,,,,\"no\",,,\"000001\"\r\n",
    "\"18446744073709551615\",\"1\",\"10\",\"12345678901234567890.0123456789\",\"2026-10-01\",",
    "\"2026-10-01 10:11:12.345\",\"2026-10-01T08:00:00Z\",\"Käse, \"\"fein\"\"\",\"yes\",\"{\"\"a\"\": \"\"ü\"\"}\",\"2026\",\"000042\"\r\n",
);

/// Every odd value is read as it is meant, and bytes are refused by name.
pub async fn values_are_read_or_refused(server: &Server) -> Result<()> {
    let shop = Shop::open().await?;
    server.fill().await?;
    server.run(ODD).await?;
    let kinds = server.kinds(&shop.app, "odd").await?;
    ensure!(kinds.get("id").is_some_and(|kind| kind == "bigint(20) unsigned"), "{kinds:?}");
    let names = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let columns = names("id flag bits price day moment instant old word doc year padded");
    let (_, read) = copied(&shop, server, "odd", &columns, &kinds, None).await?;
    ensure!(read == READ, "{read}");
    let refused = copied(&shop, server, "odd", &names("id raw"), &kinds, None).await;
    let told = refused.err().context("bytes are read")?.to_string();
    ensure!(told.contains("`raw` is of type varbinary(16)"), "{told}");
    Ok(())
}

/// By a key that grows, what comes after the last one is read, to the last digit; a column that cannot grow is refused.
pub async fn changes_go_by_a_key(server: &Server) -> Result<()> {
    let shop = Shop::open().await?;
    server.fill().await?;
    server.run(ODD).await?;
    let kinds = server.kinds(&shop.app, "odd").await?;
    let columns = ["id".to_owned()];
    let since = |after| Some(("id", after));
    let (first, _) = copied(&shop, server, "odd", &columns, &kinds, since(None)).await?;
    ensure!(first == Copied { rows: 2, until: Some("18446744073709551615".to_owned()) }, "{first:?}");
    // As a fraction in base two both would be the same.
    let (second, read) =
        copied(&shop, server, "odd", &columns, &kinds, since(Some("18446744073709551614"))).await?;
    ensure!(second.rows == 1 && read.contains("18446744073709551615"), "{second:?} {read}");
    let by_word = copied(&shop, server, "odd", &columns, &kinds, Some(("word", None))).await;
    let told = by_word.err().context("a word is no order")?.to_string();
    ensure!(told.contains("`word` is of type enum('yes','no')"), "{told}");
    Ok(())
}

/// Two orders whose numbers a collation calls equal keep their rows together.
pub async fn orders_stand_together(server: &Server) -> Result<()> {
    let shop = Shop::open().await?;
    server.fill().await?;
    server
        .run(
            "delete from sales.line; insert into sales.line (number, who, at, pieces, total) values
             ('a-1', 'c1', '2026-10-01', 1, 1), ('A-1', 'c2', '2026-10-01', 1, 2), ('a-1', 'c1', '2026-10-01', 1, 4)",
        )
        .await?;
    let kinds = server.kinds(&shop.app, "line").await?;
    shop.save(server.place("line", Some("changed"))?, server.secret(), &kinds).await?;
    shop.done().await?;
    let mut sold: Vec<String> = shop.sold().await?.split(' ').map(str::to_owned).collect();
    sold.sort();
    ensure!(sold == ["A-1=2.00/1", "a-1=5.00/2"], "{sold:?}");
    Ok(())
}

/// Who may not read is told so, and not why in the server's words.
pub async fn sign_ins_are_refused(server: &Server) -> Result<()> {
    let shop = Shop::open().await?;
    server.fill().await?;
    let wrong = server.opened(&shop.app, "wrong").await.err().context("any password is taken")?.to_string();
    ensure!(wrong.ends_with("(code wrong_password)") && !wrong.contains("reader"), "{wrong}");
    let missing = server.kinds(&shop.app, "nothing").await.err().context("it is there")?.to_string();
    ensure!(missing.starts_with("there is no table or view nothing that this user may read"), "{missing}");
    Ok(())
}

/// The session writes nothing, though its user may, and its statements end after two minutes.
pub async fn sessions_only_read(server: &Server) -> Result<()> {
    let shop = Shop::open().await?;
    server.fill().await?;
    let mut opened = server.opened(&shop.app, server.secret()).await?;
    let Session::Mysql(session) = &mut opened.session else {
        bail!("it is no MySQL");
    };
    let asked = "select cast(@@max_statement_time as char), (select variable_value from information_schema.session_status
        where variable_name = 'Ssl_version')";
    let row = sqlx::raw_sql(asked).fetch_one(&mut **session).await?;
    let (limit, tls): (String, String) = (row.try_get_unchecked(0)?, row.try_get_unchecked(1)?);
    ensure!(limit.starts_with("120"), "statements may take {limit} s");
    ensure!(tls.starts_with("TLSv1."), "the session is not encrypted: {tls}");
    let insert = sqlx::raw_sql("insert into sales.line (number) values ('x')").execute(&mut **session).await;
    let told = insert.err().context("it writes")?.to_string();
    ensure!(told.contains("READ ONLY"), "{told}");
    Ok(())
}

/// Rows come as they are read: of a table of 200 MB less than 64 MiB is in memory. Answers with its rows, and with
/// what memory grew by, in MiB.
pub async fn a_large_table_passes_through(server: &Server) -> Result<(u64, u64)> {
    let shop = Shop::open().await?;
    server.fill().await?;
    server
        .run(
            "create table sales.large (number integer, note text);
             insert into sales.large with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)
             select a.i * 1000 + b.i, repeat('x', 1000) from n a, n b where a.i <= 200",
        )
        .await?;
    let kinds = server.kinds(&shop.app, "large").await?;
    let columns = ["number".to_owned(), "note".to_owned()];
    let wanted = Wanted {
        table: "large",
        columns: &columns,
        kinds: &kinds,
        order_id: "number",
        since: None,
        limit: None,
    };
    let mut opened = server.opened(&shop.app, server.secret()).await?;
    let before = most_memory_mib()?;
    let copied = opened.copy(&wanted, &mut std::io::sink()).await?;
    let grown = most_memory_mib()?.saturating_sub(before);
    // Its transaction would keep the table from being dropped.
    drop(opened);
    server.run("drop table sales.large").await?;
    ensure!(copied.rows == 200_000, "{copied:?}");
    ensure!(grown < 64, "memory grew by {grown} MiB");
    Ok((copied.rows, grown))
}

fn most_memory_mib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

async fn copied(
    shop: &Shop,
    server: &Server,
    table: &str,
    columns: &[String],
    kinds: &BTreeMap<String, String>,
    since: Option<(&str, Option<&str>)>,
) -> Result<(Copied, String)> {
    let since = since
        .map(|(column, after)| {
            Ok::<_, anyhow::Error>((column, kinds.get(column).context("no column")?.as_str(), after))
        })
        .transpose()?;
    let wanted = Wanted { table, columns, kinds, order_id: "id", since, limit: None };
    let mut file = Vec::new();
    let copied = server.opened(&shop.app, server.secret()).await?.copy(&wanted, &mut file).await?;
    Ok((copied, String::from_utf8(file)?))
}
