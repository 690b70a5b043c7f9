//! A shop in which a run of customer intelligence was published: two customers with orders, one without, a
//! segmentation with two axes that tell customers apart, a model of each target. All of it written by SQL, as the
//! runs write it.

// Every test program takes what it needs of this.

use accounts::verify::Mode;
use axum::http::StatusCode;
use database::ids::TenantId;
use database::{Role, Tx};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::shop::{Answer, Shop, shop};

/// The archetypes' ids, by their places in the catalogue; the third belongs to the first.
pub const ARCHETYPES: [&str; 3] = [
    "00000000000000000000000000000001",
    "00000000000000000000000000000002",
    "00000000000000000000000000000003",
];

/// What was written.
pub struct Insights {
    /// The published run.
    pub run: Uuid,
    /// Its segmentation.
    pub segmentation: Uuid,
    /// The churn champion.
    pub churn_model: Uuid,
    /// The champion of lifetime value.
    pub ltv_model: Uuid,
}

/// A shop with a published run: `loyal` and `fading` bought, `curious` did not.
pub async fn published() -> (Shop, Insights) {
    let shop = shop(Mode::Token).await;
    let mut tx = platform(&shop, shop.tenant).await;
    let segmentation = segmentation(&mut tx, shop.tenant, 1).await;
    let churn_model = model(&mut tx, shop.tenant, "churn", 1, "champion").await;
    let ltv_model = model(&mut tx, shop.tenant, "ltv", 1, "champion").await;
    for customer in ["curious", "fading", "loyal"] {
        add_customer(&mut tx, shop.tenant, customer).await;
    }
    add_orders(&mut tx, shop.tenant, "loyal").await;
    add_orders(&mut tx, shop.tenant, "fading").await;
    let run = run(&mut tx, shop.tenant, 1, "published").await;
    sqlx::query(
        "update platform.intelligence_run
         set segmentation_id = $2, churn_model_id = $3, ltv_model_id = $4, customers = 2, shards = 1 where id = $1",
    )
    .bind(run)
    .bind(segmentation)
    .bind(churn_model)
    .bind(ltv_model)
    .execute(&mut *tx)
    .await
    .expect("updated");
    sqlx::query("insert into platform.current_run (tenant_id, run_id, generation) values ($1, $2, 1)")
        .bind(shop.tenant)
        .bind(run)
        .execute(&mut *tx)
        .await
        .expect("published");
    let loyal =
        Found { archetype: (Some(0), Some(2)), churn: Some(0.3), ltv: Some(129.9), ..Found::default() };
    put(&mut tx, shop.tenant, "loyal", &loyal).await;
    let fading = Found {
        orders: 1,
        axes: [Some(4), Some(2)],
        memberships: [20, 235, 250, 5],
        archetype: (Some(1), None),
        churn: Some(0.91),
        ..Found::default()
    };
    put(&mut tx, shop.tenant, "fading", &fading).await;
    tx.commit().await.expect("committed");
    (shop, Insights { run, segmentation, churn_model, ltv_model })
}

/// What a run found of a customer.
pub struct Found {
    /// Orders.
    pub orders: i32,
    /// Purchase frequency and purchase value, segment x 4 + strength.
    pub axes: [Option<i16>; 2],
    /// Memberships in the two segments of both.
    pub memberships: [u8; 4],
    /// Indexes of the archetypes.
    pub archetype: (Option<i16>, Option<i16>),
    /// Probability of churn.
    pub churn: Option<f32>,
    /// Expected spend.
    pub ltv: Option<f32>,
    /// Money spent.
    pub spend_cents: i64,
}

impl Default for Found {
    fn default() -> Found {
        Found {
            orders: 14,
            axes: [Some(2), Some(1)],
            memberships: [240, 15, 140, 115],
            archetype: (Some(0), Some(0)),
            churn: None,
            ltv: None,
            spend_cents: 129_050,
        }
    }
}

