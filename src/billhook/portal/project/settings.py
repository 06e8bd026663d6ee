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


class _MadeWhenUsed(SimpleLazyObject):  # type: ignore[type-arg] # generic only for type checkers
    """The signing key: asked whether there is one, it makes none.

    Django asks that whenever the setting is read, as django-q2 does when it is imported; a restore
    must find no key in the folder.
    """

    def __bool__(self) -> bool:
        return True


DEBUG = False
SECRET_KEY = _MadeWhenUsed(signing_key)
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
    "django_q",
    "billhook.portal.accounts",
    "billhook.portal.organisations",
    "billhook.portal.jobs",
    "billhook.portal.customers",
    "billhook.portal.invoices",
    "billhook.portal.integrations",
    "billhook.portal.runs",
    "billhook.portal.handover",
    "billhook.portal.mail",
    "billhook.portal.imports",
    "billhook.portal.sync",
    "billhook.portal.downloads",
    "billhook.portal.notices",
    "billhook.portal.backups",
    "billhook.portal.storage",
    "billhook.portal.nodes",
    "billhook.portal.api",
    "billhook.portal.events",
    "billhook.portal.clientportal",
    "billhook.portal.backoffice",
]

# Every one of them is synchronous: the whole chain runs in one hop to a thread.
MIDDLEWARE = [
    "billhook.portal.project.middleware.OwnHeaders",
    "django.middleware.security.SecurityMiddleware",
    "billhook.portal.project.middleware.KnownHost",
    "billhook.portal.project.middleware.NoNul",
    "billhook.portal.compression.static_files.StaticFiles",
    "billhook.portal.compression.pages.CompressPages",
    "billhook.portal.ui.zone.ReaderZone",
    "billhook.portal.handover.middleware.EntranceCookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "billhook.portal.handover.middleware.PersonHandedOver",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "billhook.portal.project.middleware.SaysWhenItCannotWrite",
    "billhook.portal.project.typed.SignInFirst",  # a new page is closed until it says
    "billhook.portal.project.typed.FillsFormsAgain",
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
    engine = "billhook.portal.project.postgresql"
    return {**dj_database_url.parse(url, engine=engine, conn_max_age=300, conn_health_checks=True)}


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
# A key is an address with the network that asks, so that nobody uses up another's attempts. Six
# digits and three tries for each code; from the eleventh code of an address in an hour on, twelve.
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


# Jobs: the kinds of each room, and the engine that says when one is due. Our own rows decide the
# rest, so it keeps no results, counts no attempts and has no schedules.

JOB_KINDS: tuple[str, ...] = (
    "billhook.portal.imports.jobs.KINDS",
    "billhook.portal.sync.jobs.KINDS",
    "billhook.portal.events.jobs.KINDS",
    "billhook.portal.downloads.jobs.KINDS",
    "billhook.portal.notices.jobs.KINDS",
    "billhook.portal.notices.members.watch.KINDS",
    "billhook.portal.notices.bounces.jobs.KINDS",
)
JOBS_AT_ONCE = False  # in tests: a page that waits for a job does it, in its own thread
Q_CLUSTER = {
    "name": "billhook",
    "orm": "default",
    "broker_class": "billhook.portal.jobs.engine.TicketBroker",
    "workers": max(1, _ENVIRONMENT.job_processes),
    "timeout": _ENVIRONMENT.job_lease_seconds * 2 // 3,
    "retry": _ENVIRONMENT.job_lease_seconds,
    "bulk": 1,
    "queue_limit": 1,  # a ticket that waits in a process is one that other nodes don't see
    "poll": 0.2,
    "recycle": 2000,
    "max_rss": 400_000,  # kilobytes
    "save_limit": -1,
    "scheduler": False,
    "cache": "none",  # it would write its own status twice a second
}

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
