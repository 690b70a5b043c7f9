//! Single orders, sent to the api one at a time as a shop's own system would, and how long each takes until the
//! customer's facts and score say so.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use database::ids::TenantId;
use reqwest::{StatusCode, header};
use sqlx::PgPool;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::shop::Shop;
use crate::desk::Desk;

/// How often the database is asked; what is measured is at most this much too long.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// From one order to the next.
const APART: Duration = Duration::from_millis(200);
/// An order that is not visible after this is not waited for.
const LIMIT: Duration = Duration::from_secs(60);

/// An order and who made it.
#[derive(Clone, Debug)]
pub struct Order {
    customer_id: String,
    /// Orders of the customer once this one counts.
    expected: i32,
    sent: Instant,
}

/// Single orders of as many customers.
pub struct Orders {
    desk: Desk,
    owner: PgPool,
    tenant: TenantId,
    /// Customers of the published run, and how many orders they have.
    customers: Vec<(String, i32)>,
}

impl Orders {
    /// Chooses customers of the published run, the same ones each time.
    ///
    /// # Errors
    /// There is no published run, or it has fewer customers.
    pub async fn choose(
        desk: Desk,
        owner: &PgPool,
        tenant: TenantId,
        count: usize,
    ) -> anyhow::Result<Orders> {
        let customers: Vec<(String, i32)> = sqlx::query_as(
            "select f.customer_id, f.orders from platform.current_run c
             join platform.customer_fact f on f.tenant_id = c.tenant_id and f.generation = c.generation
             where c.tenant_id = $1 order by md5(f.customer_id) limit $2",
        )
        .bind(tenant.0)
        .bind(i64::try_from(count)?)
        .fetch_all(owner)
        .await?;
        ensure!(customers.len() == count, "there are only {} customers", customers.len());
        Ok(Orders { desk, owner: owner.clone(), tenant, customers })
    }

    /// Sends them, five a second, as long as `goes_on`; answers how long each took that became visible.
    ///
    /// # Errors
    /// The api refuses one, or one is not visible within a minute.
    pub async fn send(&self, goes_on: impl Fn() -> bool) -> anyhow::Result<Vec<Duration>> {
        let (tell, told) = mpsc::unbounded_channel();
        let watch = tokio::spawn(watch(self.owner.clone(), self.tenant, told));
        let mut requests = JoinSet::new();
        let mut ticks = interval(APART);
        // Orders come when they come, whether or not the ones before are through.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let http = reqwest::Client::builder().no_proxy().build()?;
        for (number, (customer_id, orders)) in self.customers.iter().enumerate() {
            ticks.tick().await;
            if !goes_on() {
                break;
            }
            let order =
                Order { customer_id: customer_id.clone(), expected: orders + 1, sent: Instant::now() };
            // Nobody listens when the watch has failed, which is said below.
            let _ = tell.send(order);
            requests.spawn(import(http.clone(), self.desk.clone(), customer_id.clone(), number));
        }
        drop(tell);
        while let Some(answer) = requests.join_next().await {
            answer??;
        }
        watch.await?
    }

    /// How many of the first `sent` customers the published run does not know the order of.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn forgotten(&self, sent: usize) -> anyhow::Result<usize> {
        let sent = &self.customers[..sent.min(self.customers.len())];
        let ids: Vec<String> = sent.iter().map(|(id, _)| id.clone()).collect();
        let known = known(&self.owner, self.tenant, &ids).await?;
        Ok(sent.iter().filter(|(id, orders)| known.get(id).is_none_or(|known| known <= orders)).count())
    }
}

/// Sends an order of the shop's last day as a file of one line.
async fn import(http: reqwest::Client, desk: Desk, customer_id: String, number: usize) -> anyhow::Result<()> {
    let body = format!(
        "order_id,customer_id,ordered_at,product_id,category,quantity,amount,list_amount,currency\n\
         N{number},{customer_id},{} 23:30:00,P00007,category-07,1,24.90,29.90,{}\n",
        Shop::LAST_DAY,
        Shop::CURRENCY
    );
    let answer = http
        .post(format!("{}/api/orders/import", desk.base()))
        .header("x-api-key", &desk.credentials().key)
        .header(header::CONTENT_TYPE, "text/csv")
        .body(body)
        .send()
        .await
        .context("the api does not answer")?;
    let status = answer.status();
    if status != StatusCode::ACCEPTED {
        bail!("the api answered {status} to an order: {}", answer.text().await.unwrap_or_default());
    }
    Ok(())
}

/// Looks until every order that it is told of is visible.
async fn watch(
    owner: PgPool,
    tenant: TenantId,
    mut told: mpsc::UnboundedReceiver<Order>,
) -> anyhow::Result<Vec<Duration>> {
    let mut waiting: Vec<Order> = Vec::new();
    let mut times = Vec::new();
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut more = true;
    while more || !waiting.is_empty() {
        tokio::select! {
            order = told.recv(), if more => match order {
                Some(order) => waiting.push(order),
                None => more = false,
            },
            _ = ticks.tick() => {
                let ids: Vec<String> = waiting.iter().map(|order| order.customer_id.clone()).collect();
                let known = known(&owner, tenant, &ids).await?;
                let now = Instant::now();
                for order in std::mem::take(&mut waiting) {
                    let took = now - order.sent;
                    if known.get(&order.customer_id).is_some_and(|orders| *orders >= order.expected) {
                        times.push(took);
                    } else if took > LIMIT {
                        bail!("an order is not visible after {} s", LIMIT.as_secs());
                    } else {
                        waiting.push(order);
                    }
                }
            }
        }
    }
    Ok(times)
}

/// How many orders readers see of each of these customers.
async fn known(owner: &PgPool, tenant: TenantId, ids: &[String]) -> anyhow::Result<HashMap<String, i32>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, i32)> = sqlx::query_as(
        "select f.customer_id, f.orders from platform.current_run c
         join platform.customer_fact f on f.tenant_id = c.tenant_id and f.generation = c.generation
         join platform.customer_insight i
             on i.tenant_id = f.tenant_id and i.generation = f.generation and i.customer_id = f.customer_id
         where c.tenant_id = $1 and f.customer_id = any ($2)",
    )
    .bind(tenant.0)
    .bind(ids)
    .fetch_all(owner)
    .await?;
    Ok(rows.into_iter().collect())
}
