//! The shop's customers as people keep them: made, changed, looked up and listed. What orders say of them follows the same
//! rules ([`crate::identities`]).

use chrono::{DateTime, Utc};
use database::address;
use database::ids::TenantId;
use database::{DbError, Tx};
use sqlx::FromRow;

use crate::customers::{self, Found};
use crate::identities::erased::{self, ErasureKey};
use crate::identities::normal::{self, Nobody};
use crate::identities::resolve::{self, Person};
use crate::orders::statement::{EMAIL_LIMIT, ID_LIMIT, Party, TEXT_LIMIT};

/// Customers that are made at once.
pub const MOST_AT_ONCE: usize = 1_000;

/// A customer.
#[derive(Clone, PartialEq, Eq, FromRow)]
pub struct Customer {
    /// The shop's id.
    pub customer_id: String,
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

impl std::fmt::Debug for Customer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Customer").field("merged", &self.merged_into.is_some()).finish_non_exhaustive()
    }
}

/// Why a customer is not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Nothing names them.
    #[error("a customer needs an id, an address, or a number with its country")]
    Unnamed,
    /// A value does not fit.
    #[error("{field}: {problem}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is allowed.
        problem: String,
    },
    /// The shop knows them already.
    #[error("the shop knows this customer already, as {0}")]
    Known(String),
    /// They were erased, and did not come back by themselves.
    #[error(
        "the customer was erased at {0}; when they came back by themselves, say so by POST /api/privacy/came-back, then make \
         them known"
    )]
    Erased(DateTime<Utc>),
    /// The shop does not know them.
    #[error("there is no such customer")]
    Unknown,
    /// They are another one since a merge.
    #[error("the customer was merged into {0}; change that one")]
    Merged(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for DirectoryError {
    fn from(error: sqlx::Error) -> DirectoryError {
        DirectoryError::Db(error.into())
    }
}

const COLUMNS: &str = "c.customer_id, c.email, c.name, c.phone, c.merged_into, c.created_at";

/// Makes a customer (platform role).
///
/// # Errors
/// A value does not fit, the shop knows them already, they were erased, or the database failed.
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    party: &Party,
    erasure_key: &ErasureKey,
) -> Result<Customer, DirectoryError> {
    check(party)?;
    let email = party.email.as_deref().map(reachable).transpose()?;
    let party = &Party { email, ..party.clone() };
    let key = normal::key(party).map_err(|nobody| match nobody {
        Nobody::Unnamed => DirectoryError::Unnamed,
        Nobody::Rounded => {
            DirectoryError::Field { field: "id", problem: "is a number that a program rounded".to_owned() }
        }
    })?;
    let id = key.text().to_owned();
    refuse_erased(tx, tenant, party, erasure_key).await?;
    turn(tx, tenant).await?;
    match customers::find(tx, Some(&id), party.email.as_deref()).await? {
        Found::One(known) => return Err(DirectoryError::Known(known)),
        // Several share the address already; one more may.
        Found::Several(_) | Found::Nobody => {}
    }
    resolve::remember(tx, tenant, &[Person { customer_id: &id, party }]).await?;
    get(tx, &id).await?.ok_or(DirectoryError::Unknown)
}

/// Waits until nobody else makes a customer of the tenant: two who are told of one at once would both find nobody. One turn for
/// all and not one for each address, so that two who make many in different orders do not wait for each other. It is taken
/// after the turn of erasures ([`erased::while_named`]), by everybody here; imports of orders make customers without it.
async fn turn(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('customers:' || $1::text, 0))")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn refuse_erased(
    tx: &mut Tx,
    tenant: TenantId,
    party: &Party,
    key: &ErasureKey,
) -> Result<(), DirectoryError> {
    erased::while_named(tx, tenant).await?;
    let erased = erased::among(tx, tenant, key, std::iter::once(party)).await?;
    erased.gone(party).map_or(Ok(()), |erasure| Err(DirectoryError::Erased(erasure.erased_at)))
}

