"""What every address of the Studio, and a form with its fields, asks the database; ``-s`` prints the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from imagen.doors import Door
from imagen.models import Budget, Generation, HouseRule, Style, Template, Tempo
from project.articles.models import Article, Figure
from tests.admin.conftest import EDITOR
from tests.factories import completed, generation, picture_bytes
from tests.project.conftest import ADD, HERO, WRITER, article, change

pytestmark = [pytest.mark.django_db, pytest.mark.by_hand("rows stand for how they look")]
STUDIO = reverse("admin:imagen_studio_changelist")
JSON = {"headers": {"Accept": "application/json"}}
MOST = 15
WORK = ("ask", "retry")  # no pages: they reserve, write and ring
PLACED = {"meaning": "informative", "alt_text": "Two cats", "name": "cats", "focal_x": "50", "focal_y": "50"}
Call = Callable[[], Any]


@pytest.fixture
def ann(sign_in: Callable[..., Client], worker: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    """An editor who writes, on a site with everything there may be."""
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    apiframe = {"BACKEND": "imagen.providers.apiframe.Apiframe", "OPTIONS": {"api_key": "test"}}
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {**settings.IMAGEN["PROVIDERS"], "apiframe": apiframe}}
    Budget.objects.create(scope="each", limit=Decimal(5))
    Budget.objects.create(scope="everybody", limit=Decimal(50))
    Tempo.objects.create(provider="wavespeed", provider_model="google/imagen4", mean=11.0, deviation=3.0)
    HouseRule.objects.create(name="No text", words="No text in the picture.")
    style = Style.objects.create(name="Ink", words="Drawn in ink.")
    Template.objects.create(name="Animal", text="A {animal}", style=style)
    client = sign_in("ann", *EDITOR)
    me(client).user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    return client


def me(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


def to(name: str, row: Any = None) -> str:
    return reverse(f"admin:imagen_studio_{name}", args=[row.pk] if row else [])


def states(user: User, row: Article) -> dict[str, Generation]:
    """A request in every state, all for the hero of this article."""
    here = {"place": HERO, "place_id": str(row.pk), "aspect_ratio": "16:9", "provider": "wavespeed"}
    held = completed(user, images=2, prompt="held", **here)
    held.images.update(review="held")
    partial = completed(user, images=2, prompt="partial", **here)
    Generation.objects.filter(pk=partial.pk).update(num_images=3, status="partial", error_code="partial_outputs")
    failed = {"status": "failed", "error_code": "provider_failed"}
    slow = {"job": {"error_code": "provider_rate_limited"}}
    return {
        "queued": generation(user, num_images=4, **here),
        "waiting for a service": generation(user, **slow, **here),
        "being made": generation(user, status="processing", **here),
        "ready": completed(user, images=4, unseen=True, **here),
        "partial": partial,
        "held": held,
        "failed": generation(user, **failed, **here),
        "in doubt": generation(user, status="unconfirmed", error_code="submit_unknown", **here),
    }


def cases(client: Client) -> Iterator[tuple[str, Call]]:
    """Every address in every state, and what is asked of it."""
    row = article()
    for number in range(3):
        Figure.objects.create(article=row, picture=ContentFile(picture_bytes(), name=f"{number}.png"), alt="A cat")
    rows = states(me(client), row)
    slot: dict[str, Any] = {"ratio": "16:9", "crops": ("1:1",), "alt": True, "text_box": (0, 60, 50, 40)}
    door = Door(place=HERO, place_id=str(row.pk), **slot).sign(me(client))
    inside = {"door": door, "_popup": "1"}
    yield "page, nothing asked yet", lambda: client.get(STUDIO)
    yield "page, in a dialog", lambda: client.get(STUDIO, inside)
    bare = Door(place=HERO, place_id="0", ratio="16:9", alt=True).sign(me(client))
    yield "page, in a dialog, nothing under way", lambda: client.get(STUDIO, {"door": bare, "_popup": "1"})
    for name, run in rows.items():
        yield f"page, {name}", lambda run=run: client.get(STUDIO, {**inside, "run": run.pk})
        yield f"state, {name}", lambda run=run: client.get(to("state", run), inside, **JSON)
    yield "page, more like this", lambda: client.get(STUDIO, {**inside, "like": rows["ready"].pk})
    said = {"prompt": "a kite", "num_images": "2", "aspect_ratio": "16:9", "model": "imagen-4", "mark": ""}
    yield "quote", lambda: client.post(f"{to('quote')}?door={door}", said, **JSON)
    yield "enhance", lambda: client.post(f"{to('enhance')}?door={door}", said, **JSON)
    yield "enhance, without scripts", lambda: client.post(f"{STUDIO}?door={door}", {**said, "enhance": "1"})
    yield "ask, something is wrong", lambda: client.post(f"{STUDIO}?door={door}", {**said, "prompt": ""}, **JSON)
    picture = rows["ready"].images.get(index=0)
    for name, extra in (("script", JSON), ("page", {})):
        yield f"place, panel by {name}", lambda extra=extra: client.get(to("place", picture), inside, **extra)
    yield "contrast", lambda: client.get(to("contrast", picture), {**inside, "focal_x": "9", "focal_y": "9"}, **JSON)
    yield "place, incomplete", lambda: client.post(to("place", picture), {"door": door}, **JSON)
    yield "place, done", lambda: client.post(to("place", picture), {**inside, **PLACED}, **JSON)
    yield "place, words kept", lambda: client.post(to("place", picture), PLACED, **JSON)
    yield "discard", lambda: client.post(to("discard", picture), inside, **JSON)
    yield "discard, undone", lambda: client.post(to("discard", picture), {**inside, "undo": "1"}, **JSON)
    yield "ask", lambda: client.post(f"{STUDIO}?door={door}", {**said, "mark": uuid4().hex}, **JSON)
    for name in ("stop", "retry"):
        run = rows["queued" if name == "stop" else "failed"]
        yield name, lambda name=name, run=run: client.post(to(name, run), {"door": door, "turn": uuid4().hex}, **JSON)
    yield "add form", lambda: client.get(ADD)
    yield "change form, three rows of an inline", lambda: client.get(change(row))
    yield "another page of the admin", lambda: client.get(reverse("admin:articles_article_changelist"))


def counted(call: Call) -> tuple[int, str]:
    """How often a second visitor's request asks the database, and what."""
    call()
    Generation.objects.filter(status="completed").update(unseen=True)  # every one is news again
    with CaptureQueriesContext(connection) as queries:
        answer = call()
    assert answer.status_code in (200, 302, 409, 422), answer.status_code
    asked = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    return len(asked), "\n".join(sql[:200] for sql in asked)


def test_no_address_of_the_studio_asks_the_database_more_than_fifteen_times(ann: Client) -> None:
    table = {name: counted(call) for name, call in cases(ann)}
    print(*(f"{count:3} {name}" for name, (count, _sql) in table.items()), sep="\n")  # noqa: T201  # what it is for
    assert [(name, sql) for name, (count, sql) in table.items() if count > MOST and name not in WORK] == []


def test_much_that_is_ready_costs_a_page_no_more_queries(ann: Client) -> None:
    for number in range(12):
        place = {"place": HERO, "place_id": str(article(slug=f"cats-{number}", title=f"Cats {number}").pk)}
        completed(me(ann), unseen=True, **place)
    index = reverse("admin:index")
    client = Client()
    client.force_login(me(ann))
    with CaptureQueriesContext(connection) as queries:
        page = client.get(index).content.decode()
    assert "Cats 0" in page
    assert "Cats 11" in page
    assert len(queries) <= MOST
