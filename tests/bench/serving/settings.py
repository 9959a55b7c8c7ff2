"""The product's own settings, with two more addresses."""

from crm.settings import *  # noqa: F403 -- a settings module is one namespace

ROOT_URLCONF = "tests.bench.serving.urls"
ALLOWED_HOSTS = ["127.0.0.1"]
