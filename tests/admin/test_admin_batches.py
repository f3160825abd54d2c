"""Batches in the admin: how far they are, and where their requests are."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from imagen import batches, pipeline
from imagen.models import Batch
from tests import factories

LIST = reverse("admin:imagen_batch_changelist")


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr("imagen.queue.knock", lambda: None)


@pytest.fixture
def ann(db):
    return factories.editor("ann", "view_generation", is_staff=True)


def browser(user):
    client = Client()
    client.force_login(user)
    return client


def made(user, number=2):
    return batches.request_many([{"prompt": f"picture {place}"} for place in range(number)], user=user)


def page(batch):
    return reverse("admin:imagen_batch_change", args=[batch.pk])


def test_the_list_says_how_far_each_batch_is(ann):
    batch = made(ann, 3)
    rows = list(batch.generations.order_by("created_at"))
    pipeline.cancel(rows[0])
    pipeline.erase(rows[1])
    shown = browser(ann).get(LIST).content.decode()
    assert "2 of 3 finished" in shown
    assert "Waiting: 1, Cancelled: 1, Deleted: 1" in shown
    assert 'class="imagen-badge imagen-processing"' in shown
    assert page(batch) in shown


def test_its_page_leads_to_its_requests_and_changes_nothing(ann):
    batch, other = made(ann), made(ann, 1)
    shown = browser(ann).get(page(batch)).content.decode()
    assert "0 of 2 finished" in shown
    assert "about 0" in shown
    where = f"{reverse('admin:imagen_generation_changelist')}?batch={batch.pk}"
    assert f'href="{where}"' in shown
    assert 'name="_save"' not in shown
    assert "deletelink" not in shown
    listed = browser(ann).get(where).content.decode()
    assert all(str(row.pk) in listed for row in batch.generations.all())
    assert str(other.generations.get().pk) not in listed


def test_an_id_nobody_can_read_narrows_nothing(ann):
    row = made(ann, 1).generations.get()
    listed = browser(ann).get(f"{reverse('admin:imagen_generation_changelist')}?batch=x").content.decode()
    assert str(row.pk) in listed


def test_what_cannot_be_added_up_is_not(ann):
    batch = Batch.objects.create(user=ann, total=2)
    factories.generation(ann, batch=batch)
    factories.generation(ann, batch=batch, cost_unit="credits", job={"cost_unit": "credits", "rate": None})
    assert "in several units" in browser(ann).get(page(batch)).content.decode()


def test_what_it_cost_is_shown_when_it_is_known(ann):
    batch = Batch.objects.create(user=ann, total=1)
    factories.completed(ann, batch=batch)
    assert "0.038 USD" in browser(ann).get(page(batch)).content.decode()


def test_a_batch_that_cost_nothing_says_so(ann):
    batch = made(ann)
    batches.cancel(batch)
    assert '<div class="readonly">–</div>' in browser(ann).get(page(batch)).content.decode()


def test_everybody_sees_their_own(ann):
    batch = made(ann)
    bob = browser(factories.editor("bob", "view_generation", is_staff=True))
    assert str(batch.pk) not in bob.get(LIST).content.decode()
    assert bob.get(page(batch)).status_code == 302
    auditor = browser(factories.person("auditor", "view_generation", "view_all", is_staff=True))
    assert auditor.get(page(batch)).status_code == 200


def test_who_may_not_see_requests_sees_no_batches(db):
    guest = browser(factories.person("guest", is_staff=True))
    assert guest.get(LIST).status_code == 403


def test_nobody_writes_there(ann):
    batch, client = made(ann), browser(factories.person("boss", is_superuser=True, is_staff=True))
    assert client.get(reverse("admin:imagen_batch_add")).status_code == 403
    assert client.post(page(batch), {}).status_code == 403
    assert client.post(reverse("admin:imagen_batch_delete", args=[batch.pk])).status_code == 403


def test_a_list_of_many_takes_few_queries(ann, django_assert_max_num_queries):
    for _ in range(5):
        made(ann, 1)
    client = browser(ann)
    with django_assert_max_num_queries(14):
        client.get(LIST)
