//! The report as text: tables for people, then one `figure:` line a number.

use std::fmt;

use super::{Report, date};
use crate::{
    metrics::{Classification, Estimate, SpendQuality},
    segmentation::evaluation::SegmentationQuality,
};

/// A published figure beside which ours is shown: what, churn (AUC, AP, Brier, log loss, ECE), spend (MAE, bias,
/// capture).
struct Anchor {
    name: &'static str,
    customers: usize,
    test_day: &'static str,
    churn: [f64; 5],
    spend: [f64; 3],
}

/// Reference runs of LightGBM (tuned, mean of 5 seeds) on two public data sets, recognised by their counts.
static ANCHORS: [Anchor; 2] = [
    Anchor {
        name: "CDNOW reference",
        customers: 23_570,
        test_day: "1998-04-01",
        churn: [0.8408, 0.5479, 0.0876, 0.2946, 0.0055],
        spend: [10.99, 1.09, 0.617],
    },
    Anchor {
        name: "Online Retail reference",
        customers: 3_368,
        test_day: "2011-09-10",
        churn: [0.7435, 0.6273, 0.2040, 0.5917, 0.0592],
        spend: [604.0, 0.66, 0.526],
    },
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<String> = self.request.snapshot_days.iter().map(|day| date::name(*day)).collect();
        let test = date::name(self.request.test_day);
        writeln!(f, "Test day {test}, horizon {} days, snapshots {}", self.request.horizon, days.join(", "))?;
        for (day, reason) in &self.dropped {
            writeln!(f, "  snapshot {} dropped: {reason}", date::name(*day))?;
        }
        write!(f, "{} customers with an order by then", self.customers)?;
        match self.churn_rate {
            Some(rate) => writeln!(f, ", {:.1} % churn, mean spend {:.2}", rate * 100.0, self.mean_spend)?,
            None => writeln!(f)?,
        }
        for note in &self.notes {
            writeln!(f, "  note: {note}")?;
        }
        if self.customers == 0 {
            return Ok(());
        }
        let horizon = self.request.horizon;
        let anchor =
            ANCHORS.iter().find(|a| a.customers == self.customers && a.test_day == test && horizon == 90);
        self.churn_table(f, anchor)?;
        self.spend_table(f, anchor)?;
        writeln!(f, "\nSegments (a version fitted on the newest snapshot, then frozen)")?;
        match &self.segmentation {
            Ok(quality) => writeln!(f, "{quality}")?,
            Err(reason) => writeln!(f, "none: {reason}")?,
        }
        self.figures(f)
    }
}

impl Report {
    fn churn_table(&self, f: &mut fmt::Formatter<'_>, anchor: Option<&Anchor>) -> fmt::Result {
        writeln!(
            f,
            "\nChurn: no order within the horizon (with 95 % intervals; AP is for the rarer outcome)"
        )?;
        header(f, &["ROC-AUC", "AP", "Brier", "log loss", "ECE"])?;
        for (name, figures) in &self.churn {
            match figures {
                Ok(figures) => row(f, name, &columns_of(figures), 4)?,
                Err(reason) => writeln!(f, "{name:<24} {reason}")?,
            }
        }
        if let Some(anchor) = anchor {
            reference(f, anchor.name, &anchor.churn, 4)?;
        }
        if let Some(training) = &self.churn_training {
            let weights = training.weights;
            writeln!(
                f,
                "ours: {:?}, {} trees a seed, weights trees {:.2} regression {:.2} BG/NBD {:.2}, calibration {} ({})",
                training.tier,
                training.rounds.unwrap_or(0),
                weights.trees,
                weights.regression,
                weights.purchases,
                training.calibration,
                training.calibration_reason
            )?;
            for missing in &training.missing {
                writeln!(f, "  not enough for a trained model: {missing}")?;
            }
        }
        Ok(())
    }

