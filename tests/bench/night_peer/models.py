"""Churn and spend by LightGBM, with the effort of our trainers.

Snapshots a month apart; the newest one whose outcomes are known stops the boosting and gives intervals, the one before
helps to choose the calibration, and the models that score are trained on all of them. Each is the mean of several seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from . import features

HORIZON = 90
HISTORY = 60
FOLDS = 2
GROUPS = 20
PARAMETERS = {
    "num_leaves": 15, "learning_rate": 0.1, "feature_fraction": 0.6, "bagging_fraction": 0.7, "bagging_freq": 1,
    "min_data_in_leaf": 100, "lambda_l2": 5.0, "deterministic": True, "force_row_wise": True, "num_threads": 2,
    "verbosity": -1,
}
CHURN = {**PARAMETERS, "objective": "binary"}
SPEND = {**PARAMETERS, "objective": "tweedie", "tweedie_variance_power": 1.5}
RFM = ["orders", "purchase_days", "recency_days", "tenure_days", "log_spend", "spend_90d"]


@dataclass(frozen=True)
class Effort:
    """How much is trained; the same numbers as ours."""

    customers: int
    rows: int
    snapshots: int
    days_apart: int
    seeds: int
    fold_seeds: int
    rounds: int
    patience: int


@dataclass
class Snapshot:
    """Features as of a day, whether each customer bought nothing in the horizon, and what they spent."""

    day: int
    rows: np.ndarray
    churned: np.ndarray
    spent: np.ndarray


@dataclass
class Models:
    churn: list[lgb.Booster]
    regression: Pipeline
    calibration: LogisticRegression
    spend: list[lgb.Booster]
    edges: np.ndarray
    bounds: np.ndarray

    def predict(self, table: pl.DataFrame) -> dict[str, np.ndarray]:
        rows = table.select(features.FEATURES).to_numpy()
        scores = mixture(self.churn, self.regression, rows)
        churn = self.calibration.predict_proba(scores[:, None])[:, 1]
        ltv = mean(self.spend, rows)
        low, high = self.bounds[np.searchsorted(self.edges, ltv)].T
        return {name: value.astype(np.float32) for name, value in
                {"churn": churn, "ltv": ltv, "ltv_low": np.minimum(low, ltv), "ltv_high": np.maximum(high, ltv)}.items()}


def train(lines: pl.DataFrame, first_day: int, day: int, effort: Effort) -> Models:
    """Trains both models on a sample of customers."""
    customers = lines["customer"].n_unique()
    if customers > effort.customers:
        lines = lines.filter(pl.col("customer").hash(1) < int(effort.customers / customers * 2**64))
    days = [day - HORIZON - effort.days_apart * number for number in range(effort.snapshots)]
    snapshots = [take(lines, at) for at in days if at >= first_day + HISTORY]
    folds = [(past(snapshots, test), test) for test in snapshots]
    folds = [(training, test) for training, test in folds if training][:FOLDS]

    rounds, newest = boost(CHURN, folds[0][0], "churned", effort, folds[0][1], seeds=effort.fold_seeds)
    scores = [mixture(newest, regression(folds[0][0]), folds[0][1].rows)]
    for training, test in folds[1:]:
        models = boost(CHURN, training, "churned", effort, rounds=rounds, seeds=effort.fold_seeds)[1]
        scores.append(mixture(models, regression(training), test.rows))
    churned = np.concatenate([test.churned for _, test in folds])
    calibration = LogisticRegression().fit(np.concatenate(scores)[:, None], churned)
    churn = boost(CHURN, snapshots, "churned", effort, rounds=rounds)[1]

    rounds, newest = boost(SPEND, folds[0][0], "spent", effort, folds[0][1], seeds=effort.fold_seeds)
    edges, bounds = intervals(mean(newest, folds[0][1].rows), folds[0][1].spent)
    for training, test in folds[1:]:
        models = boost(SPEND, training, "spent", effort, rounds=rounds, seeds=effort.fold_seeds)[1]
        intervals(mean(models, test.rows), test.spent)
    spend = boost(SPEND, snapshots, "spent", effort, rounds=rounds)[1]
    return Models(churn, regression(snapshots), calibration, spend, edges, bounds)


def take(lines: pl.DataFrame, day: int) -> Snapshot:
    table = features.compute(lines, day)
    later = lines.filter((pl.col("day") > day) & (pl.col("day") <= day + HORIZON) & ~pl.col("is_return"))
    spent = later.group_by("customer").agg(spent=pl.col("amount").sum())
    spent = table.select("customer").join(spent, on="customer", how="left", maintain_order="left")["spent"]
    rows = table.select(features.FEATURES).to_numpy()
    return Snapshot(day, rows, spent.is_null().to_numpy().astype(np.float32), spent.fill_null(0).to_numpy())


def past(snapshots: list[Snapshot], test: Snapshot) -> list[Snapshot]:
    """Those whose outcomes were known on the day of the test."""
    return [snapshot for snapshot in snapshots if snapshot.day + HORIZON <= test.day]


def boost(
    parameters: dict, snapshots: list[Snapshot], label: str, effort: Effort, stop_on: Snapshot | None = None,
    rounds: int | None = None, seeds: int | None = None,
) -> tuple[int, list[lgb.Booster]]:
    """One model a seed; the number of rounds is found on a snapshot or given."""
    rows = np.concatenate([snapshot.rows for snapshot in snapshots])
    labels = np.concatenate([getattr(snapshot, label) for snapshot in snapshots])
    if len(rows) > effort.rows:
        chosen = np.random.default_rng(1).choice(len(rows), effort.rows, replace=False)
        rows, labels = rows[chosen], labels[chosen]
    train_set = lgb.Dataset(rows, labels, params=parameters).construct()
    valid_sets, callbacks = [], []
    if stop_on is not None:
        valid_sets = [lgb.Dataset(stop_on.rows, getattr(stop_on, label), reference=train_set)]
    models = []
    for seed in range(1, (seeds or effort.seeds) + 1):
        if stop_on is not None:
            callbacks = [lgb.early_stopping(effort.patience, verbose=False)]
        own = {**parameters, "seed": seed, "extra_trees": parameters is CHURN and seed % 2 == 0}
        models.append(
            lgb.train(own, train_set, num_boost_round=rounds or effort.rounds, valid_sets=valid_sets,
                      callbacks=callbacks)
        )
    found = int(np.mean([model.best_iteration or model.num_trees() for model in models]))
    return max(found, 5), models


def regression(snapshots: list[Snapshot]) -> Pipeline:
    rows = np.concatenate([rfm(snapshot.rows) for snapshot in snapshots])
    churned = np.concatenate([snapshot.churned for snapshot in snapshots])
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, churned)


def rfm(rows: np.ndarray) -> np.ndarray:
    return np.log1p(np.maximum(rows[:, [features.FEATURES.index(name) for name in RFM]], 0))


def mixture(models: list[lgb.Booster], line: Pipeline, rows: np.ndarray) -> np.ndarray:
    trees = np.mean([model.predict(rows, raw_score=True) for model in models], axis=0)
    return 0.5 * trees + 0.5 * line.decision_function(rfm(rows))


def mean(models: list[lgb.Booster], rows: np.ndarray) -> np.ndarray:
    return np.mean([model.predict(rows) for model in models], axis=0)


def intervals(forecasts: np.ndarray, spent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 10 % and 90 % bounds of what customers with a similar forecast spent."""
    edges = np.quantile(forecasts, np.linspace(0, 1, GROUPS + 1)[1:-1])
    group = np.searchsorted(edges, forecasts)
    bounds = [np.quantile(spent[group == number], [0.1, 0.9]) if (group == number).any() else [0, 0] for number in range(GROUPS)]
    return edges, np.array(bounds)
