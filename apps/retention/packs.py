"""Policy packs: the law of a country as data, read strictly and resolved.

A pack is YAML in fixtures/policies, its keys defined once in schema.json. A key that cannot be
interpreted refuses the pack; so does a value that contradicts another (pack_checks.py). Nothing
is half-loaded: `resolve` gives a whole pack or raises Invalid naming file, line, key and fix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core import canonical
from apps.core.errors import Invalid, Missing
from apps.retention import pack_checks, periods
from apps.retention.documents import Document, load, refuse

ARCHIVE = ".archive"
#: The trigger of an archive that begins when the active phase ends.
ENTERED = pack_checks.ENTERED
#: A pack of this jurisdiction is a base for national ones and governs nowhere by itself.
BASE = "EU"


@dataclass(frozen=True, slots=True)
class ResolvedRule:
    """One phase of one rule, ready to govern. `by_hand` rules have no period that runs."""

    rule: str
    category: str
    trigger: str
    duration: str
    ceiling: str
    purpose: str
    legal_basis: tuple[str, ...]
    end_action: str
    sources: tuple[str, ...]
    by_hand: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As `Policy.rules` keeps it, and the console and API show it."""
        named = {name: getattr(self, name) for name in self.__slots__}
        return {**named, "legal_basis": list(self.legal_basis), "sources": list(self.sources)}


@dataclass(frozen=True, slots=True)
class ResolvedPack:
    id: str
    version: str
    jurisdiction: str
    rules: tuple[ResolvedRule, ...]
    #: Title, status, confidence, notices, points to verify: for the reader.
    about: Mapping[str, Any]
    #: SHA-256 over the canonical JSON of the texts it was resolved from, and of the variants.
    digest: bytes

    def rule(self, key: str) -> ResolvedRule | None:
        return next((rule for rule in self.rules if rule.rule == key), None)


def directory() -> Path:
    return Path(settings.BASE_DIR) / "fixtures" / "policies"


def names() -> list[str]:
    """The packs that are there, by id."""
    return _names(directory())


def titles(language: str) -> list[tuple[str, str]]:
    """(id, title) of each pack that can govern a country, in the order of the titles.

    A language that packs do not speak gets English.
    """
    packs = [_read(name, directory()).data for name in names()]
    national = [pack for pack in packs if pack["jurisdiction"] != BASE]
    found = [(one["id"], one["title"].get(language, one["title"]["en"])) for one in national]
    return sorted(found, key=lambda pair: pair[1].casefold())


@lru_cache(maxsize=64)
def parse(text: str, *, name: str) -> Document:
    """One file, checked by itself and then remembered (nobody changes a Document).

    Raises Invalid naming file, line, key and fix.
    """
    document = load(text, name=name)
    pack_checks.check(document)
    return document


def resolve(
    pack_id: str, *, variants: Mapping[str, str] | None = None, folder: Path | None = None
) -> ResolvedPack:
    """A pack with what it extends, under the variant chosen for some of its rules (rule → id).

    Raises Missing for an unknown id, Invalid for a broken pack or an unknown variant.
    """
    chosen = dict(variants or {})
    chain = _chain(pack_id, folder or directory())
    raw, origin = _merged(chain)
    for rule, variant in chosen.items():
        picked = _variant(raw, rule, variant)
        raw[rule] = pack_checks.varied(raw[rule], picked) | {"variants": raw[rule]["variants"]}
    rules = [phase for key in raw for phase in _phases(raw[key], raw, origin[key])]
    own = chain[0].data
    return ResolvedPack(
        id=own["id"],
        version=own["version"],
        jurisdiction=own["jurisdiction"],
        rules=tuple(rules),
        about=_about(chain) | {"variants": chosen},
        digest=_digest(chain, chosen),
    )


def _digest(chain: Sequence[Document], chosen: Mapping[str, str]) -> bytes:
    """Of what was read, and of how where there was a choice."""
    texts: list[Any] = [one.text for one in chain]
    return hashlib.sha256(canonical.dumps([*texts, chosen] if chosen else texts)).digest()


def _variant(raw: Mapping[str, Any], rule: str, variant: str) -> Mapping[str, Any]:
    known = {key: one["variants"] for key, one in raw.items() if "variants" in one}
    found: Mapping[str, Any] | None = next(
        (one for one in known.get(rule, []) if one["id"] == variant), None
    )
    if found is None:
        names = [f"{key}={one['id']}" for key, listed in known.items() for one in listed]
        message = _("The pack has no such variant. Use one of: %(names)s.")
        said = message % {"names": ", ".join(names) or "–"}
        raise Invalid("variant", said, field="variants")
    return found


