"""Django's settings, all from the environment.

In: environment variables (each one is described in docs/settings.md) and, where set, the file that
REBOUND_ENV_FILE names. Out: settings. `crm/checks.py` says what is missing or unsafe.

Without DATABASE_URL and REDIS_URL the addresses of the private servers below `var/` are used, which
`manage.py up` starts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import environ
from bootstrap_wrapper import get_bootstrap_dir

from bounces.return_path import derived_keys as return_path_keys
from bounces.sealing import derived_key as sealing_key
from crm import admin_site, checks, content_policy, logs
from crm.signin.values import NEVER_KEPT, RATES
from crm.up import places

BASE_DIR = Path(__file__).resolve().parent.parent


class Env(environ.Env):
    """Notes what it was asked for: `up` leaves those to the commands of other shells."""

    names: ClassVar[set[str]] = set()

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        self.names.add(var)
        return super().get_value(var, *args, **kwargs)


env = Env()
if env.str("REBOUND_ENV_FILE", default=""):
    env.read_env(env.str("REBOUND_ENV_FILE"))

# Everything that Rebound writes on its own machine: the private servers' data, sockets, collected static files.
VAR_DIR = Path(env.str("REBOUND_VAR", default=str(BASE_DIR / "var"))).resolve()

PRODUCTION = env.bool("REBOUND_PRODUCTION", default=False)
DEBUG = env.bool("DEBUG", default=False)
_own_key = None if PRODUCTION else places.secret_key(VAR_DIR)
SECRET_KEY = env.str("SECRET_KEY", default="") or _own_key or checks.DEVELOPMENT_KEY
# The key of the hash that lets a suppression outlive its erased address. Changing it orphans those.
SUPPRESSION_KEY = env.str("SUPPRESSION_KEY", default=SECRET_KEY)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL = env.str("SITE_URL", default="http://localhost:8000")
# How many reverse proxies of yours stand before us: that many entries of X-Forwarded-For are believed, from the right.
PROXIES = env.int("REBOUND_PROXIES", default=0)

INSTALLED_APPS = [
    "crm",
    "contacts",
    "bounces",
    "unfold",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "chartkick.django",
    "django_htmx",
    "lucide",
    "django_filters",
    "import_export",
    "django_rq",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "django_structlog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "crm.views.short_way.short_way",
    "crm.api.lengths.ask_for_length",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "crm.content_policy.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "crm.plain_posts.PlainPosts",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "axes.middleware.AxesMiddleware",
    "crm.again.AgainMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- PostgreSQL and Redis -------------------------------------------------------------------------

USES_PRIVATE_DATABASE = not env.str("DATABASE_URL", default="")
USES_PRIVATE_REDIS = not env.str("REDIS_URL", default="")
POSTGRES_BIN = env.str(
    "REBOUND_POSTGRES_BIN", default=""
)  # of the private server; empty: the wheel's, else the system's
RUN_DIR = places.run_dir(VAR_DIR)

if USES_PRIVATE_DATABASE:
    _database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "rebound",
        "USER": "rebound",
        "HOST": str(RUN_DIR / "postgres"),
    }
else:
    _database = env.db_url("DATABASE_URL")
DATABASES = {
    "default": {
        **_database,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
}
# Where the scheduler listens for new work, if DATABASE_URL leads to a pool that shares connections.
DIRECT_DATABASE_URL = env.str("REBOUND_DIRECT_DATABASE_URL", default="")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="") or f"unix://{quote(str(RUN_DIR / 'valkey.sock'))}?db=0"
_queue = {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 600, "SERIALIZER": "rq.serializers.JSONSerializer"}
RQ_QUEUES = {
    "intake": dict(_queue),
    "bulk": {**_queue, "DEFAULT_TIMEOUT": 6 * 3600},
    "notify": {**_queue, "DEFAULT_TIMEOUT": 60},  # other tools are asked here: one that hangs delays no bounce
    "mail": {**_queue, "DEFAULT_TIMEOUT": 900},  # emails to users: a slow mail server delays nothing else
}
# Only the tick enqueues, outside of any transaction: nothing to wait for.
RQ = {"COMMIT_MODE": "auto"}

# allauth counts sign-in attempts in "default". "process" is each process's own, for figures that may differ a little.
CACHES = {
    "default": {"BACKEND": "crm.shared_cache.SharedCache"},
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

# --- People ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "crm.User"
SALES_SEE = env.str(
    "REBOUND_SALES_SEE", default="all"
)  # all, or team: what Sales see of contacts, companies, campaigns
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER = "crm.signin.adapter.AccountAdapter"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = RATES
ACCOUNT_FORMS = {
    "change_password": "crm.signin.forms.PasswordChangeForm",
    "reset_password": "crm.signin.forms.PasswordResetForm",
    "reset_password_from_key": "crm.signin.forms.PasswordResetKeyForm",
}
# allauth's own makes an address row beside the user's, which would go on signing in after an address is changed.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105 -- a name
ACCOUNT_EMAIL_NOTIFICATIONS = True  # of a changed password, a second factor switched on or off
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""  # allauth's own is the Host header, which anybody writes
MFA_TOTP_ISSUER = "Rebound"
# django-axes keeps the log of sign-ins; what is allowed, allauth's limits say (crm/signin/limits.py).
AXES_LOCK_OUT_AT_FAILURE = False
AXES_COOLOFF_TIME = 7 * 24  # hours that a failed sign-in stays in the log
AXES_USERNAME_CALLABLE = "crm.signin.records.account_of"
AXES_SENSITIVE_PARAMETERS = NEVER_KEPT
AXES_CLIENT_IP_CALLABLE = "crm.signin.client.address_of"

EMAIL_URL = env.str("EMAIL_URL", default="")
_email = env.email_url("EMAIL_URL", default="consolemail://")
_backend = _email.pop("EMAIL_BACKEND")
globals().update(_email)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=60)  # seconds, for each reply of the mail server
# Whatever is sent becomes rows; the worker of queue `mail` alone speaks to the mail server.
EMAIL_BACKEND = "crm.mail.rows.Backend"
MAIL_BACKEND = "crm.mail.delivery.Backend" if _backend.endswith(".smtp.EmailBackend") else _backend
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Rebound <rebound@localhost>")

# --- Pages ----------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [("bootstrap", get_bootstrap_dir())]  # the package has no Django application
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": content_policy.STRICT}
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
# Over https, everything is; on http (this machine only) secure cookies would lock everyone out.
IS_HTTPS = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_HSTS_SECONDS = env.int("REBOUND_HSTS_SECONDS", default=365 * 24 * 3600) if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
if PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Logs -----------------------------------------------------------------------------------------

LOGGING = logs.configure(
    style=env.str("REBOUND_LOG", default="json" if PRODUCTION else "console"),
    level=env.str("REBOUND_LOG_LEVEL", default="INFO"),
)

# --- The admin ------------------------------------------------------------------------------------

UNFOLD = admin_site.UNFOLD

# --- The flow -------------------------------------------------------------------------------------

MAIL_CAP = env.int("REBOUND_MAIL_CAP", default=25 * 1024 * 1024)  # bytes of one mail
ARCHIVE_CAP = env.int("REBOUND_ARCHIVE_CAP", default=500 * 1024 * 1024)  # bytes of one mbox or zip, unpacked too
WEBHOOK_CAP = env.int("REBOUND_WEBHOOK_CAP", default=10 * 1024 * 1024)  # bytes of one request of a provider
# How files are read where they do not say it themselves.
PHONE_REGION = env.str("REBOUND_PHONE_REGION", default="").strip().upper()  # of numbers without a country
DATE_ORDER = env.str("REBOUND_DATE_ORDER", default="dmy")  # dmy, or mdy: of 03/04/2026
# How many days the inbox keeps what is done with and is behind no bounce or complaint; 0: for ever.
RAW_DAYS = env.int("REBOUND_RAW_DAYS", default=90)  # its bytes
INBOX_DAYS = env.int("REBOUND_INBOX_DAYS", default=400)  # its row
# What else the tick starts: (queue, whether it waits at this moment and nobody is at it, the job). Dotted names.
WAITING_WORK: list[tuple[str, str, str]] = [
    ("notify", "crm.webhooks.sending.is_due", "crm.webhooks.jobs.send_webhooks_job"),
    ("mail", "crm.mail.sending.is_due", "crm.mail.jobs.send_email_job"),
    ("bulk", "contacts.importing.runs.is_waiting", "contacts.importing.jobs.import_job"),
    ("bulk", "contacts.exporting.runs.is_waiting", "contacts.exporting.jobs.export_job"),
    ("bulk", "contacts.sources.is_waiting", "contacts.jobs.count_sources_job"),
    ("bulk", "contacts.duplicates.runs.is_waiting", "contacts.duplicates.jobs.merge_job"),
]
# Further tasks for schedules: the function that does the work, and one that returns why to skip it (bounces/tasks.py).
OTHER_TASKS: dict[str, tuple[str, str]] = {
    "find_duplicates": ("contacts.duplicates.jobs.find_duplicates", "contacts.duplicates.jobs.nothing_to_find"),
}
# What else the nightly pruning forgets: functions that take the moment and return how many rows went.
PRUNED_TOO = [
    "crm.webhooks.sending.prune",
    "crm.mail.sending.prune",
    "crm.signin.records.prune",
    "contacts.merging.undoing.expire",
]
EXPORT_DAYS = env.int("REBOUND_EXPORT_DAYS", default=3)  # how long an export can be downloaded
# Bounces come back to b+<token>@ this domain: its mail must reach one of the doors (docs/mailboxes.md).
RETURN_PATH_DOMAIN = env.str("REBOUND_RETURN_PATH_DOMAIN", default="").strip().lower().lstrip("@")
# id:secret, the first signs, all are believed: a new key goes to the front, an old one stays while its tokens live.
RETURN_PATH_KEYS = env.list("REBOUND_RETURN_PATH_KEYS", default=return_path_keys(SECRET_KEY))
RETURN_PATH_DAYS = env.int("REBOUND_RETURN_PATH_DAYS", default=30)  # how long a token proves something
# Networks that are not public and may be connected to all the same: 10.1.0.0/16, separated by commas.
ALLOWED_NETWORKS = env.list("REBOUND_ALLOWED_NETWORKS", default=[])
# Where `up` listens as a mail server: host:port or unix:/path, several separated by commas. Empty: it does not.
SMTP_LISTEN = env.list("REBOUND_SMTP_LISTEN", default=[])
LMTP_LISTEN = env.list("REBOUND_LMTP_LISTEN", default=[])
SMTP_CERT = env.str("REBOUND_SMTP_CERT", default="")  # for STARTTLS: a certificate with its chain, PEM
SMTP_KEY = env.str("REBOUND_SMTP_KEY", default="")  # its key, PEM; empty: in the same file
# What seals stored secrets: the first key seals, all open. The derived one stays last, so that what was sealed before
# a key was set can still be opened.
SECRETS_KEYS = [key.strip() for key in env.list("REBOUND_SECRETS_KEY", default=[]) if key.strip()]
SECRETS_KEYS.append(sealing_key(SECRET_KEY))
CA_FILE = env.str("REBOUND_CA_FILE", default="")  # certificates of further authorities, PEM
# Who knows what a campaign asks of an address beyond the policy: (its key, the user) -> a Demand, or None.
CAMPAIGN_DEMANDS = "contacts.access.demand_of"
# Who knows which addresses a user sees: (the user) -> their ids, or None where it is all.
ADDRESSES_SEEN = "contacts.access.addresses_seen_by"
# Returns the keys of campaigns that a user must not see: (user) -> set of keys.
CAMPAIGNS_HIDDEN = "contacts.access.campaigns_hidden_from"
IMPORT_ROWS = env.int("REBOUND_IMPORT_ROWS", default=2_000_000)  # rows of one file of contacts
IMPORT_TURN = env.float("REBOUND_IMPORT_TURN", default=5)  # seconds after which an import lets others have the worker
IMPORT_CAP = env.int("REBOUND_IMPORT_CAP", default=500 * 1024 * 1024)  # bytes of one file of contacts
# The shares from which on a list looks bought or stale, and how it may come in then.
IMPORT_LIMITS = {
    "invalid": env.float("REBOUND_IMPORT_INVALID", default=0.1),
    "bad": env.float("REBOUND_IMPORT_BAD", default=0.05),
    "disposable": env.float("REBOUND_IMPORT_DISPOSABLE", default=0.05),
    "role": env.float("REBOUND_IMPORT_ROLE", default=0.3),
    "repeated": env.float("REBOUND_IMPORT_REPEATED", default=0.5),
}
IMPORT_BATCH = env.int("REBOUND_IMPORT_BATCH", default=200)  # contacts of a quarantined list that come in at once
IMPORT_BATCH_TRIED = env.float("REBOUND_IMPORT_BATCH_TRIED", default=0.5)  # of those, written to before more may come
IMPORT_BATCH_BOUNCES = env.float("REBOUND_IMPORT_BATCH_BOUNCES", default=0.02)  # of those written to, may bounce
# Who else forgets an erased person: each is called with the traces to look for, inside the transaction.
ERASURE_RECEIVERS = ["crm.erasing.forget"]
# Columns that an erasure leaves: a user who signs in by that address is no contact.
ERASURE_KEEPS = ["crm_user.email", "account_emailaddress.email"]
OUTBOX_RECEIVERS: dict[str, list[str]] = {
    "incident_opened": ["crm.alarms.tell_of_incident", "crm.webhooks.announcing.queue_incident"],
    "incident_over": ["crm.alarms.tell_that_it_is_over"],
    "guard_paused": ["contacts.guarding.pause_campaign", "crm.webhooks.announcing.queue_guard"],
    "status_changed": [
        "contacts.announcements.write_activities",
        "contacts.giving_back.give_back",
        "contacts.actions.act_on_changes",
        "crm.webhooks.announcing.queue_status_changes",
    ],
    "contacts_to_delete": ["contacts.actions.delete_contacts"],
}

# --- The API --------------------------------------------------------------------------------------

API_RATE = env.int("REBOUND_API_RATE", default=600)  # requests a minute of one key
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "crm.api.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["crm.api.permissions.Scoped"],
    "DEFAULT_THROTTLE_CLASSES": ["crm.api.throttles.KeyThrottle"],
    "DEFAULT_PARSER_CLASSES": ["bounces.api.bodies.JsonBody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "crm.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "crm.api.errors.answer_error",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_FORMATTER_CLASS": "crm.api.errors.Formatter",
    # Which of them each operation can answer: crm/api/schema.py.
    "ALLOWED_ERROR_STATUS_CODES": [400, 401, 403, 404, 406, 411, 413, 414, 415, 429, 431, 503],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Rebound",
    "DESCRIPTION": "Contacts, what bounced and why, and whom you may write to. docs/api.md has a quick start.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],  # it tells nothing that our source does not
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "tryItOutEnabled": True, "validatorUrl": None},
}

SETTINGS_READ = frozenset(Env.names)  # names of environment variables

if PRODUCTION:
    checks.refuse_unsafe(globals())
