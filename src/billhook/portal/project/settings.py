"""Django's settings, made from the environment: safe without any of it being set."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from django.utils.functional import SimpleLazyObject

from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import signing_key
from billhook.portal.mail.server import mail_server
from billhook.portal.ui.statics import STATIC_FOLDER, is_immutable, static_version

_ENVIRONMENT = environment.current()
_PORTAL = Path(__file__).parents[1]

DEBUG = False
SECRET_KEY = SimpleLazyObject(signing_key)  # made on first use, not when settings are read
PUBLIC_URL = _ENVIRONMENT.public_url
ALLOWED_HOSTS = [_ENVIRONMENT.host, "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
ROOT_URLCONF = "billhook.portal.project.urls"
SILENCED_SYSTEM_CHECKS = ["urls.W002"]  # no address ends in a slash, so inner parts begin with it

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "billhook.portal.accounts",
    "billhook.portal.organisations",
    "billhook.portal.customers",
    "billhook.portal.invoices",
    "billhook.portal.integrations",
    "billhook.portal.runs",
    "billhook.portal.mail",
    "billhook.portal.backups",
    "billhook.portal.clientportal",
    "billhook.portal.backoffice",
]

# Every one of them is synchronous: the whole chain runs in one hop to a thread.
MIDDLEWARE = [
    "billhook.portal.project.middleware.OwnHeaders",
    "django.middleware.security.SecurityMiddleware",
    "billhook.portal.project.middleware.KnownHost",
    "billhook.portal.compression.static_files.StaticFiles",
    "billhook.portal.compression.pages.CompressPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "billhook.portal.project.middleware.SaysWhenItCannotWrite",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # a new page is closed until it says
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_PORTAL / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "billhook.portal.ui.frame.frame",
            ],
            "builtins": [
                "django.templatetags.static",
                "billhook.portal.ui.tags",
                "billhook.portal.editor.tags",
            ],
        },
    }
]


# The database: SQLite in the data folder, or PostgreSQL.


def _sqlite() -> dict[str, Any]:
    return {
        "ENGINE": "billhook.portal.project.sqlite",
        "NAME": _ENVIRONMENT.data_dir / "billhook.sqlite3",
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 20,
            # a transaction that begins as a reader and then writes can't wait for another writer
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
            "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=134217728",
        },
    }


def _postgresql(url: str) -> dict[str, Any]:
    return {**dj_database_url.parse(url, conn_max_age=300, conn_health_checks=True)}


DATABASES = {
    "default": _postgresql(_ENVIRONMENT.database_url) if _ENVIRONMENT.database_url else _sqlite()
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Rate limits are counted here, so every process must see the same.
CACHES = {
    "default": {
        "BACKEND": "billhook.portal.limits.counters.CountingCache",
        "LOCATION": "accounts_cacheentry",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # else a flood of addresses would push counts out
    }
}

# Sessions lie in the database, so that signing out, or a changed password, ends them at once.
SESSION_COOKIE_AGE = int(timedelta(days=_ENVIRONMENT.session_days).total_seconds())
SESSION_COOKIE_NAME = "__Host-billhook" if _ENVIRONMENT.is_https else "billhook"
SESSION_COOKIE_SECURE = _ENVIRONMENT.is_https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-billhook-csrf" if _ENVIRONMENT.is_https else "billhook-csrf"
CSRF_COOKIE_SECURE = _ENVIRONMENT.is_https
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "billhook.portal.project.errors.csrf_failure"

SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if _ENVIRONMENT.is_https else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"


# The editor posts every field of an integration, and a command may have twenty requests.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

# Signing in.

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_request_login_code"
LOGIN_REDIRECT_URL = "home"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

ACCOUNT_ADAPTER = "billhook.portal.sign_in.adapter.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # nobody signs up: a member invites
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = int(timedelta(minutes=10).total_seconds())
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = 3
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_FORMAT = {"numeric": True, "dashed": False, "length": 6}
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {
    "login": "billhook.portal.sign_in.forms.PasswordForm",
    "request_login_code": "billhook.portal.sign_in.forms.EmailForm",
    "confirm_login_code": "billhook.portal.sign_in.forms.CodeForm",
    "change_password": "billhook.portal.sign_in.forms.ChangePasswordForm",
    "set_password": "billhook.portal.sign_in.forms.SetPasswordForm",
}
# Six digits, three tries for each code, ten codes an hour: a guess in 33,000 hours of trying.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "request_login_code": "20/m/ip,3/m/key,10/h/key",
    "change_password": "5/m/user",
}

# Mail.

_MAIL = mail_server(_ENVIRONMENT.email_url)
EMAIL_BACKEND = _MAIL.backend
EMAIL_HOST = _MAIL.host
EMAIL_PORT = _MAIL.port
EMAIL_HOST_USER = _MAIL.user
EMAIL_HOST_PASSWORD = _MAIL.password
EMAIL_USE_TLS = _MAIL.starttls
EMAIL_USE_SSL = _MAIL.tls
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = _ENVIRONMENT.email_from
SERVER_EMAIL = _ENVIRONMENT.email_from


# Files that pages need: served from the package, no step of the operator's in between.

STATIC_URL = f"/static/{static_version()}/"
STATICFILES_DIRS = [STATIC_FOLDER]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_IMMUTABLE_FILE_TEST = is_immutable


# Words, numbers, time, log.

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING_CONFIG = "billhook.portal.installation.logs.configure"
LOGGING = {"log_format": _ENVIRONMENT.log_format, "log_level": _ENVIRONMENT.log_level}
