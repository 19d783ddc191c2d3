"""The door for uvicorn."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "runai_portal.settings.development")
application = get_asgi_application()
