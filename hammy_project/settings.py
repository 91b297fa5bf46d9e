"""Every setting of a site, from the environment alone (docs/operators/settings.md lists them).

A variable ``NAME`` may instead be given as ``NAME_FILE``, the path of a file that holds the value:
that is how secrets are mounted.
"""

import os
from logging import getLevelNamesMapping
from pathlib import Path

from hammy_project import addresses, console, log_settings, secret_key
from hammy_project.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

# ── where things lie ────────────────────────────────────────────────────────────────────────────
VAR_DIR = env.folder("VAR_DIR", BASE_DIR / "var", is_made=True).resolve()
HAMMY_EXTERNAL_ROOT = env.folder("HAMMY_EXTERNAL_ROOT", VAR_DIR / "external")
if "HAMMY_EXTERNAL_ROOT" not in os.environ and "HAMMY_EXTERNAL_ROOT_FILE" not in os.environ:
    # One that a site names is the site's to make: while its share is not mounted, nothing is written in its place.
    HAMMY_EXTERNAL_ROOT.mkdir(mode=0o750, exist_ok=True)
HAMMY_SPOOL = env.folder("HAMMY_SPOOL", VAR_DIR / "spool")
HAMMY_LETTER_FONTS = env.str("HAMMY_LETTER_FONTS", "")
# What is being received; on the file system of the storage, if that is a folder, what is kept need not be copied.
HAMMY_INCOMING = env.folder("HAMMY_INCOMING", VAR_DIR / "incoming")

