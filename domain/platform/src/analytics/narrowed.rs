//! Lists of customers that are narrowed down: to a group that a rule names or whose customers are named, a band of the risk of
//! leaving, an archetype, a segment, a country.
//!
//! Beside the first customers stands how many there are for each combination of conditions that hold or do not. Out of
//! that, whoever shows the list can tell whether it is too small to be shown, or leaves over too few of a wider one. Lists of
//! the published run are in `of_run`, those that were made otherwise in `named`, those that divide into classes in `classed`.

mod classed;
mod country;
mod named;
mod of_run;

use chrono::{DateTime, Utc};
use database::Tx;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use sqlx::{AssertSqlSafe, FromRow, Postgres};
use uuid::Uuid;

use super::rules::Rule;
use super::target::{Row, Target};
use super::{AnalyticsError, Levels, MAX_ITEMS, Standing, base, targets};
use crate::insights::catalog::AXES;
use crate::risk::{RiskBand, RiskBands};
pub use classed::Class;
pub(super) use classed::{Division, classed};
pub use country::Country;
pub use named::of_named;
pub use of_run::{at_risk, changed};

/// What a list is narrowed down to; all of it must hold.
#[derive(Debug, Clone, Default)]
pub struct Narrowing {
    /// A group of customers.
    pub group: Option<Group>,
    /// A band of the probability of leaving.
    pub band: Option<RiskBand>,
    /// Index and level of an archetype.
    pub archetype: Option<(i16, u8)>,
    /// A segment.
    pub segment: Option<Segment>,
    /// The country of the shipping address.
    pub country: Option<Country>,
}

/// A group of customers.
#[derive(Debug, Clone)]
pub enum Group {
    /// Those whom another rule holds for.
    Rule(&'static Rule),
    /// Those who were found otherwise, by their ids.
    Found(Vec<String>),
}

/// A segment.
#[derive(Debug, Clone, Copy)]
pub enum Segment {
    /// Of an axis: its place in [`AXES`] and the index of the segment.
    OfAxis(usize, i16),
    /// A stored one: the statement that lists its members as `member`, up to its last word, which is the segment's id.
    Stored(&'static str, Uuid),
}

impl Narrowing {
    /// Whether anything is left out.
    pub fn is_empty(&self) -> bool {
        self.group.is_none()
            && self.band.is_none()
            && self.archetype.is_none()
            && self.segment.is_none()
            && self.country.is_none()
    }
}

/// How many conditions a narrowing has.
pub const CONDITIONS: usize = 5;

/// Customers for whom the same conditions hold: those of a narrowing in the order of its fields. One that was not asked
/// for holds for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Which conditions hold; that of the country is the last.
    pub holds: [bool; CONDITIONS],
    /// Where a country is asked for: the country of these customers, empty when it is not known. Empty else.
    pub country: String,
    /// Customers.
    pub customers: i64,
    /// What they spent, in cents.
    pub spend_cents: i64,
    /// Those of them who consented to marketing.
    pub reachable: i64,
    /// How many of them are in which band of the probability of leaving, the lowest first.
    pub bands: [i64; 4],
}

impl Cell {
    /// Whether all conditions hold.
    pub fn fits(&self) -> bool {
        self.holds == [true; CONDITIONS]
    }
}

/// A list that is narrowed down.
#[derive(Debug, Clone, PartialEq)]
pub struct Narrowed<T> {
    /// All customers of the list as it is without the conditions.
    pub cells: Vec<Cell>,
    /// The first of those for whom all conditions hold.
    pub items: Vec<T>,
}

/// The customers whom a rule holds for, narrowed down, the most important first, at most `limit` (and [`MAX_ITEMS`]).
///
/// # Errors
/// Nobody has ordered, there is no run that knows what is asked for, or the database does not answer.
pub async fn list(
    tx: &mut Tx,
    standing: &Standing,
    levels: &Levels,
    rule: &Rule,
    narrowing: &Narrowing,
    limit: u32,
) -> Result<Narrowed<Target>, AnalyticsError> {
    if rule.needs_scores {
        standing.run()?;
    }
    let asked = Asked {
        condition: rule.condition,
        order: rule.order,
        bounds: (rule.bounds)(levels),
        of_group: of_group(narrowing, Some(levels))?,
        narrowing,
        joined: None,
    };
    let cells = asked.cells(tx, standing).await?;
    let rows: Vec<Row> = asked.first(tx, standing, limit).await?;
    Ok(Narrowed { cells, items: targets::explained(rows, standing, levels, rule)? })
}

/// Customers of whom something is known besides, narrowed down. Levels are needed where a group is asked for.
///
/// # Errors
/// Nobody has ordered, there is no run that knows what is asked for, or the database does not answer.
pub(super) async fn beside<R>(
    tx: &mut Tx,
    standing: &Standing,
    levels: Option<&Levels>,
    narrowing: &Narrowing,
    joined: &Joined,
    limit: u32,
) -> Result<Narrowed<R>, AnalyticsError>
where
    R: for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let asked = Asked {
        condition: joined.condition,
        order: joined.order,
        bounds: [0, 0],
        of_group: of_group(narrowing, levels)?,
        narrowing,
        joined: Some(joined),
    };
    let cells = asked.cells(tx, standing).await?;
    Ok(Narrowed { cells, items: asked.first(tx, standing, limit).await? })
}

