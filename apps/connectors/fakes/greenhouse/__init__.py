"""A fake Greenhouse (Harvest v3): a real HTTP server with state, limits, webhooks and faults.

Owns: candidates that were never born, and what the vendor's documents say is done to them.
Refuses: to know who calls it; it is built from the documents alone.
Called by: `python -m apps.connectors.fakes.greenhouse`, or `start(Config(...))` inside a test.
"""

from .config import Config
from .server import Server, start

__all__ = ["Config", "Server", "start"]
