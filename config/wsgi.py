import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from apps.core import roots
from apps.core.errors import DomainError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# A server without its root key would answer, and fail at the first person it opens.
try:
    roots.check()
except DomainError as error:
    raise ImproperlyConfigured(f"{error.field}: {error.message}") from None