/// What is known of customers besides the columns of [`super::base`].
pub(super) struct Joined {
    /// A statement with `customer_id` among its columns. Parameter 1 is the tenant; where it is of orders, 15 is the
    /// currency, and from 16 on come the times.
    pub(super) sql: String,
    /// Who is on the list.
    pub(super) condition: &'static str,
    /// Who comes first.
    pub(super) order: &'static str,
    /// Times of orders; none where it is of none.
    pub(super) times: Option<Vec<DateTime<Utc>>>,
}

/// The bounds of the group's rule.
fn of_group(narrowing: &Narrowing, levels: Option<&Levels>) -> Result<[i64; 2], AnalyticsError> {
    match (&narrowing.group, levels) {
        (Some(Group::Rule(group)), Some(levels)) => Ok((group.bounds)(levels)),
        (Some(Group::Rule(_)), None) => Err(AnalyticsError::not_enough("nobody has ordered yet")),
        (None | Some(Group::Found(_)), _) => Ok([0, 0]),
    }
}

/// A list as it is asked for: a condition over the columns of [`super::base`], what comes first, and what both need.
struct Asked<'a> {
    condition: &'static str,
    order: &'static str,
    bounds: [i64; 2],
    of_group: [i64; 2],
    narrowing: &'a Narrowing,
    /// What is known of customers besides; only those count of whom it is known.
    joined: Option<&'a Joined>,
}

