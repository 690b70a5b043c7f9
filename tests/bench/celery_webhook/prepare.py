"""Prepares a run: an empty inbox, an empty queue, then a backlog of tasks that
keeps the worker busy. usage: prepare.py BACKLOG MILLISECONDS"""

import sys
from pathlib import Path

import psycopg

import settings
from tasks import app, spin


def main(backlog, milliseconds):
    with psycopg.connect(settings.DATABASE_URL) as connection:
        connection.execute(Path(__file__).with_name("schema.sql").read_text())
    app.control.purge()
    for _ in range(backlog):
        spin.delay(milliseconds)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
