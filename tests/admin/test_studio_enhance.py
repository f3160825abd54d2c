"""*Enhance* at the Studio's door: who may, what is answered, and that nothing is kept, sent or lost by it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from imagen.admin.studio.enhance import FAILED, NOTHING
from imagen.models import Generation, HouseRule, Style, Template
from imagen.types import MAX_PROMPT
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.admin.test_studio_ask import through

STUDIO = reverse("admin:imagen_studio_changelist")
ENHANCE = reverse("admin:imagen_studio_enhance")
JSON = {"Accept": "application/json"}
ADDED = "Photograph, soft natural light, wide framing with room around the subject, clear depth and fine detail."


def facts(text: str, *, ratio: str, style: str) -> str:
    """A site's own, which shows what it was told."""
    return f"{text} ({ratio}, {style or 'no style'})"


def broken(text: str, **facts: str) -> str:
    """A site's own that fails."""
    raise ValueError(text)


@pytest.fixture
def client(sign_in):
    HouseRule.objects.all().delete()
    return sign_in("ann", *EDITOR)


@pytest.fixture
def own(settings):
    """The site enhances by a function of its own."""
    settings.IMAGEN = {**settings.IMAGEN, "ENHANCE": "tests.admin.test_studio_enhance.facts"}


def said(**changes: Any) -> dict[str, Any]:
    known = {"prompt": "a kite", "model": "imagen-4", "aspect_ratio": "16:9", "num_images": "3", "style": ""}
    return {**known, "mark": str(uuid.uuid4()), **changes}


def enhanced(client: Client, at: str = ENHANCE, **changes: Any) -> dict[str, str]:
    answer = client.post(at, said(**changes), headers=JSON)
    assert answer.status_code == 200
    return answer.json()


def plain(html: str) -> str:
    return " ".join(Page(html).text.split())


def page(client: Client, **changes: Any) -> Any:
    """The page as it comes back to who has no scripts."""
    answer = client.post(STUDIO, said(**changes))
    assert answer.status_code == 200
    return answer


# --- what is answered ---


def test_richer_words_come_with_what_was_added_to_read_and_to_hear(client):
    found = enhanced(client)
    assert found["prompt"] == f"a kite. {ADDED}"
    assert plain(found["html"]) == f"a kiteadded: . {ADDED}"
    assert Page(found["html"]).all("ins")
    assert not Page(found["html"]).all("del")


def test_words_that_go_are_marked_and_long_runs_that_stay_are_shortened(client, settings):
    settings.IMAGEN = {**settings.IMAGEN, "ENHANCE": "imagen.rewording.by_table"}
    assert enhanced(client)["said"] == str(FAILED)  # it takes no shape
    settings.IMAGEN = {**settings.IMAGEN, "ENHANCE": "tests.admin.test_studio_enhance.milder"}
    found = enhanced(client, prompt="one two three four five six seven eight bloody kites")
    assert plain(found["html"]) == "one two three … six seven eight removed: bloody added: dramatic kites"


def milder(text: str, **facts: str) -> str:
    """A site's own that takes words away, too."""
    return text.replace("bloody", "dramatic")


@pytest.mark.parametrize("text", ["", "  \n ", "\0"])
def test_of_nothing_nothing_is_made(client, text):
    assert enhanced(client, prompt=text) == {"said": "Say what the picture shows."}


def test_what_says_all_of_it_already_is_left_alone(client):
    again = enhanced(client)["prompt"]
    assert enhanced(client, prompt=again) == {"said": "There is nothing to add."}


