//! Computes reports and keeps them: few at a time, in the places for reads that scan, so that analytics never take
//! all connections or all processors.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};
use platform::analytics::affinity::{self, Associations, By, Recommendation};
use platform::analytics::{
    AnalyticsError, Effort, Levels, Report, Standing, b2b, bound, cadence, categories, change, discounts,
    expansion, momentum, rfm, seasons, segments, targets,
};
use questions::memo::Memo;
use serde::Serialize;
use serde_json::{Value, json};

use super::AnalyticsReport;
use super::names::{Maker, Named};
use crate::state::AppState;
use crate::web::problem::Problem;

/// How long a report waits for its place among the reads that scan: a page of reports asks for many at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reports, levels and rules are computed anew so often at most while data change all the time.
const SETTLE: Duration = Duration::from_secs(60);

/// What a report is asked.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) limit: u32,
    pub(super) months: u32,
    pub(super) by: By,
    pub(super) axis: String,
}

/// What the process has computed.
#[derive(Debug)]
pub(super) struct Shelf {
    reports: Memo<Bytes>,
    levels: Memo<Arc<Levels>>,
    associations: Memo<Arc<Associations>>,
}

impl Default for Shelf {
    fn default() -> Shelf {
        Shelf {
            reports: Memo::new(1_000, SETTLE),
            levels: Memo::new(1_000, SETTLE),
            associations: Memo::new(50, SETTLE),
        }
    }
}

impl Shelf {
    /// The report as JSON. Once begun, it is computed to its end, so that whoever asks again finds it.
    pub(super) async fn report(
        self: &Arc<Shelf>,
        state: &AppState,
        tenant: TenantId,
        named: &'static Named,
        ask: Ask,
    ) -> Result<Bytes, Problem> {
        let (shelf, db, scans) = (self.clone(), state.db.clone(), state.scans.with_patience(PATIENCE));
        let computing = tokio::spawn(async move {
            let standing = standing(&db, tenant).await?;
            let key = format!(
                "{tenant} {:?} {} {} {} {:?} {}",
                named.group, named.name, ask.limit, ask.months, ask.by, ask.axis
            );
            let compute = async {
                let _place = scans.enter().await?;
                Ok::<_, Problem>(shelf.compute(&db, &standing, named, &ask).await?)
            };
            shelf.reports.get(key, &standing.version, compute).await
        });
        computing.await.map_err(|_| Problem::internal())?
    }

    /// What to recommend to one customer.
    pub(super) async fn recommendations(
        self: &Arc<Shelf>,
        state: &AppState,
        standing: Standing,
        customer_id: String,
        ask: Ask,
    ) -> Result<Result<Report<affinity::Basis, Recommendation>, AnalyticsError>, Problem> {
        let (shelf, db) = (self.clone(), state.db.clone());
        let place = state.scans.with_patience(PATIENCE).enter().await?;
        let computing = tokio::spawn(async move {
            let _place = place;
            let associations = shelf.associations(&db, &standing, &ask).await?;
            let mut tx = begin(&db, &standing, Effort::Customers).await?;
            let found =
                affinity::for_customer(&mut tx, &standing, &associations, &customer_id, ask.limit).await?;
            tx.commit().await?;
            Ok::<_, AnalyticsError>(found)
        });
        computing.await.map_err(|_| Problem::internal())
    }

    async fn compute(
        &self,
        db: &Db,
        standing: &Standing,
        named: &Named,
        ask: &Ask,
    ) -> Result<Bytes, DbError> {
        let (available, reason, figures, items) = match self.make(db, standing, named, ask).await {
            Ok((figures, items)) => (true, None, figures, items),
            Err(AnalyticsError::NotEnough(reason)) => (false, Some(reason), Value::Null, json!([])),
            Err(AnalyticsError::Db(error)) => return Err(error),
        };
        let report = AnalyticsReport {
            report: named.name,
            definition: named.definition,
            as_of: standing.as_of,
            timeframe_months: named.has_months().then_some(ask.months),
            currency: standing.currency.clone(),
            computed_at: Utc::now(),
            available,
            reason,
            figures,
            items,
        };
        Ok(serde_json::to_vec(&report).expect("a report is plain data").into())
    }

