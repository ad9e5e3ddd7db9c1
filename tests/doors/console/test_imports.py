"""A CSV file: checked line by line, good lines taken, the others given back; nothing left lying."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core.files import temp
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.connectors.models import Connection
from apps.console import uploads
from apps.core import scope
from apps.subjects.models import Record
from tests.doors.console.house import House, text

HEADINGS = "id;first name;last name;email;status;date applied;rejection date"
GOOD = "501;Zoe;Vandrelune;zoe.vandrelune@example.org;rejected;01/02/2025;10/03/2025"
BAD = "502;Leo;Quartzin;leo.quartzin@@example;rejected;01/02/2025;10/03/2025"


def _file(*lines: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("export.csv", "\n".join([HEADINGS, *lines]).encode())


def _check(client: Client, connection_id: UUID, file: SimpleUploadedFile) -> Any:
    return client.post(f"/connections/{connection_id}/import/check/", {"file": file})


def _form(page: str) -> dict[str, str]:
    """What the page's own form would send."""
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)
    assert sealed
    selects = re.findall(r'<select [^>]*name="(column_\w+)">(.*?)</select>', page, re.DOTALL)
    chosen = {name: re.search(r'value="([^"]+)" selected', body) for name, body in selects}
    return {"sealed": sealed[1], **{name: found[1] for name, found in chosen.items() if found}}


def _records(house: House) -> int:
    with scope.enter(house.nordlys.id):
        return Record.objects.count()


def test_a_dry_run_tells_each_bad_line_and_keeps_nothing(house: House, rik: Client) -> None:
    before = _records(house)
    page = text(_check(rik, house.connection.pk, _file(GOOD, BAD)))
    assert "Take the 1 good line" in page
    assert "Write the e-mail as" in page
    assert _records(house) == before


def test_the_file_in_the_page_is_sealed(house: House, rik: Client) -> None:
    page = text(_check(rik, house.connection.pk, _file(GOOD)))
    assert "vandrelune" not in page.lower()


def test_good_lines_are_taken_and_bad_ones_given_back(house: House, rik: Client) -> None:
    before = _records(house)
    path = f"/connections/{house.connection.pk}/import"
    form = _form(text(_check(rik, house.connection.pk, _file(GOOD, BAD))))
    given_back = rik.post(f"{path}/rejects/", form)
    assert "Quartzin" in text(given_back)
    assert "Vandrelune" not in text(given_back)
    assert "Quartzin" not in given_back["Content-Disposition"]
    taken = rik.post(f"{path}/take/", form, follow=True)
    assert "1 new record" in text(taken)
    assert _records(house) == before + 1
    again = rik.post(f"{path}/take/", form, follow=True)
    assert "0 new records" in text(again)


def test_a_word_nobody_mapped_is_named_before_the_file_is_taken(house: House, rik: Client) -> None:
    export = b"id;nom;statut\n601;Tarn;Cl\xc3\xb4tur\xc3\xa9\n602;Fauve;refus\xc3\xa9\n"
    file = SimpleUploadedFile("export.csv", export, content_type="text/csv")
    address = f"/connections/{house.connection.pk}/import/check/"
    page = text(rik.post(address, {"file": file}))
    assert "Nobody has said what these words mean" in page
    assert "“Clôturé” (1)" in page
    assert f"/connections/{house.connection.pk}/mapping/" in page


def test_columns_can_be_chosen_anew(house: House, rik: Client) -> None:
    unknown = SimpleUploadedFile("x.csv", b"Quux;Email\n501;zoe.vandrelune@example.org")
    form = _form(text(_check(rik, house.connection.pk, unknown)))
    form["column_remote_id"] = "Quux"
    page = text(rik.post(f"/connections/{house.connection.pk}/import/check/", form))
    assert '<option value="Quux" selected' in page


def test_a_file_that_is_no_table_says_what_to_do(house: House, rik: Client) -> None:
    answer = _check(rik, house.connection.pk, SimpleUploadedFile("x.csv", b"\x00\x01\x02"))
    assert answer.status_code == 422
    assert "Export it again as CSV" in text(answer)


def test_a_file_that_is_too_large_is_refused(
    house: House, rik: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 10)
    answer = _check(rik, house.connection.pk, _file(GOOD))
    assert answer.status_code == 422
    assert "at most 8 MB" in text(answer)


def test_no_temporary_file_is_ever_written(
    house: House, rik: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Larger than what Django keeps in memory by itself."""

    def opened(*_given: object, **_named: object) -> None:
        raise AssertionError("a temporary file was opened")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(temp, "NamedTemporaryFile", opened)
    wide = GOOD.replace("Zoe", "Zoe" + " " * 500)
    lines = [wide.replace("501", str(number)) for number in range(5_000)]
    assert len("".join(lines)) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    assert "good lines" in text(_check(rik, house.connection.pk, _file(*lines)))
    assert list(tmp_path.iterdir()) == []


def test_a_page_of_somebody_else_or_of_another_connection_opens_nothing(
    house: House, rik: Client, dora: Client
) -> None:
    form = _form(text(_check(rik, house.connection.pk, _file(GOOD))))
    path = f"/connections/{house.connection.pk}/import/take/"
    assert dora.post(path, form).status_code == 400
    assert rik.post(path, {**form, "sealed": form["sealed"][:-8] + "AAAAAAA="}).status_code == 400
    with scope.enter(house.nordlys.id):
        other = Connection.objects.create(name="Other", vendor="csv", country="FR")
    assert rik.post(f"/connections/{other.pk}/import/take/", form).status_code == 400


def test_another_controllers_connection_takes_no_file(house: House, mallory: Client) -> None:
    assert _check(mallory, house.connection.pk, _file(GOOD)).status_code == 404


def test_an_import_is_added_by_recops(house: House, rik: Client) -> None:
    rik.post("/connections/add-import/", {"name": "Old ATS", "country": "fr"})
    assert "Old ATS" in text(rik.get("/connections/"))
    answer = rik.post("/connections/add-import/", {"name": "X", "country": "1x"})
    assert answer.status_code == 422
    assert "two-letter" in text(answer)
