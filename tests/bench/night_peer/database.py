"""Orders out of Postgres and results into it, by COPY."""

from __future__ import annotations

import binascii
import io

import numpy as np
import polars as pl
import psycopg

TABLES = """
create schema if not exists peer;
drop table if exists peer.customer_fact_new, peer.customer_insight_new;
create table peer.customer_fact_new (
    customer_id text not null, orders integer not null, spend_cents bigint not null, first_order_on date,
    last_order_on date, purchase_frequency smallint, purchase_value smallint, category_exploration smallint,
    price_sensitivity smallint, purchase_cadence smallint, customer_maturity smallint, repurchase_behavior smallint,
    return_behavior smallint, archetype_l1 smallint, archetype_l2 smallint, churn real, ltv real);
create table peer.customer_insight_new (
    customer_id text not null, computed_at timestamptz not null default now(), confidence text not null,
    features bytea not null, memberships bytea not null, ltv_low real, ltv_high real);
"""
PUBLISH = """
drop table if exists peer.customer_fact, peer.customer_insight;
alter table peer.customer_fact_new rename to customer_fact;
alter table peer.customer_insight_new rename to customer_insight;
"""
PIECE_ROWS = 100_000


def read_lines(connection: psycopg.Connection, tenant: str, until: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All order lines up to the end of a day as columns of codes and numbers, and the customer's id of each code."""
    buffer = io.BytesIO()
    statement = """
        copy (select customer_id, order_id, ordered_at at time zone 'UTC', product_id, category, quantity, amount,
                     list_amount, is_return
              from platform.order_line
              where tenant_id = {} and ordered_at < ({}::date + 1) at time zone 'UTC') to stdout (format csv)"""
    with connection.cursor() as cursor:
        with cursor.copy(psycopg.sql.SQL(statement).format(tenant, until)) as copy:
            for piece in copy:
                buffer.write(piece)
    buffer.seek(0)
    names = ["customer", "order", "at", "product", "category", "quantity", "amount", "list", "is_return"]
    types = [pl.Categorical, pl.String, pl.Datetime, pl.Categorical, pl.Categorical, pl.Float32, pl.Float64, pl.Float64, pl.String]
    lines = pl.read_csv(buffer, has_header=False, new_columns=names, schema_overrides=types)
    ids = lines.select(code=pl.col("customer").to_physical(), customer_id="customer").unique("code")
    lines = lines.select(
        pl.col("customer", "product", "category").to_physical(),
        pl.col("order").hash(),
        pl.col("quantity", "amount", "list"),
        minute=(pl.col("at").dt.epoch("s") // 60).cast(pl.Int32),
        is_return=pl.col("is_return") == "t",
    )
    return lines.with_columns(day=pl.col("minute") // 1440), ids


def write(connection: psycopg.Connection, facts: pl.DataFrame, insights: pl.DataFrame) -> None:
    """Writes both tables beside those that readers see and swaps them in one transaction."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        copy_rows(cursor, "peer.customer_fact_new", facts)
        copy_rows(cursor, "peer.customer_insight_new", insights)
        cursor.execute("alter table peer.customer_fact_new add primary key (customer_id)")
        cursor.execute("alter table peer.customer_insight_new add primary key (customer_id)")
        cursor.execute(PUBLISH)
    connection.commit()


def copy_rows(cursor: psycopg.Cursor, table: str, rows: pl.DataFrame) -> None:
    with cursor.copy(f"copy {table} ({', '.join(rows.columns)}) from stdin (format csv)") as copy:
        for piece in rows.iter_slices(PIECE_ROWS):
            copy.write(piece.write_csv(include_header=False).encode())


def as_bytea(rows: np.ndarray) -> pl.Series:
    """A row of bytes each in the form in which Postgres reads `bytea`."""
    raw = np.ascontiguousarray(rows).view(np.uint8)
    digits = np.frombuffer(binascii.hexlify(raw), dtype=f"S{2 * raw.shape[1]}")
    return pl.Series(digits).cast(pl.String).str.replace("^", r"\x", literal=False)
