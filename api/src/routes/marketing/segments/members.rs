//! Who is in a segment.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use database::Role;
use marketing::segments::members::{self, Member};
use platform::risk::{RiskBand, RiskBands};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::find;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::fields::Fields;
use crate::web::page::{Page, PageRequest};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

const FIELDS: &[&str] = &[
    "customer_id",
    "entered_at",
    "order_count",
    "total_order_value",
    "last_order_date",
    "churn_probability",
    "churn_risk",
    "ltv",
];

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A member. What is not known is null.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberView {
    /// The shop's id.
    pub customer_id: String,
    /// When the customer became a member.
    pub entered_at: DateTime<Utc>,
    /// Orders that are not returns.
    pub order_count: Option<i32>,
    /// Money spent, net of returns, as a decimal.
    pub total_order_value: Option<String>,
    /// Day of the last order.
    pub last_order_date: Option<NaiveDate>,
    /// Probability of no further order within the model's horizon.
    pub churn_probability: Option<f32>,
    /// Its band.
    #[schema(value_type = Option<String>)]
    pub churn_risk: Option<RiskBand>,
    /// Expected spend within the model's horizon.
    pub ltv: Option<f32>,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> MemberView {
        MemberView {
            customer_id: member.customer,
            entered_at: member.entered_at,
            order_count: member.orders,
            total_order_value: member.spend.map(|spend| spend.to_string()),
            last_order_date: member.last_order_on,
            churn_probability: member.churn,
            churn_risk: member.churn.map(|churn| RiskBands::default().of(churn)),
            ltv: member.ltv,
        }
    }
}

/// The members as of the last evaluation, by id, with the facts as they are now.
#[utoipa::path(
    get,
    path = "/api/segments/{id}/members",
    tag = "segments",
    params(
        ("id" = Uuid, Path, description = "the segment"),
        ("fields" = Option<String>, Query, description = "only these fields, with commas"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<MemberView>),
        (status = 304, description = "nothing changed"),
        (status = 404, description = "there is no such segment", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::SegmentsRead)?;
    let params = Params::of(&uri, &["fields", "cursor", "limit"])?;
    let fields = Fields::of(&params, FIELDS)?;
    let page = PageRequest::of(&params)?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let segment = find(&mut tx, &id).await?;
    let found =
        members::list(&mut tx, caller.tenant, segment.id, page.after.as_deref(), page.limit_and_one())
            .await?;
    tx.commit().await?;
    let page = page.page(found.into_iter().map(MemberView::from).collect(), |member: &MemberView| {
        member.customer_id.clone()
    });
    let items: Vec<Value> = page.items.iter().map(|member| fields.value(member)).collect();
    let body = json!({ "items": items, "next_cursor": page.next_cursor });
    Ok(etag::answer(&headers, body.to_string().into_bytes()))
}
