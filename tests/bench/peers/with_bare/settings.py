"""As small as Django lets them be; the database is the one that DATABASE_URL names."""

from config import env

SECRET_KEY = "only for a benchmark"
DATABASES = {"default": {**env.database("DATABASE_URL"), "CONN_MAX_AGE": 60}}
INSTALLED_APPS = ["tests.bench.peers.with_bare"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
