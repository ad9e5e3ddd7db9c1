"""The wire to each ATS: connections, the port, one adapter a vendor, fake servers.

Owns HTTP to the outside: time-outs, retries, limits, host allow-list, signatures, redaction.
Refuses to call a host nobody allowed, to call without a limiter, and to guess what it did
not read. Knows no retention rule. Called by subjects (sync) and erasure (steps).
"""
