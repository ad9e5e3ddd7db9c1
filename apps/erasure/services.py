"""The verbs of this room, gathered: planning.py proposes, execution.py acts, archives.py keeps."""

from apps.erasure.archives import dispose_ended, export, read
from apps.erasure.certificates import certificate, finish
from apps.erasure.certificates import of_subject as certificate_of_subject
from apps.erasure.execution import advance
from apps.erasure.gates import pause, resume, resume_all, set_brakes, stop_all
from apps.erasure.obstacles import look_again
from apps.erasure.planning import approve, call_back, postpone, propose, refuse, stop

__all__ = [
    "advance",
    "approve",
    "call_back",
    "certificate",
    "certificate_of_subject",
    "dispose_ended",
    "export",
    "finish",
    "look_again",
    "pause",
    "postpone",
    "propose",
    "read",
    "refuse",
    "resume",
    "resume_all",
    "set_brakes",
    "stop",
    "stop_all",
]
