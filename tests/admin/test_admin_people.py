"""Deleting a person in the admin, whatever of ours is theirs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db.models import ForeignKey, Model
from django.test import Client
from django.urls import reverse

from imagen import anomalies, batches, placing, pleas
from imagen.models import (
    Anomaly,
    ApiKey,
    Budget,
    Delivery,
    Endpoint,
    Entry,
    Generation,
    IdempotencyKey,
    Oddity,
    Plea,
    Style,
    Template,
)
from tests import factories
from tests.admin.receivers import keys
from tests.endpoints import delivery, endpoint

__all__ = ["keys"]
PEOPLE = reverse("admin:auth_user_changelist")
SURE = {"post": "yes"}


def theirs() -> list[tuple[type[Model], Any]]:
    """Every column of ours that names a person."""
    fields = [field for model in apps.get_app_config("imagen").get_models() for field in model._meta.local_fields]
    return [(field.model, field) for field in fields if isinstance(field, ForeignKey) and field.related_model is User]


@pytest.fixture
def ann(sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> User:
    """Somebody who has one of everything."""
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    ann, bob = (factories.editor(name) for name in ("ann", "bob"))
    for person in (ann, bob):
        Budget.objects.create(scope="person", user=person, period="month", limit=5)
    made = factories.completed(ann)
    batches.request_many([{"prompt": "a pier", "provider": "sandbox"}], user=ann)
    pleas.ask(ann, Decimal(3))
    pleas.decline(pleas.ask(bob, Decimal(2)), actor=ann)
    anomalies.note(Oddity.NO_OUTPUTS, job=made.jobs.get())
    Anomaly.objects.update(seen_by=ann, seen_at=made.created_at)
    factories.api_key(ann)
    delivery(endpoint(ann), generation=made, status="delivered")
    IdempotencyKey.objects.create(user=ann, key="k", fingerprint="f")
    own = Style.objects.create(name="Ink", words="ink", owner=ann)
    Template.objects.create(name="Map", text="a map of {place}", style=own, owner=ann)
    shared = Style.objects.create(name="Oil", words="oil", example=made.images.get())
    placing.record(shared, "example", image=made.images.get(), user=ann, pick=None, alt="A lighthouse")
    return ann


def test_the_person_of_this_page_has_one_of_everything(ann: User) -> None:
    lacking = [str(field) for model, field in theirs() if not model._default_manager.filter(**{field.name: ann})]
    assert lacking == []


@pytest.mark.parametrize("way", ["page", "list"])
def test_a_superuser_deletes_a_person_whatever_of_ours_is_theirs(
    sign_in: Callable[..., Client], ann: User, way: str
) -> None:
    root, booked = sign_in("root", is_superuser=True), Entry.objects.count()
    asked, address = Generation.objects.count(), reverse("admin:auth_user_delete", args=[ann.pk])
    if way == "page":
        assert "your account doesn't have permission" not in root.get(address).content.decode()
        assert root.post(address, SURE).status_code == 302
    else:
        root.post(PEOPLE, {"action": "delete_selected", "_selected_action": [str(ann.pk)], **SURE})
    assert not User.objects.filter(username="ann").exists()
    left = [str(field) for model, field in theirs() if model._default_manager.filter(**{field.attname: ann.pk})]
    assert left == []
    assert (Generation.objects.count(), Generation.objects.filter(status="completed").count()) == (asked, 1)
    assert Entry.objects.count() >= booked
    assert Plea.objects.get().answered_by is None
    assert not any(model.objects.exists() for model in (ApiKey, Endpoint, Delivery))


def test_so_does_whoever_may_delete_accounts_and_what_people_may_be_permitted_to_delete(
    sign_in: Callable[..., Client], ann: User
) -> None:
    names = ("delete_endpoint", "delete_style", "delete_template", "manage_budget")
    clerk, address = sign_in("clerk", *names), reverse("admin:auth_user_delete", args=[ann.pk])
    accounts = Permission.objects.filter(codename__in=("view_user", "delete_user"))
    User.objects.get(username="clerk").user_permissions.add(*accounts)
    clerk.post(address, SURE)
    assert not User.objects.filter(username="ann").exists()


def test_a_group_goes_with_its_budget_and_what_was_asked_for_there(sign_in: Callable[..., Client]) -> None:
    desk, bob = Group.objects.create(name="desk"), factories.editor("bob")
    bob.groups.add(desk)
    Budget.objects.create(scope="group", group=desk, period="month", limit=5)
    pleas.ask(bob, Decimal(2))
    sign_in("root", is_superuser=True).post(reverse("admin:auth_group_delete", args=[desk.pk]), SURE)
    assert not any(model.objects.exists() for model in (Group, Budget, Plea))


def test_our_own_pages_delete_none_of_it(sign_in: Callable[..., Client], ann: User) -> None:
    root, row = sign_in("root", is_superuser=True), Plea.objects.get(user=ann)
    for name in ("plea", "delivery", "batch", "anomaly", "entry"):
        model: Any = apps.get_model("imagen", name)
        address = reverse(f"admin:imagen_{name}_delete", args=[model.objects.first().pk])
        assert root.post(address, SURE).status_code == 403, name
        chosen = {"action": "delete_selected", "_selected_action": [str(model.objects.first().pk)], **SURE}
        root.post(reverse(f"admin:imagen_{name}_changelist"), chosen)
        assert model.objects.exists()
    assert row in Plea.objects.all()
