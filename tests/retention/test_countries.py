"""Every rule of every pack with a worked example, on both sides of its last day.

One line: pack, rule, what it runs from, its period, a day it runs from, the last day the record
is kept by it. Worked out by hand-written calendar arithmetic, not by the code under test: months
first and clamped to the month's end, then days; never moved to a working day.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from apps.retention import derivation, facts, packs, rules
from apps.retention.derivation import ApplicationFacts, Dated, Facts
from apps.retention.rules import Judged

EXAMPLES = """
at      rejected          decision.rejected_notified P0D     2024-02-29 2024-02-29
at      rejected.archive  decision.rejected_notified P7M     2025-08-31 2026-03-31
at      spontaneous       application.received       P6M     2026-11-30 2027-05-30
at      talent_pool       consent.given              P12M    2026-01-31 2027-01-31
at      sourced           sourced.collected          P1M     2027-12-31 2028-01-31
at      sourced_informed  last_contact               P6M     2024-02-29 2024-08-29
at      withdrawn         candidate.withdrew         P30D    2023-02-28 2023-03-30
at      withdrawn.archive candidate.withdrew         P7M     2025-03-30 2025-10-30
be      rejected          decision.rejected_notified P6M     2024-02-29 2024-08-29
be      spontaneous       application.received       P6M     2025-08-31 2026-02-28
be      talent_pool       consent.given              P12M    2026-11-30 2027-11-30
be      sourced           sourced.collected          P1M     2026-01-31 2026-02-28
be      sourced_informed  last_contact               P6M     2025-08-31 2026-02-28
be      withdrawn         candidate.withdrew         P30D    2027-12-31 2028-01-30
ch      rejected          process.closed             P3M     2023-02-28 2023-05-28
ch      spontaneous       application.received       P6M     2025-03-30 2025-09-30
ch      talent_pool       consent.given              P12M    2024-02-29 2025-02-28
ch      sourced           sourced.collected          P1M     2025-08-31 2025-09-30
ch      sourced_informed  last_contact               P6M     2026-11-30 2027-05-30
ch      withdrawn         candidate.withdrew         P30D    2026-11-30 2026-12-30
de      rejected          decision.rejected_notified P0D     2026-01-31 2026-01-31
de      rejected.archive  decision.rejected_notified P6M     2027-12-31 2028-06-30
de      talent_pool       consent.given              P12M    2023-02-28 2024-02-28
de      spontaneous       application.received       P6M     2025-03-30 2025-09-30
de      sourced           sourced.collected          P1M     2024-02-29 2024-03-29
de      sourced_informed  last_contact               P6M     2026-01-31 2026-07-31
de      withdrawn         candidate.withdrew         P30D    2025-08-31 2025-09-30
de      withdrawn.archive candidate.withdrew         P6M     2026-11-30 2027-05-30
dk      rejected          process.closed             P6M     2026-01-31 2026-07-31
dk      spontaneous       application.received       P6M     2027-12-31 2028-06-30
dk      talent_pool       consent.given              P12M    2023-02-28 2024-02-28
dk      sourced           sourced.collected          P1M     2025-03-30 2025-04-30
dk      sourced_informed  last_contact               P6M     2027-12-31 2028-06-30
dk      withdrawn         candidate.withdrew         P30D    2024-02-29 2024-03-30
es      rejected          process.closed             P6M     2025-08-31 2026-02-28
es      rejected.archive  process.closed             P42M    2026-11-30 2030-05-30
es      spontaneous       application.received       P6M     2026-01-31 2026-07-31
es      talent_pool       consent.given              P12M    2027-12-31 2028-12-31
es      sourced           sourced.collected          P1M     2023-02-28 2023-03-28
es      sourced_informed  last_contact               P6M     2023-02-28 2023-08-28
es      withdrawn         candidate.withdrew         P30D    2025-03-30 2025-04-29
es      withdrawn.archive candidate.withdrew         P36M30D 2024-02-29 2027-03-30
fi      rejected          decision.rejected_notified P12M    2025-08-31 2026-08-31
fi      spontaneous       application.received       P6M     2026-11-30 2027-05-30
fi      talent_pool       consent.given              P12M    2026-01-31 2027-01-31
fi      sourced           sourced.collected          P1M     2027-12-31 2028-01-31
fi      sourced_informed  last_contact               P6M     2023-08-31 2024-02-29
fi      withdrawn         candidate.withdrew         P30D    2023-02-28 2023-03-30
fr-cnil rejected          process.closed             P3M     2025-03-30 2025-06-30
fr-cnil rejected.archive  decision.rejected_notified P5Y     2024-02-29 2029-02-28
fr-cnil spontaneous       application.received       P3M     2025-08-31 2025-11-30
fr-cnil talent_pool       last_contact               P2Y     2026-11-30 2028-11-30
fr-cnil sourced           sourced.collected          P1M     2026-01-31 2026-02-28
fr-cnil sourced_informed  last_contact               P6M     2025-03-30 2025-09-30
fr-cnil withdrawn         candidate.withdrew         P30D    2027-12-31 2028-01-30
fr-cnil withdrawn.archive candidate.withdrew         P5Y     2023-02-28 2028-02-28
ie      rejected          decision.rejected_notified P12M    2025-03-30 2026-03-30
ie      spontaneous       application.received       P6M     2024-02-29 2024-08-29
ie      talent_pool       consent.given              P12M    2025-08-31 2026-08-31
ie      sourced           sourced.collected          P1M     2026-11-30 2026-12-30
ie      sourced_informed  last_contact               P6M     2024-02-29 2024-08-29
ie      withdrawn         candidate.withdrew         P30D    2026-01-31 2026-03-02
it      rejected          process.closed             P12M    2027-12-31 2028-12-31
it      spontaneous       application.received       P6M     2023-02-28 2023-08-28
it      talent_pool       consent.given              P12M    2025-03-30 2026-03-30
it      sourced           sourced.collected          P1M     2024-02-29 2024-03-29
it      sourced_informed  last_contact               P6M     2025-08-31 2026-02-28
it      withdrawn         candidate.withdrew         P30D    2025-08-31 2025-09-30
lu      rejected          decision.rejected_notified P6M     2026-11-30 2027-05-30
lu      spontaneous       application.received       P6M     2026-01-31 2026-07-31
lu      talent_pool       consent.given              P12M    2027-12-31 2028-12-31
lu      sourced           sourced.collected          P1M     2023-02-28 2023-03-28
lu      sourced_informed  last_contact               P6M     2026-11-30 2027-05-30
lu      withdrawn         candidate.withdrew         P30D    2025-03-30 2025-04-29
nl      rejected          process.closed             P28D    2024-02-29 2024-03-28
nl      talent_pool       consent.given              P1Y     2025-08-31 2026-08-31
nl      spontaneous       application.received       P6M     2026-11-30 2027-05-30
nl      sourced           sourced.collected          P1M     2026-01-31 2026-02-28
nl      sourced_informed  last_contact               P6M     2026-01-31 2026-07-31
nl      withdrawn         candidate.withdrew         P30D    2027-12-31 2028-01-30
no      rejected          process.closed             P6M     2023-02-28 2023-08-28
no      spontaneous       application.received       P6M     2025-03-30 2025-09-30
no      talent_pool       consent.given              P12M    2024-02-29 2025-02-28
no      sourced           sourced.collected          P1M     2025-08-31 2025-09-30
no      sourced_informed  last_contact               P6M     2027-12-31 2028-06-30
no      withdrawn         candidate.withdrew         P30D    2026-11-30 2026-12-30
pl      rejected          process.closed             P6M     2026-01-31 2026-07-31
pl      spontaneous       application.received       P6M     2027-12-31 2028-06-30
pl      talent_pool       consent.given              P12M    2023-02-28 2024-02-28
pl      sourced           sourced.collected          P1M     2025-03-30 2025-04-30
pl      sourced_informed  last_contact               P6M     2023-02-28 2023-08-28
pl      withdrawn         candidate.withdrew         P30D    2024-02-29 2024-03-30
pt      rejected          process.closed             P12M    2025-08-31 2026-08-31
pt      spontaneous       application.received       P6M     2026-11-30 2027-05-30
pt      talent_pool       consent.given              P12M    2026-01-31 2027-01-31
pt      sourced           sourced.collected          P1M     2027-12-31 2028-01-31
pt      sourced_informed  last_contact               P6M     2023-08-31 2024-02-29
pt      withdrawn         candidate.withdrew         P30D    2023-02-28 2023-03-30
se      rejected          decision.rejected_notified P2Y     2025-03-30 2027-03-30
se      spontaneous       application.received       P6M     2024-02-29 2024-08-29
se      talent_pool       consent.given              P12M    2025-08-31 2026-08-31
se      sourced           sourced.collected          P1M     2026-11-30 2026-12-30
se      sourced_informed  last_contact               P6M     2025-03-30 2025-09-30
se      withdrawn         candidate.withdrew         P30D    2026-01-31 2026-03-02
uk      rejected          decision.rejected_notified P0D     2027-12-31 2027-12-31
uk      rejected.archive  decision.rejected_notified P6M     2023-02-28 2023-08-28
uk      spontaneous       application.received       P6M     2025-03-30 2025-09-30
uk      talent_pool       consent.given              P12M    2024-02-29 2025-02-28
uk      sourced           sourced.collected          P1M     2025-08-31 2025-09-30
uk      sourced_informed  last_contact               P6M     2024-02-29 2024-08-29
uk      withdrawn         candidate.withdrew         P30D    2026-11-30 2026-12-30
uk      withdrawn.archive candidate.withdrew         P6M     2026-01-31 2026-07-31
"""
#: pack, rule, variant; then as above.
VARIANTS = """
at      rejected=received     rejected.archive application.received       P7M 2025-08-31 2026-03-31
de      rejected=strict       rejected.archive decision.rejected_notified P2M 2025-12-31 2026-02-28
fr-cnil rejected=last_contact rejected         last_contact               P2Y 2024-02-29 2026-02-28
uk      rejected=era2025      rejected.archive decision.rejected_notified P12M 2024-02-29 2025-02-28
"""
ID = UUID(int=1)
BLANK = ApplicationFacts(ID, "rejected", job="77")

Example = tuple[str, str, str, str, date, date]


def _examples() -> list[Example]:
    found = []
    for line in EXAMPLES.strip().splitlines():
        pack, rule, trigger, duration, anchor, last = line.split()
        dates = (date.fromisoformat(anchor), date.fromisoformat(last))
        found.append((pack, rule, trigger, duration, *dates))
    return found


def _person(rule: str, on: date) -> Facts:
    """Somebody for whom the rule runs from that day."""
    day = Dated(on)
    applications = {
        "rejected": replace(BLANK, applied=day, closed=day, rejected_notified=day),
        "withdrawn": replace(BLANK, state="withdrawn", closed=day),
        "spontaneous": replace(BLANK, state="open", job="", applied=day),
    }
    one = applications.get(rule.partition(".")[0])
    return Facts(
        record_id=ID,
        origin="sourced" if rule in {"sourced", "sourced_informed"} else "applied",
        collected=day if rule == "sourced" else None,
        informed_on=on if rule == "sourced_informed" else None,
        consented_on=on if rule == "talent_pool" else None,
        applications=() if one is None else (one,),
    )


def _judged(
    pack: str,
    rule: str,
    anchor: date,
    *,
    as_of: date,
    variants: dict[str, str] | None = None,
) -> list[Judged]:
    """What the pure rule says of each ground of that person under this pack alone."""
    found = packs.resolve(pack, variants=variants)
    numbered = [(n, one) for n, one in enumerate(found.rules) if not one.by_hand]
    country = found.jurisdiction
    book = facts.book_of(facts.Place(n, country, one.rule, one.trigger) for n, one in numbered)
    person = replace(_person(rule, anchor), country=country)
    periods = {n: one.duration for n, one in numbered}
    decision = rules.decide(derivation.grounds(person, book), periods, held=False, as_of=as_of)
    assert decision.deciding is not None
    return [decision.deciding, *decision.others]


@pytest.mark.parametrize("example", _examples(), ids=lambda one: f"{one[0]}-{one[1]}")
def test_a_rule_of_a_pack_keeps_through_its_last_day_and_no_longer(example: Example) -> None:
    pack, rule, trigger, duration, anchor, last = example
    for as_of, status in ((last, "living"), (last + timedelta(days=1), "ended")):
        judged = _judged(pack, rule, anchor, as_of=as_of)
        one = next(judged for judged in judged if judged.ground.rule == rule)
        assert (one.ground.trigger, one.duration) == (trigger, duration)
        assert (one.ends_on, one.status) == (last, status)


@pytest.mark.parametrize("line", VARIANTS.strip().splitlines(), ids=lambda one: one.split()[1])
def test_a_variant_keeps_through_its_last_day_and_no_longer(line: str) -> None:
    pack, chosen, rule, trigger, duration, *dates = line.split()
    anchor, last = map(date.fromisoformat, dates)
    variants = dict([chosen.split("=")])
    for as_of, status in ((last, "living"), (last + timedelta(days=1), "ended")):
        judged = _judged(pack, rule, anchor, as_of=as_of, variants=variants)
        one = next(judged for judged in judged if judged.ground.rule == rule)
        assert (one.ground.trigger, one.duration) == (trigger, duration)
        assert (one.ends_on, one.status) == (last, status)


def test_every_variant_has_its_example() -> None:
    wanted = {
        (name, f"{one.rule}={variant['id']}")
        for name, _title in packs.titles("en")
        for one in packs.resolve(name).rules
        for variant in one.details.get("variants", [])
    }
    assert wanted == {tuple(line.split()[:2]) for line in VARIANTS.strip().splitlines()}


def test_every_rule_with_a_period_has_its_example() -> None:
    wanted = {
        (name, one.rule)
        for name, _title in packs.titles("en")
        for one in packs.resolve(name).rules
        if not one.by_hand
    }
    assert wanted == {(pack, rule) for pack, rule, *_ in _examples()}


@pytest.mark.parametrize("pack", [name for name, _title in packs.titles("en")])
def test_whoever_is_hired_is_kept_for_a_transfer_by_hand(pack: str) -> None:
    found = packs.resolve(pack)
    country = found.jurisdiction
    book = facts.book_of(
        facts.Place(n, country, one.rule, one.trigger) for n, one in enumerate(found.rules)
    )
    hired = replace(BLANK, state="hired", hire_started=Dated(date(2020, 1, 1)))
    person = Facts(ID, country=country, applications=(hired,))
    periods = {n: one.duration for n, one in enumerate(found.rules)}
    for as_of in (date(2020, 1, 1), date(2040, 1, 1)):
        decision = rules.decide(derivation.grounds(person, book), periods, held=False, as_of=as_of)
        assert decision.outcome == "kept"


def _decided(pack: str, person: Facts, as_of: date) -> rules.Decision:
    found = packs.resolve(pack)
    numbered = [(n, one) for n, one in enumerate(found.rules) if not one.by_hand]
    country = found.jurisdiction
    book = facts.book_of(facts.Place(n, country, one.rule, one.trigger) for n, one in numbered)
    grounds = derivation.grounds(replace(person, country=country), book)
    periods = {n: one.duration for n, one in numbered}
    return rules.decide(grounds, periods, held=False, as_of=as_of)


EVERY_PACK = pytest.mark.parametrize("pack", [name for name, _title in packs.titles("en")])
REFUSED = date(2024, 2, 29)


def _kept_until(pack: str, rule: str, anchor: date) -> date:
    (judged,) = [
        one for one in _judged(pack, rule, anchor, as_of=anchor) if one.ground.rule == rule
    ]
    assert judged.ends_on is not None
    return judged.ends_on


@EVERY_PACK
def test_a_consent_keeps_and_once_withdrawn_the_rest_decides_as_if_it_had_never_been(
    pack: str,
) -> None:
    refused = _person("rejected", REFUSED)
    said = date(2031, 8, 31)  # later than any evidence archive
    last = _kept_until(pack, "talent_pool", said)
    willing = replace(refused, consented_on=said)
    for as_of, outcome in ((said, "kept"), (last, "kept"), (last + timedelta(days=1), "due")):
        assert _decided(pack, willing, as_of).outcome == outcome
    assert _decided(pack, refused, said).outcome == "due"


@EVERY_PACK
def test_a_reopened_application_keeps_whatever_had_ended(pack: str) -> None:
    refused = _person("rejected", REFUSED)
    again = ApplicationFacts(UUID(int=2), "open", job="78", applied=Dated(date(2024, 3, 1)))
    reopened = replace(refused, applications=(*refused.applications, again))
    for as_of in (date(2024, 3, 1), date(2040, 1, 1)):
        assert _decided(pack, reopened, as_of).outcome == "kept"
    assert _decided(pack, refused, date(2040, 1, 1)).outcome == "due"


@EVERY_PACK
def test_of_people_merged_the_applications_stay_those_of_each_record_and_the_word_is_for_all(
    pack: str,
) -> None:
    """A record keeps its own clock; a consent, a hold and a contact are the person's."""
    early, late = _person("rejected", REFUSED), _person("rejected", date(2024, 3, 1))
    first = _kept_until(pack, "rejected", REFUSED)
    assert _decided(pack, early, first + timedelta(days=1)).outcome in {"due", "archive"}
    assert _decided(pack, late, first + timedelta(days=1)).outcome == "kept"
    said = date(2031, 8, 31)
    for record in (early, late):
        assert _decided(pack, replace(record, consented_on=said), said).outcome == "kept"
