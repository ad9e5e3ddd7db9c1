"""The day itself, in a process of its own that runs on the installation's settings."""

import django

django.setup()
