"""Django's settings, made from the one typed list in `config`; nothing here reads the environment itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from qudao.web import config as _config
from qudao.web import postgres as _postgres

CONFIG = _config.current()
TESTING = _config.testing()
PACKAGE = Path(__file__).resolve().parents[1]
ROOT = _config.project_root()

DEBUG = CONFIG.debug
SECRET_KEY = "only-for-tests" if TESTING else _config.secret_key(CONFIG)
ALLOWED_HOSTS = CONFIG.hosts
BASE_URL = CONFIG.base_url
SITE = CONFIG.address
DEMO = CONFIG.demo

# --- Applications: ours by storey, so that templates and translations of an upper module win ---

STOREYS = (
    *("base", "network", "people", "approvals", "messages", "catalog", "agreements", "pricing", "inventory", "ledger"),
    *("funds", "quotas", "orders", "baskets", "fulfilment", "billing", "payments", "analytics", "portal", "web"),
)
MODULES = [name for name in STOREYS if (PACKAGE / name / "apps.py").exists()]

INSTALLED_APPS = [
    *(f"qudao.{name}" for name in reversed(MODULES)),
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",  # operator classes in indexes; asks for no extension
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "ninja",  # its templates and scripts: the OpenAPI page works without another server
    "axes",
    "csp",
    "django_htmx",
]

MIDDLEWARE = [
    "qudao.web.health.HealthMiddleware",
    "qudao.web.pulse.PulseMiddleware",
    "qudao.web.proxy.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pads every answer at random, so that its length betrays nothing (BREACH)
    "csp.middleware.CSPMiddleware",
    "qudao.web.headers.PermissionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "qudao.base.access.ActorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "qudao.base.rest.ExportsMiddleware",
]

ROOT_URLCONF = "qudao.web.urls"
WSGI_APPLICATION = "qudao.web.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "base" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "django.template.context_processors.tz",
                "qudao.web.navigation.frame",
            ],
        },
    },
]

# --- Database ---


def _test_database() -> str:
    """A name of its own for each run, because several run at the same time in one tree; `--reuse-db` needs a lasting one."""
    return os.environ.get("QUDAO_TEST_DB") or f"test_qudao_{os.getpid()}"


def _database(config: _config.Config) -> dict[str, Any]:
    if config.database_url:
        url = config.database_url
    elif TESTING:
        url = _postgres.ensure(config.postgres_home, durable=False)
    else:  # `qudao` starts the embedded server before it comes here; tools that only look at models need no server
        url = _postgres.remembered(config.postgres_home) or "postgresql://qudao@127.0.0.1:5432/qudao"
    parts = urlsplit(url)
    session = [
        "-c lock_timeout=5000",
        f"-c statement_timeout={config.statement_timeout * 1000}",
        r"-c default_transaction_isolation=read\ committed",
        "-c jit=off",  # short statements: compiling them costs more than it saves
    ]
    # Prepared statements: planning cost the database more than executing (7.2 → 4.3 ms of its CPU per order of ten lines).
    options: dict[str, Any] = {"options": " ".join(session), "server_side_binding": True, "prepare_threshold": 3}
    for pair in parts.query.split("&") if parts.query else []:
        name, _sep, value = pair.partition("=")
        options[name] = unquote(value)
    if not TESTING:  # a pool per process: saves the 4 ms of a connection at each request
        options["pool"] = {"min_size": 1, "max_size": config.web_threads + 2, "timeout": 10}
    return {
        "ENGINE": "qudao.web.driver",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": not TESTING,  # the embedded server may have been restarted under the pool
        "OPTIONS": options,
        "TEST": {"NAME": _test_database()},
    }


DATABASES = {"default": _database(CONFIG)}

# --- People ---

_people = PACKAGE / "people"
AUTH_USER_MODEL = "people.User" if (_people / "models.py").exists() or (_people / "models").is_dir() else "auth.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

ACTOR_OF_REQUEST = "qudao.people.queries.unscoped_actor_of_request"
ACTOR_OF_MEMBERSHIP = "qudao.people.queries.unscoped_actor_of_membership"
ROLES_OF = "qudao.people.queries.unscoped_roles_of"
PEOPLE_CALLED = "qudao.people.queries.unscoped_called"
ACTOR_OF_TOKEN = "qudao.people.queries.unscoped_actor_of_token"
STRICT_LOCKS = TESTING or DEBUG  # a lock out of order is an error in tests, a log line in the field

LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"

AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "login"
AXES_ENABLED = not TESTING
AXES_VERBOSE = False

SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "qudao_session"
CSRF_COOKIE_NAME = "qudao_csrf"
CSRF_COOKIE_SAMESITE = "Lax"

# --- The browser's guards ---

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIG.tls
SECURE_SSL_REDIRECT = CONFIG.tls
SECURE_HSTS_SECONDS = CONFIG.hsts_seconds if CONFIG.tls else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CONFIG.trusted_proxies else None
USE_X_FORWARDED_HOST = bool(CONFIG.trusted_proxies)
TRUSTED_PROXIES = CONFIG.trusted_proxies
CSRF_TRUSTED_ORIGINS = [CONFIG.base_url] if CONFIG.base_url else []
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "worker-src": [SELF],
        "manifest-src": [SELF],
    }
}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # an order of a thousand lines is one form
DATA_UPLOAD_MAX_MEMORY_SIZE = 20_000_000  # bytes

# --- Language, time, numbers ---

LANGUAGE_CODE = CONFIG.language
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LANGUAGE_COOKIE_NAME = "qudao_language"
LOCALE_PATHS = [path for path in (ROOT / "locale", PACKAGE / "locale") if path.is_dir()]
HANDBOOK = next(path for path in (ROOT / "docs" / "handbook", PACKAGE / "handbook") if path.is_dir())
USE_I18N = True
USE_TZ = True
TIME_ZONE = CONFIG.time_zone
USE_THOUSAND_SEPARATOR = False  # figures go through the filters of `base.html.figures`; an id in an address must stay bare

# --- Files ---

STATIC_URL = "/static/"
STATIC_ROOT = ROOT / "build" / "staticfiles"
STATICFILES_DIRS = [path for path in (ROOT / "build" / "static", PACKAGE / "web" / "built") if path.is_dir()]
MEDIA_ROOT = CONFIG.media_dir
MEDIA_URL = "/media/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if TESTING or DEBUG else "qudao.web.assets.LenientManifestStorage"},
}
WHITENOISE_USE_FINDERS = TESTING or DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# --- Mail ---


def _mail(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme in ("smtp", "smtps"):
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": parts.hostname or "localhost",
            "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
            "EMAIL_HOST_USER": unquote(parts.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
            "EMAIL_USE_SSL": parts.scheme == "smtps",
            "EMAIL_USE_TLS": parts.scheme == "smtp" and "tls" in parts.query,
            "EMAIL_TIMEOUT": 20,
        }
    folder = parts.path if parts.scheme == "file" else str(CONFIG.state_dir / "mail")
    return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": folder}


globals().update(_mail(CONFIG.email_url))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = CONFIG.email_from

# --- Jobs and log ---

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
PROCRASTINATE_ON_APP_READY = None

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING" if TESTING else CONFIG.log_level},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
    },
}

SILENCED_SYSTEM_CHECKS: list[str] = []
