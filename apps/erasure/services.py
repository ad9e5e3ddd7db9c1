"""The verbs of this room, gathered: planning.py proposes, execution.py acts, archives.py keeps."""

from apps.erasure.archives import dispose_ended, export, read
from apps.erasure.certificates import certificate, finish
from apps.erasure.execution import advance
from apps.erasure.gates import set_brakes
from apps.erasure.planning import approve, call_back, postpone, propose, refuse

__all__ = [
    "advance",
    "approve",
    "call_back",
    "certificate",
    "dispose_ended",
    "export",
    "finish",
    "postpone",
    "propose",
    "read",
    "refuse",
    "set_brakes",
]
