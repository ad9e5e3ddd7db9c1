"""Fake applicant tracking systems: the outside world as product code.

Owns: servers that answer as a vendor's documents say, with state of their own.
Refuses: any import of Lethe or Django; a fake built from the adapter would agree with its errors.
Called by: the demo, the tests and the bench, only over HTTP and the control plane.
"""
