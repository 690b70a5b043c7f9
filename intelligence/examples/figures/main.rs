//! Draws the figures of `docs/` from a file of orders, and writes the tables of features into docs/intelligence.md:
//! `figures [FILE [DAY [HORIZON [DOCS]]]]`, by default data/cdnow.csv.gz, 1998-04-01, 90 and docs.
//!
//! The models learn from the day that lies the horizon before DAY and from the days 30, 60 to 180 before that one; the
//! figures show what they said on DAY, and what came. The same file makes the same bytes.

mod archetypes;
mod calibration;
mod frame;
mod gains;
mod profiles;
mod reference;
mod shop;

use std::error::Error;
use std::path::{Path, PathBuf};

use intelligence::evaluate::date;
use intelligence::features::Axis;

use frame::Head;
use shop::Shop;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let (file, day) = (argument("data/cdnow.csv.gz"), argument("1998-04-01"));
    let (horizon, docs) = (argument("90"), PathBuf::from(argument("docs")));
    let day = date::parse_day(&day).ok_or_else(|| format!("{day} is no day; write it as 1998-04-01"))?;
    let horizon = horizon.parse().ok().filter(|days| (1..=3650).contains(days));
    let horizon = horizon.ok_or("the horizon is a number of days from 1 to 3650")?;

    let shop = Shop::read(Path::new(&file), day, horizon)?;
    let folder = docs.join("figures");
    std::fs::create_dir_all(&folder)?;
    let write = |name: &str, svg: String| -> Result<(), Box<dyn Error>> {
        let path = folder.join(format!("{name}.svg"));
        std::fs::write(&path, svg)?;
        println!("{}", path.display());
        Ok(())
    };
    for (name, svg) in churn(&shop)?.into_iter().chain(segments(&shop)?) {
        write(&name, svg)?;
    }
    describe_features(&docs.join("intelligence.md"))
}

type Figures = Vec<(String, String)>;

/// How good the models are.
fn churn(shop: &Shop) -> Result<Figures, frame::DrawingError> {
    let horizon = shop.test.horizon;
    let (churn, churned) = (shop.churn(), shop.test.churned());
    let bought = frame::thousands(churned.iter().filter(|churned| !**churned).count());
    let outcome = match shop.outcomes {
        Ok(()) => format!("; {bought} of them purchased in the {horizon} days after"),
        Err(_) => String::new(),
    };
    let outcome = format!("{}{outcome}. The models had learnt from earlier days only.", shop.sample());
    let head = Head { title: "Churn: do the probabilities hold?".to_owned(), caption: outcome.clone() };
    let calibration = calibration::draw(&head, horizon, &churn.ours, &churn.others, &churned)?;

    let caption = format!("{outcome} In brackets: what the first fifth of the customers holds.");
    let head = Head { title: "Churn: how many purchasers are found?".to_owned(), caption: caption.clone() };
    let axes = gains::Axes {
        across: "share of all customers, those most likely to purchase first",
        up: "share of the purchasers among them",
    };
    let purchasers: Vec<f64> = churned.iter().map(|&churned| f64::from(u8::from(!churned))).collect();
    let churn_gains = gains::draw(&head, axes, &churn.rankings, &purchasers)?;

    let head = Head { title: "Spend: where is the money?".to_owned(), caption };
    let axes = gains::Axes {
        across: "share of all customers, the highest expected spend first",
        up: "share of the spend that came from them",
    };
    let spend_gains = gains::draw(&head, axes, &shop.spend(), &shop.test.spent())?;
    let named =
        [("churn-calibration", calibration), ("churn-gains", churn_gains), ("spend-gains", spend_gains)];
    Ok(named.map(|(name, svg)| (name.to_owned(), svg)).into())
}

/// Who the customers are.
fn segments(shop: &Shop) -> Result<Figures, frame::DrawingError> {
    let segments = shop.segments();
    let days =
        [segments.as_ref().map_or(shop.test.day, |segments| segments.fitted), shop.test.day].map(date::name);
    let fitted = match &segments {
        Ok(_) => format!("; segments as fitted on {} and frozen since.", days[0]),
        Err(_) => ".".to_owned(),
    };
    let mut figures = Figures::new();
    for axis in Axis::ALL {
        let divided = segments.as_ref().map_err(Clone::clone).and_then(|segments| segments.axis(axis));
        let known = divided.as_ref().map_or(0, |(_, [_, later])| later.iter().flatten().count());
        let known = format!("{} of {}", frame::thousands(known), shop.sample());
        let head = Head {
            title: format!("Segments: {}", axis.name().replace('_', " ")),
            caption: format!("{known} are known on this axis{fitted}"),
        };
        let divided =
            divided.as_ref().map_err(Clone::clone).map(|(names, [dominant, later])| profiles::Divided {
                axis,
                names,
                features: &shop.training[0].features,
                dominant,
                later,
                days: [&days[0], &days[1]],
            });
        figures
            .push((format!("segments-{}", axis.name().replace('_', "-")), profiles::draw(&head, divided)?));
    }
    let sizes = segments.as_ref().map_err(Clone::clone).map(|segments| segments.sizes(shop));
    let covered = sizes.as_ref().map_or(0, |sizes| sizes.iter().map(|size| size.customers).sum());
    let head = Head {
        title: "Archetypes: how many customers, and how many came back".to_owned(),
        caption: format!("{} of {} have an archetype{fitted}", frame::thousands(covered), shop.sample()),
    };
    let svg = archetypes::draw(&head, shop.test.horizon, &sizes, shop.test.customers.len())?;
    figures.push(("archetype-sizes".to_owned(), svg));
    Ok(figures)
}

/// Puts the tables of features into the page, if it is there.
fn describe_features(page: &Path) -> Result<(), Box<dyn Error>> {
    if !page.exists() {
        return Ok(());
    }
    let text = std::fs::read_to_string(page)?;
    let text =
        reference::replaced(&text).ok_or_else(|| format!("{} has no place for features", page.display()))?;
    std::fs::write(page, text)?;
    println!("{}", page.display());
    Ok(())
}
