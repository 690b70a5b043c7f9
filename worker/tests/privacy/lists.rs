//! Every table, and every column that can hold words, is named with what becomes of a person's words in it. Both are read from
//! the catalogue: a new one that nobody named fails here.

use database::personal::{How, Store};
use sqlx::Connection;

use super::shop::Shop;

fn all() -> Vec<&'static Store> {
    [
        accounts::personal::STORES,
        jobs::personal::STORES,
        platform::personal::STORES,
        support::privacy::STORES,
        support::privacy::WITHOUT_TICKET,
        marketing::personal::STORES,
        questions::personal::STORES,
        outbound::personal::STORES,
    ]
    .concat()
    .into_iter()
    .map(|store| &*Box::leak(Box::new(store)))
    .collect()
}

#[tokio::test]
async fn every_table_and_column_is_named() {
    let shop = Shop::empty(|app| app).await;
    let mut admin = sqlx::PgConnection::connect(&shop.database.admin_url).await.expect("the server answers");
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "select n.nspname || '.' || c.relname, a.attname::text, t.typname::text
         from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
         join pg_type t on t.oid = a.atttypid
         where c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
           and n.nspname not in ('pg_catalog', 'information_schema', 'public') and n.nspname not like 'pg\\_%'
         order by 1, 2",
    )
    .fetch_all(&mut admin)
    .await
    .expect("the catalogue is readable");
    let stores = all();
    let mut faults = Vec::new();
    for (table, column, kind) in &columns {
        let entries: Vec<_> = stores.iter().filter(|store| store.table == table).collect();
        if entries.is_empty() {
            faults.push(format!(
                "{table} is in no list: say in its owner's STORES what becomes of a person's rows in it"
            ));
            continue;
        }
        let can_hold_words = matches!(
            kind.as_str(),
            "text"
                | "varchar"
                | "bpchar"
                | "json"
                | "jsonb"
                | "bytea"
                | "xml"
                | "tsvector"
                | "_text"
                | "_varchar"
                | "_jsonb"
        );
        if can_hold_words && !entries.iter().any(|store| store.covers(column)) {
            faults.push(format!(
                "{table}.{column} ({kind}) is in no list: say whether a person's words can be in it"
            ));
        }
    }
    faults.dedup();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for store in stores {
        let is_there =
            |column: &str| columns.iter().any(|(table, name, _)| table == store.table && name == column);
        assert!(
            columns.iter().any(|(table, ..)| table == store.table),
            "{} is listed and not there",
            store.table
        );
        if let How::Set(set) = store.how {
            for column in set.iter().map(|(name, _)| *name).chain(store.plain.iter().copied()) {
                assert!(is_there(column), "{}.{column} is listed and not there", store.table);
            }
        }
    }
}
