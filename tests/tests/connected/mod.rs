//! A shop whose help desk is played by the recording upstream.

use accounts::base_url::Loopback;
use accounts::integrations;
use accounts::seal::MasterKey;
use cluster::upstream::Upstream;
use database::Db;
use database::ids::TenantId;
use migrations::testing::TestDatabase;

/// The shop. Tenants are made by the api; a worker may not.
pub async fn connected_tenant(database: &TestDatabase, upstream: &Upstream, key: &MasterKey) -> TenantId {
    let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
    let mut tx = api.gateway_tx().await.expect("the database");
    let tenant = accounts::tenants::create(&mut tx, "shop", "Lamp Shop", "UTC").await.expect("a tenant").id;
    let settings = integrations::Gorgias {
        base_url: upstream.gorgias_base(),
        email: "bot@shop.example".into(),
        api_key: "k".into(),
        verification: None,
    };
    integrations::put_gorgias(&mut tx, key, tenant, &settings, Loopback::Allowed).await.expect("stored");
    tx.commit().await.expect("the database");
    tenant
}
