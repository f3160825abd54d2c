"""Whatever people and services write stays text on every page of the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from imagen.models import Event, Worker
from tests.admin.pages import Page
from tests.factories import generation, image

EVIL = (
    "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script><svg onload=alert(3)>{{ 7|add:7 }}%(provider)s"
)


@pytest.fixture
def root(sign_in):
    return sign_in("root", is_superuser=True)


@pytest.fixture
def row(root):
    made = generation(
        User.objects.get(username="root"),
        job={
            "error_note": EVIL,
            "remote_id": EVIL,
            "provider_model": EVIL,
            "error_code": EVIL[:40],
            "provider": EVIL[:50],
        },
        status="failed",
        prompt=EVIL,
        negative_prompt=EVIL,
        error_note=EVIL,
        model=EVIL[:100],
        provider=EVIL[:50],
        error_code="provider_failed",
        warnings=["price_unknown"],
    )
    image(made, title=EVIL, alt_text=EVIL, provider_model=EVIL)
    Event.objects.create(generation=made, job=made.jobs.get(), what=EVIL[:30], code=EVIL[:40], note=EVIL)
    return made


def pages(root, row):
    picture = row.images.get()
    for model, pk in (("generation", row.pk), ("image", picture.pk)):
        yield root.get(reverse(f"admin:imagen_{model}_changelist"))
        for name in ("change", "delete", "history"):
            yield root.get(reverse(f"admin:imagen_{model}_{name}", args=[pk]))
        chosen = {"action": "delete_selected", "_selected_action": str(pk)}
        yield root.post(reverse(f"admin:imagen_{model}_changelist"), chosen)
    yield root.get(reverse("admin:imagen_generation_add"), {"like": str(row.pk)})
    yield root.get(reverse("admin:imagen_generation_changelist"), {"q": EVIL, "from": EVIL, "status": EVIL})
    yield root.get(reverse("admin:imagen_worker_changelist"))


def inert(html):
    page = Page(html)
    assert not [found for _, found in page.elements if any(name.startswith("on") for name in found)]
    assert not [found for found in page.all("img") if found["src"] == "x"]
    assert not [
        found for found in page.all("script") if not (found.get("src") or "").startswith(("/static/", "/admin/"))
    ]
    assert not [found for found in page.all("a") if (found.get("href") or "").startswith("javascript:")]


@pytest.mark.by_hand("hostile words stand everywhere")
def test_markup_in_words_of_people_and_services_is_inert_everywhere(root, row):
    Worker.objects.create(name=EVIL, started_at=row.created_at, beat_at=row.created_at)
    shown = list(pages(root, row))
    assert {response.status_code for response in shown} == {200}
    for response in shown:
        inert(response.content.decode())


@pytest.mark.by_hand("hostile words stand everywhere")
def test_the_live_fragment_is_inert(root, row):
    inert(root.get(reverse("admin:imagen_generation_live", args=[row.pk])).json()["html"])


@pytest.mark.by_hand("hostile words stand everywhere")
def test_the_confirmation_page_and_its_messages_are_inert(root, row):
    row.model, row.provider, row.negative_prompt = "imagen-4", "wavespeed", ""
    row.num_images = 2
    row.save()
    where = reverse("admin:imagen_generation_changelist")
    for action in ("retry", "again"):
        response = root.post(where, {"action": action, "_selected_action": str(row.pk)})
        assert "cost money again" in response.content.decode()
        inert(response.content.decode())
    row.model = EVIL[:100]
    row.save()
    inert(root.post(where, {"action": "again", "_selected_action": str(row.pk)}, follow=True).content.decode())
