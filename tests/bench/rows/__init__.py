"""The experiments, each in a process of its own that runs on its installation's settings."""

import django

django.setup()