impl Asked<'_> {
    async fn cells(&self, tx: &mut Tx, standing: &Standing) -> Result<Vec<Cell>, AnalyticsError> {
        // All are of one class.
        let counted = self.counted(tx, standing, "''::text").await?;
        Ok(counted.into_iter().map(Counted::cell).collect())
    }

    /// How many customers there are of each class, an expression over the columns of the list, by which conditions hold.
    async fn counted(
        &self,
        tx: &mut Tx,
        standing: &Standing,
        class: &str,
    ) -> Result<Vec<Counted>, AnalyticsError> {
        let from = self.from(standing)?;
        // Each country is counted, because what is told of one tells of the others.
        let country = match self.narrowing.country {
            Some(_) => "coalesce(shipping_country, '')",
            None => "''::text",
        };
        // The second, third and fourth band begin at these.
        let statement = format!(
            "select {class} as class, {country} as country, in_group, in_band, in_archetype, in_segment, in_country,
                    count(*) as customers,
                    sum(cents)::bigint as spend_cents, count(*) filter (where opt_in) as reachable,
                    count(*) filter (where churn < ($14::real[])[1]) as low,
                    count(*) filter (where churn >= ($14::real[])[1] and churn < ($14::real[])[2]) as medium,
                    count(*) filter (where churn >= ($14::real[])[2] and churn < ($14::real[])[3]) as high,
                    count(*) filter (where churn >= ($14::real[])[3]) as critical
             {from} group by 1, 2, 3, 4, 5, 6, 7 order by 1"
        );
        let query = self.bind(sqlx::query_as(AssertSqlSafe(statement)), standing)?;
        let query = self.bind_joined(query.bind(band_starts()), standing)?;
        Ok(query.fetch_all(&mut **tx).await?)
    }

    async fn first<R>(&self, tx: &mut Tx, standing: &Standing, limit: u32) -> Result<Vec<R>, AnalyticsError>
    where
        R: for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        let end = format!("order by {}, customer_id limit $14", self.order);
        self.read(tx, standing, "select b.*", &end, limit).await
    }

    /// Reads those for whom all conditions hold: a statement up to its `from` and after its conditions, in which 14 is how
    /// many rows there may be.
    async fn read<R>(
        &self,
        tx: &mut Tx,
        standing: &Standing,
        beginning: &str,
        end: &str,
        limit: u32,
    ) -> Result<Vec<R>, AnalyticsError>
    where
        R: for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        let from = self.from(standing)?;
        let statement = format!(
            "{beginning} {from} and in_group and in_band and in_archetype and in_segment and in_country {end}"
        );
        let query = self.bind(sqlx::query_as(AssertSqlSafe(statement)), standing)?;
        let query = self.bind_joined(query.bind(i64::from(limit.min(MAX_ITEMS))), standing)?;
        Ok(query.fetch_all(&mut **tx).await?)
    }

    /// The customers of the list, each with which conditions hold. The parameters are those of [`super::base`], 4 and 5 the
    /// bounds of the rule, 6 and 7 those of the group's, and 8 to 13 what the other conditions compare with.
    fn from(&self, standing: &Standing) -> Result<String, AnalyticsError> {
        let Narrowing { group, band, archetype, segment, country } = self.narrowing;
        if archetype.is_some() || country.is_some() || matches!(segment, Some(Segment::OfAxis(..))) {
            standing.run()?;
        }
        let (of_group, found) = match group {
            Some(Group::Rule(rule)) => (rule.condition, ""),
            Some(Group::Found(_)) => (
                "found.member is not null",
                "left join unnest($12::text[]) as found (member) on found.member = facts.customer_id",
            ),
            None => ("true", ""),
        };
        let of_band = match band {
            Some(_) => "churn >= coalesce(n.band_from, churn) and churn < coalesce(n.band_below, 'Infinity')",
            None => "true",
        };
        let of_archetype = match archetype {
            Some((_, 1)) => "archetype_l1 = n.archetype",
            Some(_) => "archetype_l2 = n.archetype",
            None => "true",
        };
        let (of_segment, members) = match segment {
            // The strength of a membership is in the two lowest bits.
            Some(Segment::OfAxis(axis, _)) => {
                (format!("{} between n.segment_from and n.segment_from + 3", AXES[*axis]), String::new())
            }
            Some(Segment::Stored(members, _)) => (
                "members.member is not null".to_owned(),
                format!("left join ({members} $13) as members on members.member = facts.customer_id"),
            ),
            None => ("true".to_owned(), String::new()),
        };
        let of_country = country.map_or_else(|| "true".to_owned(), Country::condition);
        let (mut base, condition) = (base::sql_with_segments(standing), self.condition);
        if let Some(Joined { sql, .. }) = self.joined {
            base = format!("(select * from {base} as known join ({sql}) as besides using (customer_id))");
        }
        Ok(format!(
            "from (select facts.*, coalesce({of_group}, false) as in_group, coalesce({of_band}, false) as in_band,
                          coalesce({of_archetype}, false) as in_archetype, coalesce({of_segment}, false) as in_segment,
                          coalesce({of_country}, false) as in_country
                   from {base} as facts {members} {found}
                   cross join (select $6::bigint as low, $7::bigint as high, $8::real as band_from, $9::real as band_below,
                                      $10::smallint as archetype, $11::smallint as segment_from, $12::text[] as found,
                                      $13::uuid as stored) as n) as b
             cross join (select $4::bigint as low, $5::bigint as high) as bounds
             where ({condition})"
        ))
    }

    fn bind<'q, R>(
        &self,
        query: QueryAs<'q, Postgres, R, PgArguments>,
        standing: &Standing,
    ) -> Result<QueryAs<'q, Postgres, R, PgArguments>, AnalyticsError> {
        let Narrowing { group, band, archetype, segment, .. } = self.narrowing;
        let (from, below) = band.map_or((None, None), |band| RiskBands::default().range(band));
        let found = match group {
            Some(Group::Found(customers)) => Some(customers.clone()),
            _ => None,
        };
        let codes = match segment {
            Some(Segment::OfAxis(_, index)) => Some(index.saturating_mul(4)),
            _ => None,
        };
        let stored = match segment {
            Some(Segment::Stored(_, id)) => Some(*id),
            _ => None,
        };
        Ok(base::bind(query, standing)?
            .bind(self.bounds[0])
            .bind(self.bounds[1])
            .bind(self.of_group[0])
            .bind(self.of_group[1])
            .bind(from)
            .bind(below)
            .bind(archetype.map(|(index, _)| index))
            .bind(codes)
            .bind(found)
            .bind(stored))
    }

    fn bind_joined<'q, R>(
        &self,
        query: QueryAs<'q, Postgres, R, PgArguments>,
        standing: &Standing,
    ) -> Result<QueryAs<'q, Postgres, R, PgArguments>, AnalyticsError> {
        let Some(times) = self.joined.and_then(|joined| joined.times.as_ref()) else { return Ok(query) };
        let query = query.bind(standing.currency()?.to_owned());
        Ok(times.iter().fold(query, |query, time| query.bind(*time)))
    }
}

/// Where the second, third and fourth band begin.
fn band_starts() -> Vec<f32> {
    RiskBand::ALL.iter().filter_map(|band| RiskBands::default().range(*band).0).collect()
}

/// A cell as it is counted.
#[derive(FromRow)]
struct Counted {
    class: String,
    country: String,
    in_group: bool,
    in_band: bool,
    in_archetype: bool,
    in_segment: bool,
    in_country: bool,
    customers: i64,
    spend_cents: Option<i64>,
    reachable: i64,
    low: i64,
    medium: i64,
    high: i64,
    critical: i64,
}

impl Counted {
    fn cell(self) -> Cell {
        Cell {
            holds: [self.in_group, self.in_band, self.in_archetype, self.in_segment, self.in_country],
            country: self.country,
            customers: self.customers,
            spend_cents: self.spend_cents.unwrap_or(0),
            reachable: self.reachable,
            bands: [self.low, self.medium, self.high, self.critical],
        }
    }
}
