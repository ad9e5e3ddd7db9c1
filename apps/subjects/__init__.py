"""Who the candidates are (sealed), which ATS records exist, and what became of them.

Owns subjects, records, applications, intake (sync, import) and tombstones. Refuses to keep a
person in clear, to merge across controllers, and to take back a person it has erased.
Decides nothing: retention does. Called by consents, retention, erasure and the doors.
"""
