"""Subjects' data keys, their epochs, blind indexes and tombstones, and the erasure journal.

Lives in a database of its own; no foreign key leaves it. Refuses to keep an epoch key in any
database, to remove a line of the journal, and to open what was shredded.
Called by subjects, consents, retention and erasure.
"""
