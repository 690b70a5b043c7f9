//! What a job's short transactions have set besides role and tenant, and that it ends with them.

use database::ids::TenantId;
use database::{Db, Role, Tx};
use migrations::testing::fresh_database;

/// Role, tenant, how statements are planned, and whether commits wait for the disk.
async fn set(tx: &mut Tx) -> [String; 4] {
    let names = ["role", "desk.tenant_id", "plan_cache_mode", "synchronous_commit"];
    let values: Vec<String> =
        sqlx::query_scalar("select coalesce(current_setting(name, true), '') from unnest($1::text[]) name")
            .bind(names)
            .fetch_all(&mut **tx)
            .await
            .expect("read");
    values.try_into().expect("as many as were asked for")
}

#[tokio::test]
async fn a_step_is_planned_once_and_not_waited_for_and_nothing_after_it() {
    let database = fresh_database().await;
    let db = Db::connect(&database.url_for("desk_worker"), 1).expect("the URL is valid");
    let tenant = TenantId::new();
    let mut tx = db.step_tx(Role::Support, tenant).await.expect("a transaction");
    let support = "desk_support".to_owned();
    let own = tenant.to_string();
    assert_eq!(set(&mut tx).await, [support.clone(), own.clone(), "force_generic_plan".into(), "off".into()]);
    tx.commit().await.expect("committed");
    // On the only connection that there is.
    let mut tx = db.tenant_tx(Role::Support, tenant).await.expect("a transaction");
    let [role, of, planned, waits] = set(&mut tx).await;
    assert_eq!((role, of, planned), (support, own, "auto".into()));
    assert_ne!(waits, "off");
}