/// The customer of this id (support or platform role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: &str) -> Result<Option<Customer>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from platform.customer c
         where c.tenant_id = (select shared.current_tenant()) and c.customer_id = $1"
    )))
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Every address of a customer, as normalised (support or platform role).
///
/// # Errors
/// The database failed.
pub async fn addresses(tx: &mut Tx, customer: &Customer) -> Result<Vec<String>, DbError> {
    // The id of somebody who was merged into them may be an address.
    let mut addresses: Vec<String> = sqlx::query_scalar(
        "select distinct value from platform.customer_identity
         where tenant_id = (select shared.current_tenant()) and customer_id = $1
           and (kind = 'email' or kind = 'shop' and value like '%@%')
         order by value limit 50",
    )
    .bind(&customer.customer_id)
    .fetch_all(&mut **tx)
    .await?;
    addresses.retain(|address| normal::email(address).as_ref() == Some(address));
    let own = [customer.email.as_deref(), Some(customer.customer_id.as_str())];
    for address in own.into_iter().flatten().filter_map(normal::email) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// What is to be changed; an inner none takes it away.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The address.
    pub email: Option<Option<String>>,
    /// The name.
    pub name: Option<Option<String>>,
    /// The number, in any spelling.
    pub phone: Option<Option<String>>,
}

/// Changes a customer (platform role). An address that is taken away names them no more.
///
/// # Errors
/// There is no such customer, a value does not fit, it is an erased customer's, or the database failed.
pub async fn change(
    tx: &mut Tx,
    tenant: TenantId,
    id: &str,
    change: &Change,
    erasure_key: &ErasureKey,
) -> Result<Customer, DirectoryError> {
    let known: Option<Customer> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from platform.customer c where c.tenant_id = $1 and c.customer_id = $2 for update"
    )))
    .bind(tenant)
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    let known = known.ok_or(DirectoryError::Unknown)?;
    if let Some(into) = known.merged_into {
        return Err(DirectoryError::Merged(into));
    }
    let given = change.email.as_ref().map(|email| email.as_deref().map(reachable).transpose());
    let party = Party {
        shop_id: None,
        // One that is known counts as it is: it may have come from a file.
        email: given.transpose()?.unwrap_or_else(|| known.email.clone()),
        name: change.name.clone().unwrap_or_else(|| known.name.clone()),
        phone: change.phone.clone().unwrap_or_else(|| known.phone.clone()),
    };
    check(&party)?;
    refuse_erased(tx, tenant, &party, erasure_key).await?;
    let gone = [
        (
            "email",
            known.email.as_deref().and_then(normal::email),
            party.email.as_deref().and_then(normal::email),
        ),
        (
            "phone",
            known.phone.as_deref().and_then(normal::phone),
            party.phone.as_deref().and_then(normal::phone),
        ),
    ];
    for (kind, before, after) in gone {
        if let Some(before) = before.filter(|before| Some(before) != after.as_ref()) {
            sqlx::query(
                "delete from platform.customer_identity
                 where tenant_id = $1 and kind = $2 and value = $3 and customer_id = $4",
            )
            .bind(tenant)
            .bind(kind)
            .bind(before)
            .bind(id)
            .execute(&mut **tx)
            .await?;
        }
    }
    sqlx::query(
        "update platform.customer set email = $3, name = $4, phone = $5 where tenant_id = $1 and customer_id = $2",
    )
    .bind(tenant)
    .bind(id)
    .bind(&party.email)
    .bind(&party.name)
    .bind(&party.phone)
    .execute(&mut **tx)
    .await?;
    resolve::remember(tx, tenant, &[Person { customer_id: id, party: &party }]).await?;
    get(tx, id).await?.ok_or(DirectoryError::Unknown)
}

