from config.settings import *  # noqa: F403 - the real ones, and one model more
from config.settings import INSTALLED_APPS as _LETHE

INSTALLED_APPS = [*_LETHE, "tests.bench.peers.with_lethe"]
