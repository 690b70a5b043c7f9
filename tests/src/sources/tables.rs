//! What has to come of a table, whichever server has it.

use anyhow::{Result, ensure};
use chrono::Utc;
use platform::sources::Place;
use serde_json::json;

use super::Shop;
use super::server::Server;

/// A shop with the table as its source.
async fn opened(server: &Server) -> Result<Shop> {
    let shop = Shop::open().await?;
    server.fill().await?;
    save(&shop, server).await?;
    Ok(shop)
}

/// Saves the table as it is now.
async fn save(shop: &Shop, server: &Server) -> Result<()> {
    let kinds = server.kinds(&shop.app, "sales.line").await?;
    shop.save(server.place("sales.line", Some("changed"))?, server.secret(), &kinds).await
}

/// It is read, and read again where it changed.
pub async fn is_read_again_where_it_changed(server: &Server) -> Result<()> {
    let shop = opened(server).await?;
    let first = shop.done().await?;
    ensure!((&first["rows"], &first["import"]["orders_inserted"]) == (&json!(4), &json!(2)), "{first}");
    ensure!(first["import"]["left_out"] == json!({ "customer_missing": 1 }), "{first}");
    ensure!(shop.sold().await? == "A-1=14.50/2 A-2=7.25/1", "{}", shop.sold().await?);
    // One line of an order changes: the order is read as a whole.
    let change = "update sales.line set total = 5.00, changed = '2026-11-01 00:00:00' where number = 'A-1' and total = 4.00";
    server.run(change).await?;
    let second = shop.done().await?;
    ensure!(second["import"]["orders_replaced"] == 1, "{second}");
    ensure!(shop.sold().await? == "A-1=15.50/2 A-2=7.25/1", "{}", shop.sold().await?);
    let third = shop.done().await?;
    ensure!(third["rows"] == 2, "what was changed in the moment that was read last is read again: {third}");
    ensure!(third["import"]["orders_unchanged"] == 1, "{third}");
    ensure!(shop.is_tidy(), "a file was left behind");
    Ok(())
}

/// A column that changed or vanished stops it until it is saved again.
pub async fn stops_at_a_column_that_changed_or_vanished(server: &Server) -> Result<()> {
    let shop = opened(server).await?;
    server.retype("pieces", "bigint").await?;
    let (was, is) = server.integers();
    let told = shop.refused().await?;
    ensure!(told.contains(&format!("`pieces` was of type {was} and is of type {is}")), "{told}");
    save(&shop, server).await?;
    shop.done().await?;
    server.run("alter table sales.line drop column total").await?;
    let told = shop.refused().await?;
    ensure!(told.contains("`total`"), "{told}");
    let source = shop.source().await?;
    ensure!(source.problem.is_some_and(|problem| problem.contains("`total`")), "the source does not say why");
    ensure!(source.last_at.is_some_and(|at| at <= Utc::now()), "the source does not say when");
    Ok(())
}

/// A table that is gone is told by its name.
pub async fn tells_a_table_that_is_gone(server: &Server) -> Result<()> {
    let shop = opened(server).await?;
    server.run("drop table sales.line").await?;
    let told = shop.refused().await?;
    ensure!(told.contains("there is no table or view sales.line"), "{told}");
    Ok(())
}

/// What is wrong is told by a code, and by nothing of what the server says: `stranger` may not read the table.
pub async fn tells_what_is_wrong(server: &Server, stranger: &Server) -> Result<()> {
    let shop = opened(server).await?;
    let kinds = server.kinds(&shop.app, "sales.line").await?;
    server.run("grant usage on schema sales to public").await?;
    shop.save(stranger.place("sales.line", None)?, server.secret(), &kinds).await?;
    let told = shop.refused().await?;
    ensure!(told.ends_with("(code not_permitted)") && !told.contains("permission denied"), "{told}");
    let mut place = server.place("sales.line", None)?;
    if let Place::Postgres(table) | Place::Mysql(table) = &mut place {
        table.database = "nothing_of_the_kind".to_owned();
    }
    shop.save(place, server.secret(), &kinds).await?;
    let told = shop.refused().await?;
    ensure!(told.ends_with("(code no_database)") && !told.contains("nothing_of_the_kind"), "{told}");
    let source = shop.source().await?;
    ensure!(source.problem == Some(told), "the source does not say the same: {:?}", source.problem);
    Ok(())
}
