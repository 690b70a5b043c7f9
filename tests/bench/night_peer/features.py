"""66 features of every customer as of the end of a day, by polars: the same axes and formulas as ours.

Lines are aggregated to orders, orders to customers. Every aggregation is one `group_by` over integer codes, which is
what polars is fastest at; only what needs an order's neighbours (gaps, repeated products) sorts first.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from scipy.optimize import minimize
from scipy.special import gammaln

AXES = {
    "purchase_frequency": [
        "orders", "purchase_days", "orders_30d", "orders_90d", "orders_365d", "monthly_rate",
        "recency_weighted_orders", "active_months_share",
    ],
    "purchase_value": [
        "log_spend", "spend_90d", "spend_365d", "mean_order_value", "median_order_value", "largest_order_value",
        "order_value_variation", "order_value_trend", "units_per_order",
    ],
    "category_exploration": [
        "distinct_products", "distinct_categories", "category_entropy", "effective_categories", "top_category_share",
        "new_product_share_180d", "new_category_share_180d", "categories_per_order",
    ],
    "price_sensitivity": [
        "discounted_order_share", "discount_depth", "deepest_discount", "discount_depth_90d",
        "full_price_spend_share", "price_against_median", "price_percentile", "sale_day_affinity",
    ],
    "purchase_cadence": [
        "mean_gap_days", "median_gap_days", "burstiness", "last_gap_days", "gap_trend", "weekend_share", "hour_sine",
        "hour_cosine", "seasonality",
    ],
    "customer_maturity": [
        "tenure_days", "recency_days", "recency_share", "overdue", "alive_probability", "order_momentum",
        "days_to_second_order", "late_spend_share",
    ],
    "repurchase_behavior": [
        "repeated_product_share", "repeat_line_share", "repeat_spend_share", "product_gap_days",
        "product_gap_regularity", "last_baskets_overlap", "top_product_share", "product_concentration",
    ],
    "return_behavior": [
        "return_value_rate", "return_line_rate", "return_order_rate", "days_since_return", "returned_value_90d",
        "log_returned_value", "largest_return_share", "return_rate_change",
    ],
}
FEATURES = [feature for axis in AXES.values() for feature in axis]


def compute(lines: pl.DataFrame, day: int) -> pl.DataFrame:
    """One row a customer with an order by `day`: code, orders, spend, first and last day, repeats, and 66 features."""
    lines = lines.filter(pl.col("day") <= day)
    sold, returned = lines.filter(~pl.col("is_return")), lines.filter(pl.col("is_return"))
    orders = to_orders(sold)
    stats = Statistics(orders, returned)
    table = from_orders(orders, stats, day)
    days = purchase_days(orders, stats, day)
    stats.learn(days)
    parts = [
        days,
        categories(sold, day),
        products(sold, orders, day),
        prices(sold),
        sale_days(orders, stats),
        returns(returned, day),
    ]
    for part in parts:
        table = table.join(part, on="customer", how="left")
    return finish(table, stats).sort("customer")


class Statistics:
    """What is usual in the shop, for shrinking."""

    def __init__(self, orders: pl.DataFrame, returned: pl.DataFrame) -> None:
        sums = orders.select(
            value=pl.col("value").sum(), orders=pl.len(), list=pl.col("list").sum(), discount=pl.col("discount").sum(),
            discounted=pl.col("is_discounted").mean(), weekend=(((pl.col("day") + 3) % 7) >= 5).mean(),
        ).row(0, named=True)
        self.mean_order = sums["value"] / sums["orders"]
        self.depth = sums["discount"] / sums["list"] if sums["list"] else 0.0
        self.discounted, self.weekend = sums["discounted"], sums["weekend"]
        back = -(returned["amount"].sum() or 0.0)
        self.return_rate = back / sums["value"] if back else None
        self.repeat_rate = self.mean_gap = 0.0

    def learn(self, days: pl.DataFrame) -> None:
        """Rates of purchase days, once these are known."""
        repeats, tenure, span = days.select(pl.col("repeats").sum(), pl.col("tenure_days").sum(), pl.col("span").sum()).row(0)
        self.repeat_rate = repeats / max(tenure, 1)
        self.mean_gap = span / max(repeats, 1)


def to_orders(sold: pl.DataFrame) -> pl.DataFrame:
    """One row an order, by customer and time, with its place among the customer's."""
    orders = sold.group_by("customer", "order").agg(
        minute=pl.col("minute").min(),
        value=pl.col("amount").sum(),
        list=pl.col("list").sum(),
        discount=(pl.col("list") - pl.col("amount")).sum(),
        units=pl.col("quantity").sum(),
        lines=pl.len(),
        categories=pl.col("category").n_unique(),
    )
    orders = orders.sort("customer", "minute", "order")
    return orders.with_columns(
        day=pl.col("minute") // 1440,
        is_discounted=pl.col("discount") > 1e-6 * pl.col("list"),
        seq=pl.int_range(pl.len(), dtype=pl.Int32).over("customer"),
    )


