"""What the words of an ATS mean: those nobody mapped first, seen on the records before saving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.connectors import selectors as connectors
from apps.connectors import services as connections
from apps.connectors.models import Connection, Vendor
from apps.console import badges, people
from apps.console.doors import attempt, page, staff_page, today
from apps.console.forms import TagsForm
from apps.console.staff import StaffRequest
from apps.core.errors import DomainError, Missing
from apps.retention import labels, mapped, mapping, meanings
from apps.retention import services as retention
from apps.retention.mapped import Word
from apps.retention.meanings import Entry, Kind, Meaning

KINDS = {
    "status": (
        gettext_lazy("Statuses"),
        gettext_lazy("What the ATS says an application is."),
    ),
    "stage": (
        gettext_lazy("Stages"),
        gettext_lazy("Where it stands; they count while it is in process or unknown."),
    ),
    "reason": (
        gettext_lazy("Reasons of refusal"),
        gettext_lazy("Some say that the candidate left: that period runs from another day."),
    ),
}
#: A page lists this many words of a kind; an ATS has some dozens.
MOST = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One word with the place of its answer in the form."""

    number: int
    word: Word
    #: What its applications are now, and how many of them.
    now: Sequence[tuple[badges.Badge, int]]
    chosen: Meaning | str
    choices: Sequence[tuple[str, object]]


@dataclass(frozen=True, slots=True)
class Section:
    title: object
    help: object
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Effect:
    was: badges.Badge
    becomes: badges.Badge
    records: int
    same: bool
    examples: Sequence[tuple[UUID, str]]


@staff_page("GET", "POST")
def show(request: StaffRequest, connection_id: UUID) -> HttpResponse:
    """The words; with "preview" what other meanings would do, with "save" they are written."""
    connection = _connection(connection_id)
    if request.method != "POST":
        return _show(request, connection)
    entries, upon = _asked(request.POST)
    try:
        if "save" not in request.POST:
            found = mapping.preview(
                connection_id=connection.pk, entries=entries, as_of=today(request)
            )
            return _show(request, connection, entries, Shown(found))
        made = retention.change_mapping(
            actor=request.staff.actor, connection_id=connection.pk, entries=entries, version=upon
        )
    except DomainError as error:
        refused = Shown(error=str(error.message), status=422)
        return _show(request, connection, entries, refused)
    said = ngettext(
        "Saved as version %(version)d with %(count)d word.",
        "Saved as version %(version)d with %(count)d words.",
        len(entries),
    )
    messages.success(request, said % {"version": made.version, "count": len(entries)})
    return redirect("console:mapping", connection.pk)


@staff_page("POST")
def tags(request: StaffRequest, connection_id: UUID) -> HttpResponse:
    """The tags that mark somebody for the talent pool; the ATS is then read from its beginning."""
    require_role(request.staff.actor, Role.RECOPS, Role.DPO)
    connection = _connection(connection_id)
    form = TagsForm(request.POST)
    saved = attempt(
        form,
        lambda: connections.change(
            actor=request.staff.actor,
            connection_id=connection.pk,
            values={"pool_tags": form.tags()},
        ),
    )
    if not saved:
        return _show(request, connection, shown=Shown(form=form, status=422))
    messages.success(request, _("Saved. The ATS is read again from its beginning for them."))
    return redirect("console:mapping", connection.pk)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows besides the words: an effect, or what was refused."""

    found: mapping.Preview | None = None
    error: str = ""
    form: TagsForm | None = None
    status: int = 200


def _show(
    request: StaffRequest,
    connection: Connection,
    entries: Sequence[Entry] | None = None,
    shown: Shown = Shown(),
) -> HttpResponse:
    version = mapped.current(connection.pk)
    entries = mapped.entries(version) if entries is None else entries
    words = _all_words(connection.pk, entries)
    context = {
        "connection": connection,
        "version": version,
        "sections": _sections(words, entries),
        "unmapped": sum(one.undecided for one in words if one.meaning is None),
        "found": shown.found,
        "effects": _effects(shown.found) if shown.found else (),
        "changed": set(entries) != set(mapped.entries(version)),
        "error": shown.error,
        "reads_tags": connection.vendor != Vendor.CSV,
        "tags": shown.form or TagsForm(initial={"pool_tags": ", ".join(connection.pool_tags)}),
    }
    return page(request, "console/mapping.html", context, status=shown.status)


def _connection(connection_id: UUID) -> Connection:
    found = next((one for one in connectors.connections() if one.pk == connection_id), None)
    if found is None:
        raise Missing("connection", _("There is no such connection."))
    return found


def _all_words(connection_id: UUID, entries: Sequence[Entry]) -> list[Word]:
    """With those that were mapped and that no application says any more."""
    found = mapped.words(connection_id)
    said = {(one.kind, one.word) for one in found}
    rest = (one for one in entries if (one.kind, one.word) not in said)
    return found + [Word(one.kind, one.word, one.meaning, 0, {}) for one in rest]


def _sections(words: Sequence[Word], entries: Sequence[Entry]) -> list[Section]:
    chosen = meanings.table(entries)
    rows = [
        Row(
            number,
            word,
            [(badges.of("application", state), count) for state, count in word.now.items()],
            chosen.get((word.kind, word.word), ""),
            [(one, labels.MEANINGS[one]) for one in meanings.MEANINGS[word.kind]],
        )
        for number, word in enumerate(words)
    ]
    return [
        Section(title, text, of_kind[:MOST])
        for kind, (title, text) in KINDS.items()
        if (of_kind := [one for one in rows if one.word.kind == kind])
    ]


def _asked(given: QueryDict) -> tuple[tuple[Entry, ...], int]:
    """The words with a meaning, and the version that was shown."""
    found = []
    for name in given:
        number = name.removeprefix("meaning.")
        if number == name or not given[name]:
            continue
        kind = cast("Kind", given.get(f"kind.{number}", ""))
        word = given.get(f"word.{number}", "")
        found.append(Entry(kind, word, cast("Meaning", given[name])))
    upon = given.get("version", "")
    return tuple(found), int(upon) if upon.isdecimal() else 0


def _effects(found: mapping.Preview) -> list[Effect]:
    names = people.of_records([pk for one in found.moved for pk in one.examples])
    return [
        Effect(
            badges.of("outcome", one.was),
            badges.of("outcome", one.becomes),
            one.records,
            one.was == one.becomes,
            [(pk, names[pk].name) for pk in one.examples],
        )
        for one in found.moved
    ]
