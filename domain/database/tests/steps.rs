//! What a job's short transactions have set besides role and tenant, and that no others have it.

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
async fn who_works_in_steps_waits_longer_for_a_connection_than_who_is_waited_for() {
    let url = "postgres://nobody@127.0.0.1:1/nothing";
    let patience = |db: &Db| db.pool().options().get_acquire_timeout();
    let steps = Db::connect_for_steps(url, 1).expect("the URL is valid");
    let db = Db::connect(url, 1).expect("the URL is valid");
    assert!(patience(&steps) > patience(&db) * 2);
}

#[tokio::test]
async fn a_step_is_planned_once_and_not_waited_for() {
    let database = fresh_database().await;
    let url = database.url_for("desk_worker");
    let steps = Db::connect_for_steps(&url, 1).expect("the URL is valid");
    let tenant = TenantId::new();
    let own = tenant.to_string();
    // Whatever came before on the only connection that there is.
    for _ in 0..2 {
        let mut tx = steps.tenant_tx(Role::Support, tenant).await.expect("a transaction");
        let [role, of, planned, waits] = set(&mut tx).await;
        assert_eq!([role, of, planned, waits], ["desk_support", &own, "force_generic_plan", "off"]);
        tx.commit().await.expect("committed");
    }
    let db = Db::connect(&url, 1).expect("the URL is valid");
    let mut tx = db.tenant_tx(Role::Support, tenant).await.expect("a transaction");
    let [role, of, planned, waits] = set(&mut tx).await;
    assert_eq!([role, of, planned], ["desk_support", &own, "auto"]);
    assert_ne!(waits, "off");
}
