//! What a list is narrowed down to: the names of a call, looked up in what the shop has, and whether what is left, or left
//! over, is of too few customers.
//!
//! Countries divide a list, so that all of them but one would tell of the one that is left out: one that is too small is
//! withheld with the next smallest, as groups of a whole are everywhere.

use std::collections::BTreeMap;

use database::Tx;
use database::ids::SegmentId;
use marketing::segments::case::{fold, is_same};
use marketing::segments::{facts, members, store};
use platform::analytics::Standing;
use platform::analytics::narrowed::{CONDITIONS, Cell, Country, Group, Narrowing, Segment};
use platform::analytics::rules::{self, Rule};
use platform::insights::catalog::{AXES, Catalog, Catalogs};
use platform::risk::RiskBand;
use serde_json::{Value, json};

use super::parameters::{Band, CustomerFilter, CustomerGroup};
use super::protect::three_digits;
use crate::desk::{Asker, ToolError};
use crate::text::formats;
use crate::withhold;

/// What those who look like businesses have.
const BUSINESSES: &str = "the signs of a business, as who looks like a business has them";

/// What a list is narrowed down to.
#[derive(Debug, Default)]
pub(crate) struct Narrow {
    /// As it is asked of the database.
    pub(crate) narrowing: Narrowing,
    /// Whether it is narrowed down to those who look like businesses, who are found when the list is made.
    pub(crate) is_of_businesses: bool,
    /// Changes when the same names mean other customers although the shop's data are the same.
    pub(crate) version: String,
    /// What it means, to follow a definition; no names in it, which are people's words.
    pub(crate) words: Vec<&'static str>,
    /// What to bear in mind.
    pub(crate) caveats: Vec<String>,
}

/// The rule behind a group; none when its customers are found otherwise.
fn rule(group: CustomerGroup) -> Option<&'static Rule> {
    match group {
        CustomerGroup::Vip => Some(&rules::HIGH_VALUE),
        CustomerGroup::Loyal => Some(&rules::LOYALTY),
        CustomerGroup::New => Some(&rules::NEWCOMERS),
        CustomerGroup::OneTime => Some(&rules::ONE_TIME_BUYERS),
        CustomerGroup::Declining => Some(&rules::DECLINING),
        CustomerGroup::Business => None,
    }
}

/// Looks up what a call's filter names; `Err` of the inner result says what there is not.
///
/// # Errors
/// The credential may not see segments, or the database does not answer.
pub(crate) async fn read(
    tx: &mut Tx,
    asker: Asker,
    standing: &Standing,
    filter: &CustomerFilter,
) -> Result<Result<Narrow, String>, ToolError> {
    let mut narrow = Narrow::default();
    if let Some(group) = filter.group {
        let rule = rule(group);
        narrow.narrowing.group = rule.map(Group::Rule);
        narrow.is_of_businesses = rule.is_none();
        narrow.words.push(rule.map_or(BUSINESSES, |rule| rule.definition));
    }
    if let Some(band) = filter.churn_band {
        narrow.narrowing.band = Some(match band {
            Band::Low => RiskBand::Low,
            Band::Medium => RiskBand::Medium,
            Band::High => RiskBand::High,
            Band::Critical => RiskBand::Critical,
        });
        narrow.words.push("a risk of leaving of the band that was asked for");
    }
    if let Some(country) = filter.country.as_deref().and_then(Country::of) {
        narrow.narrowing.country = Some(country);
        narrow.words.push("a shipping address in the country that was asked for");
        narrow.caveats.push(
            "The country is that of the shipping address, as of the published run; customers of whom none is known are left \
             out."
                .to_owned(),
        );
    }
    if filter.archetype.is_none() && filter.segment.is_none() {
        return Ok(Ok(narrow));
    }
    let segmentation = standing.run.as_ref().and_then(|run| run.segmentation);
    let catalog = match segmentation {
        Some(id) => Catalogs::default().get(tx, standing.tenant, id).await?,
        None => None,
    };
    if let Some(name) = &filter.archetype {
        let Some(found) = catalog.as_deref().and_then(|catalog| archetype(catalog, name)) else {
            return Ok(Err("there is no archetype of this name; segment_overview lists them".to_owned()));
        };
        narrow.narrowing.archetype = Some(found);
        narrow.words.push("the archetype that was asked for");
    }
    if let Some(name) = &filter.segment {
        let of_axes = catalog.as_deref().map(|catalog| of_axis(catalog, name)).unwrap_or_default();
        let stored = match asker.segments {
            true => facts::names(tx, standing.tenant, segmentation)
                .await?
                .segments
                .get(&fold(name.trim()))
                .copied(),
            false => None,
        };
        narrow.words.push("the segment that was asked for");
        match (stored, &of_axes[..]) {
            (Some(id), _) => {
                if let Err(reason) = stored_segment(tx, id, &mut narrow).await? {
                    return Ok(Err(reason));
                }
            }
            (None, [(axis, index)]) => narrow.narrowing.segment = Some(Segment::OfAxis(*axis, *index)),
            (None, []) if !asker.segments => return Err(ToolError::Forbidden("segments:read")),
            (None, []) => {
                return Ok(Err(
                    "there is no segment of this name, neither saved nor on an axis; the resources shop://segments and \
                     shop://archetypes list them"
                        .to_owned(),
                ));
            }
            (None, several) => {
                let axes: Vec<&str> = several.iter().map(|(axis, _)| AXES[*axis]).collect();
                return Ok(Err(format!(
                    "several axes have a segment of this name ({}); write the axis before it, with a colon",
                    axes.join(", ")
                )));
            }
        }
    }
    Ok(Ok(narrow))
}

