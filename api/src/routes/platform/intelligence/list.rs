//! Customers by archetype, segment, risk and worth: the list of whom to call first.

use accounts::api_keys::Scope;
use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use database::Role;
use platform::insights::catalog::{AXES, Catalog};
use platform::insights::current::current;
use platform::insights::list::{self, After, Filter, Key, Listed, Sort};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Remembered, check_customer_id};
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::Problem;
use crate::web::query::Params;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(customers))
}

const PARAMS: [&str; 19] = [
    "archetype",
    "churn_band",
    "min_ltv",
    "sort",
    "cursor",
    "limit",
    SEGMENTS[0],
    SEGMENTS[1],
    SEGMENTS[2],
    SEGMENTS[3],
    SEGMENTS[4],
    SEGMENTS[5],
    SEGMENTS[6],
    SEGMENTS[7],
    SEGMENTS[8],
    SEGMENTS[9],
    SEGMENTS[10],
    SEGMENTS[11],
    SEGMENTS[12],
];

/// The parameters of the axes, in the order of [`AXES`].
const SEGMENTS: [&str; AXES.len()] = [
    "segment.purchase_frequency",
    "segment.purchase_value",
    "segment.category_exploration",
    "segment.price_sensitivity",
    "segment.purchase_cadence",
    "segment.customer_maturity",
    "segment.repurchase_behavior",
    "segment.return_behavior",
    "segment.communication",
    "segment.problem_complexity",
    "segment.loyalty",
    "segment.feedback",
    "segment.value_sensitivity",
];

