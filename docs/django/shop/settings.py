"""Settings for one database, named by DATABASE_URL, and nothing that the sales do not need."""

import os
from urllib.parse import urlsplit

import pymysql

# Django knows MySQL and MariaDB only through a module of this name.
pymysql.install_as_MySQLdb()

SECRET_KEY = "of no use here: nothing is signed"
INSTALLED_APPS = ["shop"]
USE_TZ = True
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_url = urlsplit(os.environ["DATABASE_URL"])
_engine = {"postgres": "postgresql", "mysql": "mysql", "sqlite": "sqlite3", "immediate": "sqlite3"}

DATABASES = {
    "default": {
        "ENGINE": f"django.db.backends.{_engine[_url.scheme]}",
        "HOST": _url.hostname,
        "PORT": _url.port,
        "USER": _url.username,
        "NAME": _url.path.lstrip("/"),
    }
}

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"] |= {
        # A file: several connections, as in a shop. The default for tests is memory.
        "NAME": _url.path,
        "TEST": {"NAME": _url.path},
        # Seconds that a writer waits for another one; on a busy machine the default of 5 is little.
        "OPTIONS": {"timeout": 20},
    }

# `immediate` is SQLite as it should be set up for sales; `sqlite` as Django does it by itself.
if _url.scheme == "immediate":
    DATABASES["default"]["OPTIONS"] |= {
        "transaction_mode": "IMMEDIATE",  # since Django 5.1
        "init_command": "PRAGMA journal_mode = WAL",
    }
