"""What nobody gets out of the Studio, and what it keeps when things go wrong at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models.signals import pre_save
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from imagen import news, pipeline, placing, wording
from imagen.doors import Door
from imagen.models import Generation, Image, Job, Placement, Style, Template
from project.articles.models import Article
from tests import factories
from tests.admin.conftest import EDITOR
from tests.admin.test_studio_pick import JSON, form_of, text, to
from tests.admin.test_studio_pick import news as asked
from tests.project.conftest import ADD, DATE, HERO, NO_FIGURES, WORDS, WRITER, article, chosen

pytestmark = pytest.mark.django_db
STUDIO = "/admin/imagen/studio/"
STYLES = "tests.admin.studio_site"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Nobody works, and a picture has a price."""
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    settings.IMAGEN = {**settings.IMAGEN, "OFFERS": {"wavespeed": {"imagen-4": {"price": "0.04"}}}}


@pytest.fixture
def ann(sign_in: Callable[..., Client]) -> Client:
    """An editor who writes articles and keeps styles."""
    client = sign_in("ann", *EDITOR, "view_style", "change_style", "add_template")
    me(client).user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    return client


def me(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


def picture(user: User, **fields: Any) -> Image:
    made = factories.generation(user, status="completed", pictures=True, **fields)
    return factories.image(made)


# --- pictures of others, and pictures held back ---


def example(client: Client, style: Style, image: Image) -> bool:
    """Whether this picture can be made the style's example."""
    said = {"name": style.name, "words": style.words, "position": "0", "version": "1", "example": str(image.pk)}
    client.post(f"/admin/imagen/style/{style.pk}/change/", said)
    style.refresh_from_db()
    return style.example_id == image.pk


@pytest.mark.urls(STYLES)
def test_a_relation_takes_no_picture_of_others_and_none_that_is_held_back(ann: Client) -> None:
    style = Style.objects.create(name="Woodcut", words="A woodcut.")
    assert not example(ann, style, picture(factories.person("bob")))
    for review in ("held", "rejected"):
        image = picture(me(ann))
        Image.objects.filter(pk=image.pk).update(review=review)
        assert not example(ann, style, image)
    assert example(ann, style, picture(me(ann)))


@pytest.mark.urls(STYLES)
def test_a_relation_keeps_what_another_person_placed_there(ann: Client) -> None:
    style = Style.objects.create(name="Woodcut", words="A woodcut.", example=picture(factories.person("bob")))
    said = {"name": "Linocut", "words": style.words, "position": "0", "example": str(style.example_id)}
    assert ann.post(f"/admin/imagen/style/{style.pk}/change/", said).status_code == 302
    style.refresh_from_db()
    assert (style.name, style.example_id is None) == ("Linocut", False)


def test_who_only_sees_a_picture_of_others_does_not_change_its_words(sign_in: Callable[..., Client]) -> None:
    eve = sign_in("eve", "generate", "view_all", "view_image")
    image = picture(factories.person("bob"))
    pipeline.describe(image, alt_text="Bob's words")
    said = {"focal_x": "1", "focal_y": "1", "alt_text": "Eve's words", "title": ""}
    for door in ("", Door(place="app.model.field", target="object").sign(me(eve))):
        answer = eve.post(to("place", image), {**said, "door": door, "meaning": "informative"}, **JSON)
        assert answer.status_code == 403
    image.refresh_from_db()
    assert (image.alt_text, image.focal_x) == ("Bob's words", 50)


def test_who_looks_after_pictures_describes_those_of_others_too(sign_in: Callable[..., Client]) -> None:
    eve = sign_in("eve", "generate", "view_all", "view_image", "change_image")
    image = picture(factories.person("bob"))
    said = {"focal_x": "1", "focal_y": "1", "alt_text": "A crab in a pool", "title": ""}
    assert eve.post(to("place", image), said, **JSON).status_code == 200
    image.refresh_from_db()
    assert image.alt_text == "A crab in a pool"


# --- money ---


def kept(user: User, **fields: Any) -> Generation:
    now = {"accepted_at": timezone.now()}
    return factories.kept(user, **{"job": now, **fields})


def test_what_is_kept_at_the_service_is_fetched_again_for_free_and_followed(ann: Client) -> None:
    row = kept(me(ann))
    found = asked(ann, row)
    assert "Fetch it again · free" in text(found["html"])
    assert "0.04 USD" not in text(found["html"])
    answer = ann.post(to("retry", row), form_of(found["html"], "retry"), **JSON).json()
    assert not answer["finished"]
    assert row.jobs.count() == 1
    assert Job.objects.get().fetch_asked_at is not None


@pytest.mark.by_hand("the calls are fewer than the pictures")
def test_a_button_for_money_counts_only_what_has_to_be_bought(ann: Client) -> None:
    row = kept(me(ann), num_images=2, code="provider_timeout", job={"accepted_at": timezone.now(), "slots": [0]})
    assert "Make 1 more · 0.04 USD" in text(asked(ann, row)["html"])


def test_what_was_free_when_it_was_shown_is_not_bought_later(ann: Client) -> None:
    row = kept(me(ann))
    form = form_of(asked(ann, row)["html"], "retry")
    Job.objects.update(accepted_at=timezone.now() - timedelta(days=30))
    answer = ann.post(to("retry", row), form, **JSON)
    assert answer.status_code == 409
    assert "The price is 0.04 USD now, not free." in answer.json()["said"]
    assert row.jobs.count() == 1


def test_what_is_asked_for_again_is_news_again(ann: Client) -> None:
    row = factories.generation(me(ann), status="failed", error_code="provider_failed", provider="wavespeed")
    form = form_of(asked(ann, row)["html"], "retry")
    assert ann.post(to("retry", row), form, **JSON).status_code == 200
    row.refresh_from_db()
    assert row.unseen


def test_a_fetch_that_brought_nothing_can_be_asked_for_once_more(ann: Client) -> None:
    row = kept(me(ann))
    for _turn in range(2):
        form = form_of(asked(ann, row)["html"], "retry")
        assert not ann.post(to("retry", row), form, **JSON).json()["finished"]
        assert Job.objects.get().due_at is not None
        Job.objects.update(due_at=None)  # our storage is still away
        Generation.objects.get().save_changes()


# --- lost work and races ---


def send(client: Client, address: str = ADD, **changes: Any) -> Any:
    return client.post(address, {**WORDS, **DATE, **NO_FIGURES, "hero_alt": "A crab", **changes})


def test_a_picture_deleted_while_the_form_is_saved_costs_nobody_the_form(ann: Client) -> None:
    image = picture(me(ann))

    def delete(**kwargs: Any) -> None:
        pipeline.discard(Image.objects.get(pk=image.pk))

    pre_save.connect(delete, sender=Article)
    try:
        answer = send(ann, **chosen(image, me(ann)))
    finally:
        pre_save.disconnect(delete, sender=Article)
    assert answer.status_code == 302
    assert Article.objects.get().hero.name
    assert Placement.objects.get().image is None


def test_words_longer_than_the_record_do_not_break_the_form() -> None:
    row, image = article(), picture(factories.person("bob"))
    placed = placing.record(row, "hero", image=image, user=None, pick=None, alt="long " * 200)
    placed.full_clean(exclude=["user", "ended_at"])


def test_a_template_is_kept_without_what_no_database_stores(ann: Client) -> None:
    ann.post(STUDIO, {"keep": "1", "keep_as": "Kite\0", "prompt": "a\0 kite"})
    assert list(Template.objects.values_list("name", "text")) == [("Kite", "a kite")]


# --- size ---


def test_a_brace_and_blanks_take_no_time() -> None:
    began = time.process_time()
    assert wording.gaps("{" + " " * 5000 + "x") == []
    assert wording.gaps("a { big animal } in the { }") == ["big animal"]
    assert time.process_time() - began < 0.2


def news_of(client: Client) -> list[str]:
    """What is said to this person on their next page."""
    request: Any = SimpleNamespace(user=me(client), resolver_match=None)  # all it asks of a request
    return [str(each) for each in news.sentences(request, news.of(request))]


def test_news_of_many_objects_costs_no_more_than_of_one(ann: Client) -> None:
    def told(count: int) -> int:
        for number in range(count):
            place_id = str(article(slug=f"a-{count}-{number}").pk)
            picture(me(ann), place=HERO, place_id=place_id, unseen=True)
        with CaptureQueriesContext(connection) as queries:
            said = news_of(ann)
        assert len(said) >= count
        assert all("Low water" in each for each in said)
        return len(queries)

    assert told(1) == told(6)


def test_news_of_an_object_nobody_can_find_names_the_description(ann: Client) -> None:
    for place, place_id in ((HERO, "no number"), (HERO, "99999"), ("gone.model.field", "1"), ("odd", "1")):
        picture(me(ann), prompt="a red kite", place=place, place_id=place_id, unseen=True)
    said = news_of(ann)
    assert len(said) == 4
    assert all("a red kite" in each for each in said)
