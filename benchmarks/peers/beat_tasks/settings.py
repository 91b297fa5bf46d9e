"""Django settings with nothing but its tables."""

import os

import environ

SECRET_KEY = "a peer has no secrets"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django_celery_beat"]
DATABASES = {"default": environ.Env().db_url_config(os.environ["DATABASE_URL"])}
DATABASES["default"]["CONN_MAX_AGE"] = 3600
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
