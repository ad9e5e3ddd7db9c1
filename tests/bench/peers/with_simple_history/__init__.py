"""django-simple-history: a signal writes a copy of the row beside each save."""
