"""Settings for speed: no debug, no middleware, no application but the models."""

import os
from urllib.parse import urlsplit

_database = urlsplit(os.environ["DATABASE_URL"])
# One connection for each thread of this worker process: more could not be used, fewer would wait.
_threads = int(os.environ["DJANGO_THREADS"])

SECRET_KEY = "of no use here: nothing is signed"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["shop"]
MIDDLEWARE = []
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
USE_TZ = True
USE_I18N = False
LOGGING_CONFIG = None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname,
        "PORT": _database.port,
        "USER": _database.username,
        "NAME": _database.path.lstrip("/"),
        # A pool cannot be had together with connections that requests keep.
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"pool": {"min_size": _threads, "max_size": _threads}},
    }
}
