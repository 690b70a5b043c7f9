"""Segments on every axis, fuzzy memberships and archetypes, by scikit-learn."""

from __future__ import annotations

import numpy as np
import polars as pl
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import StandardScaler

from .features import AXES

# As ours: fitted on a sample, frozen, and applied to everybody. Ours starts k-means ten times and halves six times;
# here it is three each, so that fitting does not dominate what is compared.
SAMPLE = 20_000
HALVINGS = 3
SILHOUETTE = 1_000
FUZZINESS = 1.5
LEAST_ORDERS = 3


class Axis:
    """One axis: how a customer is looked at, and the segments."""

    def __init__(self, table: np.ndarray, seed: int) -> None:
        present = ~np.isnan(table).any(axis=0) | (np.isnan(table).mean(axis=0) < 0.8)
        self.columns = np.flatnonzero(present)
        table = table[:, self.columns]
        self.filling = np.nanmedian(table, axis=0)
        table = self.fill(table)
        deviation = table.std(axis=0) + 1e-12
        skew = ((table - table.mean(axis=0)) ** 3).mean(axis=0) / deviation**3
        self.is_skewed = (skew > 1.5) & (table.min(axis=0) >= 0)
        table = self.unskew(table)
        self.low, self.high = np.percentile(table, [1, 99], axis=0)
        table = np.clip(table, self.low, self.high)
        correlation = np.abs(np.corrcoef(table + 1e-12 * np.random.default_rng(seed).standard_normal(table.shape), rowvar=False))
        self.kept = [i for i in range(table.shape[1]) if not (np.atleast_2d(correlation)[i, :i] > 0.95).any()]
        self.scaler = StandardScaler().fit(table[:, self.kept])
        scaled = self.scaler.transform(table[:, self.kept])
        components = PCA(n_components=min(4, scaled.shape[1])).fit(scaled)
        enough = np.searchsorted(np.cumsum(components.explained_variance_ratio_), 0.9) + 1
        self.pca = PCA(n_components=min(int(enough), 4, scaled.shape[1])).fit(scaled)
        points = self.pca.transform(scaled)
        self.centres = choose(points, seed)

    def fill(self, table: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(table), self.filling, table)

    def unskew(self, table: np.ndarray) -> np.ndarray:
        return np.where(self.is_skewed, np.log1p(np.maximum(table, 0)), table)

    def memberships(self, table: np.ndarray) -> np.ndarray:
        """Fuzzy memberships, d^(-2/(m-1)) normalised."""
        table = np.clip(self.unskew(self.fill(table[:, self.columns])), self.low, self.high)
        points = self.pca.transform(self.scaler.transform(table[:, self.kept]))
        squares = ((points[:, None, :] - self.centres[None, :, :]) ** 2).sum(axis=2) + 1e-12
        weights = squares ** (-1 / (FUZZINESS - 1))
        return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def choose(points: np.ndarray, seed: int) -> np.ndarray:
    """k by stability between halves and by balance first, then by silhouette."""
    random = np.random.default_rng(seed)
    best = None
    for k in range(2, 9):
        model = KMeans(k, n_init=3, random_state=seed).fit(points)
        shares = np.bincount(model.labels_, minlength=k) / len(points)
        agreement = []
        for _ in range(HALVINGS):
            order = random.permutation(len(points))
            halves = np.array_split(order, 2)
            one, other = (KMeans(k, n_init=1, random_state=seed).fit(points[half]) for half in halves)
            agreement.append(adjusted_rand_score(one.predict(points), other.predict(points)))
        is_sound = np.mean(agreement) >= 0.8 and shares.min() >= 0.03 and shares.max() <= 0.6
        quality = silhouette_score(points, model.labels_, sample_size=min(SILHOUETTE, len(points)), random_state=seed)
        if best is None or (is_sound, quality) > best[0]:
            best = ((is_sound, quality), model.cluster_centers_)
    return best[1]


class Segmentation:
    """All axes, and the archetypes among the customers."""

    def __init__(self, table: pl.DataFrame, seed: int) -> None:
        mature = table.filter(pl.col("count") >= LEAST_ORDERS)
        sample = mature.sample(min(SAMPLE, mature.height), seed=seed)
        # P(alive) depends on a model that is fitted anew, so it stays out.
        self.names = {axis: [name for name in names if name != "alive_probability"] for axis, names in AXES.items()}
        self.axes = {axis: Axis(numbers(sample, names), seed) for axis, names in self.names.items()}

    def assign(self, table: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray, pl.Series]:
        """Segment x 4 + strength per axis with archetypes; packed memberships; confidence."""
        columns, packed, dominant = {}, [], {}
        is_new = (table["count"] < LEAST_ORDERS).to_numpy()
        for axis, model in self.axes.items():
            memberships = model.memberships(numbers(table, self.names[axis]))
            first = memberships.argmax(axis=1)
            top = np.partition(memberships, -2, axis=1)
            strength = np.where(top[:, -1] > 0.7, 2, np.where((top[:, -1] > 0.4) & (top[:, -2] > 0.3), 1, 0))
            code = np.where(is_new, rule_segment(table), first * 4 + strength)
            columns[axis] = pl.Series(code.astype(np.int16))
            dominant[axis] = np.where(is_new, 100 + rule_segment(table), first)
            packed.append(np.round(memberships * 255).astype(np.uint8))
        frame = pl.DataFrame({**columns, **archetypes(dominant, table.height)})
        confidence = table.select(
            pl.when(pl.col("count") < 3).then(pl.lit("rule")).when(pl.col("count") < 5).then(pl.lit("low"))
            .when(pl.col("count") < 10).then(pl.lit("medium")).otherwise(pl.lit("high")).alias("confidence")
        )["confidence"]
        return frame, np.hstack(packed), confidence


def numbers(table: pl.DataFrame, names: list[str]) -> np.ndarray:
    return table.select(names).to_numpy().astype(np.float64)


def rule_segment(table: pl.DataFrame) -> np.ndarray:
    """Newcomers by recency and order value."""
    recency, value = table["recency_days"].to_numpy(), table["median_order_value"].to_numpy()
    return (np.digitize(recency, [30, 90, 180]) * 3 + np.digitize(value, np.nanquantile(value, [1 / 3, 2 / 3]))).astype(np.int64)


def archetypes(dominant: dict[str, np.ndarray], customers: int) -> dict[str, pl.Series]:
    """Combinations of three and of five axes with enough customers, the smaller backed off to the larger."""
    floor = max(50, customers // 500)
    frame = pl.DataFrame(dominant)
    coarse = ["purchase_frequency", "purchase_value", "customer_maturity"]
    fine = [*coarse, "purchase_cadence", "price_sensitivity"]
    result = {}
    for name, axes in [("archetype_l1", coarse), ("archetype_l2", fine)]:
        groups = frame.group_by(axes).agg(count=pl.len()).sort(axes).filter(pl.col("count") >= floor)
        groups = groups.with_row_index("number").drop("count")
        result[name] = frame.join(groups, on=axes, how="left", maintain_order="left")["number"].cast(pl.Int16)
    result["archetype_l2"] = result["archetype_l2"].fill_null(result["archetype_l1"])
    return result
