"""Pure: the life of a plan and of a step, written before the code that walks it.

planned ─claim→ claimed ─┬─ sent ─┬─ verified        read back, everything clean
   │                     │        ├─ archived        the same, and the archive keeps what it must
   │                     │        ├─ residual        read back, something remains
   │                     │        ├─ unverifiable    nothing shows whether it is gone
   │                     │        ├─ failed          the ATS refuses, nothing was erased
   │                     │        ├─ stale | held    never reached the ATS, and may not be again
   │                     │        └─ planned         the ATS refused, for want of something
   │                     ├─ stale     the record, the policy or the decision changed
   │                     ├─ held      a legal hold was placed first
   │                     ├─ verified | unverifiable   the ATS no longer had it
   │                     ├─ by_hand   this ATS has no call for it: waits for a person, who begins
   │                     │    │         (from then on a hold is too late) and closes
   │                     │    ├─ verified | archived   read back, where this ATS can be read
   │                     │    ├─ stated     nothing can be read: a named person states it
   │                     │    ├─ stale | held          changed, or held, before it was begun
   │                     │    └─ manual     given up: nobody erased it
   │                     ├─ cancelled its plan was stopped before it was sent, or begun by hand
   │                     └─ failed    it could not even be read
   └─ cancelled          its plan was refused, or stopped
"""

from __future__ import annotations

from datetime import timedelta

LIVING = ("planned", "claimed", "sent", "by_hand")
ENDED = (
    "verified",
    "archived",
    "stated",
    "residual",
    "unverifiable",
    "failed",
    "manual",
    "stale",
    "held",
    "cancelled",
)
#: Ends that a read-back proved: nothing of the record is left in the ATS.
ERASED = ("verified", "archived")
#: The same, and those that only a person's statement says: Lethe forgets them all.
FORGOTTEN = (*ERASED, "stated")
#: Ends that leave work for a person.
NEEDS_ATTENTION = ("residual", "unverifiable", "failed", "manual")

TRANSITIONS: dict[str, frozenset[str]] = {
    "planned": frozenset({"claimed", "cancelled"}),
    "claimed": frozenset(
        {
            "claimed",
            "planned",
            "sent",
            "stale",
            "held",
            "by_hand",
            "failed",
            "verified",
            "archived",
            "unverifiable",
            "cancelled",
        }
    ),
    "by_hand": frozenset(
        {"verified", "archived", "stated", "stale", "held", "manual", "cancelled"}
    ),
    "sent": frozenset(
        {
            "sent",
            "planned",
            "verified",
            "archived",
            "residual",
            "unverifiable",
            "failed",
            "stale",
            "held",
        }
    ),
}

#: Calls with an effect that may be committed for one step; a read comes before each further one.
MAX_SENDS = 3


def may(before: str, after: str) -> bool:
    """Whether a step may go from one state to the other."""
    return after in TRANSITIONS.get(before, frozenset())


def pause(attempt: int) -> timedelta:
    """How long to wait before looking again: 1 s, 2 s, 4 s … at most 5 minutes."""
    return timedelta(seconds=min(300, 2 ** min(attempt - 1, 9)))


def diagram() -> str:
    """The transitions as a Mermaid state diagram: what docs/design/erasure.md shows."""
    lines = ["stateDiagram-v2", "    [*] --> planned"]
    for before, targets in TRANSITIONS.items():
        lines += [f"    {before} --> {after}" for after in _ordered(targets) if after != before]
    lines += [f"    {state} --> [*]" for state in ENDED]
    return "\n".join(lines)


def _ordered(states: frozenset[str]) -> list[str]:
    return [state for state in (*LIVING, *ENDED) if state in states]