/// Customers of the published run, the greatest first.
///
/// A list by churn, expected spend or drift has the customers of whom that is known. Before the first run it is empty.
#[utoipa::path(
    get,
    path = "/api/intelligence/customers",
    tag = "intelligence",
    params(
        ("archetype" = Option<String>, Query, description = "id of an archetype; one of level 1 includes its finer ones"),
        ("segment.purchase_frequency" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.purchase_value" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.category_exploration" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.price_sensitivity" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.purchase_cadence" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.customer_maturity" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.repurchase_behavior" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.return_behavior" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.communication" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.problem_complexity" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.loyalty" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.feedback" = Option<String>, Query, description = "name of a segment on this axis"),
        ("segment.value_sensitivity" = Option<String>, Query, description = "name of a segment on this axis"),
        ("churn_band" = Option<String>, Query, description = "low, medium, high or critical"),
        ("min_ltv" = Option<f64>, Query, description = "least expected spend"),
        ("sort" = Option<String>, Query, description = "churn (the default), ltv, spend or drift"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = serde_json::Value, example = json!({"items": [{
        "customer_id": "7041", "archetype": {"id": "8c5f0f6e5b1d4a3c9e7f1a2b3c4d5e6f", "name": "Champions, monthly"},
        "churn": 0.9134, "churn_band": "critical", "ltv": 12.4, "orders": 14, "spend": "1290.50",
        "last_order_on": "2025-10-02"
    }], "next_cursor": null}))),
)]
async fn customers(
    State(state): State<AppState>,
    Extension(memory): Remembered,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Page<Listed>>, Problem> {
    caller.require(Scope::CustomersRead)?;
    let params = Params::of(&uri, &PARAMS)?;
    // Filters are read by the segmentation, which there may be none of yet; wrong in form they are with and without one.
    for filter in SEGMENTS.into_iter().chain(["archetype"]) {
        params.text(filter)?;
    }
    let page = PageRequest::of(&params)?;
    let sort = sort(&params)?;
    let after = page.after.as_deref().map(|cursor| place(sort, cursor)).transpose()?;
    let band = params.text("churn_band")?.map(str::parse).transpose();
    let band = band.map_err(|error: platform::risk::UnknownBand| {
        Problem::bad_request("churn_band", error.to_string())
    })?;
    let min_ltv = min_ltv(&params)?;

    // A filter that few customers pass looks at all of them.
    let _place = state.scans.enter().await?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let Some(current) = current(&mut tx).await? else {
        return Ok(Json(Page { items: Vec::new(), next_cursor: None }));
    };
    let catalog = memory.catalog(&mut tx, caller.tenant, current.segmentation).await?;
    let catalog = catalog.as_deref();
    let filter = Filter {
        archetype: archetype(&params, catalog)?,
        segments: segments(&params, catalog)?,
        band,
        min_ltv,
    };
    let items =
        list::list(&mut tx, &current, catalog, &filter, sort, after.as_ref(), page.limit_and_one()).await?;
    tx.commit().await?;
    Ok(Json(page.page(items, |item| cursor_of(sort, item))))
}

fn sort(params: &Params) -> Result<Sort, Problem> {
    let Some(name) = params.text("sort")? else { return Ok(Sort::Churn) };
    let known = Sort::ALL.into_iter().find(|sort| sort.name() == name);
    known.ok_or_else(|| Problem::bad_request("sort", "must be churn, ltv, spend or drift"))
}

fn min_ltv(params: &Params) -> Result<Option<f32>, Problem> {
    let Some(text) = params.text("min_ltv")? else { return Ok(None) };
    match text.parse::<f32>() {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(Problem::bad_request("min_ltv", "must be a number")),
    }
}

fn archetype(params: &Params, catalog: Option<&Catalog>) -> Result<Option<(i16, u8)>, Problem> {
    let Some(id) = params.text("archetype")? else { return Ok(None) };
    let found = catalog.and_then(|catalog| catalog.archetype_by_id(id));
    let (index, archetype) = found.ok_or_else(|| {
        Problem::bad_request(
            "archetype",
            "the current segmentation has no such archetype; GET /api/intelligence/archetypes lists them",
        )
    })?;
    Ok(Some((index, archetype.level)))
}

fn segments(params: &Params, catalog: Option<&Catalog>) -> Result<Vec<(usize, i16)>, Problem> {
    let mut segments = Vec::new();
    for (place, parameter) in SEGMENTS.into_iter().enumerate() {
        let Some(name) = params.text(parameter)? else { continue };
        let axis = catalog.and_then(|catalog| catalog.axis(AXES[place]));
        let Some(index) = axis.and_then(|axis| axis.segment(name)) else {
            let names: Vec<&str> =
                axis.iter().flat_map(|axis| &axis.segments).map(|segment| &*segment.name).collect();
            let detail = match names.is_empty() {
                true => "the current segmentation has no segments on this axis".to_owned(),
                false => format!("must be one of {}", names.join(", ")),
            };
            return Err(Problem::bad_request(parameter, detail));
        };
        segments.push((place, index));
    }
    Ok(segments)
}

/// An item's place in the list: the order, its value to the last bit, and the customer.
fn cursor_of(sort: Sort, item: &Listed) -> String {
    let value = match item.key {
        Key::Real(value) => i64::from(value.to_bits()),
        Key::Cents(value) => value,
    };
    format!("{} {value} {}", sort.name(), item.customer_id)
}

fn place(sort: Sort, cursor: &str) -> Result<After, Problem> {
    let mut parts = cursor.splitn(3, ' ');
    let (Some(name), Some(value), Some(customer_id)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(bad_cursor());
    };
    let value: i64 = value.parse().map_err(|_| bad_cursor())?;
    let key = match sort {
        Sort::Spend => Some(Key::Cents(value)),
        _ => u32::try_from(value).ok().map(f32::from_bits).filter(|value| value.is_finite()).map(Key::Real),
    };
    check_customer_id("cursor", customer_id).map_err(|_| bad_cursor())?;
    match key {
        Some(key) if name == sort.name() => Ok(After { key, customer_id: customer_id.to_owned() }),
        _ => Err(bad_cursor()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_axes_are_in_the_order_of_the_axes() {
        for (axis, parameter) in AXES.iter().zip(SEGMENTS) {
            assert_eq!(format!("segment.{axis}"), parameter);
        }
    }

    #[test]
    fn a_cursor_belongs_to_its_order() {
        let bits = 0.3_f32.to_bits();
        let cursor = format!("churn {bits} a customer");
        assert_eq!(
            place(Sort::Churn, &cursor),
            Ok(After { key: Key::Real(0.3), customer_id: "a customer".to_owned() })
        );
        for (sort, bad) in [
            (Sort::Ltv, cursor.as_str()),
            (Sort::Churn, "churn x a"),
            (Sort::Churn, "churn 1"),
            (Sort::Churn, "churn 2143289344 a"),
            (Sort::Churn, "churn -1 a"),
            (Sort::Spend, "spend 1 "),
        ] {
            assert_eq!(place(sort, bad), Err(bad_cursor()), "{bad}");
        }
    }
}
