from tests.bench.peers.with_bare.settings import *  # noqa: F403 - the same but for the package

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "gdpr_assist",
    "tests.bench.peers.with_gdpr_assist",
]
# Its log beside its rows: a database of its own would cost it a second commit.
GDPR_LOG_DATABASE_NAME = "default"
GDPR_LOG_ON_ANONYMISE = True