    fn spend_table(&self, f: &mut fmt::Formatter<'_>, anchor: Option<&Anchor>) -> fmt::Result {
        writeln!(
            f,
            "\nSpend within the horizon (bias: sum predicted / sum spent; capture: share in the top tenth)"
        )?;
        header(f, &["MAE", "bias", "capture"])?;
        for (name, figures) in &self.spend {
            match figures {
                Ok(figures) => row(f, name, &spend_columns(figures), 3)?,
                Err(reason) => writeln!(f, "{name:<24} {reason}")?,
            }
        }
        if let Some(anchor) = anchor {
            reference(f, anchor.name, &anchor.spend, 3)?;
        }
        if let Some(training) = &self.spend_training {
            let rounds = training.rounds.unwrap_or(0);
            writeln!(f, "ours: {} trees a seed, {}", rounds, training.mixture.describe())?;
            writeln!(f, "  because {}", training.mixture_reason)?;
        }
        match self.coverage {
            Some(coverage) => writeln!(f, "10-90 % interval: {:.1} % of customers inside", coverage * 100.0),
            None => writeln!(f, "10-90 % interval: none, no window could be held back"),
        }
    }

    fn figures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        let names = ["roc_auc", "average_precision", "brier", "log_loss", "calibration_error"];
        for (model, figures) in &self.churn {
            let Ok(figures) = figures else { continue };
            for (name, estimate) in names.iter().zip(columns_of(figures)) {
                figure(f, "churn", name, model, estimate, "1")?;
            }
        }
        for (model, figures) in &self.spend {
            let Ok(figures) = figures else { continue };
            for (name, estimate) in ["mae", "bias", "capture"].iter().zip(spend_columns(figures)) {
                figure(f, "spend", name, model, estimate, if *name == "mae" { "money" } else { "1" })?;
            }
        }
        if let Some(coverage) = self.coverage {
            writeln!(f, "figure: spend_interval_coverage {coverage:.4} 1")?;
        }
        let segments = self.segmentation.as_ref().map(SegmentationQuality::figures).unwrap_or_default();
        segments.iter().try_for_each(|(name, value, unit)| writeln!(f, "figure: {name} {value:.4} {unit}"))
    }
}

fn columns_of(figures: &Classification) -> [Option<Estimate>; 5] {
    [figures.roc_auc, figures.average_precision, figures.brier, figures.log_loss, figures.calibration_error]
}

fn spend_columns(figures: &SpendQuality) -> [Option<Estimate>; 3] {
    [figures.mean_absolute_error, figures.bias, figures.capture]
}

fn header(f: &mut fmt::Formatter<'_>, columns: &[&str]) -> fmt::Result {
    write!(f, "{:<24}", "")?;
    columns.iter().try_for_each(|column| write!(f, " {column:<26}"))?;
    writeln!(f)
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, estimates: &[Option<Estimate>], digits: usize) -> fmt::Result {
    write!(f, "{name:<24}")?;
    for estimate in estimates {
        let text = match estimate {
            Some(e) => format!("{:.digits$} [{:.digits$}, {:.digits$}]", e.value, e.low, e.high),
            None => "-".to_owned(),
        };
        write!(f, " {text:<26}")?;
    }
    writeln!(f)
}

fn reference(f: &mut fmt::Formatter<'_>, name: &str, values: &[f64], digits: usize) -> fmt::Result {
    write!(f, "{name:<24}")?;
    values.iter().try_for_each(|value| write!(f, " {:<26}", format!("{value:.digits$}")))?;
    writeln!(f)
}

fn figure(
    f: &mut fmt::Formatter<'_>,
    of: &str,
    name: &str,
    model: &str,
    estimate: Option<Estimate>,
    unit: &str,
) -> fmt::Result {
    let Some(estimate) = estimate else { return Ok(()) };
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let model: String = model.chars().map(plain).collect();
    writeln!(f, "figure: {of}_{name}_{model} {:.4} {unit}", estimate.value)
}