def slope(index: pl.Expr, value: pl.Expr, shrink: float) -> pl.Expr:
    """Covariance of value and index over the index's variance, within a group of at least three."""
    covariance = (index * value).mean() - index.mean() * value.mean()
    return pl.when(pl.len() >= 3).then(covariance / (index.var(ddof=0) + shrink))


def from_orders(orders: pl.DataFrame, stats: Statistics, day: int) -> pl.DataFrame:
    age = (day - pl.col("day")).cast(pl.Float64)
    angle = (pl.col("minute") % 1440).cast(pl.Float64) * (math.tau / 1440)
    year = (pl.col("day") / 365.2425 % 1.0) * math.tau
    log_value = (1 + pl.col("value").clip(0)).log()
    within = lambda days, column="value": pl.col(column).filter(age < days)
    return orders.group_by("customer").agg(
        orders=pl.len(),
        spend=pl.col("value").sum(),
        first_minute=pl.col("minute").min(),
        orders_30d=(age < 30).sum(),
        orders_90d=(age < 90).sum(),
        orders_180d=(age < 180).sum(),
        orders_365d=(age < 365).sum(),
        recency_weighted_orders=(-age / 90).exp().sum(),
        spend_90d=within(90).sum(),
        spend_180d=within(180).sum(),
        spend_365d=within(365).sum(),
        median_order_value=pl.col("value").median(),
        largest_order_value=pl.col("value").max(),
        order_value_variation=pl.col("value").std() / pl.col("value").mean(),
        order_value_trend=slope(pl.col("seq").cast(pl.Float64), log_value, 1.0),
        units_per_order=pl.col("units").sum() / pl.len(),
        categories_per_order=pl.col("categories").sum() / pl.len(),
        discounted=pl.col("is_discounted").sum(),
        list=pl.col("list").sum(),
        discount=pl.col("discount").sum(),
        deepest_discount=(pl.col("discount") / pl.col("list")).max(),
        discount_depth_90d=within(90, "discount").sum() / within(90, "list").sum(),
        weekend=(((pl.col("day") + 3) % 7) >= 5).sum(),
        hour_sine=angle.sin().mean(),
        hour_cosine=angle.cos().mean(),
        year_sine=year.sin().mean(),
        year_cosine=year.cos().mean(),
        days_to_second_order=pl.col("day").slice(1, 1).first() - pl.col("day").first(),
        late_spend=pl.col("value").filter(2 * age < day - pl.col("day").min()).sum(),
        sold_lines=pl.col("lines").sum(),
    )


