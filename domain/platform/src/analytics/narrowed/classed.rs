//! Lists that divide into classes, narrowed down. A class is a list of its own: how many customers it has by which conditions
//! hold is counted for each, so that whoever shows it can tell by itself whether it is too small.

use database::Tx;
use sqlx::FromRow;

use super::{Asked, Cell, Counted, Joined, Narrowing, of_group};
use crate::analytics::{AnalyticsError, Levels, Standing};

/// A class of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// What it is called in the list.
    pub name: String,
    /// All customers of it as it is without the conditions.
    pub cells: Vec<Cell>,
}

/// How a list is divided, and what is read of it.
pub(in crate::analytics) struct Division<'a> {
    /// What is known of customers besides, and who is on the list; none when everybody is of whom anything is known.
    pub(in crate::analytics) joined: Option<&'a Joined>,
    /// The class of a customer, a text: an expression over the columns of [`crate::analytics::base`] and those besides.
    pub(in crate::analytics) class: &'a str,
    /// What is read of those for whom all conditions hold: the statement up to its `from` ...
    pub(in crate::analytics) beginning: &'a str,
    /// ... and after its conditions, where parameter 14 is the limit.
    pub(in crate::analytics) end: &'a str,
    /// How many rows.
    pub(in crate::analytics) limit: u32,
}

/// The classes of a list with what was read of the part that it is narrowed down to. Levels are needed where a group is asked
/// for.
///
/// # Errors
/// Nobody has ordered, there is no run that knows what is asked for, or the database does not answer.
pub(in crate::analytics) async fn classed<R>(
    tx: &mut Tx,
    standing: &Standing,
    levels: Option<&Levels>,
    narrowing: &Narrowing,
    division: &Division<'_>,
) -> Result<(Vec<Class>, Vec<R>), AnalyticsError>
where
    R: for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let asked = Asked {
        condition: division.joined.map_or("true", |joined| joined.condition),
        order: "",
        bounds: [0, 0],
        of_group: of_group(narrowing, levels)?,
        narrowing,
        joined: division.joined,
    };
    let mut classes: Vec<Class> = Vec::new();
    for counted in asked.counted(tx, standing, division.class).await? {
        // They come class by class.
        if classes.last().is_none_or(|class| class.name != counted.class) {
            classes.push(Class { name: counted.class.clone(), cells: Vec::new() });
        }
        if let Some(class) = classes.last_mut() {
            class.cells.push(Counted::cell(counted));
        }
    }
    Ok((classes, asked.read(tx, standing, division.beginning, division.end, division.limit).await?))
}