def test_a_description_that_is_as_long_as_it_may_be_is_left_alone(client):
    assert enhanced(client, prompt="a" * MAX_PROMPT) == {"said": str(NOTHING)}
    assert enhanced(client, prompt="a\r\n" * (MAX_PROMPT // 2)) == {"said": str(NOTHING)}
    assert enhanced(client, prompt="a" * (MAX_PROMPT + 1)) == {"said": str(FAILED)}


def test_a_function_that_fails_leaves_the_words_alone_and_is_logged_without_them(client, settings, caplog):
    settings.IMAGEN = {**settings.IMAGEN, "ENHANCE": "tests.admin.test_studio_enhance.broken"}
    assert enhanced(client, prompt="a secret kite") == {"said": "That did not work. Your words are as they were."}
    assert "IMAGEN['ENHANCE'] failed: ValueError" in caplog.messages
    assert "secret" not in caplog.text


def test_a_function_of_the_site_is_told_the_shape_and_the_style(client, own):
    ink = Style.objects.create(name="Ink", words="Drawn in ink.")
    assert enhanced(client, style=str(ink.pk))["prompt"] == "a kite (16:9, Drawn in ink.)"
    assert enhanced(client)["prompt"] == "a kite (16:9, no style)"


@pytest.mark.parametrize("ratio", ["", "wide", "0:0", "1:1\0"])
def test_a_shape_that_is_none_is_that_of_the_field(client, own, ratio):
    assert enhanced(client, aspect_ratio=ratio)["prompt"] == "a kite (1:1, no style)"
    field = through(client).replace(STUDIO, ENHANCE)
    assert enhanced(client, field, aspect_ratio=ratio)["prompt"] == "a kite (16:9, no style)"


def test_a_style_that_is_somebody_elses_tells_nothing(client, own, sign_in):
    theirs = Style.objects.create(
        name="Mine", words="Secret.", owner=sign_in("bob", *EDITOR).get("/").wsgi_request.user
    )
    assert enhanced(client, style=str(theirs.pk))["prompt"] == "a kite (16:9, no style)"


def test_lines_are_counted_as_a_browser_counts_them(client, own):
    assert enhanced(client, prompt="a\r\nkite")["prompt"] == "a\nkite (16:9, no style)"


def test_gaps_of_a_template_stay_where_they_are_not_filled(client):
    row = Template.objects.create(name="Animal", text="A {animal} in the {place}")
    found = enhanced(client, prompt="", template=str(row.pk), **{"gap-0": "fox"})
    assert found["prompt"] == f"A fox in the {{place}}. {ADDED}"


def test_the_page_says_it_in_its_language(client):
    found = client.post(ENHANCE, said(prompt="Hamburg"), headers={**JSON, "Accept-Language": "de"}).json()
    assert found["prompt"].startswith("Hamburg. Fotografie")
    assert "ergänzt:" in found["html"]


def test_markup_in_a_description_stays_text(client):
    html = enhanced(client, prompt="<img src=x> {{ 7|add:7 }}")["html"]
    assert not Page(html).all("img")
    assert "{{ 7|add:7 }}" in plain(html)


def test_nothing_is_kept_and_nothing_is_asked_for(client):
    enhanced(client)
    assert not Generation.objects.exists()


# --- who may ---


def test_who_may_not_generate_may_not_enhance(sign_in):
    bob = sign_in("bob", "view_generation")
    answer = bob.post(ENHANCE, said(), headers=JSON)
    assert (answer.status_code, answer.json()["said"]) == (403, "Your account may not generate images here.")
    assert bob.post(ENHANCE, said()).status_code == 403


def test_who_is_not_signed_in_reads_that(db):
    answer = Client().post(ENHANCE, said(), headers=JSON)
    assert answer.status_code == 403
    assert "logged out" in answer.json()["html"]


def test_it_is_posted_and_from_this_site_only(client):
    assert client.get(ENHANCE, headers=JSON).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(ENHANCE, said(), headers=JSON).status_code == 403


# --- the page ---


def test_the_button_is_there_and_says_that_it_is_free_where_the_table_is_ours(client, settings):
    html = client.get(STUDIO).content.decode()
    assert Page(html).all("button", name="enhance")[0]["data-url"] == ENHANCE
    assert "free of charge" in html
    settings.IMAGEN = {**settings.IMAGEN, "ENHANCE": "tests.admin.test_studio_enhance.facts"}
    html = client.get(STUDIO).content.decode()
    assert Page(html).all("button", name="enhance")
    assert "free of charge" not in html


def test_in_a_dialog_the_button_knows_the_field(client):
    html = client.get(through(client)).content.decode()
    at = Page(html).all("button", name="enhance")[0]["data-url"] or ""
    assert at.startswith(f"{ENHANCE}?door=")
    assert "wide framing" in enhanced(client, at, aspect_ratio="")["prompt"]


@pytest.mark.parametrize("name", ["", "no.such.function", "tests.admin.test_studio_enhance.ADDED", ".."])
def test_where_the_site_has_none_there_is_no_button_and_a_late_press_ends_in_a_sentence(client, settings, name):
    settings.IMAGEN = {**settings.IMAGEN, "ENHANCE": name}
    html = client.get(STUDIO).content.decode()
    assert not Page(html).all("button", name="enhance")
    assert enhanced(client) == {"said": str(FAILED)}
    assert page(client, enhance="1").context["form"]["prompt"].value() == "a kite"


def test_without_scripts_the_page_comes_back_with_the_words_and_all_else_that_was_said(client):
    answer = page(client, enhance="1")
    form, html = answer.context["form"], Page(answer.content.decode())
    assert (form["prompt"].value(), form["num_images"].value()) == (f"a kite. {ADDED}", "3")
    assert f"Changed: a kiteadded: . {ADDED}" in " ".join(html.text.split())
    assert html.all("button", name="undo")[0]["value"] == "a kite"
    assert "hidden" not in html.all("p", id="imagen-reworded")[0]
    assert not Generation.objects.exists()


def test_without_scripts_it_is_undone_by_a_press(client):
    answer = page(client, prompt=f"a kite. {ADDED}", undo="a kite")
    html = Page(answer.content.decode())
    assert answer.context["form"]["prompt"].value() == "a kite"
    assert "hidden" in html.all("p", id="imagen-reworded")[0]


@pytest.mark.parametrize(("prompt", "sentence"), [("", "Say what"), (f"a kite. {ADDED}", "There is nothing to add.")])
def test_without_scripts_too_it_is_said_why_nothing_changed(client, prompt, sentence):
    answer = page(client, prompt=prompt, enhance="1")
    assert sentence in Page(answer.content.decode()).text
    assert answer.context["form"]["prompt"].value() == prompt