/// Writes what the first generation found of a customer.
pub async fn put(tx: &mut Tx, tenant: TenantId, customer: &str, found: &Found) {
    sqlx::query(
        "insert into platform.customer_fact
             (tenant_id, generation, customer_id, orders, spend_cents, first_order_on, last_order_on,
              purchase_frequency, purchase_value, archetype_l1, archetype_l2, marketing_opt_in, churn, ltv)
         values ($1, 1, $2, $3, $4, '2024-03-01', '2026-01-19', $5, $6, $7, $8, true, $9, $10)",
    )
    .bind(tenant)
    .bind(customer)
    .bind(found.orders)
    .bind(found.spend_cents)
    .bind(found.axes[0])
    .bind(found.axes[1])
    .bind(found.archetype.0)
    .bind(found.archetype.1)
    .bind(found.churn)
    .bind(found.ltv)
    .execute(&mut **tx)
    .await
    .expect("a fact");
    let features: Vec<u8> = [14.0_f32, f32::NAN, 129.5].into_iter().flat_map(f32::to_le_bytes).collect();
    sqlx::query(
        "insert into platform.customer_insight
             (tenant_id, generation, customer_id, computed_at, confidence, who, features, memberships, ltv_low, ltv_high,
              churn_reasons, places)
         values ($1, 1, $2, now(), 'high', '14 orders since March 2024', $3, $4, $5, $6, $7, $8)",
    )
    .bind(tenant)
    .bind(customer)
    .bind(features)
    .bind(found.memberships.as_slice())
    .bind(found.ltv.map(|ltv| ltv / 2.0))
    .bind(found.ltv.map(|ltv| ltv * 2.0))
    .bind(found.churn.map(|_| json!(["The last order is 12 days old."])))
    .bind(vec![91_u8, 3, 20, 75])
    .execute(&mut **tx)
    .await
    .expect("an insight");
}

/// A transaction that may write what runs write.
pub async fn platform(shop: &Shop, tenant: TenantId) -> Tx {
    shop.state.db.tenant_tx(Role::Platform, tenant).await.expect("a transaction")
}

/// A customer of the shop.
pub async fn add_customer(tx: &mut Tx, tenant: TenantId, customer: &str) {
    sqlx::query(
        "insert into platform.customer (tenant_id, customer_id, email) values ($1, $2, $2 || '@example.com')",
    )
    .bind(tenant)
    .bind(customer)
    .execute(&mut **tx)
    .await
    .expect("a customer");
}

/// Notes that the customer's orders changed in this transaction.
pub async fn add_orders(tx: &mut Tx, tenant: TenantId, customer: &str) {
    sqlx::query(
        "insert into platform.customer_profile
             (tenant_id, customer_id, orders, lines, spend, currency, returned_value, first_order_at, last_order_at)
         values ($1, $2, 2, 3, 31.40, 'EUR', 0, '2024-03-01', '2026-01-19')
         on conflict (tenant_id, customer_id) do update set orders = customer_profile.orders + 1, refreshed_at = now()",
    )
    .bind(tenant)
    .bind(customer)
    .execute(&mut **tx)
    .await
    .expect("a profile");
}

/// A run in this state.
pub async fn run(tx: &mut Tx, tenant: TenantId, generation: i32, state: &str) -> Uuid {
    let id = Uuid::now_v7();
    sqlx::query(
        "insert into platform.intelligence_run
             (id, tenant_id, generation, state, as_of, currency, prepared_at, published_at, report)
         values ($1, $2, $3, $4, '2026-01-31', 'EUR', now(),
                 case when $4 in ('published', 'superseded') then now() end, '{\"notes\": [\"a note of the run\"]}')",
    )
    .bind(id)
    .bind(tenant)
    .bind(generation)
    .bind(state)
    .execute(&mut **tx)
    .await
    .expect("a run");
    id
}

