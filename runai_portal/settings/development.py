"""Everything on one machine: SQLite, embedded Redis and the simulated cluster, all under one data folder.

The same names as in production (DATABASE_URL, REDIS_URL, KUBECONFIG) point it elsewhere.
"""

import os
from pathlib import Path

from runai_portal.settings.base import *  # noqa: F403  (settings layers)
from runai_portal.settings.base import BASE_DIR, env
from runai_portal.settings.parts import database, embedded_secret, logging, redis_locations

DEBUG = False
EMBEDDED = True
INSTALL_DEFINITIONS = env.bool(
    "INSTALL_DEFINITIONS", default=True
)  # `up` does it itself for a cluster of its own
DATA_DIR = Path(env.str("RUNAI_DATA", default=str(BASE_DIR / "data"))).resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)

SECRET_KEY = env.str("SECRET_KEY", default="") or embedded_secret(DATA_DIR / "secret_key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
DATABASES = database(env, DATA_DIR)
REDIS_URL, CELERY_BROKER_URL, CELERY_RESULT_BACKEND, CACHES = redis_locations(env, DATA_DIR)
KUBECONFIG = env.str("RUNAI_KUBECONFIG", default=str(DATA_DIR / "cluster" / "kubeconfig"))
LOGGING = logging(json_lines=False)

STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
os.environ.setdefault("RUNAI_CLOCK_FILE", str(DATA_DIR / "clock.json"))
