"""Packs: read strictly, refused whole with the place and the fix, resolved along `extends`."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import translation

from apps.core.errors import Invalid, Missing
from apps.retention import packs
from apps.retention.labels import RULES, TRIGGERS
from apps.retention.pack_checks import KNOWN

FRANCE = (packs.directory() / "fr-cnil.yaml").read_text(encoding="utf-8")
EUROPE = (packs.directory() / "eu-default.yaml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _in_english() -> object:
    with translation.override("en"):
        yield


def refusal(text: str, name: str = "fr-cnil.yaml") -> Invalid:
    with pytest.raises(Invalid) as raised:
        packs.parse(text, name=name)
    return raised.value


def changed(old: str, new: str, text: str = FRANCE) -> str:
    assert old in text
    return text.replace(old, new, 1)


def line_of(text: str, piece: str) -> int:
    return text[: text.index(piece)].count("\n") + 1


def test_every_pack_in_the_house_resolves() -> None:
    assert len(packs.names()) == 18
    for name in packs.names():
        assert packs.resolve(name).rules
        assert packs.resolve(name).about["verify"]


def test_a_pack_governs_a_country_and_no_two_the_same() -> None:
    """Great Britain's code is GB (ISO 3166-1), whatever people say."""
    national = [name for name, _title in packs.titles("en")]
    countries = [packs.resolve(name).jurisdiction for name in national]
    wanted = "AT BE CH DE DK ES FI FR GB IE IT LU NL NO PL PT SE"
    assert " ".join(sorted(countries)) == wanted
    assert "eu-default" not in national
    assert dict(packs.titles("fr"))["de"] == "Allemagne"


def test_an_archive_entered_at_the_end_of_the_active_phase_adds_its_period() -> None:
    found = {rule.rule: rule for rule in packs.resolve("es").rules}
    archive = found["rejected.archive"]
    assert (archive.trigger, archive.duration, archive.ceiling) == (
        "process.closed",
        "P42M",  # six months, then three years
        "P60M",
    )
    assert archive.details["access_only"] == ["courts", "prosecutors", "administrations"]
    # Inherited: the active phase before it is the inheriting rule's own.
    assert found["withdrawn.archive"].trigger == "candidate.withdrew"
    assert found["withdrawn.archive"].duration == "P36M30D"


def test_a_register_of_the_law_is_shown_with_its_sources() -> None:
    (register,) = packs.resolve("pt").about["registers"]
    assert (register["period"], register["breakdown"]) == ("P5Y", "sex")
    assert register["sources"] == [
        "Código do Trabalho, artigo 32, registo de processos de recrutamento"
    ]


def test_france_takes_from_europe_what_it_does_not_say_itself() -> None:
    pack = packs.resolve("fr-cnil")
    found = {rule.rule: (rule.trigger, rule.duration, rule.ceiling) for rule in pack.rules}
    assert found == {
        "rejected": ("process.closed", "P3M", "P3M"),
        "rejected.archive": ("decision.rejected_notified", "P5Y", "P6Y"),
        "spontaneous": ("application.received", "P3M", "P2Y"),
        "talent_pool": ("last_contact", "P2Y", "P2Y"),
        "hired": ("hire.started", "P30D", "P3M"),
        "sourced": ("sourced.collected", "P1M", "P1M"),
        "sourced_informed": ("last_contact", "P6M", "P12M"),
        "withdrawn": ("candidate.withdrew", "P30D", "P3M"),
        "withdrawn.archive": ("candidate.withdrew", "P5Y", "P6Y"),
    }
    assert [rule.rule for rule in pack.rules if rule.by_hand] == ["hired"]
    assert pack.about["status"] == "draft_requires_dpo_signoff"
    assert pack.about["verify"]


def test_in_europe_nothing_is_archived() -> None:
    assert not [r for r in packs.resolve("eu-default").rules if r.rule.endswith(".archive")]


def test_every_rule_and_trigger_has_words_and_sources() -> None:
    for name in packs.names():
        for rule in packs.resolve(name).rules:
            assert rule.rule in RULES
            assert rule.trigger in TRIGGERS
            assert rule.sources


