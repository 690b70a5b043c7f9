//! A migrated database with one tenant, for the tests of this package.

#![allow(dead_code, reason = "each test program uses a part of it")]

use accounts::tenants;
use database::Db;
use database::ids::TenantId;
use migrations::testing::{TestDatabase, fresh_database};

pub struct World {
    pub db: Db,
    pub tenant: TenantId,
    pub database: TestDatabase,
}

/// The database as the API sees it, with a tenant `shop`.
pub async fn world() -> World {
    let database = fresh_database().await;
    let db = Db::connect(&database.url_for("desk_api"), 8).expect("the URL is valid");
    let tenant = add_tenant(&db, "shop").await;
    World { db, tenant, database }
}

pub async fn add_tenant(db: &Db, slug: &str) -> TenantId {
    let mut tx = db.gateway_tx().await.expect("the database answers");
    let tenant = tenants::create(&mut tx, slug, slug, "UTC").await.expect("the slug is free");
    tx.commit().await.expect("commits");
    tenant.id
}
