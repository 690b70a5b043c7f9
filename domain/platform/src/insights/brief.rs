//! One customer in a few words: what rules of the support desk ask for.

use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::InsightError;
use super::catalog::Catalogs;
use super::customer;
use super::history;
use crate::risk::{RiskBand, RiskBands};
use crate::zone;
use database::Tx;
use database::ids::TenantId;

/// A customer in a few words. What was not computed is missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Brief {
    /// The archetype's id, the finer one where there is one.
    pub archetype: Option<String>,
    /// How likely the customer is to leave.
    pub churn_band: Option<RiskBand>,
    /// Money spent, net of returns.
    pub spend: Option<Decimal>,
    /// Orders.
    pub orders: Option<i32>,
}

/// What is known of a customer; an empty one of a stranger.
///
/// # Errors
/// The database failed, or the segmentation's catalogue cannot be read.
pub async fn of(
    tx: &mut Tx,
    tenant: TenantId,
    catalogs: &Catalogs,
    customer_id: &str,
) -> Result<Brief, InsightError> {
    let Some(found) = customer::find(tx, customer_id).await? else { return Ok(Brief::default()) };
    let purchases = found.purchases.as_ref();
    let mut brief = Brief {
        spend: purchases.map(|purchases| purchases.spend),
        orders: purchases.map(|purchases| purchases.orders),
        ..Brief::default()
    };
    let Some(computed) = &found.computed else { return Ok(brief) };
    brief.churn_band =
        computed.churn.filter(|churn| churn.is_finite()).map(|churn| RiskBands::default().of(churn));
    if let Some(segmentation) = found.run.as_ref().and_then(|run| run.segmentation) {
        let catalog = catalogs.get(tx, tenant, segmentation).await?;
        let (level_1, level_2) = computed.archetype;
        let archetype = catalog.as_ref().and_then(|catalog| catalog.finest(level_1, level_2));
        brief.archetype = archetype.map(|archetype| archetype.id.clone());
    }
    Ok(brief)
}

/// How old a snapshot may be that says how somebody was on a day.
const DAYS_OF_A_SNAPSHOT: u64 = 31;

/// What is known of a customer as of a moment of the past.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Then {
    /// Purchases as of then, and the rest as of then where it is known, else as of today.
    pub brief: Brief,
    /// Whether the band of churn is one of then.
    pub is_band_of_then: bool,
}

/// What was known of a customer at a moment: purchases are what had been bought until then, the band is that of the last
/// snapshot of the month before. Archetypes of the past are of segmentations of the past, so the archetype is today's.
///
/// # Errors
/// The database failed, or a catalogue cannot be read.
pub async fn then(
    tx: &mut Tx,
    tenant: TenantId,
    catalogs: &Catalogs,
    customer_id: &str,
    at: DateTime<Utc>,
) -> Result<Then, InsightError> {
    let today = of(tx, tenant, catalogs, customer_id).await?;
    let bought: Option<(i32, Decimal)> = sqlx::query_as(include_str!("purchases_until.sql"))
        .bind(customer_id)
        .bind(at)
        .fetch_optional(&mut **tx)
        .await?;
    let day: NaiveDate = at.with_timezone(&zone::read(tx).await?).date_naive();
    let after = day.checked_add_days(Days::new(1)).unwrap_or(day);
    let oldest = day.checked_sub_days(Days::new(DAYS_OF_A_SNAPSHOT)).unwrap_or(day);
    let kept = history::history(tx, catalogs, tenant, customer_id, Some(after), 1).await?;
    let band = kept.first().filter(|moment| moment.taken_on >= oldest).map(|moment| moment.churn_band);
    let brief = Brief {
        archetype: today.archetype,
        churn_band: band.unwrap_or(today.churn_band),
        spend: bought.map(|(_, spend)| spend),
        orders: bought.map(|(orders, _)| orders),
    };
    Ok(Then { brief, is_band_of_then: band.is_some() })
}
