"""`make demo`: a whole installation on one machine, and a day of its life.

Composition only: it starts the embedded server, two fake ATS accounts, the web server and the
worker, then calls the public services as its own DPO and RecOps people. No demo flag exists
inside the services.
"""
