//! Customers: making, finding, opening and changing them, and what they have written in about. Merging is in
//! [`super::merges`].

use std::sync::Arc;

use accounts::api_keys::Scope;
use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json as Shown};
use chrono::{DateTime, Utc};
use database::ids::{TenantId, TicketId};
use database::{Role, Tx};
use platform::customers::{self, Profile};
use platform::directory::{self, Change, Customer, DirectoryError, MOST_AT_ONCE};
use platform::identities::erased::{self, ErasureKey};
use platform::orders::statement::Party;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use support::tickets::list as tickets;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::intelligence::{Memory, check_customer_id, known_of};
use crate::routes::platform::customer_id::CustomerId;
use crate::routes::support::tickets::TicketView;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::page::{Page, PageRequest, bad_cursor, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;
use crate::web::trail;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(import))
        .routes(routes!(open, change))
        .routes(routes!(written))
        .layer(Extension(Arc::new(Memory::default())))
}

/// Orders that are shown with a customer.
const RECENT_ORDERS: u32 = 10;
/// Tickets in work that are shown with a customer.
const OPEN_TICKETS: i64 = 20;

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerView {
    /// The shop's id.
    pub id: String,
    /// Address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Who they are now, when they were merged.
    pub merged_into: Option<String>,
    /// When they were first heard of.
    pub created_at: DateTime<Utc>,
}

impl From<Customer> for CustomerView {
    fn from(customer: Customer) -> CustomerView {
        let Customer { customer_id, email, name, phone, merged_into, created_at } = customer;
        CustomerView { id: customer_id, email, name, phone, merged_into, created_at }
    }
}

/// A customer with what is known of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnrichedCustomer {
    /// The customer.
    #[serde(flatten)]
    pub customer: CustomerView,
    /// Every address of theirs.
    pub emails: Vec<String>,
    /// What they have bought, with the last orders; null when nothing was imported.
    #[schema(value_type = Option<Value>)]
    pub profile: Option<Profile>,
    /// As GET /api/intelligence/customers/{id}.
    pub intelligence: Value,
    /// Their tickets that are open or pending, newest first, 20 at most; null without the permission tickets:read.
    pub open_tickets: Option<Vec<TicketView>>,
}

/// A customer to be made. An id, an address or a number with its country names them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id": "g-77", "email": "ann@example.com", "name": "Ann"}))]
pub struct NewCustomer {
    /// The shop's id; the address or number when missing.
    #[serde(default)]
    pub id: Option<String>,
    /// Address.
    #[serde(default)]
    pub email: Option<String>,
    /// Name.
    #[serde(default)]
    pub name: Option<String>,
    /// Telephone number.
    #[serde(default)]
    pub phone: Option<String>,
}

impl From<NewCustomer> for Party {
    fn from(new: NewCustomer) -> Party {
        Party { shop_id: new.id, email: new.email, phone: new.phone, name: new.name }
    }
}

/// Customers to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customers": [{"id": "g-77", "email": "ann@example.com", "name": "Ann"}]}))]
pub struct CustomerImport {
    /// 1,000 at most.
    pub customers: Vec<NewCustomer>,
}

/// What became of customers that were to be made.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedCustomers {
    /// Ids of those that were made.
    pub created: Vec<String>,
    /// Those that the shop knew, by their place in the list: place and id.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub known: Vec<(usize, String)>,
    /// Those that do not fit, by their place in the list: place and reason.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub refused: Vec<(usize, String)>,
}

