"""Worlds that hypothesis invents: messy ones, orderly ones, and drafts of a policy for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from hypothesis import strategies as st

from apps.retention import facts
from apps.retention.hold_rules import Query
from apps.retention.meanings import MEANINGS, Entry
from apps.retention.simulating import Departure
from tests.retention.builders import ACell, AnApplication, APerson, ARecord, World

#: Few days, so that ties, clamps and boundary days come often.
DAYS = [
    date(2025, 11, 28),
    date(2025, 11, 29),
    date(2025, 11, 30),
    date(2026, 2, 28),
    date(2026, 3, 1),
    date(2024, 2, 29),
    date(2021, 3, 1),
    date(2026, 5, 31),
    date(2027, 1, 1),
]
AS_OF = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2), date(2026, 6, 1), date(2031, 3, 2)]
PERIODS = ["", "P0D", "P30D", "P1M", "P3M", "P2Y", "P5Y"]
CELLS = [
    (
        "rejected",
        ["process.closed", "decision.rejected_notified", "last_contact", "application.received"],
    ),
    ("rejected.archive", ["decision.rejected_notified", "process.closed"]),
    ("withdrawn", ["candidate.withdrew"]),
    ("withdrawn.archive", ["candidate.withdrew"]),
    ("spontaneous", ["application.received"]),
    ("talent_pool", ["last_contact", "consent.given"]),
    ("sourced", ["sourced.collected"]),
    ("sourced_informed", ["last_contact"]),
]

days = st.sampled_from(DAYS)
dated = st.one_of(
    st.just((None, "missing")),
    st.tuples(days, st.sampled_from(["exact", "approximate", "missing"])),
)
words = st.sampled_from(
    [("", "", "")] * 3
    + [("Clos", "", ""), ("Clos", "Vivier", "Parti"), ("", "Vivier", ""), ("Ok", "Vivier", "Parti")]
)
mappings = st.lists(
    st.sampled_from(
        [
            Entry("status", word, meaning)
            for word in ("Clos", "Ok")
            for meaning in MEANINGS["status"]
        ]
        + [Entry("stage", "Vivier", meaning) for meaning in MEANINGS["stage"]]
        + [Entry("reason", "Parti", meaning) for meaning in MEANINGS["reason"]]
    ),
    unique_by=lambda one: (one.kind, one.word),
    max_size=4,
).map(tuple)
countries = st.sampled_from(["FR", "FR", "FR", "BE", ""])
applications = st.builds(
    AnApplication,
    state=st.sampled_from(
        ["open", "rejected", "rejected", "hired", "withdrawn", "converted", "unknown"]
    ),
    prospect=st.booleans(),
    job=st.sampled_from(["77", ""]),
    country=countries,
    applied=dated,
    closed=dated,
    notified=dated,
    words=words,
)
records = st.builds(
    ARecord,
    state=st.sampled_from(["present", "present", "present", "gone", "erased", "resurrected"]),
    origin=st.sampled_from(["applied", "sourced"]),
    at_home=st.booleans(),
    version=st.integers(1, 3),
    collected=dated,
    seen=days,
    applications=st.lists(applications, max_size=4).map(tuple),
)
people = st.builds(
    APerson,
    records=st.lists(records, min_size=1, max_size=3).map(tuple),
    merged=st.sampled_from([0, 0, 1, 2]),
    said=st.lists(
        st.tuples(st.sampled_from(["given", "given", "renewed", "withdrawn", "expired"]), days),
        max_size=3,
    ).map(tuple),
    held=st.sampled_from([False, False, False, True]),
    contacted=st.lists(days, max_size=2).map(tuple),
    informed=st.one_of(st.none(), days),
    restricted=st.sampled_from([False, False, False, True]),
    erasure=st.one_of(st.none(), st.none(), days),
)


@st.composite
def cells(draw: st.DrawFn) -> tuple[ACell, ...]:
    chosen = draw(st.lists(st.sampled_from(CELLS), unique_by=lambda one: one[0], min_size=3))
    return tuple(
        ACell(
            country,
            rule,
            draw(st.sampled_from(triggers)),
            tuple(draw(st.lists(st.tuples(days, st.sampled_from(PERIODS)), max_size=3))),
            job,
            draw(st.booleans()),
        )
        for rule, triggers in chosen
        for job in draw(st.sampled_from([("",), ("",), ("", "77"), ("77",)]))
        for country in draw(st.sampled_from([("FR",), ("FR",), ("FR", "BE")]))
    )


queries = st.builds(
    Query,
    countries=st.sampled_from([(), (), ("FR",), ("BE", "FR")]),
    jobs=st.sampled_from([(), (), ("77",), ("78",)]),
    states=st.sampled_from([(), ("rejected",), ("open", "withdrawn")]),
    applied_from=st.one_of(st.none(), days),
    applied_until=st.one_of(st.none(), days),
)
asked = st.one_of(st.none(), st.none(), queries)

messy = st.builds(
    World,
    people=st.lists(people, min_size=1, max_size=5).map(tuple),
    cells=cells(),
    query=asked,
    away=st.booleans(),
    mapping=mappings,
)

# In messy worlds most records are undecided. In orderly ones every case has a rule and a date,
# so that grounds end, tie and outlive each other.
EARLY = date(2021, 1, 1)
known = st.tuples(days, st.sampled_from(["exact", "exact", "approximate"]))
decided_applications = st.builds(
    AnApplication,
    state=st.sampled_from(["rejected", "rejected", "withdrawn", "open"]),
    prospect=st.sampled_from([False, False, True]),
    job=st.sampled_from(["77", "78", "", ""]),
    # Before it ended, but for a few that contradict themselves.
    applied=st.one_of(st.just((date(2021, 2, 28), "exact")), known),
    closed=known,
    notified=known,
    words=words,
)
decided_records = st.builds(
    ARecord,
    collected=known,
    seen=days,
    state=st.sampled_from(["present"] * 5 + ["resurrected"]),
    applications=st.lists(decided_applications, min_size=1, max_size=3).map(tuple),
)
decided_people = st.builds(
    APerson,
    records=st.lists(decided_records, min_size=1, max_size=2).map(tuple),
    merged=st.sampled_from([0, 0, 0, 1]),
    said=st.lists(st.tuples(st.just("given"), days), max_size=1).map(tuple),
    held=st.sampled_from([False] * 5 + [True]),
    contacted=st.lists(days, max_size=1).map(tuple),
    informed=st.one_of(st.none(), days),
    restricted=st.sampled_from([False] * 7 + [True]),
    erasure=st.one_of(st.none(), st.none(), st.none(), days),
)
in_force = st.sampled_from(["", "P0D", "P3M", "P3M", "P2Y"]).map(lambda p: ((EARLY, p),))


@st.composite
def governed(draw: st.DrawFn) -> tuple[ACell, ...]:
    """Every rule in France, and some of them for one job too."""
    found = [
        ACell("FR", rule, draw(st.sampled_from(triggers)), draw(in_force), "", draw(st.booleans()))
        for rule, triggers in CELLS
    ]
    apart = draw(st.sets(st.sampled_from(found), max_size=2))
    return (
        *found,
        *(replace(one, job="77", periods=draw(in_force)) for one in found if one in apart),
    )


orderly = st.builds(
    World,
    people=st.lists(decided_people, min_size=2, max_size=6).map(tuple),
    cells=governed(),
    query=asked,
    away=st.booleans(),
    mapping=mappings,
)
worlds = st.one_of(orderly, messy)


@dataclass(frozen=True)
class ARule:
    rule: str
    trigger: str
    duration: str
    outlives: bool = False

    def as_rule(self) -> dict[str, object]:
        details = {"erasure_exception": "eu-gdpr:A17-3-e"} if self.outlives else {}
        return {
            "rule": self.rule,
            "category": "-",
            "trigger": self.trigger,
            "duration": self.duration,
            "by_hand": False,
            "details": details,
        }


@dataclass(frozen=True)
class Draft:
    rules: tuple[ARule, ...]
    departure: Departure | None = None


def as_it_is(as_of: date) -> Draft:
    """The cells that are there with the periods in force: stored grounds are judged again."""
    governing = facts.periods(as_of)
    own = [one for one in facts.cells() if one.country == "FR" and not one.job]
    return Draft(
        tuple(ARule(one.rule, one.trigger, governing.get(one.pk, ""), one.outlives) for one in own)
    )


NO_JOB = ("talent_pool", "spontaneous")


@st.composite
def _drafts(draw: st.DrawFn) -> Draft:
    chosen = draw(st.lists(st.sampled_from(CELLS), unique_by=lambda one: one[0], min_size=3))
    made = tuple(
        ARule(
            rule,
            draw(st.sampled_from(triggers)),
            draw(st.sampled_from(PERIODS)),
            draw(st.booleans()),
        )
        for rule, triggers in chosen
    )
    departs = st.builds(
        Departure,
        rule=st.sampled_from([rule for rule, _triggers in chosen if rule not in NO_JOB]),
        duration=st.sampled_from(PERIODS),
        job=st.sampled_from(["", "77"]),
    )
    named = any(rule not in NO_JOB for rule, _triggers in chosen)
    return Draft(made, draw(st.one_of(st.none(), departs)) if named else None)


drafts = _drafts()
