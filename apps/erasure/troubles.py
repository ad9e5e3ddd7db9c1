"""A reading failed: whose trouble is it, and what becomes of the steps that were read?

1. The ATS says when to come back: the steps wait that long, and it counts for nobody.
2. The connection's: a question that has nothing to do with these records (`check`) fails too. An
   obstacle; the steps wait as they are.
3. One of these records': each is read alone from now on. So the one that cannot be read keeps
   nobody waiting, and after some tries in a row it is set aside for a person.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from django.db.models.functions import Greatest

from apps.connectors.errors import ConnectorError
from apps.connectors.port import Connector
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.erasure import claims, obstacles, outcomes, taxonomy, waits
from apps.erasure.models import Step

logger = logging.getLogger(__name__)

#: Code of a step that failed for a reason that is no vendor's.
INTERNAL = "internal"
#: Code of a step whose workers died with it, time after time.
SET_ASIDE = "set_aside"


def met(*, actor: Actor, adapter: Connector, steps: list[Step], error: ConnectorError) -> None:
    """These steps could not be read, for one error. None of them was sent for it."""
    if error.code == "rate_limited":
        wait_for_vendor(steps, error)
    elif is_everywhere(adapter, error.code):
        connection_id = steps[0].plan.connection_id
        obstacles.meet(actor=actor, connection_id=connection_id, code=error.code)
        wait_for_vendor(steps, error)
    elif len(steps) > 1:
        for step in steps:
            claims.mine(step).update(errors=Greatest("errors", 1))
            claims.let_go(step, wait=waits.backoff(1), code=_code(step, error.code))
    else:
        own(actor=actor, step=steps[0], code=error.code, retry_after=error.retry_after)


def wait_for_vendor(steps: list[Step], error: ConnectorError) -> None:
    for step in steps:
        wait = waits.backoff(1, error.retry_after)
        claims.let_go(step, wait=wait, code=_code(step, error.code))


def is_everywhere(adapter: Connector, code: str) -> bool:
    """Whether the ATS refuses or fails what has nothing to do with these records too."""
    if code in {"host_refused", "redirected"}:
        return True
    try:
        found = adapter.check()
    except ConnectorError:
        return True
    return not found.ok or bool(found.missing_scopes)


def refused(*, actor: Actor, adapter: Connector, step: Step, code: str) -> bool:
    """Whether the ATS refused a call for want of something that every other call would want too.
    Then the connection's calls wait, and this step is put back once a reading shows it whole."""
    if taxonomy.kind(code) != "blocked" or not is_everywhere(adapter, code):
        return False
    connection_id = step.plan.connection_id
    obstacles.meet(actor=actor, connection_id=connection_id, code=code, writing=True)
    return True


def own(*, actor: Actor, step: Step, code: str, retry_after: float | None = None) -> None:
    """A trouble of this record: a little later again, and set aside after some in a row."""
    step.errors += 1
    claims.mine(step).update(errors=step.errors)
    if taxonomy.is_worn(code, step.errors) and set_aside(actor=actor, step=step, code=code):
        return
    wait = waits.backoff(step.errors, retry_after)
    claims.let_go(step, wait=wait, code=_code(step, code))


def set_aside(*, actor: Actor, step: Step, code: str) -> bool:
    """End it for a person to look at; what was sent, only once the ATS had its time: then nothing
    shows whether it is gone. False while it may not end yet."""
    if step.state != Step.State.SENT:
        state = Step.State.FAILED
    elif claims.is_settled(step):
        state = Step.State.UNVERIFIABLE
    else:
        return False
    return outcomes.end(actor=actor, step=step, state=state, code=code)


def unexpected(*, actor: Actor, step: Step, error: Exception) -> None:
    """Ours, and perhaps a person's data in its message: only its kind and place are logged."""
    place, frame = "", sys.exc_info()[2]
    while frame is not None:
        file = Path(frame.tb_frame.f_code.co_filename)
        if "apps" in file.parts:  # the last place of ours, not of a library's
            place = f"{file.name}:{frame.tb_lineno}"
        frame = frame.tb_next
    code = error.code if isinstance(error, DomainError) else INTERNAL
    logger.error("step %s: %s (%s) at %s", step.pk, type(error).__name__, code, place)
    # Its transaction may have been rolled back under it: what the row says is what it is.
    step.refresh_from_db(fields=["state", "sends", "sent_at", "code"])
    own(actor=actor, step=step, code=code)


def _code(step: Step, code: str) -> str:
    """What a call was told stays with its step: it decides whether another may be made."""
    return step.code if step.state == Step.State.SENT else code
