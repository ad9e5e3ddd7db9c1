"""Legal entities (controllers, GDPR art. 4(7)) and their processing activities (art. 30).

Refuses an activity without a purpose, a legal basis and recipients; knows no candidate.
Called by the doors and by every room that belongs to a legal entity.
"""
