#!/usr/bin/env python3
"""Turns the UCI Online Retail file (doi 10.24432/C5BW33, as CSV) into the columns that `make evaluate` reads.

Kept are rows with a customer, a product code that begins with five digits (which leaves out postage, bank charges
and manual corrections) and a positive price. An invoice whose number begins with C is a return. The file has no
categories and no list prices, so those columns stay empty.

    python3 tests/data/online_retail.py online_retail.csv.gz online_retail_orders.csv.gz
"""

import csv
import gzip
import sys

COLUMNS = [
    "customer_id",
    "order_id",
    "ordered_at",
    "product_id",
    "category",
    "quantity",
    "amount",
    "list_amount",
    "is_return",
]


def open_text(path, mode):
    opener = gzip.open if path.endswith(".gz") else open
    return opener(path, mode + "t", encoding="utf-8", newline="")


def convert(rows):
    """Order lines, one dict each, of the rows that can be used."""
    for row in rows:
        customer = row["CustomerID"].split(".")[0].strip()
        price = float(row["UnitPrice"] or 0)
        if not customer or not row["StockCode"][:5].isdigit() or len(row["StockCode"]) < 5 or price <= 0:
            continue
        quantity = abs(int(row["Quantity"]))
        yield {
            "customer_id": customer,
            "order_id": row["InvoiceNo"],
            "ordered_at": row["InvoiceDate"],
            "product_id": row["StockCode"],
            "category": "",
            "quantity": quantity,
            "amount": f"{quantity * price:.2f}",
            "list_amount": "",
            "is_return": str(row["InvoiceNo"].startswith("C")).lower(),
        }


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    kept = 0
    with open_text(sys.argv[1], "r") as source, open_text(sys.argv[2], "w") as target:
        writer = csv.DictWriter(target, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for line in convert(csv.DictReader(source)):
            writer.writerow(line)
            kept += 1
    print(f"{kept} order lines")


if __name__ == "__main__":
    main()
