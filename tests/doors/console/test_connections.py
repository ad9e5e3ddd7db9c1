"""Connections: paused, stopped, and what stands in their way, with what to do."""

from __future__ import annotations

from django.test import Client

from apps.connectors.models import Connection
from apps.controllers.models import Controller
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.erasure import obstacles
from apps.erasure.models import Obstacle
from tests.doors.console.house import House, text


def _connection(house: House) -> Connection:
    with scope.enter(house.nordlys.id):
        found = Connection.objects.first()
        assert found is not None
        Connection.objects.filter(pk=found.pk).update(vendor="greenhouse")
    return found


def test_an_obstacle_is_shown_with_its_cause_and_tried_again(house: House, rik: Client) -> None:
    connection = _connection(house)
    with scope.enter(house.nordlys.id):
        obstacles.meet(actor=SYSTEM, connection_id=connection.pk, code="forbidden", writing=True)
    for page in ("/", "/connections/"):
        assert "A permission is missing in the ATS" in text(rik.get(page))
    answer = rik.post(f"/connections/{connection.pk}/look/", follow=True)
    assert "It is tried now" in text(answer)
    with scope.enter(house.nordlys.id):
        Obstacle.objects.all().delete()
    assert "Nothing is in the way" in text(rik.post(f"/connections/{connection.pk}/look/"))


def test_anyone_stops_everything_and_a_dpo_resumes_it(
    house: House, rik: Client, dora: Client
) -> None:
    assert "Stopped" in text(rik.post("/connections/stop/", follow=True))
    assert not Controller.objects.get(pk=house.nordlys.id).erases
    assert "All erasures are stopped" in text(rik.get("/"))
    assert "A DPO resumes them" in text(rik.get("/connections/"))
    assert rik.post("/connections/resume/").status_code == 403
    assert "Resumed" in text(dora.post("/connections/resume/", follow=True))
    assert Controller.objects.get(pk=house.nordlys.id).erases


def test_a_connection_is_paused_and_resumed(house: House, rik: Client, dora: Client) -> None:
    connection = _connection(house)
    assert "Paused" in text(rik.post(f"/connections/{connection.pk}/pause/", follow=True))
    assert rik.post(f"/connections/{connection.pk}/resume/").status_code == 403
    assert "Resumed" in text(dora.post(f"/connections/{connection.pk}/resume/", follow=True))
