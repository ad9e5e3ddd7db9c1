"""The staff's door: today's work, records, plans, the ledger, policies, connections.

Shows what the rooms know and calls what they offer; owns no table and decides nothing.
Refuses people without a membership, and hides what a role may not do (the services refuse it
again). Called by browsers.
"""