    async fn make(
        &self,
        db: &Db,
        standing: &Standing,
        named: &Named,
        ask: &Ask,
    ) -> Result<(Value, Value), AnalyticsError> {
        let (limit, months) = (ask.limit, ask.months);
        // What is kept beside the reports is fetched before the report's own transaction begins.
        let levels = match named.maker {
            Maker::List(_)
            | Maker::Rfm
            | Maker::Businesses
            | Maker::SeasonTargets
            | Maker::CrossSell
            | Maker::Expansion => Some(self.levels(db, standing).await?),
            _ => None,
        };
        let levels = || {
            levels.as_deref().ok_or_else(|| AnalyticsError::NotEnough("nobody has ordered yet".to_owned()))
        };
        let associations = match named.maker {
            Maker::Affinity | Maker::CrossSell => Some(self.associations(db, standing, ask).await?),
            _ => None,
        };
        let mut tx = begin(db, standing, effort(named.maker)).await?;
        let tx_ = &mut tx;
        let parts = match named.maker {
            Maker::List(rule) => parts(targets::list(tx_, standing, levels()?, rule, limit).await?),
            Maker::Revenue => parts(categories::revenue(tx_, standing, months, limit).await?),
            Maker::Repurchase => parts(categories::repurchase(tx_, standing, months, limit).await?),
            Maker::Cadence => parts(cadence::cadence(tx_, standing).await?),
            Maker::Momentum => parts(momentum::momentum(tx_, standing, limit).await?),
            Maker::Change => parts(change::changes(tx_, standing, limit).await?),
            Maker::Discounts(shown) => {
                parts(discounts::discounts(tx_, standing, months, shown, limit).await?)
            }
            Maker::Rfm => parts(rfm::rfm(tx_, standing, levels()?).await?),
            Maker::Businesses => parts(b2b::businesses(tx_, standing, levels()?, limit).await?),
            Maker::Overview => parts(segments::overview(tx_, standing).await?),
            Maker::Growth => parts(segments::growth(tx_, standing, months, limit).await?),
            Maker::Comparison => parts(segments::comparison(tx_, standing, &ask.axis, limit).await?),
            Maker::Seasonal => parts(seasons::seasonal(tx_, standing, months).await?),
            Maker::SeasonTargets => parts(seasons::targets(tx_, standing, levels()?, limit).await?),
            Maker::Expansion => parts(expansion::single_category(tx_, standing, levels()?, limit).await?),
            Maker::Affinity | Maker::CrossSell => match (&associations, named.maker) {
                (Some(found), Maker::Affinity) => parts(affinity::affinity(found, limit)),
                (Some(found), _) => {
                    parts(affinity::cross_sell(tx_, standing, levels()?, found, limit).await?)
                }
                (None, _) => (Value::Null, json!([])),
            },
        };
        tx.commit().await?;
        Ok(parts)
    }

    async fn levels(&self, db: &Db, standing: &Standing) -> Result<Arc<Levels>, AnalyticsError> {
        // Facts and profiles differ, so a first run makes the levels anew at once.
        let run = standing.run.as_ref().map(|run| run.id);
        let read = async {
            let mut tx = begin(db, standing, Effort::Lines).await?;
            let levels = Levels::read(&mut tx, standing).await?;
            tx.commit().await?;
            Ok(Arc::new(levels))
        };
        self.levels.get(format!("{} {run:?}", standing.tenant), &standing.version, read).await
    }

    async fn associations(
        &self,
        db: &Db,
        standing: &Standing,
        ask: &Ask,
    ) -> Result<Arc<Associations>, AnalyticsError> {
        let read = async {
            let mut tx = begin(db, standing, Effort::Lines).await?;
            let found = affinity::associations(&mut tx, standing, ask.by, ask.months).await?;
            tx.commit().await?;
            Ok(Arc::new(found))
        };
        let key = format!("{} {:?} {}", standing.tenant, ask.by, ask.months);
        self.associations.get(key, &standing.version, read).await
    }
}

/// Where the tenant stands now.
pub(super) async fn standing(db: &Db, tenant: TenantId) -> Result<Standing, DbError> {
    let mut tx = db.tenant_tx(Role::Marketing, tenant).await?;
    let standing = Standing::read(&mut tx, tenant, Utc::now()).await?;
    tx.commit().await?;
    Ok(standing)
}

async fn begin(db: &Db, standing: &Standing, effort: Effort) -> Result<Tx, DbError> {
    let mut tx = db.tenant_tx(Role::Marketing, standing.tenant).await?;
    bound(&mut tx, effort).await?;
    Ok(tx)
}

fn effort(maker: Maker) -> Effort {
    match maker {
        Maker::Revenue
        | Maker::Repurchase
        | Maker::Momentum
        | Maker::Discounts(_)
        | Maker::Seasonal
        | Maker::SeasonTargets
        | Maker::Growth
        | Maker::Overview => Effort::Lines,
        _ => Effort::Customers,
    }
}

fn parts<F: Serialize, I: Serialize>(report: Report<F, I>) -> (Value, Value) {
    let figures = serde_json::to_value(report.figures).expect("figures are plain data");
    (figures, serde_json::to_value(report.items).expect("items are plain data"))
}
