"""The settings of a test run: the product's own, on servers and folders of this run alone.

Imported by pytest-django before any conftest, so this is where the folder of the run is chosen.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Each process of a run that goes on side by side (pytest-xdist) has servers of its own; what a test starts shares them.
if os.environ.pop("PYTEST_XDIST_WORKER", "") or "REBOUND_VAR" not in os.environ:
    # mkdtemp closes it to everyone, but as root PostgreSQL's account has to reach its folder.
    _var = Path(tempfile.mkdtemp(prefix="rebound-test-"))
    _var.chmod(0o711)
    os.environ["REBOUND_VAR"] = str(_var)
    atexit.register(shutil.rmtree, _var, ignore_errors=True)

from crm.settings import *  # noqa: F403 -- after the folder is chosen; a settings module is one namespace

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a sign-in costs 0.2 s with the real one
EMAIL_BACKEND = MAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405 -- whitenoise warns of a missing one
