"""The verbs of this room, gathered: planning.py proposes, execution.py acts."""

from apps.erasure.certificates import certificate, finish
from apps.erasure.execution import advance
from apps.erasure.planning import approve, call_back, propose, refuse

__all__ = ["advance", "approve", "call_back", "certificate", "finish", "propose", "refuse"]
