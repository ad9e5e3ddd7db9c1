"""Greenhouse, Harvest v3: reads, anonymizes, deletes, and understands its webhooks.

Built from the vendor's documents (harvestdocs.greenhouse.io; the v1 documentation for the
names of erasable fields and the webhooks). Knows nothing of the fake server beside it.
"""
