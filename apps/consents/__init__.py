"""Consents: append-only events, each with a receipt; silence never renews.

Owns what a person agreed to, when, by which notice, and withdrawals (art. 7(3)).
Refuses to change or remove an event. Called by retention (is there a consent?) and doors.
"""