async fn stored_segment(
    tx: &mut Tx,
    id: SegmentId,
    narrow: &mut Narrow,
) -> Result<Result<(), String>, ToolError> {
    let segment = store::get(tx, id).await?;
    let Some(computed) = segment.and_then(|segment| segment.computed) else {
        return Ok(Err(
            "the segment was not computed yet; open it under Segments to have it computed".to_owned()
        ));
    };
    narrow.narrowing.segment = Some(Segment::Stored(members::OF_SEGMENT, id.0));
    narrow.version = computed.id.simple().to_string();
    if let Some(at) = computed.finished_at {
        narrow
            .caveats
            .push(format!("Who is in the segment was computed last on {}.", formats::day(at.date_naive())));
    }
    Ok(Ok(()))
}

fn archetype(catalog: &Catalog, name: &str) -> Option<(i16, u8)> {
    let place = catalog
        .archetypes
        .iter()
        .position(|archetype| archetype.id == *name || is_same(&archetype.name, name.trim()))?;
    Some((i16::try_from(place).ok()?, catalog.archetypes[place].level))
}

/// Segments of axes by a name that may have the axis before it.
fn of_axis(catalog: &Catalog, name: &str) -> Vec<(usize, i16)> {
    let (wanted, name) = match name.split_once(':') {
        Some((axis, name)) if AXES.contains(&axis.trim()) => (Some(axis.trim()), name.trim()),
        _ => (None, name.trim()),
    };
    let axes = AXES.iter().enumerate().filter(|(_, axis)| wanted.is_none_or(|wanted| wanted == **axis));
    axes.filter_map(|(place, axis)| {
        let segments = &catalog.axis(axis)?.segments;
        let index = segments.iter().position(|segment| is_same(&segment.name, name))?;
        Some((place, i16::try_from(index).ok()?))
    })
    .collect()
}

/// What may be said of a list that is narrowed down, as figures; none when it, or what it leaves over of any wider list
/// that can be asked for, is of fewer customers than `smallest`.
pub(crate) fn figures(cells: &[Cell], filter: &CustomerFilter, smallest: i64) -> Option<Value> {
    let left: Vec<&Cell> = cells.iter().filter(|cell| cell.fits()).collect();
    let customers = fitting(cells);
    if !may_be_told(cells, smallest) {
        return None;
    }
    let whole: i64 = cells.iter().map(|cell| cell.customers).sum();
    let reachable: i64 = left.iter().map(|cell| cell.reachable).sum();
    let spend_cents: i64 = left.iter().map(|cell| cell.spend_cents).sum();
    let may_tell = withhold::may_tell_part(reachable, customers, smallest);
    let mut figures = json!({
        "filter_by": filter,
        "customers_about": withhold::coarse(customers, smallest),
        "of_customers_about": withhold::coarse(whole, smallest),
        "spend_about": three_digits(spend_cents as f64 / 100.0),
        "reachable_about": may_tell.then(|| withhold::coarse(reachable, smallest)),
    });
    if filter.churn_band.is_none() {
        let of_band = |place: usize| left.iter().map(|cell| cell.bands[place]).sum::<i64>();
        let bands: Vec<Value> = RiskBand::ALL
            .into_iter()
            .enumerate()
            .map(|(place, band)| json!({"axis": "churn_band", "segment": band.name(), "customers": of_band(place)}))
            .collect();
        figures["customers_by_band"] = json!(bands);
    }
    Some(figures)
}

/// Customers for whom all conditions hold.
pub(super) fn fitting(cells: &[Cell]) -> i64 {
    cells.iter().filter(|cell| cell.fits()).map(|cell| cell.customers).sum()
}

/// Whether a list, and what it leaves over of any wider one, is of nobody or of enough customers.
pub(super) fn may_be_told(cells: &[Cell], smallest: i64) -> bool {
    let customers = fitting(cells);
    // Each set of conditions that are dropped is a wider list; a condition that was not asked for makes none wider.
    let leaves_few = |dropped: usize| {
        let is_in =
            |cell: &&Cell| (0..CONDITIONS).all(|place| cell.holds[place] || dropped & 1 << place != 0);
        let wider: i64 = cells.iter().filter(is_in).map(|cell| cell.customers).sum();
        withhold::is_small(wider - customers, smallest)
    };
    !withhold::is_small(customers, smallest)
        && !(1_usize..1 << CONDITIONS).any(leaves_few)
        && !is_country_withheld(cells, smallest)
}

