"""Staff, what they may do for which controller, and the keys of machines.

Refuses to show an API key twice, to grant a role nobody declared, and to let a person sign
up alone: an operator invites (`manage.py invite`).
Called by the doors.
"""
