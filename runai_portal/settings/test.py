"""For pytest: in memory where that is honest, PostgreSQL and Redis when the environment names them."""

import tempfile
from pathlib import Path

from runai_portal.settings.base import *  # noqa: F403  (settings layers)
from runai_portal.settings.base import env
from runai_portal.settings.parts import database, logging

DEBUG = False
EMBEDDED = True
INSTALL_DEFINITIONS = False
DATA_DIR = Path(tempfile.mkdtemp(prefix="runai-test-"))
SECRET_KEY = "only-for-tests"  # noqa: S105  (a constant keeps tests repeatable)
ALLOWED_HOSTS = ["*"]
DATABASES = database(env, DATA_DIR)
DATABASES["default"]["OPTIONS"].pop("pool", None)  # a pool would keep the test database busy
REDIS_URL = env.str("REDIS_URL", default="")
CELERY_BROKER_URL = "memory://"
CELERY_RESULT_BACKEND = "cache+memory://"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
KUBECONFIG = env.str("RUNAI_KUBECONFIG", default="")
LOGGING = logging(json_lines=False)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir()  # WhiteNoise warns of a missing folder, and warnings are errors
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
