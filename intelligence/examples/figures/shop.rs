//! What the figures show of a file of orders: the customers on a test day, what the models said of them then, what
//! they did afterwards, and the segments of a version that had been fitted before.

use std::path::Path;

use intelligence::churn;
use intelligence::cold_start::Facts;
use intelligence::evaluate::date;
use intelligence::evaluate::read::{ReadError, read_orders};
use intelligence::features::{self, Axis, TenantStats};
use intelligence::lines::Lines;
use intelligence::metrics::Score;
use intelligence::segmentation::{Assignment, Fit, Segmentation};
use intelligence::snapshot::{Snapshot, alive_model};
use intelligence::spend;

use intelligence::stop::Stop;

use crate::archetypes::Size;
use crate::calibration::Probabilities;
use crate::gains::Ranking;

/// Days between training snapshots, and how many there are at most.
const STEP: i32 = 30;
const SNAPSHOTS: i32 = 7;
/// What the legends call our model.
const OURS: &str = "Deskwork";

/// A shop on the test day.
pub struct Shop {
    /// The file's name, for the captions.
    pub name: String,
    /// The day, and what the customers did in the horizon after it.
    pub test: Snapshot,
    /// Earlier days, newest first, whose horizons had ended by then.
    pub training: Vec<Snapshot>,
    /// Whether the file reaches to the end of the horizon, so that one knows who purchased; or what it says instead.
    pub outcomes: Result<(), String>,
    lines: Lines,
}

/// A version that was fitted on the newest training day, and where it puts the customers of the test day.
pub struct Segments {
    /// The day of the fit, since 1970-01-01.
    pub fitted: i32,
    /// The version.
    pub version: Segmentation,
    /// One a customer of that day.
    pub then: Vec<Assignment>,
    /// One a customer of the test day.
    pub assigned: Vec<Assignment>,
}

/// The dominant segment of every customer; none where the axis does not know the customer.
pub type Places = Vec<Option<u8>>;

/// The models' answers for the customers of the test day.
pub struct Churn {
    /// Ours, or why there is none.
    pub ours: Result<Probabilities, String>,
    /// Probabilities of the baselines that give any.
    pub others: Vec<Probabilities>,
    /// All of them as orders, those who will probably purchase first.
    pub rankings: Result<Vec<Ranking>, String>,
}

impl Shop {
    /// Reads the file and takes the snapshots.
    pub fn read(file: &Path, day: i32, horizon: u32) -> Result<Shop, ReadError> {
        let orders = read_orders(file)?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let newest = day - horizon as i32;
        let first = orders.days.map_or(i32::MAX, |days| days.0);
        let days = (0..SNAPSHOTS).map(|at| newest - STEP * at).filter(|&day| day >= first);
        let training = days.map(|day| Snapshot::take(&orders.lines, day, horizon)).collect();
        let end = day + horizon as i32;
        let outcomes = match orders.days {
            None => Err("the file has no order that can be used".to_owned()),
            Some((_, last)) if last < end => {
                Err(format!("the orders end on {}, the horizon on {}", date::name(last), date::name(end)))
            }
            Some(_) => Ok(()),
        };
        Ok(Shop {
            name,
            test: Snapshot::take(&orders.lines, day, horizon),
            training,
            outcomes,
            lines: orders.lines,
        })
    }

    /// Whose figures these are: "23,570 customers of cdnow.csv.gz as of 1998-04-01".
    pub fn sample(&self) -> String {
        let customers = crate::frame::thousands(self.test.customers.len());
        format!("{customers} customers of {} as of {}", self.name, date::name(self.test.day))
    }

    /// Trains and asks the models of churn.
    pub fn churn(&self) -> Churn {
        let ours = self.outcomes.clone().and_then(|()| {
            let trained = churn::train(&self.test, &self.training, &churn::settings(), &Stop::never());
            let model = trained.map_err(|error| plain(&error.to_string()))?.model;
            let values = model.score(&self.test.features).into_iter().map(|p| p.map_or(0.5, f64::from));
            Ok(Probabilities { name: OURS.to_owned(), values: values.collect() })
        });
        let training: Vec<&Snapshot> = self.training.iter().collect();
        let wanted = ["BG/NBD", "RFM logistic", "recency only"];
        let baselines = churn::baselines(&training, &self.test);
        let mut others = Vec::new();
        let stays = |scores: &[f64]| scores.iter().map(|score| -score).collect();
        let mut rankings =
            ours.clone().map(|ours| vec![Ranking { name: ours.name, scores: stays(&ours.values) }]);
        for baseline in baselines.into_iter().filter(|baseline| wanted.contains(&baseline.name)) {
            let Ok(values) = baseline.scores else { continue };
            let name = baseline.name.to_owned();
            if let Ok(rankings) = &mut rankings {
                rankings.push(Ranking { name: name.clone(), scores: stays(&values) });
            }
            if baseline.kind == Score::Probability {
                others.push(Probabilities { name, values });
            }
        }
        Churn { ours, others, rankings }
    }