# ── who we are ──────────────────────────────────────────────────────────────────────────────────
DEBUG = env.bool("DEBUG", False)
HAMMY_PUBLIC_URL = env.str("HAMMY_PUBLIC_URL", "http://localhost:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[HAMMY_PUBLIC_URL])
TIME_ZONE = env.time_zone("TIME_ZONE", "Europe/Budapest")
USE_TZ = True
LANGUAGES = [("hu", "Magyar"), ("en", "English")]
LANGUAGE_CODE = env.one_of("LANGUAGE_CODE", "hu", [code for code, _ in LANGUAGES])
LOCALE_PATHS = [BASE_DIR / "locale"]

# ── databases, cache, files ─────────────────────────────────────────────────────────────────────
DATABASES = {"default": env.db_url("DATABASE_URL", f"sqlite:///{VAR_DIR / 'hammy.sqlite3'}")}
IS_EMBEDDED_DATABASE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
# Reconnecting for each request costs five to seven times the request itself.
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", 3600)
if not (IS_EMBEDDED_DATABASE or DATABASES["default"].get("DISABLE_SERVER_SIDE_CURSORS")):
    # For the one statement that takes a letter (sending.storing); Django's own are not prepared.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("prepare_threshold", 0)
if IS_EMBEDDED_DATABASE:
    DATABASES["default"] |= {
        "ENGINE": "hammy_project.sqlite",
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;",
        },
        "TEST": {"NAME": str(VAR_DIR / "test.sqlite3")},
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": env.cache_url("CACHE_URL", f"filecache://{VAR_DIR / 'cache'}")}
IS_EMBEDDED_CACHE = CACHES["default"]["BACKEND"].endswith("FileBasedCache")
if IS_EMBEDDED_CACHE:
    CACHES["default"]["BACKEND"] = "hammy_project.file_cache.LockedFileCache"

STORAGES = {
    "default": {
        "BACKEND": env.str("HAMMY_STORAGE", "hammy_project.storage.AtomicFileStorage"),
        "OPTIONS": env.json("HAMMY_STORAGE_OPTIONS", {"location": str(VAR_DIR / "files")}),
    },
    # Where the print house takes printed letters from.
    "spool": {
        "BACKEND": env.str("HAMMY_SPOOL_STORAGE", "hammy_project.storage.AtomicFileStorage"),
        "OPTIONS": env.json("HAMMY_SPOOL_OPTIONS", {"location": str(HAMMY_SPOOL)}),
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = env.folder("STATIC_ROOT", VAR_DIR / "static")
MEDIA_ROOT = VAR_DIR / "files"
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# ── secrets ─────────────────────────────────────────────────────────────────────────────────────
# The embedded default keeps a key of its own beside its database; a real site names one (check hammy.E001).
SECRET_KEY = env.str("SECRET_KEY", "")
IS_SECRET_KEY_GIVEN = bool(SECRET_KEY)
SECRET_KEY = SECRET_KEY or secret_key.kept_at(VAR_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# ── what the project is made of ─────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    # The console's pages are found with the addresses (urls): a worker has no use for them.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "rest_framework",
    "rest_framework_json_api",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "hammy_project",
    "gateway",
    "jobs",
    "sending",
    "notifications",
    "campaigns",
    "schedules",
]
MIDDLEWARE = [
    "gateway.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "gateway.people_only.Session",
    "gateway.people_only.Locale",
    "gateway.people_only.Common",
    "django.middleware.csrf.CsrfViewMiddleware",
    "gateway.people_only.Authentication",
    "gateway.people_only.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "hammy_project.urls"
WSGI_APPLICATION = "hammy_project.wsgi.application"
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

UNFOLD = console.UNFOLD

# ── who may come in ─────────────────────────────────────────────────────────────────────────────
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AXES_FAILURE_LIMIT = env.int("HAMMY_LOGIN_FAILURES", 5)
AXES_COOLOFF_TIME = env.float("HAMMY_LOGIN_COOLOFF_HOURS", 0.25)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "gateway.remote.login_address"
AXES_USERNAME_CALLABLE = "gateway.remote.login_name"
AXES_SENSITIVE_PARAMETERS = ["clientHashKey"]
IS_HTTPS = HAMMY_PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", False)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)
# Load balancers and Prometheus ask us directly, in plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
# Set behind a proxy that always overwrites the header, and only there.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("HAMMY_BEHIND_PROXY", False) else None
USE_X_FORWARDED_HOST = SECURE_PROXY_SSL_HEADER is not None
# The console shows letters in frames of its own.
X_FRAME_OPTIONS = "SAMEORIGIN"
# W040: what an index includes for PostgreSQL, SQLite does without.
SILENCED_SYSTEM_CHECKS = ["security.W019", "models.W040"]
APPEND_SLASH = True

HAMMY_TOKEN_MINUTES = env.int("HAMMY_TOKEN_MINUTES", 30)
# A token may be refreshed so long after the password was given.
HAMMY_LOGIN_HOURS = env.int("HAMMY_LOGIN_HOURS", 12)
HAMMY_KEY_OVERLAP_HOURS = env.int("HAMMY_KEY_OVERLAP_HOURS", 24)
# A revoked key, a disabled client or user is noticed at the latest after so many seconds.
HAMMY_CALLER_CACHE_SECONDS = env.float("HAMMY_CALLER_CACHE_SECONDS", 1.0)
HAMMY_MAX_REQUEST_BYTES = env.int("HAMMY_MAX_REQUEST_BYTES", 32 * 1024 * 1024)
HAMMY_MAX_ATTACHMENT_BYTES = env.int("HAMMY_MAX_ATTACHMENT_BYTES", 256 * 1024 * 1024)
# A whole multipart request, uploads and all.
HAMMY_MAX_UPLOAD_BYTES = env.int("HAMMY_MAX_UPLOAD_BYTES", 512 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = HAMMY_MAX_REQUEST_BYTES
HAMMY_BODY_SECONDS = env.float("HAMMY_BODY_SECONDS", 30.0)
# No form of ours takes files. Django's default would write a stranger's to the disk, as long as he sends.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
HAMMY_METRICS_TOKEN = env.str("HAMMY_METRICS_TOKEN", "")
# Where a worker shows its host's metrics itself, as 127.0.0.1:9101; for hosts without a web server.
HAMMY_METRICS_LISTEN = env.str("HAMMY_METRICS_LISTEN", "")
HAMMY_METRICS_NETWORKS = env.list("HAMMY_METRICS_NETWORKS", default=["127.0.0.0/8", "::1/128"])

# ── going out ───────────────────────────────────────────────────────────────────────────────────
HAMMY_OUTBOUND_NETWORKS = env.list("HAMMY_OUTBOUND_NETWORKS", default=[])
HAMMY_OUTBOUND_PORTS = env.list("HAMMY_OUTBOUND_PORTS", cast=int, default=[80, 443, 8080, 8443])

# ── pushes to browsers ──────────────────────────────────────────────────────────────────────────
# Whom push services may turn to: a mail address or an https address.
HAMMY_PUSH_CONTACT = env.str("HAMMY_PUSH_CONTACT", "")
# The push services that browsers may name, with the names below theirs.
HAMMY_PUSH_HOSTS = env.list(
    "HAMMY_PUSH_HOSTS",
    default=["fcm.googleapis.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com"],
)
# What the browsers of one client's pages may ask for in a minute, together, and how many a client may have.
HAMMY_BROWSERS_PER_MINUTE = env.int("HAMMY_BROWSERS_PER_MINUTE", 6000)
HAMMY_SUBSCRIPTIONS_PER_CLIENT = env.int("HAMMY_SUBSCRIPTIONS_PER_CLIENT", 2_000_000)
HAMMY_SUBSCRIPTION_RETENTION_DAYS = env.int("HAMMY_SUBSCRIPTION_RETENTION_DAYS", 90)

# ── telling others ──────────────────────────────────────────────────────────────────────────────
# What callbacks of the house's own jobs are signed with (whsec_…); empty = derived from SECRET_KEY.
HAMMY_WEBHOOK_SECRET = env.str("HAMMY_WEBHOOK_SECRET", "")
# A registration whose every call failed for so many days is disabled; -1 = never.
HAMMY_DISABLE_TARGET_DAYS = env.float("HAMMY_DISABLE_TARGET_DAYS", 5.0)
# What a notifier that died had in its hands is brought by another after so many seconds.
HAMMY_DELIVERY_LEASE_SECONDS = env.float("HAMMY_DELIVERY_LEASE_SECONDS", 60.0)
HAMMY_DELIVERY_RETENTION_DAYS = env.int("HAMMY_DELIVERY_RETENTION_DAYS", 90)

# ── e-mail: one or more servers, comma-separated, tried in order ────────────────────────────────
EMAIL_URL = env.str("EMAIL_URL", "smtp://127.0.0.1:2525")
# Where no server is named, `manage.py run` starts a local mailbox there.
IS_EMAIL_URL_GIVEN = "EMAIL_URL" in os.environ or "EMAIL_URL_FILE" in os.environ
HAMMY_SMTP_SERVERS = addresses.smtp_servers(EMAIL_URL)
HAMMY_SMTP_CONNECT_TIMEOUT = env.float("HAMMY_SMTP_CONNECT_TIMEOUT", 10.0)
HAMMY_SMTP_COMMAND_TIMEOUT = env.float("HAMMY_SMTP_COMMAND_TIMEOUT", 60.0)
# RFC 5321 4.5.3.2.6: ten minutes for the answer to the final dot, or duplicates follow.
HAMMY_SMTP_FINAL_DOT_TIMEOUT = env.float("HAMMY_SMTP_FINAL_DOT_TIMEOUT", 600.0)
HAMMY_SMTP_MESSAGES_PER_CONNECTION = env.int("HAMMY_SMTP_MESSAGES_PER_CONNECTION", 1000)
HAMMY_FROM_ADDRESS = env.str("HAMMY_FROM_ADDRESS", "noreply@localhost")
HAMMY_FROM_NAME = env.str("HAMMY_FROM_NAME", "Hammy")
HAMMY_MESSAGE_ID_DOMAIN = env.str("HAMMY_MESSAGE_ID_DOMAIN", "hammy.localhost")
DEFAULT_FROM_EMAIL = HAMMY_FROM_ADDRESS

# ── signing: files, or their PEM text itself (as …_FILE gives it); nothing is signed without a certificate ──
HAMMY_SIGNING_CERTIFICATE = env.str("HAMMY_SIGNING_CERTIFICATE", "")
HAMMY_SIGNING_KEY = env.str("HAMMY_SIGNING_KEY", "")
HAMMY_SIGNING_KEY_PASSWORD = env.str("HAMMY_SIGNING_KEY_PASSWORD", "")
# What one PDF document may take; one that takes more is not signed.
HAMMY_SIGNING_SECONDS = env.float("HAMMY_SIGNING_SECONDS", 10.0)
HAMMY_SIGNING_MAX_BYTES = env.int("HAMMY_SIGNING_MAX_BYTES", 64 * 1024 * 1024)
# Where undeliverable mail comes back to, and the mailbox in which it is read.
HAMMY_BOUNCE_ADDRESS = env.str("HAMMY_BOUNCE_ADDRESS", "")
HAMMY_BOUNCE_IMAP = addresses.imap_server(env.str("HAMMY_BOUNCE_IMAP_URL", ""))

# ── dispatch ────────────────────────────────────────────────────────────────────────────────────
HAMMY_CLAIM_SIZE = env.int("HAMMY_CLAIM_SIZE", 100)
HAMMY_WAKE_SECONDS = env.float("HAMMY_WAKE_SECONDS", 2.0)
HAMMY_LEASE_SECONDS = env.float("HAMMY_LEASE_SECONDS", 900.0)
# Another host's worker that lost its database session is taken for dead after so many seconds.
HAMMY_HOST_SECONDS = env.float("HAMMY_HOST_SECONDS", 30.0)
HAMMY_RETRY_ATTEMPTS = env.int("HAMMY_RETRY_ATTEMPTS", 12)
HAMMY_RETRY_FIRST_SECONDS = env.float("HAMMY_RETRY_FIRST_SECONDS", 60.0)
HAMMY_RETRY_CAP_SECONDS = env.float("HAMMY_RETRY_CAP_SECONDS", 4 * 3600.0)
HAMMY_RETRY_AGE_SECONDS = env.float("HAMMY_RETRY_AGE_SECONDS", 3 * 86400.0)
HAMMY_LANE_FIRST_SECONDS = env.float("HAMMY_LANE_FIRST_SECONDS", 5.0)
HAMMY_LANE_CAP_SECONDS = env.float("HAMMY_LANE_CAP_SECONDS", 300.0)
HAMMY_MAX_MAIL_BYTES = env.int("HAMMY_MAX_MAIL_BYTES", 25 * 1024 * 1024)
# Where subject and text are archived, unless the letter says where.
HAMMY_ARCHIVE_TARGET = env.str("HAMMY_ARCHIVE_TARGET", "DMS")
HAMMY_RETENTION_DAYS = env.int("HAMMY_RETENTION_DAYS", -1)
# What closed letters say is erased after so many days; their rows and events stay.
HAMMY_CONTENT_DAYS = env.int("HAMMY_CONTENT_DAYS", -1)
# How long an address is suppressed after a hard bounce; -1 = for ever, 0 = not at all.
HAMMY_SUPPRESS_DAYS = env.int("HAMMY_SUPPRESS_DAYS", 365)
HAMMY_TEMPLATE_SECONDS = env.float("HAMMY_TEMPLATE_SECONDS", 1.0)
HAMMY_TEMPLATE_OUTPUT = env.int("HAMMY_TEMPLATE_OUTPUT", 2 * 1024 * 1024)
# One letter may take so long to be set, and have so many pages with its enclosures.
HAMMY_LETTER_SECONDS = env.float("HAMMY_LETTER_SECONDS", 10.0)
HAMMY_LETTER_PAGES = env.int("HAMMY_LETTER_PAGES", 200)
HAMMY_MAX_LETTER_BYTES = env.int("HAMMY_MAX_LETTER_BYTES", 50 * 1024 * 1024)
HAMMY_LETTER_TYPES = env.list(
    "HAMMY_LETTER_TYPES", default=["NORMAL", "PRIORITY", "REGISTERED", "REGISTERED_RETURN_RECEIPT"]
)
HAMMY_LETTER_FONT = env.str("HAMMY_LETTER_FONT", "Libertinus Serif")
# The lines of our own address in the head of a printed letter.
HAMMY_LETTER_SENDER = [line.strip() for line in env.str("HAMMY_LETTER_SENDER", "").split("|") if line.strip()]
HAMMY_PRINT_DUPLEX = env.bool("HAMMY_PRINT_DUPLEX", False)
HAMMY_PRINT_BATCH_MINUTES = env.float("HAMMY_PRINT_BATCH_MINUTES", 60.0)
HAMMY_PRINT_BATCH_LETTERS = env.int("HAMMY_PRINT_BATCH_LETTERS", 2000)
# Who gets the message statistics.
HAMMY_REPORT_RECIPIENTS = env.list("HAMMY_REPORT_RECIPIENTS", default=[])

# ── jobs ────────────────────────────────────────────────────────────────────────────────────────
# Modules of a site's own with job classes, beside those of the apps.
HAMMY_JOB_CLASSES = env.list("HAMMY_JOB_CLASSES", default=[])
HAMMY_JOB_HEARTBEAT_SECONDS = env.float("HAMMY_JOB_HEARTBEAT_SECONDS", 2.0)
# A worker silent for so long is suspected, and soon after taken for dead.
HAMMY_JOB_LOST_SECONDS = env.float("HAMMY_JOB_LOST_SECONDS", 15.0)
# A job that ran out of its time gets so long to notice, before its process is ended.
HAMMY_JOB_GRACE_SECONDS = env.float("HAMMY_JOB_GRACE_SECONDS", 30.0)
HAMMY_JOB_RETENTION_DAYS = env.int("HAMMY_JOB_RETENTION_DAYS", -1)
# A trigger's time that passed longer ago than this was missed.
HAMMY_TRIGGER_LATE_SECONDS = env.float("HAMMY_TRIGGER_LATE_SECONDS", 60.0)

# ── schedules ───────────────────────────────────────────────────────────────────────────────────
# The most that wait at a time for one client, unless it has a limit of its own.
HAMMY_MAX_SCHEDULES = env.int("HAMMY_MAX_SCHEDULES", 1000)
# What a schedule says is kept with it, its letter's attachments too.
HAMMY_MAX_SCHEDULE_BYTES = env.int("HAMMY_MAX_SCHEDULE_BYTES", 256 * 1024)
# A schedule's time that passed longer ago than this is skipped.
HAMMY_SCHEDULE_LATE_SECONDS = env.float("HAMMY_SCHEDULE_LATE_SECONDS", 3600.0)
HAMMY_SCHEDULE_RETENTION_DAYS = env.int("HAMMY_SCHEDULE_RETENTION_DAYS", 90)

# ── campaigns ───────────────────────────────────────────────────────────────────────────────────
HAMMY_IMPORT_FILE_DAYS = env.int("HAMMY_IMPORT_FILE_DAYS", 90)

# The answer of triggerJob in the namespace that the original document shows, for clients that insist on it.
HAMMY_SOAP_OLD_TRIGGER_NAMESPACE = env.bool("HAMMY_SOAP_OLD_TRIGGER_NAMESPACE", False)

# ── broker (hammy_project/celery.py reads the rest from here) ───────────────────────────────────
BROKER_URL = env.address("BROKER_URL", "filesystem://", ["amqp", "amqps", "redis", "rediss", "filesystem"])
IS_EMBEDDED_BROKER = BROKER_URL.startswith("filesystem:")
BROKER_DIR = VAR_DIR / "broker"
DJANGO_CELERY_BEAT_TZ_AWARE = True

# ── requests by queue: manage.py consume_send_requests ──────────────────────────────────────────
# Our own broker where it is RabbitMQ; letters may also come by another one.
HAMMY_AMQP_URL = env.str("HAMMY_AMQP_URL", BROKER_URL if BROKER_URL.startswith("amqp") else "")
HAMMY_AMQP_SEND_QUEUE = env.str("HAMMY_AMQP_SEND_QUEUE", "mailRequestQueue")
HAMMY_AMQP_ERROR_QUEUE = env.str("HAMMY_AMQP_ERROR_QUEUE", "mailRequestQueueError")
HAMMY_AMQP_REPLY_EXCHANGE = env.str("HAMMY_AMQP_REPLY_EXCHANGE", "")
HAMMY_AMQP_PREFETCH = env.int("HAMMY_AMQP_PREFETCH", 400)
HAMMY_AMQP_BATCH = env.int("HAMMY_AMQP_BATCH", 200)
HAMMY_AMQP_GATHER_SECONDS = env.float("HAMMY_AMQP_GATHER_SECONDS", 0.01)

# ── the programs (hammy_project/programs.py) ────────────────────────────────────────────────────
WEB_HOST = env.str("WEB_HOST", "127.0.0.1")
WEB_PORT = env.int("PORT", 8000)
WEB_WORKERS = env.int("WEB_WORKERS", 2)
WEB_THREADS = env.int("WEB_THREADS", 4)
WORKER_PROCESSES = env.int("WORKER_PROCESSES", 2)
LONG_WORKER_PROCESSES = env.int("LONG_WORKER_PROCESSES", 1)
NOTIFIER_PROCESSES = env.int("NOTIFIER_PROCESSES", 1)
CONSUMER_PROCESSES = env.int("CONSUMER_PROCESSES", 1)

# ── how we speak ────────────────────────────────────────────────────────────────────────────────
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["gateway.auth.CallerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["gateway.auth.HasRight"],
    "DEFAULT_RENDERER_CLASSES": ["gateway.renderers.JsonApiRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "gateway.renderers.AcceptIgnored",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "gateway.rest.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Hammy",
    "VERSION": "2",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "clientHashKey": {"type": "apiKey", "in": "header", "name": "X-Client-Hash-Key"},
            "userToken": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "JWT <token>"},
            "basic": {"type": "http", "scheme": "basic", "description": "Access id and secret"},
            "applicationKey": {
                "type": "apiKey",
                "in": "header",
                "name": "X-Application-Key",
                "description": "A browser's: the client's access id, on a page of one of its origins",
            },
            "awsSignature": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "AWS <accessId>:<signature>",
            },
        }
    },
}

# ── what we say of ourselves ────────────────────────────────────────────────────────────────────
# One file per process under here; prometheus_client reads the variable when it is first imported.
METRICS_DIR = env.folder("HAMMY_METRICS_DIR", VAR_DIR / "metrics", is_made=True)
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(METRICS_DIR))
LOG_LEVEL = env.one_of("LOG_LEVEL", "INFO", list(getLevelNamesMapping()))
LOGGING = log_settings.at(LOG_LEVEL)
