"""A portfolio of invented candidates that covers every case a retention rule must meet.

Deterministic: (seed, index, today) say who it is, which case, and every date. About 30 in
100 are long expired: rejected more than three months ago, in no talent pool.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from .people import dice

Kind = Literal[
    "in_process",
    "open_and_rejected",
    "rejected_last_week",
    "rejected_months_ago",
    "rejected_years_ago",
    "rejected_several",
    "unreachable",
    "rejected_undated",
    "pool_with_consent",
    "pool_without_consent",
    "hired",
    "hired_without_start",
    "sourced_recent",
    "sourced_untold",
    "merged",
]

FIRST_CANDIDATE_ID = 40_000_000
_FIRST_APPLICATION_ID = 500_000_000
#: More ids than anybody has applications; the spare ones keep a candidate's ids together.
_APPLICATIONS_EACH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One application: days before today; None is what did not happen or is not dated."""

    applied: int
    status: Literal["in_process", "rejected", "hired"] = "in_process"
    closed: int | None = None
    starts: int | None = None
    prospect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One candidate of the portfolio, and what the demo may expect of them.

    `expired`: rejected more than three months ago, nothing open, in no pool. `rejected_on` is
    the last rejection, None if there is none or it is not dated. `merged_ids` went into it.
    """

    index: int
    remote_id: int
    kind: Kind
    paths: tuple[Path, ...]
    application_ids: tuple[int, ...]
    created_on: date
    rejected_on: date | None
    starts_on: date | None
    consent: bool
    in_pool: bool
    expired: bool
    merged_ids: tuple[int, ...] = ()


def _rejected(own: random.Random, earliest: int, latest: int) -> Path:
    closed = own.randint(latest, earliest)
    return Path(applied=closed + own.randint(10, 60), status="rejected", closed=closed)


def _in_process(own: random.Random) -> list[Path]:
    return [Path(applied=own.randint(3, 60)) for _ in range(own.choice((1, 1, 1, 2)))]


def _open_and_rejected(own: random.Random) -> list[Path]:
    return [_rejected(own, 700, 300), Path(applied=own.randint(5, 40))]


def _last_week(own: random.Random) -> list[Path]:
    older = [_rejected(own, 300, 120)] if own.random() < 0.3 else []
    return [*older, _rejected(own, 9, 4)]


def _several(own: random.Random) -> list[Path]:
    return [_rejected(own, 1500, 110) for _ in range(own.randint(2, 4))]


def _undated(own: random.Random) -> list[Path]:
    return [Path(applied=own.randint(200, 500), status="rejected")]


def _hired(own: random.Random) -> list[Path]:
    closed = own.randint(40, 300)
    starts = closed - own.randint(15, 35)
    return [Path(applied=closed + 30, status="hired", closed=closed, starts=starts)]


def _hired_without_start(own: random.Random) -> list[Path]:
    closed = own.randint(40, 300)
    return [Path(applied=closed + 30, status="hired", closed=closed)]


def _merged(own: random.Random) -> list[Path]:
    return [_rejected(own, 400, 200), Path(applied=own.randint(5, 40))]


Paths = Callable[[random.Random], list[Path]]
_PATHS: dict[Kind, Paths] = {
    "in_process": _in_process,
    "open_and_rejected": _open_and_rejected,
    "rejected_last_week": _last_week,
    "rejected_months_ago": lambda own: [_rejected(own, 150, 112)],
    "rejected_years_ago": lambda own: [_rejected(own, 2300, 1860)],
    "rejected_several": _several,
    "unreachable": lambda own: [_rejected(own, 900, 200)],
    "rejected_undated": _undated,
    "pool_with_consent": lambda own: [_rejected(own, 400, 120)],
    "pool_without_consent": lambda own: [_rejected(own, 400, 120)],
    "hired": _hired,
    "hired_without_start": _hired_without_start,
    "sourced_recent": lambda _: [Path(applied=7, prospect=True)],
    "sourced_untold": lambda own: [Path(applied=own.randint(56, 66), prospect=True)],
    "merged": _merged,
}

#: Of a hundred; `merged` is only the very first candidate of the portfolio.
_SHARES: dict[Kind, int] = {
    "in_process": 21,
    "open_and_rejected": 6,
    "rejected_last_week": 12,
    "rejected_months_ago": 14,
    "rejected_years_ago": 8,
    "rejected_several": 5,
    "unreachable": 3,
    "rejected_undated": 2,
    "pool_with_consent": 8,
    "pool_without_consent": 6,
    "hired": 6,
    "hired_without_start": 2,
    "sourced_recent": 4,
    "sourced_untold": 3,
}
_HUNDRED: tuple[Kind, ...] = tuple(kind for kind, share in _SHARES.items() for _ in range(share))
_EXPIRED = frozenset(
    {"rejected_months_ago", "rejected_years_ago", "rejected_several", "unreachable"}
)
_POOL = frozenset({"pool_with_consent", "pool_without_consent"})


def _kind(index: int) -> Kind:
    # 37 and 100 share no divisor: a step of 37 visits every place of the hundred once.
    return "merged" if index == 0 else _HUNDRED[index * 37 % 100]


def case(seed: int, index: int, today: date, *, kind: Kind | None = None) -> Case:
    """The case of one index; `kind` overrides which it would be."""
    chosen = kind or _kind(index)
    paths = tuple(_PATHS[chosen](dice(seed, index, "case")))
    first = _FIRST_APPLICATION_ID + index * _APPLICATIONS_EACH
    closed = [path.closed for path in paths if path.status == "rejected" and path.closed]
    starts = [path.starts for path in paths if path.starts is not None]
    remote_id = FIRST_CANDIDATE_ID + index
    return Case(
        index=index,
        remote_id=remote_id,
        kind=chosen,
        paths=paths,
        application_ids=tuple(range(first, first + len(paths))),
        created_on=today - timedelta(days=max(path.applied for path in paths)),
        rejected_on=today - timedelta(days=min(closed)) if closed else None,
        starts_on=today - timedelta(days=min(starts)) if starts else None,
        consent=chosen == "pool_with_consent",
        in_pool=chosen in _POOL,
        expired=chosen in _EXPIRED,
        # The duplicate's id lies far outside the others; it is gone before anybody asks.
        merged_ids=(remote_id - FIRST_CANDIDATE_ID // 2,) if chosen == "merged" else (),
    )


def cases(seed: int, n: int, today: date, *, start: int = 0) -> list[Case]:
    """The cases of the candidates `start` to `start + n - 1`."""
    return [case(seed, index, today) for index in range(start, start + n)]
