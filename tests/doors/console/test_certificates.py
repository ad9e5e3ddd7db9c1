"""Certificates in the console: the signed file, on paper in the reader's language, the script."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from pypdf import PdfReader

from apps.audit import selectors as ledger
from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import services as erasure
from apps.erasure.models import Step, SubjectCertificate
from apps.erasure.offline import verify_certificate
from apps.subjects import shredding
from apps.subjects.models import Record
from tests.doors.console.house import House, browser, text


@pytest.fixture
def finished(house: House) -> UUID:
    """A plan whose records were read back clean; the keys are destroyed."""
    company = house.nordlys
    with scope.enter(company.id):
        Connection.objects.update(grace_seconds=0)
        as_of = clock.today("Europe/Paris")
        (plan,) = erasure.propose(actor=company.recops_actor, as_of=as_of)
        erasure.approve(actor=company.dpo_actor, plan_id=plan.pk)
        for step in plan.steps.select_related("record"):
            shredding.bury(actor=SYSTEM, record_ids=[step.record_id])
            ended = {"state": Step.State.VERIFIED, "finished_at": clock.now()}
            Step.objects.filter(pk=step.pk).update(**ended, clean=["name", "notes"])
            with transaction.atomic():
                shredding.entomb(actor=SYSTEM, record_ids=[step.record_id])
        shredding.finish_shredding(actor=SYSTEM)
        erasure.finish(actor=SYSTEM)
    return plan.pk


def _pdf(answer: Any) -> tuple[PdfReader, str]:
    assert answer["Content-Type"] == "application/pdf"
    read = PdfReader(io.BytesIO(answer.content))
    return read, " ".join(" ".join(page.extract_text() for page in read.pages).split())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Irreversible everywhere by", "How to check this without Lethe", "Dora")),
        ("fr", ("Irréversible partout", "Vérifier sans Lethe", "Dora")),
    ],
)
def test_a_plans_certificate_on_paper_is_accessible_and_in_the_readers_language(
    house: House, finished: UUID, language: str, said: tuple[str, ...]
) -> None:
    client = browser(house.nordlys.recops, language)
    read, shown = _pdf(client.get(f"/plans/{finished}/certificate.pdf"))
    catalogue: Any = read.trailer["/Root"]
    assert catalogue["/Lang"] == language
    assert catalogue["/MarkInfo"]["/Marked"]
    assert "pdfuaid" in catalogue["/Metadata"].get_object().get_data().decode()
    for words in said:
        assert words in shown, shown
    assert "verify_certificate.py plan-1.certificate.txt" in shown


def test_the_signed_file_verifies_by_the_script_that_is_offered(
    house: House, finished: UUID, rik: Client
) -> None:
    note = rik.get(f"/plans/{finished}/certificate/").content
    source = text(rik.get("/verify_certificate.py"))
    loaded: dict[str, Any] = {"__name__": "loaded"}
    exec(compile(source, "verify_certificate.py", "exec"), loaded)  # noqa: S102 - our own script
    assert loaded["content_of"](note, _key(house))["plan"] == str(finished)


def _key(house: House) -> str:
    return ledger.log(house.nordlys.id).vkey


def test_a_person_has_a_certificate_once_their_key_is_destroyed(
    house: House, finished: UUID, rik: Client
) -> None:
    with scope.enter(house.nordlys.id):
        subject_id = Record.objects.get(pk=house.ada).subject_id
    first = rik.get(f"/people/{subject_id}/certificate/").content
    assert first == rik.get(f"/people/{subject_id}/certificate/").content
    content = verify_certificate.content_of(first, _key(house))
    assert content["subject"] == str(subject_id)
    assert [step["outcome"] for step in content["steps"]] == ["verified"]
    assert content["irreversible"]["keys_destroyed"] == 1
    _, shown = _pdf(rik.get(f"/people/{subject_id}/certificate.pdf"))
    assert "Certificate of erasure, person" in shown
    with scope.enter(house.nordlys.id):
        assert SubjectCertificate.objects.count() == 1


def test_there_is_none_before_and_none_for_others(
    house: House, rik: Client, mallory: Client
) -> None:
    with scope.enter(house.nordlys.id):
        subject_id = Record.objects.get(pk=house.ada).subject_id
    answer = rik.get(f"/people/{subject_id}/certificate/")
    assert "when the last record is erased" in text(answer)
    assert mallory.get(f"/people/{subject_id}/certificate/").status_code == 404
