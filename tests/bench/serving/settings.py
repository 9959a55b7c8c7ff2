"""The product's own settings, with two more addresses, and what each page costs in its headers."""

from crm.settings import *  # noqa: F403 -- a settings module is one namespace
from crm.settings import MIDDLEWARE as RIGHT

ROOT_URLCONF = "tests.bench.serving.urls"
ALLOWED_HOSTS = ["127.0.0.1"]
MIDDLEWARE = ["tests.bench.serving.counting.count_queries", *RIGHT]