fn check(party: &Party) -> Result<(), DirectoryError> {
    let refuse = |field, problem: String| Err(DirectoryError::Field { field, problem });
    for (field, text, limit) in [
        ("id", &party.shop_id, ID_LIMIT),
        ("email", &party.email, EMAIL_LIMIT),
        ("name", &party.name, TEXT_LIMIT),
        ("phone", &party.phone, ID_LIMIT),
    ] {
        let is_fit = text.as_deref().is_none_or(|text| {
            (1..=limit).contains(&text.trim().chars().count()) && !text.chars().any(char::is_control)
        });
        if !is_fit {
            return refuse(field, format!("must have 1 to {limit} characters"));
        }
    }
    if party.email.as_deref().is_some_and(|email| normal::email(email).is_none()) {
        return refuse("email", "must be an address such as ann@example.com".to_owned());
    }
    Ok(())
}

/// An address that is told of a customer here: one that mail can go to, as it was written but for a `mailto:`.
fn reachable(email: &str) -> Result<String, DirectoryError> {
    let normal = address::normal(email)
        .map_err(|problem| DirectoryError::Field { field: "email", problem: problem.to_string() })?;
    Ok(if normal.eq_ignore_ascii_case(email.trim()) { email.to_owned() } else { normal })
}

/// Customers by id, from behind one, at most `limit`; who was merged away is left out (support or platform role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx, after: Option<&str>, limit: i64) -> Result<Vec<Customer>, DbError> {
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from platform.customer c
         where c.tenant_id = (select shared.current_tenant()) and c.merged_into is null
           and ($1::text is null or c.customer_id > $1)
         order by c.customer_id limit $2"
    )))
    .bind(after)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Customers whose id, address or number this is, at most ten (support or platform role).
///
/// # Errors
/// The database failed.
pub async fn exact(tx: &mut Tx, text: &str) -> Result<Vec<Customer>, DbError> {
    let mut ids = match customers::find(tx, Some(text), Some(text)).await? {
        Found::Nobody => Vec::new(),
        Found::One(id) => vec![id],
        Found::Several(ids) => ids,
    };
    let more: Vec<String> = sqlx::query_scalar(
        "select customer_id from platform.customer_identity
         where tenant_id = (select shared.current_tenant())
           and (kind = 'phone' and value = $1 or kind = 'desk' and value = $2) limit 10",
    )
    .bind(normal::phone(text))
    .bind(text)
    .fetch_all(&mut **tx)
    .await?;
    ids.extend(more);
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from platform.customer c
         where c.tenant_id = (select shared.current_tenant()) and c.customer_id = any($1)
         order by c.customer_id limit 10"
    )))
    .bind(ids)
    .fetch_all(&mut **tx)
    .await?)
}

/// A customer and where they stand among those who are called alike.
#[derive(Debug, FromRow)]
pub struct Called {
    /// The customer.
    #[sqlx(flatten)]
    pub customer: Customer,
    /// What of their name was looked for and found, in small letters.
    pub place: String,
}

/// The customer of this id, or who they are since they were merged (support or platform role).
///
/// # Errors
/// The database failed.
pub async fn now(tx: &mut Tx, customer: &Customer) -> Result<Option<Customer>, DbError> {
    let mut now = Some(customer.clone());
    while let Some(into) = now.as_ref().and_then(|now| now.merged_into.clone()) {
        now = get(tx, &into).await?;
    }
    Ok(now)
}

/// Customers whose name or last name begins so, by what begins so, from behind the place of a former page's last one (support or
/// platform role).
///
/// # Errors
/// The database failed.
pub async fn named(
    tx: &mut Tx,
    beginning: &str,
    after: Option<(&str, &str)>,
    limit: i64,
) -> Result<Vec<Called>, DbError> {
    let (after_place, after_id) = after.unzip();
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {COLUMNS}, n.place from platform.customers_called(lower($1), $2, $3, $4::integer) n
         join platform.customer c on c.tenant_id = (select shared.current_tenant()) and c.customer_id = n.customer_id
         order by n.place collate \"C\", n.customer_id"
    )))
    .bind(beginning)
    .bind(after_place)
    .bind(after_id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}
