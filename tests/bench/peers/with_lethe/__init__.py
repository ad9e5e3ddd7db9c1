"""Lethe: the caller records one entry in the transaction of its cause."""
