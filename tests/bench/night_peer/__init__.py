"""The nightly run as a Python engineer would write it: polars, scikit-learn, LightGBM, psycopg."""
