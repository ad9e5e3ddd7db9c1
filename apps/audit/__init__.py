"""The ledger: what was done, by whom, when; provable to somebody who trusts none of us.

Owns one Merkle log per controller and one for the installation: entries, tiles, checkpoints.
Refuses free text, undeclared keys, writes outside a transaction, and every change or removal.
Every room calls `services.record` inside its own transaction; one runner calls `integrate`.
"""