    /// Trains the model of spend and asks it and its baselines, the highest expected spend first.
    pub fn spend(&self) -> Result<Vec<Ranking>, String> {
        self.outcomes.clone()?;
        let trained = spend::train(&self.test, &self.training, &spend::settings(), &Stop::never());
        let model = trained.map_err(|error| plain(&error.to_string()))?.model;
        let forecasts = model.score(&self.test.features, &self.test.stats.season);
        let expected = forecasts.into_iter().map(|one| one.map_or(0.0, |one| one.expected));
        let mut rankings = vec![Ranking { name: OURS.to_owned(), scores: expected.collect() }];
        let baselines = spend::baselines(&self.test).into_iter().filter(|(name, _)| *name != "predict zero");
        rankings.extend(
            baselines
                .filter_map(|(name, scores)| Some(Ranking { name: name.to_owned(), scores: scores.ok()? })),
        );
        Ok(rankings)
    }

    /// Fits a version on the newest training day and applies it to the test day.
    pub fn segments(&self) -> Result<Segments, String> {
        let Some(newest) = self.training.first() else {
            return Err("there are no orders before the horizon that ends on the test day".to_owned());
        };
        let alive = alive_model(&newest.purchases);
        let week = newest.day - 7;
        let before =
            features::compute(&self.lines, &TenantStats::of(&self.lines, week), alive.as_ref(), week);
        let before = before.select(&newest.customers.iter().map(|&at| at as usize).collect::<Vec<_>>());
        let facts: Vec<Facts> = newest.summaries.iter().map(Facts::from).collect();
        let fit = Fit {
            features: &newest.features,
            facts: &facts,
            week_before: Some(&before),
            alive,
            tickets: None,
            tickets_week_before: None,
        };
        let (version, _) = Segmentation::fit(&fit).map_err(|error| error.to_string())?;
        let then = version.assign_all(&newest.features, &facts);
        let facts: Vec<Facts> = self.test.summaries.iter().map(Facts::from).collect();
        let assigned = version.assign_all(&self.test.features, &facts);
        Ok(Segments { fitted: newest.day, version, then, assigned })
    }
}

impl Segments {
    /// The names of an axis's segments and every customer's place on the day of the fit and on the test day, or why
    /// there are none.
    pub fn axis(&self, axis: Axis) -> Result<(Vec<String>, [Places; 2]), String> {
        use intelligence::axes::State;
        let model = &self.version.axes[axis as usize];
        if let State::NoData(reason) = &model.state {
            return Err(reason.clone());
        }
        let names = model.segments.iter().map(|segment| segment.name.clone()).collect();
        let places =
            |assigned: &[Assignment]| assigned.iter().map(|one| one.dominant[axis as usize]).collect();
        Ok((names, [places(&self.then), places(&self.assigned)]))
    }

    /// How many customers have each archetype, and how many of them purchased, if that is known.
    pub fn sizes(&self, shop: &Shop) -> Vec<Size> {
        let list = &self.version.archetypes.list;
        let (churned, purchased) = (shop.test.churned(), shop.outcomes.as_ref().ok().map(|()| 0));
        let empty =
            |at: usize| Size { name: list[at].name.clone(), level: list[at].level, customers: 0, purchased };
        let mut sizes: Vec<Size> = (0..list.len()).map(empty).collect();
        for (assignment, churned) in self.assigned.iter().zip(churned) {
            if let Some(size) = assignment.archetype.and_then(|at| sizes.get_mut(usize::from(at))) {
                size.customers += 1;
                size.purchased = size.purchased.map(|purchased| purchased + usize::from(!churned));
            }
        }
        sizes
    }
}

/// The reason without the words that the figure puts before it.
fn plain(reason: &str) -> String {
    reason.strip_prefix("not enough data: ").unwrap_or(reason).to_owned()
}