/// What is to be changed; what is left out stays, null takes a value away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ann Lind", "phone": null}))]
pub struct CustomerChange {
    /// Address.
    #[serde(default, deserialize_with = "given")]
    pub email: Option<Option<String>>,
    /// Name.
    #[serde(default, deserialize_with = "given")]
    pub name: Option<Option<String>>,
    /// Telephone number.
    #[serde(default, deserialize_with = "given")]
    pub phone: Option<Option<String>>,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// Customers by id, or those whose id, address or number `q` is or whose name or last name begins with it.
#[utoipa::path(
    get,
    path = "/api/customers",
    tag = "customers",
    params(
        ("q" = Option<String>, Query, description = "an id, address or number, or the beginning of a name or last name"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<CustomerView>),
        (status = 400, description = "a parameter does not fit", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Shown<Page<CustomerView>>, Problem> {
    caller.require(Scope::CustomersRead)?;
    let params = Params::of(&uri, &["q", "limit", "cursor"])?;
    let request = PageRequest::of(&params)?;
    let q = params.text("q")?.map(str::trim);
    if q.is_some_and(|q| q.chars().count() < 2) {
        return Err(Problem::bad_request("q", "must have at least two characters"));
    }
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let page = match q {
        None => {
            let found = directory::list(&mut tx, request.after.as_deref(), request.limit_and_one()).await?;
            request.page(found, |customer| customer.customer_id.clone())
        }
        Some(q) => matching(&mut tx, q, &request).await?,
    };
    tx.commit().await?;
    Ok(Shown(Page {
        items: page.items.into_iter().map(CustomerView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// On the first page who is named exactly, then by name. A place is what of the name was found and the id, with a line break
/// between.
async fn matching(tx: &mut Tx, q: &str, request: &PageRequest) -> Result<Page<Customer>, Problem> {
    let after = match request.after.as_deref() {
        None => None,
        Some(text) => Some(text.split_once('\n').ok_or_else(bad_cursor)?),
    };
    let exact = if after.is_none() { directory::exact(tx, q).await? } else { Vec::new() };
    let named = directory::named(tx, q, after, request.limit_and_one()).await?;
    let page = request.page(named, |called| format!("{}\n{}", called.place, called.customer.customer_id));
    let mut items = exact;
    let others = page.items.into_iter().map(|called| called.customer);
    let others: Vec<Customer> = others.filter(|customer| !items.contains(customer)).collect();
    items.extend(others);
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// Make a customer.
#[utoipa::path(
    post,
    path = "/api/customers",
    tag = "customers",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = NewCustomer,
    responses(
        (status = 201, description = "the customer", body = CustomerView),
        (status = 400, description = "a value does not fit, or nothing names them", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the shop knows them already", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::CustomersWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<NewCustomer>,
) -> Result<Answer, Problem> {
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let customer =
        directory::create(&mut tx, caller.tenant, &body.value.into(), &erasure_key(&state, caller.tenant))
            .await?;
    // An id may hold what an address of a page may not, so only the page's own path is named.
    let answer = Answer::created("/api/customers".to_owned(), &CustomerView::from(customer));
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    trail::record(&mut tx, &caller, "customer.create", "customer", json!({})).await?;
    state.db.commit(tx).await?;
    Ok(answer)
}

/// Make many customers. Who is known stays as they are, and who does not fit is named with the reason.
#[utoipa::path(
    post,
    path = "/api/customers/import",
    tag = "customers",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body = CustomerImport,
    responses(
        (status = 200, description = "what became of each", body = ImportedCustomers),
        (status = 400, description = "too many, or none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn import(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::CustomersWrite as u8 }>,
    key: IdempotencyKey,
    body: Json<CustomerImport>,
) -> Result<Answer, Problem> {
    if !(1..=MOST_AT_ONCE).contains(&body.value.customers.len()) {
        return Err(Problem::bad_request("customers", format!("must have 1 to {MOST_AT_ONCE} customers")));
    }
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &body.digest).await? {
        return Ok(answer);
    }
    let mut imported = ImportedCustomers { created: Vec::new(), known: Vec::new(), refused: Vec::new() };
    let erasure_key = erasure_key(&state, caller.tenant);
    for (place, customer) in body.value.customers.into_iter().enumerate() {
        match directory::create(&mut tx, caller.tenant, &customer.into(), &erasure_key).await {
            Ok(customer) => imported.created.push(customer.customer_id),
            Err(DirectoryError::Known(id)) => imported.known.push((place, id)),
            Err(DirectoryError::Db(error)) => return Err(error.into()),
            Err(refused) => imported.refused.push((place, refused.to_string())),
        }
    }
    let answer = Answer::ok(&imported);
    idempotency::keep(&mut tx, caller.tenant, &key, &body.digest, &answer).await?;
    let detail = json!({
        "created": imported.created.len(), "known": imported.known.len(), "refused": imported.refused.len(),
    });
    trail::record(&mut tx, &caller, "customer.import", "customers", detail).await?;
    state.db.commit(tx).await?;
    Ok(answer)
}

/// A customer: what they bought, what is known of them, and their tickets in work. Of one who was merged that is told of who they
/// are now (`merged_into`).
#[utoipa::path(
    get,
    path = "/api/customers/{id}",
    tag = "customers",
    params(("id" = String, Path, description = "the shop's id of the customer")),
    responses(
        (status = 200, description = "the customer", body = EnrichedCustomer),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn open(
    State(state): State<AppState>,
    Extension(memory): Extension<Arc<Memory>>,
    caller: Caller,
    CustomerId(id): CustomerId,
) -> Result<Shown<EnrichedCustomer>, Problem> {
    caller.require(Scope::CustomersRead)?;
    check_customer_id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let customer = directory::get(&mut tx, &id).await?.ok_or_else(unknown)?;
    let now = directory::now(&mut tx, &customer).await?.ok_or_else(unknown)?;
    let emails = directory::addresses(&mut tx, &now).await?;
    let id = now.customer_id;
    let profile = customers::profile(&mut tx, &id, Utc::now(), RECENT_ORDERS).await?;
    let intelligence = known_of(&memory, &mut tx, caller.tenant, &id).await?.unwrap_or_default();
    let open_tickets = match caller.require(Scope::TicketsRead) {
        Err(_) => None,
        Ok(()) => {
            let found = tickets::of_customer(&mut tx, &id, &emails, true, None, OPEN_TICKETS).await?;
            Some(found.into_iter().map(TicketView::from).collect())
        }
    };
    tx.commit().await?;
    Ok(Shown(EnrichedCustomer { customer: customer.into(), emails, profile, intelligence, open_tickets }))
}

/// Change a customer's address, name or number.
#[utoipa::path(
    patch,
    path = "/api/customers/{id}",
    tag = "customers",
    params(("id" = String, Path, description = "the shop's id of the customer")),
    request_body = CustomerChange,
    responses(
        (status = 200, description = "the customer as they are now", body = CustomerView),
        (status = 400, description = "a value does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "they were merged into another", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::CustomersWrite as u8 }>,
    CustomerId(id): CustomerId,
    body: Json<CustomerChange>,
) -> Result<Shown<CustomerView>, Problem> {
    check_customer_id("id", &id)?;
    let CustomerChange { email, name, phone } = body.value;
    let changed: Vec<&str> =
        [("email", email.is_some()), ("name", name.is_some()), ("phone", phone.is_some())]
            .into_iter()
            .filter_map(|(field, is_changed)| is_changed.then_some(field))
            .collect();
    let detail = json!({ "changed": changed });
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    let (wanted, erasure_key) = (Change { email, name, phone }, erasure_key(&state, caller.tenant));
    let customer = directory::change(&mut tx, caller.tenant, &id, &wanted, &erasure_key).await?;
    trail::record(&mut tx, &caller, "customer.change", "customer", detail).await?;
    state.db.commit(tx).await?;
    Ok(Shown(customer.into()))
}

/// A customer's tickets, newest first: by the shop's id or one of their addresses.
#[utoipa::path(
    get,
    path = "/api/customers/{id}/tickets",
    tag = "customers",
    params(
        ("id" = String, Path, description = "the shop's id of the customer"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<TicketView>),
        (status = 404, description = "there is no such customer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn written(
    State(state): State<AppState>,
    caller: Caller,
    CustomerId(id): CustomerId,
    uri: Uri,
) -> Result<Shown<Page<TicketView>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    caller.require(Scope::CustomersRead)?;
    check_customer_id("id", &id)?;
    let request = PageRequest::of(&Params::of(&uri, &["limit", "cursor"])?)?;
    let before = request.after_place()?.map(|(at, id)| (at, TicketId(id)));
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let customer = directory::get(&mut tx, &id).await?.ok_or_else(unknown)?;
    let now = directory::now(&mut tx, &customer).await?.ok_or_else(unknown)?;
    let emails = directory::addresses(&mut tx, &now).await?;
    let id = now.customer_id;
    let found = tickets::of_customer(&mut tx, &id, &emails, false, before, request.limit_and_one()).await?;
    tx.commit().await?;
    let page = request.page(found, |whole| place(whole.ticket.created_at, whole.ticket.id.0));
    Ok(Shown(Page {
        items: page.items.into_iter().map(TicketView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// Tells who was erased.
fn erasure_key(state: &AppState, tenant: TenantId) -> ErasureKey {
    ErasureKey::of(&state.settings.master_key.derive(erased::SECRET_LABEL), tenant)
}

fn unknown() -> Problem {
    Problem::not_found("there is no such customer")
}

impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Problem {
        let detail = error.to_string();
        match error {
            DirectoryError::Unnamed => Problem::bad_request("id", detail),
            DirectoryError::Field { field, problem } => Problem::bad_request(field, problem),
            DirectoryError::Known(id) => Problem::conflict(detail).with("customer_id", id.into()),
            DirectoryError::Erased(at) => Problem::conflict(detail).with("erased_at", at.to_rfc3339().into()),
            DirectoryError::Merged(id) => Problem::conflict(detail).with("merged_into", id.into()),
            DirectoryError::Unknown => unknown(),
            DirectoryError::Db(error) => error.into(),
        }
    }
}
