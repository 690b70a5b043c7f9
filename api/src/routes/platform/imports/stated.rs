//! How a file is to be read, as far as a request states it: query parameters, the same for an import and a preview.

use accounts::tenants;
use chrono::Utc;
use chrono_tz::Tz;
use database::ids::TenantId;
use database::{Role, Tx};
use platform::kinds::import_orders::ASSUMED_CURRENCY;
use platform::orders::currency;
use platform::orders::mapping::{self, Mapping, Stated};
use platform::orders::reading::{Request, names};

use crate::state::AppState;
use crate::web::problem::Problem;
use crate::web::query::Params;

/// The parameters' names.
pub const PARAMETERS: [&str; 10] = [
    "currency",
    "encoding",
    "separator",
    "header",
    "sheet",
    "decimal",
    "dates",
    "profile",
    "zone",
    "mapping",
];

/// What a request states.
#[derive(Debug, Clone, Default)]
pub struct StatedForm {
    /// How the file is read.
    pub stated: Stated,
    /// The name of a mapping.
    pub mapping: Option<String>,
}

/// Reads the parameters.
///
/// # Errors
/// 400 naming the parameter and what it may be.
pub fn read(params: &Params) -> Result<StatedForm, Problem> {
    let mut stated = Stated::default();
    stated.table.sheet = params.text("sheet")?.map(str::to_owned);
    stated.profile = params.text("profile")?.map(str::to_owned);
    let wrong = |name: &'static str| move |detail: String| Problem::bad_request(name, detail);
    if let Some(text) = params.text("encoding")? {
        stated.table.encoding = Some(names::encoding(text).map_err(wrong("encoding"))?);
    }
    if let Some(text) = params.text("separator")? {
        stated.table.separator = Some(names::separator(text).map_err(wrong("separator"))?);
    }
    if let Some(line) = params.number("header")? {
        stated.table.header = u64::try_from(line).ok();
    }
    if let Some(text) = params.text("decimal")? {
        stated.decimal = Some(names::decimal(text).map_err(wrong("decimal"))?);
    }
    if let Some(text) = params.text("dates")? {
        stated.dates = Some(names::dates(text).map_err(wrong("dates"))?);
    }
    if let Some(text) = params.text("zone")? {
        stated.zone = Some(names::zone(text).map_err(wrong("zone"))?);
    }
    stated.check().map_err(|error| Problem::bad_request(error.field, error.message))?;
    let mapping = params.text("mapping")?.map(mapping_name).transpose()?;
    Ok(StatedForm { stated, mapping })
}

/// A mapping's name, in an address or a parameter.
///
/// # Errors
/// 400 saying what a name is.
pub fn mapping_name(name: &str) -> Result<String, Problem> {
    mapping::check_name(name).map_err(|rule| Problem::bad_request("mapping", rule))?;
    Ok(name.to_owned())
}

/// The mapping of this name.
///
/// # Errors
/// 422 when the tenant has none of it.
pub async fn find_mapping(tx: &mut Tx, name: &str) -> Result<Mapping, Problem> {
    let saved = mapping::find(tx, name).await?;
    let saved = saved.ok_or_else(|| {
        Problem::unprocessable(
            "mapping",
            format!("there is no mapping of this name; save one with PUT /api/orders/import/mappings/{name}"),
        )
    })?;
    Ok(saved.mapping)
}

/// What a file is read by for a tenant; without a stated currency that of most of their orders.
///
/// # Errors
/// 422 when a mapping is named that is not there.
pub async fn request(
    state: &AppState,
    tenant: TenantId,
    form: StatedForm,
    stated_currency: Option<String>,
) -> Result<Request, Problem> {
    let mut tx = state.db.tenant_tx(Role::Support, tenant).await?;
    let mapping = match &form.mapping {
        Some(name) => Some(find_mapping(&mut tx, name).await?),
        None => None,
    };
    let usual = match &stated_currency {
        Some(_) => None,
        None => currency::usual(&mut tx, tenant, None).await?,
    };
    let zone = tenants::get(&mut tx, tenant).await?.and_then(|tenant| tenant.timezone.parse().ok());
    tx.commit().await?;
    let is_currency_assumed = stated_currency.is_none();
    let currency = stated_currency.or(usual).unwrap_or_else(|| ASSUMED_CURRENCY.to_owned());
    Ok(Request {
        stated: form.stated,
        mapping,
        is_currency_assumed,
        zone: zone.unwrap_or(Tz::UTC),
        ..Request::new(&currency, Utc::now())
    })
}
