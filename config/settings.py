"""Every setting of Lethe, read from the environment once. Test shortcuts: config/test.py."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = False
SECRET_KEY = env.text("LETHE_SECRET_KEY")
ALLOWED_HOSTS = env.words("LETHE_HOSTS", "localhost,127.0.0.1,[::1]")
BASE_URL = env.text("LETHE_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [BASE_URL]
#: The name of this installation in every ledger's origin (C2SP: a schema-less URL).
LETHE_NAME = env.origin("LETHE_NAME", "lethe.localhost")

# --- Keys -----------------------------------------------------------------------------------
LETHE_ROOT_KEY = env.text("LETHE_ROOT_KEY", "")
LETHE_ROOT_KEY_FILE = env.text("LETHE_ROOT_KEY_FILE", "")
#: Vault's transit engine as the root instead (core.roots); a root key beside it still opens what
#: it wrapped before.
LETHE_VAULT_ADDR = env.text("LETHE_VAULT_ADDR", "").rstrip("/")
LETHE_VAULT_TOKEN_FILE = env.text("LETHE_VAULT_TOKEN_FILE", "")
LETHE_VAULT_MOUNT = env.text("LETHE_VAULT_MOUNT", "transit")
LETHE_VAULT_KEY = env.text("LETHE_VAULT_KEY", "lethe")
LETHE_KEYS_DIR = Path(env.text("LETHE_KEYS_DIR", str(BASE_DIR / ".lethe" / "keys")))
#: Days a key epoch lasts: at its end, what was erased is irreversible in every backup too. An
#: epoch keeps the day it was begun with, which certificates have promised.
LETHE_EPOCH_DAYS = env.number("LETHE_EPOCH_DAYS", 30, minimum=1)
#: Days a copy of the key files may be kept after the epoch's last day (manage.py backup): what
#: was erased is irreversible once the last of them has expired.
LETHE_COPY_DAYS = env.number("LETHE_COPY_DAYS", 14, minimum=1)
#: Where the keys of those copies lie: another place than LETHE_KEYS_DIR and than the copies.
LETHE_COPY_KEYS_DIR = env.text("LETHE_COPY_KEYS_DIR", "")

# --- Databases ------------------------------------------------------------------------------
# The runtime role owns nothing; `migrate` and `provision` connect as the owner.
AS_OWNER = env.choice("LETHE_DATABASE_ROLE", "runtime", "runtime", "owner") == "owner"
_MAIN, _KEYS = (
    ("DATABASE_OWNER_URL", "KEYS_DATABASE_OWNER_URL")
    if AS_OWNER
    else ("DATABASE_URL", "KEYS_DATABASE_URL")
)
DATABASES = {
    "default": {**env.database(_MAIN), "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True},
    "keys": {**env.database(_KEYS), "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True},
}
#: The role that `provision` grants to: the one the service runs as.
RUNTIME_ROLE = env.text("LETHE_RUNTIME_ROLE", str(env.database("DATABASE_URL").get("USER", "")))
DATABASE_ROUTERS = ["config.routers.KeysRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
#: Where pg_dump and pg_restore are, for backups; empty: on the PATH.
LETHE_PG_BIN = env.text("LETHE_PG_BIN", "")

# --- Broker ---------------------------------------------------------------------------------
BROKER_URL = env.text("BROKER_URL", "")

# --- Rooms ----------------------------------------------------------------------------------
ROOMS = [
    "apps.core",
    "apps.audit",
    "apps.keys",
    "apps.controllers",
    "apps.accounts",
    "apps.connectors",
    "apps.outbox",
    "apps.subjects",
    "apps.consents",
    "apps.retention",
    "apps.erasure",
    "apps.console",
    "apps.portal",
    "apps.api",
]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    *ROOMS,
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.restored.RestoredMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.console.middleware.ControllerScopeMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before the applications: the console dresses the sign-in pages of allauth.
        "DIRS": [BASE_DIR / "apps" / "console" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.console.context.console",
            ],
        },
    },
]

# --- People ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_DISPLAY = attrgetter("name")  # str(user) is an id, for logs
ACCOUNT_ADAPTER = "apps.console.staff.StaffAccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"  # an operator invites; nobody signs up
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "console:today"

# --- Mail -----------------------------------------------------------------------------------
#: Where mail leaves. Without it nothing is sent and nothing pretended: messages wait.
EMAIL_HOST = env.text("LETHE_MAIL_HOST", "")
EMAIL_PORT = env.number("LETHE_MAIL_PORT", 587, minimum=1)
EMAIL_HOST_USER = env.text("LETHE_MAIL_USER", "")
EMAIL_HOST_PASSWORD = env.text("LETHE_MAIL_PASSWORD", "")
_MAIL_TLS = env.choice("LETHE_MAIL_TLS", "starttls", "starttls", "tls", "none")
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL_TLS == "starttls", _MAIL_TLS == "tls"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("LETHE_MAIL_FROM", "")
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if EMAIL_HOST else "apps.core.mail.NoServer"
)

# --- Languages ------------------------------------------------------------------------------
LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Web ------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static-collected"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
#: Behind TLS unless this is a loopback installation (the demo).
_TLS = BASE_URL.startswith("https://")
if not _TLS and not BASE_URL.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]")):
    raise ImproperlyConfigured("LETHE_BASE_URL must be https:// unless it is a loopback address.")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _TLS else None
SECURE_HSTS_SECONDS = 31_536_000 if _TLS else 0
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

# --- API ------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_VERSIONING_CLASS": None,
    "EXCEPTION_HANDLER": "apps.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
#: Requests one API key may make in a minute, all processes together.
API_REQUESTS_PER_MINUTE = env.number("LETHE_API_LIMIT", 600, minimum=1)
SPECTACULAR_SETTINGS = {
    "TITLE": "Lethe",
    "DESCRIPTION": "Retention and erasure of candidates' data: records and their deadlines, "
    "consents, erasure plans, and the ledger that proves what was done.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATION_PARAMETERS": False,
    # Without the package's own hook, which would give words used twice a made-up name.
    "POSTPROCESSING_HOOKS": ["apps.api.schema.complete"],
}

# --- Logs: ids only, never a person ---------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_person": {"()": "apps.core.logs.RedactPeople"}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["no_person"],
        },
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        name: {"level": "WARNING"}
        # A tick a second, and every call to an ATS, would bury what matters.
        for name in (
            "celery.app.trace",
            "celery.beat",
            "celery.worker.strategy",
            "httpcore",
            "httpx",
        )
    },
}

# --- Outside world --------------------------------------------------------------------------
#: Hosts a connector may call; anything else is refused before a socket opens.
ATS_HOSTS = env.words("LETHE_ATS_HOSTS", "harvest.greenhouse.io,auth.greenhouse.io")

#: Hosts a webhook of ours may call; anything else is refused before a socket opens.
WEBHOOK_HOSTS = env.words("LETHE_WEBHOOK_HOSTS", "")
#: Days that recipients may take to be told of an erasure (art. 19): the person's key waits for
#: it, and no longer.
LETHE_TELL_DAYS = env.number("LETHE_TELL_DAYS", 14, minimum=1)
#: Days that the keyed hash of an erased remote id is kept, to know it if it comes back.
LETHE_TOMBSTONE_DAYS = env.number("LETHE_TOMBSTONE_DAYS", 1095, minimum=1)

# --- Work -----------------------------------------------------------------------------------
#: Seconds a claimed step is left alone before another worker may take it: longer than the
#: longest call, with its waiting for the limit.
LETHE_LEASE_SECONDS = env.number("LETHE_LEASE_SECONDS", 360, minimum=1)
