//! Macros: writing and listing saved replies, seeing one on a ticket, and using it.

mod apply;
mod write;

use std::collections::BTreeMap;

use accounts::tenants;
use chrono::{DateTime, Utc};
use database::Tx;
use database::ids::TicketId;
use platform::customers::{self, Contact, Found};
use platform::{money, zone};
use serde::{Deserialize, Serialize};
use support::macros::store::{Content, Macro};
use support::macros::values::LastOrder;
use support::order::facts;
use support::rules::spec::Action;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::problem::Problem;

/// The routes of macros.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(write::page, write::create))
        .routes(routes!(write::folders))
        .routes(routes!(write::show, write::change, write::remove))
        .routes(routes!(apply::preview))
        .routes(routes!(apply::apply))
}

/// A macro.
#[derive(Debug, Serialize, ToSchema)]
pub struct MacroView {
    /// The macro.
    id: Uuid,
    /// For people.
    name: String,
    /// Where it is listed.
    folder: Option<String>,
    /// By language.
    texts: BTreeMap<String, String>,
    /// The language of tickets whose own has no text.
    default_language: String,
    /// What happens to the ticket beside.
    #[schema(value_type = Vec<Object>)]
    actions: Vec<Action>,
    /// How often it was used.
    uses: i64,
    /// When that was last.
    last_used_at: Option<DateTime<Utc>>,
    /// Grows with each change; its entity tag.
    version: i64,
    /// agent:ID or key:ID.
    changed_by: String,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was changed.
    updated_at: DateTime<Utc>,
}

impl From<Macro> for MacroView {
    fn from(stored: Macro) -> MacroView {
        MacroView {
            id: stored.id,
            name: stored.name,
            folder: stored.folder,
            texts: stored.texts,
            default_language: stored.default_language,
            actions: stored.actions,
            uses: stored.uses,
            last_used_at: stored.last_used_at,
            version: stored.version,
            changed_by: stored.changed_by,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

/// What a macro says and does.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Refund is on its way", "folder": "Refunds", "default_language": "en",
    "texts": {"en": "Hello {{customer.first_name | there}}, the refund for order {{order.number}} is on its way."},
    "actions": [{"do": "add_tags", "tags": ["refund"]}, {"do": "set_status", "status": "resolved"}]
}))]
pub struct MacroBody {
    /// For people, 1 to 200 characters; each once without regard to case.
    name: String,
    /// Where it is listed, 1 to 100 characters.
    #[serde(default)]
    folder: Option<String>,
    /// By language (ISO 639-1); variables as in GET /api/rules/fields.
    texts: BTreeMap<String, String>,
    /// The language of tickets whose own has no text.
    default_language: String,
    /// What happens to the ticket beside: tags, status, priority, snooze, assignment, note.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    actions: Vec<Action>,
}

impl From<MacroBody> for Content {
    fn from(body: MacroBody) -> Content {
        Content {
            name: body.name,
            folder: body.folder,
            texts: body.texts,
            default_language: body.default_language,
            actions: body.actions,
        }
    }
}

/// What variables need besides the ticket: the shop's name, and the customer's last order (support role).
pub(super) async fn beside(
    tx: &mut Tx,
    caller: &Caller,
    ticket: TicketId,
) -> Result<(String, Option<LastOrder>), Problem> {
    let shop = tenants::get(tx, caller.tenant).await?.map(|shop| shop.name).unwrap_or_default();
    let Some(contact) = facts::of_ticket(tx, ticket).await? else { return Ok((shop, None)) };
    let contact = Contact {
        customer_id: contact.customer_id.as_deref(),
        email: contact.customer_email.as_deref(),
        desk_id: contact.customer_external_id.as_deref(),
    };
    let Found::One(customer) = customers::of_contact(tx, contact).await?.found else {
        return Ok((shop, None));
    };
    let profile = customers::profile(tx, &customer, Utc::now(), 3).await?;
    let zone = zone::read(tx).await?;
    let last = profile.and_then(|profile| profile.recent_orders.into_iter().find(|order| !order.is_return));
    let order = last.map(|order| LastOrder {
        number: order.order_id,
        on: order.ordered_at.with_timezone(&zone).date_naive(),
        amount: money::written(order.amount, &order.currency),
        currency: order.currency,
    });
    Ok((shop, order))
}