/// A model whose artefact is what its checksum says.
pub async fn model(tx: &mut Tx, tenant: TenantId, target: &str, number: i32, role: &str) -> Uuid {
    let id = Uuid::now_v7();
    let artefact = format!("the trees of {id}");
    sqlx::query(
        "insert into platform.model
             (id, tenant_id, target, number, family, role, horizon_days, trained_as_of, window_from, window_to, snapshots,
              features, parameters, metrics, calibration, artefact, artefact_sha256, job_id)
         values ($1, $2, $3, $4, 'lightgbm', $5, 90, '2026-01-31', '2025-05-01', '2026-01-31', '[\"2025-11-02\"]',
                 '[\"orders\"]', '{\"leaves\": 15}', $6, '[{\"predicted\": 0.1, \"observed\": 0.11, \"count\": 9}]',
                 $7, $8, $1)",
    )
    .bind(id)
    .bind(tenant)
    .bind(target)
    .bind(number)
    .bind(role)
    .bind(json!({"ours": {"roc_auc": {"value": 0.84, "low": 0.83, "high": 0.85}}}))
    .bind(artefact.as_bytes())
    .bind(Sha256::digest(artefact.as_bytes()).as_slice())
    .execute(&mut **tx)
    .await
    .expect("a model");
    id
}

/// A segmentation of two axes with two segments each; the other axes tell nobody apart.
pub async fn segmentation(tx: &mut Tx, tenant: TenantId, number: i32) -> Uuid {
    let id = Uuid::now_v7();
    sqlx::query(
        "insert into platform.segmentation
             (id, tenant_id, number, state, fitted_as_of, customers, model, catalog, report, reason)
         values ($1, $2, $3, case when $3 = 1 then 'current' else 'retired' end, '2026-01-31', 2, '', $4,
                 '{\"coverage\": 0.98}', 'the first one')",
    )
    .bind(id)
    .bind(tenant)
    .bind(number)
    .bind(catalog())
    .execute(&mut **tx)
    .await
    .expect("a segmentation");
    id
}

fn catalog() -> Value {
    let segment =
        |name: &str, description: &str| json!({"name": name, "description": description, "share": 0.5});
    let dull =
        |name: &str| json!({"name": name, "degenerate": "nobody differs", "segments": [], "offset": 4});
    json!({
        "features": [
            {"name": "orders", "axis": "purchase_frequency", "unit": "orders"},
            {"name": "orders_30d", "axis": "purchase_frequency", "unit": "orders"},
            {"name": "spend", "axis": "purchase_value", "unit": "money"},
        ],
        "axes": [
            {"name": "purchase_frequency", "degenerate": null, "offset": 0,
             "segments": [segment("Monthly buyers", "buys every month"), segment("Rare buyers", "buys once a year")]},
            {"name": "purchase_value", "degenerate": null, "offset": 2,
             "segments": [segment("Big baskets", "spends much an order"), segment("Small baskets", "spends little an order")]},
            dull("category_exploration"), dull("price_sensitivity"), dull("purchase_cadence"),
            dull("customer_maturity"), dull("repurchase_behavior"), dull("return_behavior"),
        ],
        "archetypes": [
            {"id": ARCHETYPES[0], "level": 1, "name": "Regulars", "parent": null, "support": 60,
             "segments": {"purchase_frequency": "Monthly buyers"}},
            {"id": ARCHETYPES[1], "level": 1, "name": "Occasional guests", "parent": null, "support": 70,
             "segments": {"purchase_frequency": "Rare buyers"}},
            {"id": ARCHETYPES[2], "level": 2, "name": "Regulars with big baskets", "parent": 0, "support": 50,
             "description": "Typically 14 orders worth 1,290 in all, one every month, the last 12 days ago.",
             "segments": {"purchase_frequency": "Monthly buyers", "purchase_value": "Big baskets"}},
        ],
        "psi_reference": {"orders": [0.5, 0.5]},
    })
}

/// GET that must succeed.
pub async fn see(shop: &Shop, path: &str) -> Answer {
    let answer = shop.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer
}

/// The customers of a page.
pub fn customers(answer: &Answer) -> Vec<&str> {
    let items = answer.json["items"].as_array().expect("items");
    items.iter().map(|item| item["customer_id"].as_str().expect("a customer")).collect()
}