/// Whether the country that is asked for goes with another one that is too small.
fn is_country_withheld(cells: &[Cell], smallest: i64) -> bool {
    const COUNTRY: usize = CONDITIONS - 1;
    let mut sizes: BTreeMap<&str, (i64, bool)> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.holds[..COUNTRY] == [true; COUNTRY]) {
        let (size, is_wanted) = sizes.entry(&cell.country).or_insert((0, cell.holds[COUNTRY]));
        *size += cell.customers;
        *is_wanted |= cell.holds[COUNTRY];
    }
    // Where none is asked for there is one class, of all.
    if sizes.len() < 2 {
        return false;
    }
    let (counts, are_wanted): (Vec<i64>, Vec<bool>) = sizes.into_values().unzip();
    let withheld = withhold::of_a_whole(&counts, smallest);
    withheld
        .iter()
        .zip(&are_wanted)
        .zip(&counts)
        .any(|((withheld, is_wanted), count)| *withheld && *is_wanted && *count > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Customers of one country, which nobody asked for, by which of the other conditions hold.
    fn cell(holds: [bool; 4], customers: i64) -> Cell {
        let [group, band, archetype, segment] = holds;
        Cell {
            holds: [group, band, archetype, segment, true],
            country: String::new(),
            customers,
            spend_cents: customers * 1_000,
            reachable: customers,
            bands: [customers, 0, 0, 0],
        }
    }

    fn vips() -> CustomerFilter {
        CustomerFilter { group: Some(CustomerGroup::Vip), ..CustomerFilter::default() }
    }

    #[test]
    fn a_list_is_told_only_beside_a_large_rest() {
        let told =
            |left, rest| figures(&[cell([true; 4], left), cell([false, true, true, true], rest)], &vips(), 5);
        assert_eq!(told(40, 360).expect("told")["customers_about"], 40);
        assert_eq!(told(42, 358).expect("told")["of_customers_about"], 400);
        assert!(told(4, 360).is_none() && told(360, 4).is_none());
        assert!(told(0, 360).is_some() && told(360, 0).is_some());
        // Nobody is in the band alone, but two are in the group and not in the band.
        let two = [cell([true; 4], 20), cell([true, false, true, true], 2), cell([false; 4], 100)];
        assert!(figures(&two, &vips(), 5).is_none());
    }

    #[test]
    fn a_country_is_withheld_with_one_that_is_too_small() {
        let of = |country: &str, wanted: &str, customers: i64| Cell {
            holds: [true, true, true, true, country == wanted],
            country: country.to_owned(),
            ..cell([true; 4], customers)
        };
        let told = |sizes: &[(&str, i64)], wanted: &str| {
            let cells: Vec<Cell> = sizes.iter().map(|(country, size)| of(country, wanted, *size)).collect();
            may_be_told(&cells, 5)
        };
        // Three of the twenty-five are Swiss: all others would tell who.
        let sizes = [("AT", 7), ("CH", 3), ("DE", 15)];
        assert_eq!(["AT", "CH", "DE"].map(|country| told(&sizes, country)), [false, false, true]);
        let sizes = [("", 4), ("AT", 7), ("CH", 3), ("DE", 15)];
        assert_eq!(["AT", "CH", "DE", "FR"].map(|country| told(&sizes, country)), [true, false, true, true]);
        assert!(told(&[("AT", 7), ("DE", 15)], "AT"));
    }

    proptest! {
        /// Whoever has the list of every country that is told, and the list of all, learns of no group that is too small.
        #[test]
        fn countries_tell_of_nobody(counts in prop::collection::vec(0_i64..12, 1..7), smallest in 2_i64..10) {
            let names: Vec<String> = (0..counts.len()).map(|place| format!("C{place}")).collect();
            let is_told = |wanted: &str| {
                let of = |(name, count): (&String, &i64)| Cell {
                    holds: [true, true, true, true, name == wanted],
                    country: name.clone(),
                    ..cell([true; 4], *count)
                };
                may_be_told(&names.iter().zip(&counts).map(of).collect::<Vec<Cell>>(), smallest)
            };
            let told: i64 = names.iter().zip(&counts).filter(|(name, _)| is_told(name)).map(|(_, count)| count).sum();
            let hidden = counts.iter().sum::<i64>() - told;
            prop_assert!(told == 0 || !withhold::is_small(hidden, smallest), "{} hidden", hidden);
        }

        /// Whoever has a list and any wider one that is told as well learns of no group that is too small.
        #[test]
        fn differences_tell_of_nobody(counts in prop::collection::vec(0_i64..30, 16), smallest in 2_i64..10) {
            let cells: Vec<Cell> = counts
                .iter()
                .enumerate()
                .map(|(place, count)| cell([place & 1 != 0, place & 2 != 0, place & 4 != 0, place & 8 != 0], *count))
                .collect();
            let of = |mask: usize| -> i64 {
                cells.iter().filter(|cell| (0..4).all(|n| cell.holds[n] || mask & 1 << n == 0)).map(|cell| cell.customers).sum()
            };
            if figures(&cells, &vips(), smallest).is_some() {
                for mask in 0..15 {
                    prop_assert!(!withhold::is_small(of(mask) - of(15), smallest));
                }
                prop_assert!(!withhold::is_small(of(15), smallest));
            }
        }
    }
}
