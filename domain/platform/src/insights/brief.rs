//! One customer in a few words: what rules of the support desk ask for.

use rust_decimal::Decimal;

use super::InsightError;
use super::catalog::Catalogs;
use super::customer;
use crate::risk::{RiskBand, RiskBands};
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
