"""The operator registers legal entities and their activities from the command line."""

from uuid import UUID

import pytest

from apps.audit.models import Pending
from apps.controllers.models import Controller, ProcessingActivity
from apps.core import scope
from apps.core.ids import new_id
from tests import cast
from tests.commands import refused, run

pytestmark = pytest.mark.django_db

NORDLYS = {
    "--name": "Nordlys SAS",
    "--country": "FR",
    "--time-zone": "Europe/Paris",
    "--dpo-name": "Dora Lindqvist",
    "--dpo-email": "dora@nordlys.example",
}
ACTIVITY = {
    "--name": "Recrutement",
    "--purpose": "dpv:RecruitmentManagement",
    "--legal-basis": "eu-gdpr:A6-1-f-controller",
    "--recipient": "Équipe recrutement",
}


def words(options: dict[str, str]) -> list[str]:
    return [part for option in options.items() for part in option]


def test_a_registered_controller_has_its_ledger_and_its_id_is_printed() -> None:
    (printed,) = run("register_controller", *words(NORDLYS))
    controller = Controller.objects.get(pk=UUID(printed))
    assert (controller.name, controller.dpo_email) == ("Nordlys SAS", "dora@nordlys.example")
    assert Pending.objects.filter(log_id=controller.pk).exists()


def test_a_wrong_value_is_a_message_that_names_it_and_nothing_is_kept() -> None:
    said = refused("register_controller", *words(NORDLYS | {"--country": "France"}))
    assert said == "Use a two-letter country code, such as FR. (country)"
    assert not Controller.objects.exists()


def test_every_controller_is_listed_with_its_id() -> None:
    companies = [cast.company(), cast.mallory()]
    listed = {line.split("  ")[0] for line in run("list_controllers")}
    assert listed == {str(company.id) for company in companies}


def test_an_activity_is_the_one_controllers_and_nobody_elses() -> None:
    nordlys, mallory = cast.company(), cast.mallory()
    (printed,) = run("register_activity", "--controller", nordlys.id, *words(ACTIVITY))
    with scope.enter(nordlys.id):
        assert ProcessingActivity.objects.get().pk == UUID(printed)
    with scope.enter(mallory.id):
        assert not ProcessingActivity.objects.exists()


def test_an_unknown_controller_is_refused_before_anything_is_written() -> None:
    said = refused("register_activity", "--controller", new_id(), *words(ACTIVITY))
    assert said == "There is no such legal entity. (controller)"
