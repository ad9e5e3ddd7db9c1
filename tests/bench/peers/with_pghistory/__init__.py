"""django-pghistory: a trigger of the database writes a copy of the row."""
