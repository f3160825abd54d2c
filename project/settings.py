"""Settings of the demo project: every value comes from the environment or has a default that works offline."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import django
from django.core.exceptions import ImproperlyConfigured

from project.environment import bucket, cache, database, encryption_keys, flag, merge, overlay, redis, words

BASE_DIR = Path(__file__).resolve().parent.parent
env = os.environ  # in small letters, or every error page would show it as a setting

DEBUG = flag(env, "DEBUG", default=True)
SECRET_KEY = env.get("SECRET_KEY") or ("demo-only-key-that-signs-nothing-of-value-0123456789" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY must be set when DEBUG=0.")
SECRET_KEY_FALLBACKS = words(env, "SECRET_KEY_FALLBACKS")  # earlier keys, while what they signed is under way
ALLOWED_HOSTS = words(env, "ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]"))
CSRF_TRUSTED_ORIGINS = words(env, "CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "rest_framework",
    "rest_framework.authtoken",
    "imagen",
    "project.articles",
    "project",  # after the admin and its guests: it takes django-q2's pages down again
]

MIDDLEWARE = [
    "imagen.middleware.ProblemDetailsMiddleware",  # first, so that it sees what every other one answers
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "imagen.admin.middleware.NewsMiddleware",  # pictures that are ready are announced on every page of the admin
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
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
            ]
        },
    }
]

# --- Data -------------------------------------------------------------------------------------------------------------

DATABASES = {"default": database(env.get("DATABASE_URL") or "sqlite:///var/db.sqlite3", base=BASE_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.get("REDIS_URL", "")
CACHES: dict[str, dict[str, Any]] = {
    "default": cache(REDIS_URL) if REDIS_URL else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# The queue only rings a bell; what must survive stands in our own rows. guard_cycle divides timeout + 3, or the guard
# never sees its timer reach zero, and retry exceeds timeout x queue_limit / workers, or a waiting bell rings twice.
Q_CLUSTER: dict[str, Any] = {
    "name": "imagen",
    "workers": 2,
    "queue_limit": 2,
    "bulk": 1,
    "timeout": 90,
    "retry": 180,
    "ack_failures": True,
    "max_attempts": 1,
    "save_limit": -1,
    "catch_up": False,
    "poll": 0.2,
    "guard_cycle": 0.5,
    "label": "Queue",
    **({"redis": redis(REDIS_URL)} if REDIS_URL else {"orm": "default"}),
}

# --- Files ------------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var/static"
MEDIA_ROOT = BASE_DIR / (env.get("MEDIA_ROOT") or "var/media")
S3_BUCKET = env.get("S3_BUCKET", "")
S3_ENDPOINT_URL = env.get("S3_ENDPOINT_URL") or None
MEDIA_URL = "/media/"
STORAGES: dict[str, dict[str, Any]] = {
    # What is on a page: anybody may have it. The web server serves this folder; with DEBUG we do.
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT / "public"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    # No URL serves this folder: imagen's own view checks who asks.
    "imagen": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT / "private", "base_url": None},
    },
}
if S3_BUCKET:
    STORAGES["imagen"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": S3_ENDPOINT_URL,
            "access_key": env.get("AWS_ACCESS_KEY_ID") or None,
            "secret_key": env.get("AWS_SECRET_ACCESS_KEY") or None,
            "client_config": bucket(),
            "default_acl": None,
            "querystring_auth": True,
            "querystring_expire": 900,
        },
    }

# --- Images -----------------------------------------------------------------------------------------------------------

GATEWAYS = {
    "wavespeed": "imagen.providers.wavespeed.WaveSpeed",
    "apiframe": "imagen.providers.apiframe.Apiframe",
    "apiin": "imagen.providers.apiin.ApiInOne",
}


def _gateway(alias: str, backend: str) -> dict[str, Any]:
    """One entry of ``PROVIDERS`` from the variables that start with its name."""
    names = {"api_key": "API_KEY", "base_url": "BASE_URL", "webhook_secret": "WEBHOOK_SECRET"}
    found = {option: env.get(f"{alias.upper()}_{name}", "") for option, name in names.items()}
    return {"BACKEND": backend, "OPTIONS": {option: value for option, value in found.items() if value}}


PROVIDERS = {alias: _gateway(alias, path) for alias, path in GATEWAYS.items() if env.get(f"{alias.upper()}_API_KEY")}
IMAGEN = merge(
    {
        "PROVIDERS": PROVIDERS,
        "STORAGE": "imagen",
        "PUBLIC_URL": env.get("IMAGEN_PUBLIC_URL", ""),
        "ENCRYPTION_KEYS": encryption_keys(env, home=BASE_DIR / "var" if DEBUG else None),
    },
    overlay(env.get("IMAGEN_SETTINGS", "")),
)

# --- People -----------------------------------------------------------------------------------------------------------

LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LANGUAGE_CODE = "en"  # also that of mails to administrators
LANGUAGES = [("en", "English"), ("ar", "العربية"), ("de", "Deutsch"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "project/locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- Safety -----------------------------------------------------------------------------------------------------------

if not DEBUG:
    SECURE_SSL_REDIRECT = flag(env, "SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz/?$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
BEHIND_PROXY = flag(env, "BEHIND_PROXY", default=False)
REST_FRAMEWORK = {"NUM_PROXIES": int(BEHIND_PROXY)}  # whose word counts on where a request comes from
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:", "blob:", *([S3_ENDPOINT_URL or "https://*.amazonaws.com"] if S3_BUCKET else [])],
    "style-src": ["'self'", "'unsafe-inline'"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'self'"],  # the Studio opens in a frame of our own forms
}
if django.VERSION >= (6, 0):
    MIDDLEWARE.insert(2, "django.middleware.csp.ContentSecurityPolicyMiddleware")

if django.VERSION >= (6, 1):  # before, the same is EMAIL_BACKEND's default
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}}

LOG_LEVEL = env.get("LOG_LEVEL") or "INFO"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "imagen": {"level": LOG_LEVEL},
        "django-q": {"level": LOG_LEVEL},
        "django": {"level": "INFO"},  # replaces Django's own handler, or every line would appear twice
        "django.request": {"level": "ERROR"},  # what a client did wrong stands in the web server's log
        "django.server": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
    },
}
