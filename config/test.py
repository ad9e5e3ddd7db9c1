"""Every shortcut the tests take, and nothing else. The databases come from tests/database.py."""

import os

_ENVIRONMENT = {
    "LETHE_SECRET_KEY": "only-for-tests",
    # The bytes 0 to 31: a key that protects nothing.
    "LETHE_ROOT_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "LETHE_NAME": "lethe.test",
    "LETHE_ATS_HOSTS": "127.0.0.1",
    # Placeholders: tests/conftest.py puts the session's own in their place.
    "DATABASE_URL": "postgresql://lethe_app@/lethe?host=/nonexistent",
    "KEYS_DATABASE_URL": "postgresql://lethe_app@/lethe_keys?host=/nonexistent",
    "LETHE_KEYS_DIR": "/nonexistent/lethe-keys",
    "BROKER_URL": "pgmq://lethe_app@/lethe_broker?host=/nonexistent",
}
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

from config.settings import *  # noqa: E402, F403 - after the environment that settings read

# A slow hash protects a stolen table; here it would only cost a second per signed-in test.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# Static files are served from the sources: nothing is collected for a test.
WHITENOISE_AUTOREFRESH = True
