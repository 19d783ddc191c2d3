"""For an organisation: PostgreSQL, Redis and a real cluster; refuses to start when a secret or an address is missing."""

from django.core.exceptions import ImproperlyConfigured

from runai_portal.settings.base import *  # noqa: F403  (settings layers)
from runai_portal.settings.base import BASE_DIR, env
from runai_portal.settings.parts import database, logging, redis_locations

DEBUG = False
EMBEDDED = False
INSTALL_DEFINITIONS = env.bool("INSTALL_DEFINITIONS", default=False)  # else: kubectl apply -f deploy/crds
SECRET_KEY = env.str("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

if not env.str("DATABASE_URL", default="").startswith(("postgres://", "postgresql://")):
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL server in production (postgres://…)")
if not env.str("REDIS_URL", default="").startswith(("redis://", "rediss://")):
    raise ImproperlyConfigured("REDIS_URL must name a Redis server in production (redis://… or rediss://…)")

DATABASES = database(env, None)
REDIS_URL, CELERY_BROKER_URL, CELERY_RESULT_BACKEND, CACHES = redis_locations(env, None)
KUBECONFIG = env.str("KUBECONFIG", default="")  # empty: the service account of the pod we run in
LOGGING = logging(json_lines=True)

STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|livez)$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
