"""The form that asks: it says what the pipeline would refuse, shows the price, and asks once."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from imagen import pipeline
from imagen.exceptions import FieldError, Refused
from imagen.messages import answer
from imagen.models import Generation
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import generation

ADD = reverse("admin:imagen_generation_add")
QUOTE = reverse("admin:imagen_generation_quote")


def me(client):
    return User.objects.get(pk=client.session["_auth_user_id"])


def said(**changes: Any) -> dict[str, Any]:
    return {"prompt": "a kite", "model": "imagen-4", "aspect_ratio": "16:9", "num_images": "2", **changes}


def errors(response):
    return response.context["adminform"].form.errors


def test_asking_makes_a_request_and_leads_to_its_page(sign_in):
    client = sign_in("ann", *EDITOR)
    response = client.post(ADD, said(seed="7", mark=str(uuid.uuid4())))
    row = Generation.objects.get()
    assert response.url == reverse("admin:imagen_generation_change", args=[row.pk])
    assert (row.prompt, row.aspect_ratio, row.num_images, row.seed) == ("a kite", "16:9", 2, 7)
    assert (row.user, row.provider) == (me(client), "wavespeed")
    assert row.events.get(what="asked").actor == me(client)


def test_the_same_form_sent_twice_asks_once(sign_in):
    client, mark = sign_in("ann", *EDITOR), str(uuid.uuid4())
    first, second = (client.post(ADD, said(mark=mark)) for _ in range(2))
    assert Generation.objects.count() == 1
    assert first.url == second.url


def test_going_back_and_changing_the_form_asks_anew(sign_in):
    client, mark = sign_in("ann", *EDITOR), str(uuid.uuid4())
    for prompt in ("a kite", "a red kite"):
        client.post(ADD, said(mark=mark, prompt=prompt))
    assert set(Generation.objects.values_list("prompt", flat=True)) == {"a kite", "a red kite"}


def test_the_same_form_sent_at_the_same_time_asks_once(sign_in, transactional_db, monkeypatch):
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    client, mark = sign_in("ann", *EDITOR), str(uuid.uuid4())

    def send(number):
        other = Client()
        other.cookies = client.cookies
        found = other.post(ADD, said(mark=mark)).url
        connection.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(4)))) == 1
    assert Generation.objects.count() == 1


def test_two_forms_ask_twice(sign_in):
    client = sign_in("ann", *EDITOR)
    marks = [Page(client.get(ADD).content.decode()).all("input", name="mark")[0]["value"] for _ in range(2)]
    for mark in marks:
        client.post(ADD, said(mark=mark))
    assert Generation.objects.count() == 2


@pytest.mark.parametrize("mark", ["", "not a mark", "x" * 5000])
def test_a_form_without_a_mark_of_ours_still_asks(sign_in, mark):
    sign_in("ann", *EDITOR).post(ADD, said(mark=mark))
    assert Generation.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prompt": "   "}, "prompt"),
        ({"prompt": "x" * 5001}, "prompt"),
        ({"prompt": "nul \x00"}, "prompt"),
        ({"model": "no-such"}, "model"),
        ({"provider": "nobody"}, "provider"),
        ({"aspect_ratio": "8:1"}, "aspect_ratio"),
        ({"aspect_ratio": "7:7"}, "aspect_ratio"),
        ({"num_images": "5"}, "num_images"),
        ({"seed": "-2"}, "seed"),
        ({"seed": "x"}, "seed"),
        ({"resolution": "4k"}, "resolution"),
        ({"output_format": "gif"}, "output_format"),
    ],
)
def test_what_cannot_be_done_is_said_beside_its_field(sign_in, changes, field):
    response = sign_in("ann", *EDITOR).post(ADD, said(**changes))
    assert list(errors(response)) == [field]
    assert not Generation.objects.exists()


def test_an_unsupported_choice_names_who_can_do_it(sign_in):
    response = sign_in("ann", *EDITOR).post(ADD, said(aspect_ratio="21:9"))
    assert "nano-banana-2.1 (wavespeed)" in errors(response)["aspect_ratio"][0]


def test_a_refusal_without_a_field_is_said_at_the_top(sign_in, monkeypatch):
    def refuse(**options):
        raise Refused(code="quota_exceeded")

    monkeypatch.setattr(pipeline, "quote", refuse)
    response = sign_in("ann", *EDITOR).post(ADD, said())
    assert errors(response) == {"__all__": [answer("quota_exceeded")]}


def test_a_refusal_about_a_field_the_form_does_not_have_is_said_at_the_top(sign_in, monkeypatch):
    def refuse(**options):
        raise Refused(errors=(FieldError(field="style", code="unknown_field"),))

    monkeypatch.setattr(pipeline, "quote", refuse)
    assert list(errors(sign_in("ann", *EDITOR).post(ADD, said()))) == ["__all__"]


def test_a_refusal_at_the_last_moment_is_a_message_and_no_crash(sign_in, monkeypatch):
    def refuse(**options):
        raise Refused(code="quota_exceeded")

    monkeypatch.setattr(pipeline, "request", refuse)
    response = sign_in("ann", *EDITOR).post(ADD, said(), follow=True)
    assert "You have reached what your account may use." in response.content.decode()
    assert not Generation.objects.exists()


def test_a_budget_that_runs_out_at_the_last_moment_loses_nothing_that_was_written(sign_in, monkeypatch, settings):
    take, prices = pipeline.request, {"wavespeed": {"imagen-4": {"price": "0.038"}}}
    settings.IMAGEN = {**settings.IMAGEN, "OFFERS": prices, "BUDGET": {"default_monthly": "1"}}

    def too_late(**options):
        settings.IMAGEN = {**settings.IMAGEN, "BUDGET": {"default_monthly": "0.01"}}  # somebody lowers it now
        return take(**options)

    monkeypatch.setattr(pipeline, "request", too_late)
    response = sign_in("ann", *EDITOR).post(ADD, said(prompt="a very long description", provider="wavespeed"))
    assert response.status_code == 200
    assert "0.01 USD is left" in errors(response)["__all__"][0]
    assert "a very long description" in response.content.decode()
    assert not Generation.objects.exists()


def test_asking_needs_its_permission(sign_in):
    client = sign_in("bob", "view_generation", "add_generation", "change_generation")
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, said()).status_code == 403
    assert client.post(QUOTE, said()).status_code == 404
    assert not Generation.objects.exists()


def test_who_may_ask_but_not_look_is_told_that_it_was_taken(sign_in):
    client = sign_in("bob", "generate")
    assert client.post(ADD, said()).url == reverse("admin:index")
    assert Generation.objects.count() == 1


def test_the_price_and_the_end_of_a_model_are_told_before_asking(sign_in):
    told = sign_in("ann", *EDITOR).post(QUOTE, said(prompt="")).json()
    assert told["price"].startswith("2 pictures · 0.0")
    assert told["price"].endswith(" USD")
    assert "Nano Banana 2.1" in told["notes"][0]
    assert told["errors"] == {}
    assert not Generation.objects.exists()


def test_a_quote_names_what_cannot_be_done(sign_in):
    told = sign_in("ann", *EDITOR).post(QUOTE, said(aspect_ratio="21:9")).json()
    assert list(told["errors"]) == ["aspect_ratio"]
    assert told["price"] == ""


def test_a_quote_is_asked_for_by_post(sign_in):
    assert sign_in("ann", *EDITOR).get(QUOTE).status_code == 405


def test_the_page_carries_what_each_model_can_do(sign_in):
    page = Page(sign_in("ann", *EDITOR).get(ADD).content.decode())
    abilities = json.loads(page.all("select", name="model")[0]["data-abilities"])
    assert "21:9" in abilities["nano-banana-2.1"]["wavespeed"]["aspect_ratio"]
    assert "21:9" not in abilities["imagen-4"][""]["aspect_ratio"]
    assert abilities["imagen-4"]["sandbox"]["seed"] is True
    assert not [found for found in page.all("script") if "src" not in found]
    assert not [found for _, found in page.elements if any(name.startswith("on") for name in found)]


def test_with_the_sandbox_alone_the_site_chooses_it(sign_in, settings):
    settings.IMAGEN = {"PROVIDERS": {"sandbox": settings.IMAGEN["PROVIDERS"]["sandbox"]}}
    page = Page(sign_in("ann", *EDITOR).get(ADD).content.decode())
    abilities = json.loads(page.all("select", name="model")[0]["data-abilities"])
    assert abilities["imagen-4"][""] == abilities["imagen-4"]["sandbox"]


def test_the_form_can_begin_from_an_earlier_request(sign_in):
    client, other = sign_in("ann", *EDITOR), sign_in("bob", *EDITOR)
    mine = generation(me(client), prompt="mine", aspect_ratio="3:4", num_images=3)
    form = client.get(ADD, {"like": str(mine.pk)}).context["adminform"].form
    assert (form["prompt"].value(), form["aspect_ratio"].value(), form["num_images"].value()) == ("mine", "3:4", 3)
    for nothing in (str(mine.pk), "nonsense"):
        assert not other.get(ADD, {"like": nothing}).context["adminform"].form["prompt"].value()