def test_the_digest_follows_every_text_it_was_resolved_from(tmp_path: Path) -> None:
    for name, text in (("fr-cnil", FRANCE), ("eu-default", EUROPE)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    before = packs.resolve("fr-cnil", folder=tmp_path).digest
    assert before == packs.resolve("fr-cnil").digest
    (tmp_path / "eu-default.yaml").write_text(EUROPE + "\n", encoding="utf-8")
    assert packs.resolve("fr-cnil", folder=tmp_path).digest != before


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("    end_action: anon", "    end_acton: anon", "rules[0].end_acton", "end_action"),
        ("default: P3M", "default: 3 months", "rules[0].active.default", "ISO 8601"),
        ("default: P3M", "default: PT72H", "rules[0].active.default", "ISO 8601"),
        ("default: P3M", "default: P4M", "rules[0].active.default", "ceiling, P3M"),
        ("default: P3M", "default: P999Y", "rules[0].active.default", "ISO 8601"),
        ("end: P5Y", "end: P7Y", "rules[0].archive.end", "ceiling, P6Y"),
        ("trigger: process.closed", "trigger: hired", "rules[0].trigger", "application.received"),
        (
            "trigger: process.closed",
            "trigger: hire.started",
            "rules[0].trigger",
            "decision.rejected_notified",
        ),
        (
            "    end_action: anonymize_or_erase",
            "    end_action: burn",
            "rules[0].end_action",
            "transfer_to_hr_file",
        ),
        (
            "    end_action: anonymize_or_erase",
            "    end_action: transfer_to_hr_file",
            "rules[0]",
            "transfer",
        ),
        (
            "      trigger: decision.rejected_notified\n",
            "",
            "rules[0].archive",
            "“trigger” is missing",
        ),
        ("jurisdiction: FR", "jurisdiction: NO", "jurisdiction", '"NO"'),
        ("version: 0.1.0", "version: 1.0", "version", '"1.0"'),
        ("version: 0.1.0", "version: 2026-01-01", "version", "quotes"),
        ("id: spontaneous", "id: rejected", "rules[1].id", "twice"),
        ("[cnil-guide]", "[cnil-gude]", "rules[1].sources", "cnil-gude"),
        ("    moves_to: talent_pool\n", "", "rules[1]", "moves_to"),
        ("category: spontaneous", "category: hired", "rules[1].category", "spontaneous"),
        ("      required: true", "      required: false", "rules[2].consent.required", "true"),
        ("id: fr-cnil", "id: fr-other", "id", "Rename"),
        ("confidence: B", "confidence: B\nconfidence: A", "confidence", "twice"),
        ("  - RGPD, art. 13", "  - &a RGPD\n  - *a", "notices[1]", "alias"),
        ("status: draft_requires_dpo_signoff", "status: signed", "status", "draft_requires"),
        ("id: rejected", "id: refused", "rules[0].id", "rejected"),
        ("sources:\n  cnil-guide", "sources:\n  1: x\n  cnil-guide", "sources.1", "quotes"),
        ("- id: last_contact", "- id: Last", "rules[0].variants[0].id", "form"),
        (
            "        trigger: last_contact\n        active",
            "        trigger: hire.started\n        active",
            "rules[0].variants[0].trigger",
            "last_contact",
        ),
        (
            "          default: P2Y\n          ceiling: P2Y\n        archive",
            "          default: P3Y\n          ceiling: P2Y\n        archive",
            "rules[0].variants[0].active.default",
            "ceiling, P2Y",
        ),
        (
            "[cnil-cycle]\n    sources",
            "[cnil]\n    sources",
            "rules[0].variants[0].sources",
            "cnil",
        ),
    ],
)
def test_a_malformed_pack_names_the_place_and_the_fix(
    old: str, new: str, key: str, said: str
) -> None:
    error = refusal(changed(old, new))
    assert error.code == "pack"
    name, line, where = str(error.field).split(":", 2)
    assert (name, where) == ("fr-cnil.yaml", key)
    assert f"line {line}" in str(error.message)
    assert said in str(error.message)


def test_the_line_is_the_line() -> None:
    text = changed(
        "      default: P2Y\n      ceiling: P2Y\n      purpose: dpv:RecruitmentManagement\n",
        "      default: never\n      ceiling: P2Y\n      purpose: dpv:RecruitmentManagement\n",
    )
    error = refusal(text)
    assert error.field == f"fr-cnil.yaml:{line_of(text, 'default: never')}:rules[2].active.default"


def test_the_message_is_in_the_readers_language() -> None:
    broken = changed("default: P3M", "default: 3 mois")
    english = str(refusal(broken).message)
    with translation.override("fr"):
        french = str(refusal(broken).message)
    assert "ISO 8601" in french
    assert french != english


@pytest.mark.parametrize(
    "text", ["", "# only words", "- a\n- b\n", "just words", "a: [1, 2", "a: b: c", "\x07"]
)
def test_what_is_no_pack_at_all_is_refused(text: str) -> None:
    assert refusal(text, "xx.yaml").code == "pack"


def test_a_pack_that_extends_itself_by_way_of_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fr-cnil.yaml").write_text(FRANCE, encoding="utf-8")
    looped = changed("jurisdiction: EU", "jurisdiction: EU\nextends: fr-cnil", EUROPE)
    (tmp_path / "eu-default.yaml").write_text(looped, encoding="utf-8")
    with pytest.raises(Invalid) as raised:
        packs.resolve("fr-cnil", folder=tmp_path)
    assert str(raised.value.field).startswith("eu-default.yaml:")
    assert "circle" in str(raised.value.message)


def test_an_unknown_base_is_refused_with_the_packs_there_are(tmp_path: Path) -> None:
    (tmp_path / "fr-cnil.yaml").write_text(FRANCE, encoding="utf-8")
    with pytest.raises(Invalid) as raised:
        packs.resolve("fr-cnil", folder=tmp_path)
    assert "eu-default" in str(raised.value.message)
    assert "fr-cnil" in str(raised.value.message)


@pytest.mark.parametrize("name", ["xx", "../policies/fr-cnil", "schema", ""])
def test_a_pack_that_is_not_there_is_missing(name: str) -> None:
    with pytest.raises(Missing):
        packs.resolve(name)


def test_the_schema_and_the_rule_know_the_same_rules() -> None:
    assert set(KNOWN) == {rule.partition(".")[0] for rule in RULES} - {"resurrected", "erasure"}


def test_a_variant_is_laid_over_its_rule_and_changes_the_digest() -> None:
    plain = packs.resolve("de")
    strict = packs.resolve("de", variants={"rejected": "strict"})
    found = {rule.rule: (rule.duration, rule.ceiling) for rule in strict.rules}
    assert found["rejected.archive"] == ("P2M", "P6M")
    assert found["rejected"] == ("P0D", "P0D")
    assert strict.about["variants"] == {"rejected": "strict"}
    assert strict.digest != plain.digest


@pytest.mark.parametrize("chosen", [{"rejected": "lax"}, {"hired": "strict"}, {"none": "strict"}])
def test_an_unknown_variant_is_refused_with_those_there_are(chosen: dict[str, str]) -> None:
    with pytest.raises(Invalid) as raised:
        packs.resolve("de", variants=chosen)
    assert "rejected=strict" in str(raised.value.message)
