from tests.bench.peers.with_bare.settings import *  # noqa: F403 - the same but for the package

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "pgtrigger",
    "pghistory",
    "tests.bench.peers.with_pghistory",
]
