#!/usr/bin/env python
"""The operator's door to Lethe."""

import os
import sys

from django.core.management import execute_from_command_line

# Only these take or change whole databases: they connect as the owner.
OWNER_COMMANDS = {"backup", "migrate", "provision", "restore", "showmigrations", "sqlmigrate"}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if set(sys.argv[1:2]) & OWNER_COMMANDS:
        os.environ.setdefault("LETHE_DATABASE_ROLE", "owner")
    execute_from_command_line(sys.argv)