def purchase_days(orders: pl.DataFrame, stats: Statistics, day: int) -> pl.DataFrame:
    days = orders.select("customer", "day").unique(maintain_order=True)
    days = days.with_columns(gap=pl.col("day").diff().over("customer").cast(pl.Float64))
    gap, log_gap = pl.col("gap"), pl.col("gap").log()
    index = pl.int_range(pl.len()).cast(pl.Float64)
    pairs = pl.len() - 1
    covariance = (index * log_gap).sum() / pairs - (index.sum() / pairs) * log_gap.mean()
    variance = (index * index).sum() / pairs - (index.sum() / pairs) ** 2
    return days.group_by("customer", maintain_order=True).agg(
        purchase_days=pl.len(),
        repeats=pairs,
        first_day=pl.col("day").first(),
        last_day=pl.col("day").last(),
        span=pl.col("day").last() - pl.col("day").first(),
        tenure_days=day - pl.col("day").first(),
        recency_days=day - pl.col("day").last(),
        active_months=((pl.col("day") - pl.col("day").first()) // 30).n_unique(),
        mean_gap_days=gap.mean(),
        median_gap_days=gap.median(),
        gap_deviation=gap.std(),
        last_gap_days=gap.last(),
        gap_trend=pl.when(pairs >= 3).then(covariance / variance),
    )


def categories(sold: pl.DataFrame, day: int) -> pl.DataFrame:
    known = sold.group_by("customer", "category").agg(
        lines=pl.len(),
        first=pl.col("minute").min(),
        recent=(day - pl.col("day") < 180).sum(),
        recent_new=((day - pl.col("day") < 180) & (pl.col("minute") == pl.col("minute").min())).sum(),
    )
    total = pl.col("lines").sum()
    share = pl.col("lines") / total
    return known.group_by("customer").agg(
        distinct_categories=pl.len(),
        category_entropy=-(share * share.log()).sum() + (pl.len() - 1) / (2 * total),
        top_category_share=share.max(),
        new_category_share_180d=pl.col("recent_new").sum() / pl.col("recent").sum(),
    )


def products(sold: pl.DataFrame, orders: pl.DataFrame, day: int) -> pl.DataFrame:
    """Whatever needs to know which products come back, from one sort by customer, product and order."""
    bought = sold.select("customer", "order", "product", "amount", "day").join(
        orders.select("customer", "order", "seq"), on=["customer", "order"]
    )
    bought = bought.sort("customer", "product", "seq")
    same = (pl.col("customer") == pl.col("customer").shift()) & (pl.col("product") == pl.col("product").shift())
    bought = bought.with_columns(same=same.fill_null(False))
    bought = bought.with_columns(
        first_seq=pl.when(~pl.col("same")).then(pl.col("seq")).forward_fill(),
        again=pl.col("same") & (pl.col("seq") != pl.col("seq").shift()),
        product_gap=pl.when(pl.col("same") & (pl.col("day") > pl.col("day").shift())).then(pl.col("day").diff()),
    )
    is_new, is_recent = pl.col("seq") == pl.col("first_seq"), day - pl.col("day") < 180
    gap = pl.col("product_gap").cast(pl.Float64)
    lines = bought.group_by("customer").agg(
        distinct_products=(~pl.col("same")).sum(),
        lines=pl.len(),
        repeat_line_share=(~is_new).mean(),
        repeat_spend_share=pl.col("amount").filter(~is_new).sum() / pl.col("amount").sum(),
        new_product_share_180d=is_new.filter(is_recent).mean(),
        product_gap_days=gap.median(),
        product_gap_variation=gap.std() / gap.mean(),
    )
    each = bought.group_by("customer", "product").agg(spend=pl.col("amount").sum(), again=pl.col("again").any())
    share = pl.col("spend") / pl.col("spend").sum()
    each = each.group_by("customer").agg(
        repeated_product_share=pl.col("again").mean(),
        top_product_share=share.max(),
        product_concentration=(share * share).sum(),
    )
    last = orders.group_by("customer").agg(count=pl.len()).filter(pl.col("count") >= 2)
    baskets = bought.select("customer", "product", "seq").join(last, on="customer")
    baskets = baskets.filter(pl.col("seq") >= pl.col("count") - 2).unique()
    baskets = baskets.group_by("customer", "product").agg(times=pl.len()).group_by("customer").agg(
        last_baskets_overlap=(pl.col("times") == 2).sum() / pl.len()
    )
    return lines.join(each, on="customer").join(baskets, on="customer", how="left")


def prices(sold: pl.DataFrame) -> pl.DataFrame:
    paid = sold.filter((pl.col("quantity") > 0) & (pl.col("amount") > 0)).select(
        "customer", "product", "category", "amount", "list", price=pl.col("amount") / pl.col("quantity")
    )
    paid = paid.with_columns(
        median=pl.col("price").median().over("product"),
        percentile=(pl.col("price").rank("average").over("category") - 0.5) / pl.len().over("category"),
        is_full=pl.col("list") - pl.col("amount") <= 1e-6 * pl.col("list"),
    )
    amount = pl.col("amount")
    return paid.group_by("customer").agg(
        full_price_spend_share=amount.filter(pl.col("is_full")).sum() / amount.sum(),
        price_against_median=(amount * pl.col("price") / pl.col("median")).sum() / amount.sum(),
        price_percentile=pl.col("percentile").mean(),
    )


def sale_days(orders: pl.DataFrame, stats: Statistics) -> pl.DataFrame:
    depth = orders.group_by("day").agg(depth=pl.col("discount").sum() / pl.col("list").sum())
    days = orders.select("customer", "day").unique().join(depth, on="day")
    return days.group_by("customer").agg(sale_day_affinity=pl.col("depth").mean() - stats.depth)


def returns(returned: pl.DataFrame, day: int) -> pl.DataFrame:
    back = returned.group_by("customer", "order").agg(
        day=pl.col("day").min(), value=-pl.col("amount").sum(), lines=pl.len()
    )
    age = day - pl.col("day")
    return back.group_by("customer").agg(
        returns=pl.len(),
        return_lines=pl.col("lines").sum(),
        returned=pl.col("value").sum(),
        returned_180d=pl.col("value").filter(age < 180).sum(),
        returned_value_90d=pl.col("value").filter(age < 90).sum(),
        largest_return=pl.col("value").max(),
        days_since_return=age.min(),
    )


def finish(table: pl.DataFrame, stats: Statistics) -> pl.DataFrame:
    """Shrinks, divides and names; then P(alive)."""
    mean, rate = stats.mean_order, stats.return_rate
    spend, orders, tenure = pl.col("spend"), pl.col("orders"), pl.col("tenure_days")
    none = ["returns", "return_lines", "returned", "returned_180d", "returned_value_90d", "largest_return"]
    table = table.with_columns(pl.col(none).fill_null(0))
    returned = pl.col("returned")
    variation = pl.col("gap_deviation")
    table = table.with_columns(
        monthly_rate=(pl.col("repeats") + 60 * stats.repeat_rate) / (tenure + 60) * 30.44,
        active_months_share=pl.col("active_months") / (tenure // 30 + 1),
        log_spend=(1 + spend.clip(0)).log(),
        mean_order_value=(spend + 3 * mean) / (orders + 3),
        effective_categories=pl.col("category_entropy").exp(),
        discounted_order_share=(pl.col("discounted") + 2 * stats.discounted) / (orders + 2),
        discount_depth=pl.col("discount") / pl.col("list"),
        burstiness=(variation - pl.col("mean_gap_days")) / (variation + pl.col("mean_gap_days")),
        weekend_share=(pl.col("weekend") + 2 * stats.weekend) / (orders + 2),
        seasonality=pl.when(tenure >= 365).then((pl.col("year_sine") ** 2 + pl.col("year_cosine") ** 2).sqrt()),
        recency_share=pl.col("recency_days") / tenure,
        overdue=(pl.col("recency_days") / ((pl.col("span") + 2 * stats.mean_gap) / (pl.col("purchase_days") + 1))).clip(upper_bound=10),
        order_momentum=((pl.col("orders_90d") + 0.5) / (pl.col("orders_180d").cast(pl.Int64) - pl.col("orders_90d") + 0.5)).log(),
        late_spend_share=pl.when(tenure > 0).then(pl.col("late_spend") / spend),
        product_gap_regularity=1 / (1 + pl.col("product_gap_variation")),
        return_value_rate=(returned + 3 * mean * (rate or 0)) / (spend + 3 * mean),
        return_line_rate=pl.col("return_lines") / pl.col("sold_lines"),
        return_order_rate=pl.col("returns") / orders,
        log_returned_value=(1 + returned.clip(0)).log(),
        largest_return_share=pl.col("largest_return") / pl.col("largest_order_value"),
        return_rate_change=pl.col("returned_180d") / (pl.col("spend_180d") + mean) - returned / (spend + mean),
    )
    table = table.with_columns(alive_probability=alive(table))
    keep = ["customer", "spend", "first_day", "last_day", "repeats"]
    numbers = [pl.col(name).cast(pl.Float32).fill_nan(None) for name in FEATURES]
    return table.select(*keep, *numbers, count=pl.col("orders").cast(pl.Int32))


def alive(table: pl.DataFrame) -> pl.Series:
    """P(alive) by BG/NBD, fitted on the distinct histories with their numbers as weights."""
    x, tx, age = (table[name].to_numpy().astype(float) for name in ["repeats", "span", "tenure_days"])
    groups = table.group_by("repeats", "span", "tenure_days").agg(weight=pl.len())
    gx, gt, ga, weight = (groups[name].to_numpy().astype(float) for name in ["repeats", "span", "tenure_days", "weight"])
    scale = max(ga.max(), 1.0)

    def negative_log_likelihood(logs: np.ndarray) -> float:
        r, alpha, a, b = np.exp(logs)
        first = gammaln(r + gx) - gammaln(r) + r * np.log(alpha)
        second = gammaln(a + b) + gammaln(b + gx) - gammaln(b) - gammaln(a + b + gx)
        third = -(r + gx) * np.log(alpha + ga / scale)
        with np.errstate(divide="ignore", invalid="ignore"):
            fourth = np.where(gx > 0, np.log(a) - np.log(np.maximum(b + gx - 1, 1e-9)) - (r + gx) * np.log(alpha + gt / scale), -np.inf)
        return -np.sum(weight * (first + second + np.logaddexp(third, fourth)))

    fitted = minimize(negative_log_likelihood, np.zeros(4), method="L-BFGS-B", bounds=[(-7, 7)] * 4)
    r, alpha, a, b = np.exp(fitted.x)
    odds = a / np.maximum(b + x - 1, 1e-9) * ((alpha + age / scale) / (alpha + tx / scale)) ** (r + x)
    return pl.Series(np.where(x > 0, 1 / (1 + odds), 1.0))