def _chain(pack_id: str, folder: Path) -> list[Document]:
    """The pack, then what it extends, then what that extends."""
    chain = [_read(pack_id, folder)]
    while "extends" in chain[-1].data:
        child = chain[-1]
        base, line = child.data["extends"], child.line(("extends",))
        if base in [one.data["id"] for one in chain]:
            problem = _("The pack extends itself, by way of “%(base)s”.") % {"base": base}
            refuse(child.name, line, "extends", problem, _("Break the circle."))
        if not (folder / f"{base}.yaml").is_file():
            problem = _("There is no pack “%(base)s”.") % {"base": base}
            fix = _("Use one of: %(names)s.") % {"names": ", ".join(_names(folder))}
            refuse(child.name, line, "extends", problem, fix)
        chain.append(_read(base, folder))
    return chain


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def _read(pack_id: str, folder: Path) -> Document:
    # Looked up by name among the files that are there: an id never makes a path.
    paths = {path.stem: path for path in folder.glob("*.yaml")}
    if pack_id not in paths:
        raise Missing("pack", _("There is no such policy pack."), field="pack")
    path = paths[pack_id]
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        refuse(path.name, 1, "", _("The file is not UTF-8."), _("Save it as UTF-8."))
    return parse(text, name=path.name)


def _merged(chain: Sequence[Document]) -> tuple[dict[str, Any], dict[str, Document]]:
    """The rules in force by id, the nearest pack's first, and where each comes from."""
    raw: dict[str, Any] = {}
    origin: dict[str, Document] = {}
    for document in chain:
        for rule in document.data["rules"]:
            raw.setdefault(rule["id"], rule)
            origin.setdefault(rule["id"], document)
    for rule in raw.values():
        notice = rule.get("on_notice_sent", {})
        for moves_to in filter(None, (rule.get("moves_to"), notice.get("moves_to"))):
            if moves_to in raw:
                continue
            document = origin[rule["id"]]
            problem = _("No rule “%(rule)s” is there to move to.") % {"rule": moves_to}
            keys = ("on_notice_sent", "moves_to") if notice else ("moves_to",)
            line = pack_checks.line_of(document, rule["id"], *keys)
            refuse(document.name, line, "moves_to", problem, _("Add that rule, or erase."))
    return raw, origin


def _phases(
    rule: Mapping[str, Any], raw: Mapping[str, Any], origin: Document
) -> list[ResolvedRule]:
    titles = origin.data.get("sources", {})
    sources = tuple(titles[name] for name in rule["sources"])
    active = rule["active"]
    shown = ("consent", "transfer", "note", "moves_to", "notice", "extend_if", "variants")
    details = {key: rule[key] for key in shown if key in rule}
    if "ceiling_requires" in active:
        details["ceiling_requires"] = active["ceiling_requires"]
    first = ResolvedRule(
        rule=rule["id"],
        category=rule["category"],
        trigger=rule["trigger"],
        duration=active["default"],
        ceiling=active["ceiling"],
        purpose=active["purpose"],
        legal_basis=tuple(active["legal_basis"]),
        end_action=rule["end_action"],
        sources=sources,
        by_hand=rule["end_action"] == "transfer_to_hr_file",
        details=details,
    )
    archive = _archive(rule, raw)
    return [first] if archive is None else [first, _second(first, archive)]


def _archive(rule: Mapping[str, Any], raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The archive of a rule. An inherited one runs from the inheriting rule's own trigger: a
    candidate who withdrew is never told of a refusal."""
    own: Mapping[str, Any] | None = rule.get("archive")
    if own is None or "inherit" not in own:
        return own
    inherited = raw.get(own["inherit"], {}).get("archive")
    if inherited is None or inherited["trigger"] == ENTERED:
        return inherited  # type: ignore[no-any-return]  # a mapping of the document, or None
    return {**inherited, "trigger": rule["trigger"]}


def _second(first: ResolvedRule, archive: Mapping[str, Any]) -> ResolvedRule:
    """The archive as a phase. One that is entered when the active phase ends runs from the
    same date as that phase, for both periods together."""
    shown = ("erasure_exception", "note", "mode", "access_only")
    entered = archive["trigger"] == ENTERED
    end, ceiling = archive["end"], archive["ceiling"]
    return ResolvedRule(
        rule=first.rule + ARCHIVE,
        category=first.category,
        trigger=first.trigger if entered else archive["trigger"],
        duration=periods.together(first.duration, end) if entered else end,
        ceiling=periods.together(first.ceiling, ceiling) if entered else ceiling,
        purpose=archive["purpose"],
        legal_basis=tuple(archive["legal_basis"]),
        end_action=first.end_action,
        sources=first.sources,
        details={key: archive[key] for key in shown if key in archive},
    )


def _about(chain: Sequence[Document]) -> dict[str, Any]:
    own = chain[0].data
    verify = [point for document in chain for point in document.data.get("verify", [])]
    return {
        "title": own["title"],
        "status": own["status"],
        "confidence": own["confidence"],
        "extends": [document.data["id"] for document in chain[1:]],
        "notices": own.get("notices", []),
        "verify": verify,
        "disposal": next((one.data["disposal"] for one in chain if "disposal" in one.data), {}),
        "registers": [_register(one, chain[0]) for one in own.get("registers", [])],
    }


def _register(register: Mapping[str, Any], origin: Document) -> dict[str, Any]:
    titles = origin.data.get("sources", {})
    return {**register, "sources": [titles[name] for name in register["sources"]]}
