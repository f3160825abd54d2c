"""Which errors of a database pass, and what is begun again from the start."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DataError, InterfaceError, InternalError, OperationalError, ProgrammingError, transaction

from imagen import outages
from imagen.models import Event, Generation
from tests import factories


def error(kind: type[Exception], state: str = "") -> Exception:
    """As Django raises it: the driver's error, with its code, is the cause."""
    found = kind("no")
    found.__cause__ = type("DriverError", (Exception,), {"sqlstate": state})() if state else None
    return found


DEADLOCK = error(OperationalError, "40P01")
SERIALIZATION = error(OperationalError, "40001")


@pytest.mark.parametrize(
    ("found", "passes", "collides"),
    [
        (error(OperationalError), True, False),
        (error(InterfaceError), True, False),
        (error(OperationalError, "57P01"), True, False),
        (DEADLOCK, True, True),
        (SERIALIZATION, True, True),
        (error(InternalError, "25006"), True, False),
        (error(ProgrammingError, "42P01"), True, False),
        (error(ProgrammingError, "42703"), True, False),
        (error(ProgrammingError, "42601"), False, False),
        (error(ProgrammingError), False, False),
        (error(InternalError, "25P02"), False, False),
        (error(DataError, "22021"), False, False),
        (ValueError("40001"), False, False),
    ],
    ids=repr,
)
def test_what_passes_by_itself_is_told_from_what_is_wrong(found: Exception, passes: bool, collides: bool) -> None:
    assert (outages.passing(found), outages.collided(found)) == (passes, collides)


class Flaky:
    """Fails so many times before it works."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls = list(errors), 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "PAUSE_SECONDS", 0.0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.fault("F20")
@pytest.mark.parametrize("found", [DEADLOCK, SERIALIZATION], ids=["deadlock", "serialization"])
def test_f20_a_collision_is_begun_again_three_times_at_most(found: Exception) -> None:
    twice, always = Flaky(found, found), Flaky(*[found] * 9)
    assert outages.begun_again(twice)() == "done"
    with pytest.raises(OperationalError):
        outages.begun_again(always)()
    assert (twice.calls, always.calls) == (3, 3)


@pytest.mark.django_db(transaction=True)
def test_an_outage_is_not_waited_for_by_a_door() -> None:
    away = Flaky(error(OperationalError))
    with pytest.raises(OperationalError):
        outages.begun_again(away)()
    assert away.calls == 1


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_of_somebody_else_nothing_is_begun_again() -> None:
    inside = Flaky(DEADLOCK)
    with pytest.raises(OperationalError), transaction.atomic():
        outages.begun_again(inside)()
    assert inside.calls == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.fault("F20")
def test_f20_a_request_with_a_key_that_collides_is_taken_once(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    from tests.api.conftest import Api  # noqa: PLC0415  # it needs the rows

    settings.IMAGEN = {"PROVIDERS": {"sandbox": {"BACKEND": "imagen.providers.sandbox.Sandbox"}}}
    create, left = Event.objects.bulk_create, [DEADLOCK, SERIALIZATION]

    def flaky(events: list[Event]) -> list[Event]:
        if left:
            raise left.pop()
        return create(events)

    monkeypatch.setattr(Event.objects, "bulk_create", flaky)
    ann = Api(factories.editor("ann"))
    answer = ann.post("generations/", {"prompt": "a lighthouse", "provider": "sandbox"}, Idempotency_Key="one")
    assert (answer.status_code, Generation.objects.count(), left) == (202, 1, [])
