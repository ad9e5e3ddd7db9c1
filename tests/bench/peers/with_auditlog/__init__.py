"""django-auditlog: a signal writes a JSON of the changes beside each save."""
