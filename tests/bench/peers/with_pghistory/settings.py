from tests.bench.peers.with_bare.settings import *  # noqa: F403 - the same but for the package

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "pgtrigger",
    "pghistory",
    "tests.bench.peers.with_pghistory",
]
#: There are no migrations here that could carry the triggers.
PGTRIGGER_INSTALL_ON_MIGRATE = True
