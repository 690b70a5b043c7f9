"""Computes every feature of lines.csv in the plainest possible way, straight from the definitions.

It shares no code and no structure with the crate: `python3 naive.py > expected.csv` made the table that the golden
test compares with. The cut-off is the end of day 19730. An empty cell is a missing value.
"""
import csv
import math
import struct
from collections import defaultdict
from statistics import fmean, median, pstdev

T = 19730
BGNBD = dict(r=0.2723, alpha=5.9406, a=0.4630, b=1.9187)


def single(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def number(text):
    return float(text) if text else None


rows = []
for row in csv.DictReader(open("lines.csv")):
    row["minute"] = int(row["minute"])
    row["day"] = row["minute"] // 1440
    for name in ("quantity", "amount", "list_amount"):
        row[name] = number(row[name])
    row["is_return"] = row["is_return"] == "1"
    if row["list_amount"] is not None:
        row["list_amount"] = max(row["list_amount"], row["amount"])
    q = row["quantity"]
    row["price"] = single(row["amount"] / q) if q and q > 0 and row["amount"] > 0 else None
    if row["day"] <= T:
        rows.append(row)
customers = ["c%d" % i for i in range(12)]


def orders_of(customer):
    """Orders and pure returns, oldest first."""
    documents = defaultdict(list)
    for row in rows:
        if row["customer_id"] == customer:
            documents[row["order_id"]].append(row)
    out = []
    for lines in documents.values():
        sold = [r for r in lines if not r["is_return"]]
        back = [r for r in lines if r["is_return"]]
        listed = [r for r in sold if r["list_amount"] is not None]
        minute = min(r["minute"] for r in lines)
        o = dict(minute=minute, day=minute // 1440, sold=sold, back=back)
        o["v"] = sum(r["amount"] for r in sold)
        o["g"] = sum(r["list_amount"] for r in listed)
        o["d"] = sum(r["list_amount"] - r["amount"] for r in listed)
        o["R"] = sum(abs(r["amount"]) for r in back)
        o["depth"] = min(1, max(0, o["d"] / o["g"])) if o["g"] > 0 else None
        out.append(o)
    return sorted(out, key=lambda o: o["minute"])


documents = {c: orders_of(c) for c in customers}
orders = {c: [o for o in documents[c] if o["sold"]] for c in customers}
returns = {c: [o for o in documents[c] if o["back"]] for c in customers}
days = {c: sorted({o["day"] for o in orders[c]}) for c in customers}
every = [o for c in customers for o in orders[c]]
MU = sum(o["v"] for o in every) / len(every)
TENURE = sum(T - days[c][0] for c in customers if days[c])
REPEATS = sum(len(days[c]) - 1 for c in customers if days[c])
RATE = REPEATS / TENURE
GAP = sum(days[c][-1] - days[c][0] for c in customers if days[c]) / REPEATS
LISTED = [o for o in every if o["depth"] is not None]
P = sum(o["depth"] > 1e-6 for o in LISTED) / len(LISTED)
DEPTH = sum(o["d"] for o in every) / sum(o["g"] for o in every)
WEEKEND = sum((o["day"] + 3) % 7 >= 5 for o in every) / len(every)
RETURN_RATE = sum(o["R"] for c in customers for o in returns[c]) / sum(o["v"] for o in every)
day_g, day_d = defaultdict(float), defaultdict(float)
for o in every:
    day_g[o["day"]] += o["g"]
    day_d[o["day"]] += o["d"]
product_prices, category_prices = defaultdict(list), defaultdict(list)
for r in rows:
    if not r["is_return"] and r["price"] is not None:
        product_prices[r["product_id"]].append(r["price"])
        category_prices[r["category"]].append(r["price"])
for name, prices in category_prices.items():
    prices.sort()
    if len(prices) > 101:
        last = len(prices) - 1
        category_prices[name] = [prices[math.floor(k * last / 100 + 0.5)] for k in range(101)]


def divide(a, b):
    return a / b if a is not None and b is not None and b > 0 else None


def trend(values, ridge):
    n = len(values)
    if n < 3:
        return None
    mi, mv = fmean(range(n)), fmean(values)
    cov = sum((i - mi) * (v - mv) for i, v in enumerate(values)) / n
    return cov / (sum((i - mi) ** 2 for i in range(n)) / n + ridge)


def variation(values):
    return divide(pstdev(values), fmean(values)) if len(values) >= 2 else None


def age(o):
    return T - o["day"]


def frequency(c):
    D, O = days[c], orders[c]
    tenure = T - D[0]
    return [
        len(O), len(D),
        sum(age(o) < 30 for o in O), sum(age(o) < 90 for o in O), sum(age(o) < 365 for o in O),
        (len(D) - 1 + 60 * RATE) / (tenure + 60) * 30.44,
        sum(math.exp(-age(o) / 90) for o in O),
        len({(d - D[0]) // 30 for d in D}) / (tenure // 30 + 1),
    ]


def value(c):
    V = [o["v"] for o in orders[c]]
    units = [r["quantity"] for o in orders[c] for r in o["sold"] if r["quantity"] is not None]
    return [
        math.log(1 + sum(V)),
        sum(o["v"] for o in orders[c] if age(o) < 90), sum(o["v"] for o in orders[c] if age(o) < 365),
        (sum(V) + 3 * MU) / (len(V) + 3), median(V), max(V), variation(V),
        trend([math.log(1 + v) for v in V], 1),
        sum(units) / len(V) if units else None,
    ]


def seen_before(c, name, k, thing):
    return any(r[name] == thing for o in orders[c][:k] for r in o["sold"])


def exploration(c):
    sold = [(k, o, r) for k, o in enumerate(orders[c]) for r in o["sold"]]
    products = {r["product_id"] for _, _, r in sold if r["product_id"]}
    named = [r["category"] for _, _, r in sold if r["category"]]
    counts = [named.count(x) for x in set(named)]
    n = len(named)
    entropy = -sum(k / n * math.log(k / n) for k in counts) + (len(counts) - 1) / (2 * n) if n else None

    def new_share(name):
        recent = [(k, r) for k, o, r in sold if age(o) < 180 and r[name]]
        return divide(sum(not seen_before(c, name, k, r[name]) for k, r in recent), len(recent))

    per_order = [len({r["category"] for r in o["sold"] if r["category"]}) for o in orders[c]]
    per_order = [k for k in per_order if k]
    return [
        len(products) or None, len(counts) or None, entropy, math.exp(entropy) if entropy is not None else None,
        max(counts) / n if n else None, new_share("product_id"), new_share("category"),
        fmean(per_order) if per_order else None,
    ]


def price(c):
    O = orders[c]
    L = [o for o in O if o["depth"] is not None]
    lines = [r for o in O for r in o["sold"] if r["amount"] > 0]
    listed = [r for r in lines if r["list_amount"] is not None]
    full = [r for r in listed if r["list_amount"] - r["amount"] <= 1e-6 * r["list_amount"]]
    known = [r for r in lines if r["price"] is not None and r["product_id"]]
    ranked = [r for r in lines if r["price"] is not None and r["category"]]

    def percentile(r):
        prices = category_prices[r["category"]]
        return (sum(p < r["price"] for p in prices) + sum(p == r["price"] for p in prices) / 2) / len(prices)

    own = [day_d[d] / day_g[d] for d in days[c] if day_g[d] > 0]
    recent = [o for o in O if age(o) < 90]
    return [
        (sum(o["depth"] > 1e-6 for o in L) + 2 * P) / (len(L) + 2) if L else None,
        divide(sum(o["d"] for o in O), sum(o["g"] for o in O)),
        max((o["depth"] for o in L), default=None),
        divide(sum(o["d"] for o in recent), sum(o["g"] for o in recent)),
        divide(sum(r["amount"] for r in full), sum(r["amount"] for r in listed)),
        divide(sum(r["amount"] * r["price"] / median(product_prices[r["product_id"]]) for r in known),
               sum(r["amount"] for r in known)),
        fmean(percentile(r) for r in ranked) if ranked else None,
        fmean(own) - DEPTH if own else None,
    ]


def cadence(c):
    D, O = days[c], orders[c]
    G = [b - a for a, b in zip(D, D[1:])]
    hours = [2 * math.pi * (o["minute"] % 1440) / 1440 for o in O]
    year = [2 * math.pi * o["day"] / 365.2425 for o in O]
    return [
        fmean(G) if G else None, median(G) if G else None,
        (pstdev(G) - fmean(G)) / (pstdev(G) + fmean(G)) if len(G) >= 2 else None,
        G[-1] if G else None, trend([math.log(g) for g in G], 0),
        (sum((o["day"] + 3) % 7 >= 5 for o in O) + 2 * WEEKEND) / (len(O) + 2),
        fmean(math.sin(h) for h in hours), fmean(math.cos(h) for h in hours),
        abs(complex(fmean(math.cos(y) for y in year), fmean(math.sin(y) for y in year))) if T - D[0] >= 365 else None,
    ]


def maturity(c):
    D, O = days[c], orders[c]
    tenure, recency = T - D[0], T - D[-1]
    a90 = sum(age(o) < 90 for o in O)
    a180 = sum(90 <= age(o) < 180 for o in O)
    x, tx = len(D) - 1, D[-1] - D[0]
    m = BGNBD
    dead = m["a"] / (m["b"] + x - 1) * ((m["alpha"] + tenure) / (m["alpha"] + tx)) ** (m["r"] + x)
    return [
        tenure, recency, divide(recency, tenure),
        min(10, recency / ((D[-1] - D[0] + 2 * GAP) / (len(D) + 1))),
        1 / (1 + dead) if x else 1.0,
        math.log((a90 + .5) / (a180 + .5)),
        O[1]["day"] - O[0]["day"] if len(O) > 1 else None,
        divide(sum(o["v"] for o in O if o["day"] - D[0] > tenure / 2), sum(o["v"] for o in O)) if tenure else None,
    ]


def repurchase(c):
    O = orders[c]
    sold = [(k, r) for k, o in enumerate(O) for r in o["sold"] if r["product_id"]]
    products = {r["product_id"] for _, r in sold}
    where = {p: [k for k, o in enumerate(O) if any(r["product_id"] == p for r in o["sold"])] for p in products}
    again = [r for k, r in sold if seen_before(c, "product_id", k, r["product_id"])]
    gaps = [O[b]["day"] - O[a]["day"] for ks in where.values() for a, b in zip(ks, ks[1:])]
    baskets = [{r["product_id"] for r in o["sold"] if r["product_id"]} for o in O]
    baskets = [b for b in baskets if b]
    cv = variation(gaps)
    spend = {p: sum(r["amount"] for _, r in sold if r["product_id"] == p) for p in products}
    total = sum(spend.values())
    return [
        divide(sum(len(ks) >= 2 for ks in where.values()), len(products)),
        divide(len(again), len(sold)),
        divide(sum(r["amount"] for r in again), total),
        median(gaps) if gaps else None,
        1 / (1 + cv) if cv is not None else None,
        len(baskets[-1] & baskets[-2]) / len(baskets[-1] | baskets[-2]) if len(baskets) >= 2 else None,
        divide(max(spend.values(), default=0), total),
        sum((s / total) ** 2 for s in spend.values()) if total > 0 else None,
    ]


def returning(c):
    O, B = orders[c], returns[c]
    R, S = sum(o["R"] for o in B), sum(o["v"] for o in O)
    return [
        (R + 3 * MU * RETURN_RATE) / (S + 3 * MU),
        sum(len(o["back"]) for o in B) / sum(len(o["sold"]) for o in O),
        len(B) / len(O),
        age(B[-1]) if B else None,
        sum(o["R"] for o in B if age(o) < 90),
        math.log(1 + R),
        max((o["R"] for o in B), default=0) / max(o["v"] for o in O),
        sum(o["R"] for o in B if age(o) < 180) / (sum(o["v"] for o in O if age(o) < 180) + MU) - R / (S + MU),
    ]


AXES = [frequency, value, exploration, price, cadence, maturity, repurchase, returning]
for c in customers:
    cells = [x for axis in AXES for x in axis(c)] if orders[c] else [None] * 66
    print(",".join([c] + ["" if x is None else repr(float(x)) for x in cells]))
