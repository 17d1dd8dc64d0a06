"""
The demo site's settings. They are read from the environment (12-factor), and have defaults with
which a fresh clone runs. DEBUG is on unless the environment has DEBUG=off.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# On by default because this is a demo. When it is off, SECRET_KEY must be set, cookies need HTTPS,
# and `collectstatic` must have been run.
DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = (
    env.str("SECRET_KEY", default="insecure-and-for-the-demo-only") if DEBUG else env("SECRET_KEY")
)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "project",
    "chatstore",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "project.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=10)
# Connection options for many short write transactions.
DATABASE_OPTIONS: dict[str, dict[str, Any]] = {
    "django.db.backends.sqlite3": {
        # With WAL, readers don't wait for the writer. With IMMEDIATE, a writer waits at BEGIN
        # instead of failing within its transaction. By secure_delete, what is deleted is
        # overwritten.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
        ),
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    },
    "django.db.backends.postgresql": {
        # chatstore returns its connection after each operation, so ten serve many streams.
        # Seconds: to wait for one of them, and between tries to connect after an outage.
        "pool": {
            "min_size": min(2, POOL_SIZE),
            "max_size": POOL_SIZE,
            "timeout": env.int("DATABASE_POOL_TIMEOUT", default=5),
            "reconnect_timeout": 2,
        },
        # A server or network that vanishes without a word is noticed within six seconds, also on
        # idle connections: these must be known as dead when a statement on another one has failed.
        "connect_timeout": 5,
        "keepalives_idle": 3,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "tcp_user_timeout": 6_000,  # milliseconds
        # A statement that a connection has executed five times is prepared: the server then
        # neither parses nor plans it anew. It needs parameters that are bound by the server.
        "server_side_binding": True,
        "prepare_threshold": 5,
    },
    "django.db.backends.mysql": {"charset": "utf8mb4"},
}


def database(url: str) -> dict[str, Any]:
    """Return Django's settings for the database at this URL; db.sqlite3 if it is empty."""
    config = env.db_url_config(url or f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
    engine = config.get("ENGINE")
    if engine not in DATABASE_OPTIONS:
        raise ImproperlyConfigured(
            "DATABASE_URL must begin with sqlite:///, postgres:// or mysql://. "
            "If it is not set, SQLite in db.sqlite3 is used."
        )
    test_name = env.str("TEST_DATABASE_NAME", default="test_chatstore")
    if engine == "django.db.backends.sqlite3":
        # A file, because tests start other processes on this database.
        test_name = str(BASE_DIR / f"{test_name}.sqlite3")
    return {
        **config,
        "OPTIONS": {**DATABASE_OPTIONS[engine], **config.get("OPTIONS", {})},
        "TEST": {"NAME": test_name},
    }


DATABASES = {"default": database(env.str("DATABASE_URL", default=""))}
# The store's frequent statements then take no thread and no connection of the pool above.
CHATSTORE_ASYNC_POOL = (
    DATABASE_OPTIONS["django.db.backends.postgresql"]["pool"]
    if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"
    else {}
)
# On before `manage.py distribute_tables`, and as long as the tables are distributed (Citus).
CHATSTORE_SHARDED = env.bool("CHATSTORE_SHARDED", default=False)
# Redis, for the limits of users, which all processes of a site count together.
if cache_url := env.str("CACHE_URL", default=""):
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": cache_url,
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

LANGUAGE_CODE = "en"
# Of project/ and templates/; `make messages` writes them there.
LOCALE_PATHS = [BASE_DIR / "project" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(BASE_DIR / "media"))
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        # Other accounts of the machine may not read what users upload.
        "OPTIONS": {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
        )
    },
}

# No inline scripts or styles, no eval, no other hosts. A view may send its own policy.
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
if not DEBUG:
    # asgi.py serves static files while DEBUG is on.
    MIDDLEWARE.insert(1, "project.static_files.static_files_middleware")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=3600)
    if env.bool("BEHIND_TLS_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # Without this, Django's own handler would log everything a second time.
    "loggers": {"django": {"handlers": [], "propagate": True}},
}

CHATSTORE_SERVER = "project.assistant.Assistant"

# With a key the assistant asks a model. OPENAI_BASE_URL is read by the OpenAI client itself.
OPENAI_API_KEY = env.str("OPENAI_API_KEY", default="")
OPENAI_MODEL = env.str("OPENAI_MODEL", default="gpt-5-mini")
