"""What the web service, its worker and its preparation must agree on. All of it
comes from the environment, which run.py fills."""

import os

DATABASE_URL = os.environ["DATABASE_URL"]
REDIS_URL = os.environ["REDIS_URL"]
SECRET = os.environ["WEBHOOK_SECRET"].encode()
