"""The Studio's left column: whose words are sent, what they cost, and that nothing is lost on the way."""

from __future__ import annotations

import uuid
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from imagen import messages, pipeline
from imagen.doors import Door
from imagen.exceptions import FieldError, ModelUnknown
from imagen.models import Budget, Generation, HouseRule, Scope, Style, Template, Tempo
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import completed, generation, image, person

STUDIO = reverse("admin:imagen_studio_changelist")
QUOTE = reverse("admin:imagen_studio_quote")
NOBODY = uuid.UUID(int=1)
JSON = {"Accept": "application/json"}
NO_TEXT = "No text, no lettering and no logos in the picture."


@pytest.fixture
def rule(db):
    """The rule every house begins with; a test that empties the tables takes it along."""
    return HouseRule.objects.get_or_create(name="No text in the picture", defaults={"words": NO_TEXT})[0]


@pytest.fixture
def style(db):
    return Style.objects.create(name="Woodcut", words="A woodcut in two colours.", avoid="photograph")


@pytest.fixture
def client(sign_in, rule):
    return sign_in("ann", *EDITOR, "add_template")


def me(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


def said(**changes: Any) -> dict[str, Any]:
    known = {"prompt": "a kite", "model": "imagen-4", "aspect_ratio": "16:9", "num_images": "2", "style": ""}
    return {**known, "mark": str(uuid.uuid4()), **changes}


def ask(client: Client, at: str = STUDIO, **changes: Any) -> Any:
    return client.post(at, said(**changes), headers=JSON)


def wrong(response: Any) -> dict[str, Any]:
    assert response.status_code == 422
    return response.json()["html"]


def through(client: Client, **facts: Any) -> str:
    known = {"place": "articles.article.hero", "place_id": "7", "ratio": "16:9", **facts}
    return f"{STUDIO}?door={Door(**known).sign(me(client))}&_popup=1"


# --- who may ---


def test_who_may_not_generate_finds_no_studio(sign_in):
    client = sign_in("bob", "view_generation")
    assert client.get(STUDIO).status_code == 403
    assert STUDIO not in client.get(reverse("admin:index")).content.decode()


def test_the_studio_comes_first_in_the_list_of_the_app(client):
    [app] = [app for app in client.get(reverse("admin:index")).context["app_list"] if app["app_label"] == "imagen"]
    assert app["models"][0]["admin_url"] == STUDIO
    assert len(app["models"]) > 2


def test_it_may_stand_in_a_frame_of_this_site(client):
    assert client.get(STUDIO)["X-Frame-Options"] == "SAMEORIGIN"


def test_in_a_dialog_there_is_no_header_and_no_list(client):
    page = client.get(through(client)).content.decode()
    assert "branding" not in page
    assert "nav-sidebar" not in page


def test_the_page_takes_few_queries(client, style, django_assert_max_num_queries):
    for number in range(20):
        Style.objects.create(name=f"Style {number}", words="Ink.")
        Template.objects.create(name=f"Template {number}", text="A {thing}", style=style)
    client.get(STUDIO)
    with django_assert_max_num_queries(15):
        client.get(through(client))


def notes(client: Client, **changes: Any) -> str:
    return plain(client.post(QUOTE, said(**changes)).json()["html"]["notes"])


def plain(html: str) -> str:
    return " ".join(Page(html).text.split())


def test_the_model_says_what_a_picture_costs_and_how_long_it_usually_takes_once_that_was_measured(client):
    assert "Imagen 4: 0.038 USD a picture. " in notes(client)
    Tempo.objects.create(provider="wavespeed", provider_model="google/imagen4", mean=11.0, deviation=3.0)
    Tempo.objects.create(provider="sandbox", provider_model="google/imagen4", mean=2.0, deviation=1.0)
    assert notes(client).startswith("Imagen 4: 0.038 USD a picture, usually 11 s. Google switched this model off")
    assert notes(client, num_images="4").startswith("Imagen 4: 0.038 USD a picture, usually 11 s.")
    assert "usually" not in notes(client, model="nano-banana-2.1")


def test_a_model_that_costs_nothing_and_one_whose_price_nobody_knows_say_so(client, settings):
    wavespeed = settings.IMAGEN["PROVIDERS"]
    settings.IMAGEN = {"PROVIDERS": {"sandbox": {"BACKEND": "imagen.providers.sandbox.Sandbox"}}}
    assert notes(client).startswith("Imagen 4: free.")
    settings.IMAGEN = {"PROVIDERS": wavespeed, "OFFERS": {"wavespeed": {"imagen-4": {"price": None}}}}
    assert notes(client).startswith("Imagen 4: price unknown.")


def test_what_is_added_to_the_words_is_named_with_its_version(client, style, rule):
    Style.objects.update(version=3)
    HouseRule.objects.update(version=1007)
    HouseRule.objects.create(name="No people", words="No people.", locked=True, position=9)
    sent = plain(client.post(QUOTE, said(style=str(style.pk), kept=[f"rule:{rule.pk}"])).json()["html"]["sent"])
    added = "Woodcut, version 3 · No text in the picture, version 1007 · No people, version 1 (always)"
    assert f"Added: {added} " in sent
    assert f"{len(f'a kite. {style.words} {NO_TEXT} No people.')} of 5000 characters" in sent
    left_out = said(known=[f"rule:{rule.pk}"], kept=[])
    assert "Added: No people, version 1 (always)" in plain(client.post(QUOTE, left_out).json()["html"]["sent"])


def test_what_is_left_is_told_with_its_limit_and_until_when_on_the_page_and_with_each_price(client):
    Budget.objects.create(scope=Scope.EACH, limit=Decimal(5))
    ask(client)
    ends = messages.day((timezone.now().astimezone(UTC).replace(day=1) + timedelta(days=32)).replace(day=1).date())
    page, price = client.get(STUDIO).content.decode(), client.post(QUOTE, said()).json()["html"]["price"]
    for html in (page, price):
        assert f"Left until {ends}: 4.924 USD of 5.00 USD" in plain(html)
        whole = f"Left: 4.924 USD of 5.00 USD until {ends} (budget: each person, a month)."
        assert Page(html).all("p", title=whole)


def test_the_page_itself_says_the_price_of_a_picture_too(client):
    assert "Imagen 4: 0.038 USD a picture." in plain(client.get(STUDIO).content.decode())


def test_it_begins_with_as_many_pictures_as_the_site_says(client, settings):
    assert client.get(STUDIO).context["quote"]["button"].startswith("Generate 2")
    settings.IMAGEN = {**settings.IMAGEN, "STUDIO_NUM_IMAGES": 3}
    page = client.get(STUDIO)
    assert page.context["form"]["num_images"].value() == 3
    assert page.context["quote"]["button"].startswith("Generate 3")


# --- asking ---


def test_asking_answers_with_the_request_and_where_it_is_told_how_it_stands(client):
    answer = ask(client).json()
    row = Generation.objects.get()
    assert answer["run"] == str(row.pk)
    assert answer["url"] == reverse("admin:imagen_studio_state", args=[row.pk])
    assert (row.aspect_ratio, row.num_images, row.user, row.unseen) == ("16:9", 2, me(client), True)
    assert row.events.get(what="asked").actor == me(client)


def test_without_scripts_the_page_shows_the_request_after_it_reloaded(client):
    at = through(client)
    response = client.post(at, said())
    row = Generation.objects.get()
    assert response.status_code == 302
    assert response.url.startswith(f"{STUDIO}?door=")
    assert response.url.endswith(f"&_popup=1&run={row.pk}")
    page = client.get(response.url)
    assert f'data-url="{reverse("admin:imagen_studio_state", args=[row.pk])}' in page.content.decode()
    assert page.context["form"]["prompt"].value() == "a kite"


def test_a_double_click_makes_one_request(client):
    mark = str(uuid.uuid4())
    runs = {ask(client, mark=mark).json()["run"] for _ in range(2)}
    assert runs == {str(Generation.objects.get().pk)}


def test_asking_the_same_once_more_afterwards_makes_another(client):
    mark = ask(client).json()["mark"]
    ask(client, mark=mark)
    assert Generation.objects.count() == 2


def test_the_fields_own_cuts_are_set_and_further_shapes_can_be_ticked(client):
    cuts = client.get(through(client, crops=("1:1",))).context["cuts"]
    assert [(cut["name"], cut["chosen"], "fixed" in cut) for cut in cuts] == [
        ("1:1", True, True),
        ("9:16", False, False),
        ("4:3", False, False),
        ("3:4", False, False),
    ]


def test_ticked_shapes_are_kept_with_the_request_and_ticked_again_when_it_is_varied(client):
    ask(client, through(client), slots=["9:16", "4:3"])
    row = Generation.objects.get()
    assert row.slots == ["9:16", "4:3"]
    form = client.get(f"{STUDIO}?like={row.pk}").context["form"]
    assert form["slots"].value() == ["9:16", "4:3"]
    form = client.post(STUDIO, said(use="1", slots=["9:16", "4:3"])).context["form"]
    assert form["slots"].value() == ["9:16", "4:3"]


def test_a_shape_nobody_offers_is_not_shown(client):
    assert "This is no longer offered." in wrong(ask(client, slots=["7:1"]))
    assert not Generation.objects.exists()


def test_a_request_knows_the_field_it_is_for(client):
    ask(client, through(client))
    row = Generation.objects.get()
    assert (row.place, row.place_id) == ("articles.article.hero", "7")


def test_the_same_words_for_two_fields_are_two_requests(client):
    mark = str(uuid.uuid4())
    for place_id in ("7", "8"):
        ask(client, through(client, place_id=place_id), mark=mark)
    assert Generation.objects.count() == 2


def test_a_variation_remembers_what_it_grew_out_of(client):
    mine, foreign = generation(me(client)), generation(person("bob"))
    for parent in (mine.pk, foreign.pk, "x"):
        ask(client, parent=str(parent))
    assert set(Generation.objects.exclude(pk__in=(mine.pk, foreign.pk)).values_list("parent", flat=True)) == {
        mine.pk,
        None,
    }


def test_a_form_can_begin_with_an_earlier_request(client, style):
    ask(client, style=str(style.pk), prompt="a red kite", num_images="3")
    row = Generation.objects.get()
    form = client.get(STUDIO, {"like": str(row.pk)}).context["form"]
    values = {name: str(form[name].value()) for name in ("prompt", "style", "num_images", "parent")}
    assert values == {"prompt": "a red kite", "style": str(style.pk), "num_images": "3", "parent": str(row.pk)}
    other = generation(person("bob"), prompt="somebody else's secret")
    for name in ("like", "run"):
        assert "secret" not in client.get(STUDIO, {name: str(other.pk)}).content.decode()


@pytest.mark.parametrize("address", ["?like=x", "?run=x", f"?run={NOBODY}", f"?like={NOBODY}", "?door="])
def test_an_address_that_names_nothing_opens_an_empty_form(client, address):
    assert client.get(STUDIO + address).status_code == 200


# --- the words ---


def test_a_style_and_the_rules_of_the_house_are_added_and_recorded_with_their_versions(client, style, rule):
    ask(client, style=str(style.pk))
    row = Generation.objects.get()
    assert row.prompt == f"a kite. A woodcut in two colours. {NO_TEXT}"
    assert row.negative_prompt == "photograph"
    assert row.wording["own"] == "a kite"
    assert [(part["name"], part["version"]) for part in row.wording["parts"]] == [
        ("Woodcut", 1),
        ("No text in the picture", 1),
    ]


def test_what_a_style_avoids_is_added_to_what_the_editor_avoids(client, style):
    ask(client, style=str(style.pk), negative_prompt="people")
    assert Generation.objects.get().negative_prompt == "people, photograph"


def test_what_is_avoided_already_is_not_avoided_twice(client, style):
    ask(client, style=str(style.pk), negative_prompt="people, Photograph")
    assert Generation.objects.get().negative_prompt == "people, Photograph"


def test_what_a_style_avoids_is_no_obstacle_to_a_model_that_cannot_avoid(client, style):
    ask(client, style=str(style.pk), model="nano-banana-2.1")
    assert Generation.objects.get().negative_prompt == ""


def test_a_rule_can_be_left_out_for_one_picture(client, rule):
    ask(client, known=f"rule:{rule.pk}")
    assert Generation.objects.get().prompt == "a kite"


def test_a_locked_rule_cannot(client, rule):
    HouseRule.objects.update(locked=True)
    ask(client, known=f"rule:{rule.pk}")
    assert Generation.objects.get().prompt == f"a kite. {NO_TEXT}"


def test_a_rule_that_came_after_the_page_was_opened_holds(client, rule):
    HouseRule.objects.create(name="Colours", words="Muted colours.", position=1)
    ask(client, known=f"rule:{rule.pk}")
    assert Generation.objects.get().prompt == "a kite. Muted colours."


def test_words_edited_as_a_whole_are_not_said_twice(client, rule):
    HouseRule.objects.update(locked=True)
    ask(client, prompt=f"A kite.\n{NO_TEXT.upper()}")
    assert Generation.objects.get().prompt == f"A kite.\n{NO_TEXT.upper()}"


def test_markup_in_a_description_is_text(client):
    html = wrong(ask(client, prompt="<script>alert(1)</script>", model="no-such"))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


# --- templates ---


def test_the_gaps_of_a_template_are_filled(client):
    template = Template.objects.create(name="Animal", text="A {animal} in the {place}")
    ask(client, prompt="", template=str(template.pk), **{"gap-0": "fox", "gap-1": "snow"})
    assert Generation.objects.get().wording["own"] == "A fox in the snow"


def test_an_open_gap_is_named_and_nothing_is_asked(client):
    template = Template.objects.create(name="Animal", text="A {animal} in the {place}")
    html = wrong(ask(client, prompt="A fox in the {place}", template=str(template.pk)))
    assert "Fill in: place." in html
    assert "A fox in the {place}" in html
    assert not Generation.objects.exists()


def test_without_scripts_a_template_is_used_with_a_button(client, style):
    template = Template.objects.create(name="Animal", text="A {animal}", style=style)
    form = client.post(STUDIO, said(use="1", prompt="", template=str(template.pk), num_images="4")).context["form"]
    assert (form["prompt"].value(), str(form["num_images"].value())) == ("A {animal}", "4")
    assert form.chosen_style == style
    assert form.gaps == [{"name": "animal", "value": ""}]
    assert not Generation.objects.exists()


def test_an_editor_keeps_words_as_a_template_of_their_own(client, style):
    answer = ask(client, prompt="A {animal}", keep="1", keep_as="Animals", style=str(style.pk)).json()
    template = Template.objects.get()
    assert (template.owner, template.text, template.style) == (me(client), "A {animal}", style)
    assert "Animals" in answer["html"]
    assert "is kept among your templates" in answer["html"]
    assert "A {animal}" in answer["html"]


def test_a_template_of_ones_own_is_nobody_elses(client, sign_in):
    ask(client, prompt="A {animal}", keep="1", keep_as="Animals")
    assert "Animals" not in sign_in("bob", *EDITOR).get(STUDIO).content.decode()


@pytest.mark.parametrize("changes", [{"keep_as": " "}, {"prompt": " ", "keep_as": "Animals"}])
def test_a_template_needs_a_name_and_words(client, changes):
    answer = ask(client, keep="1", **{"keep_as": "", **changes})
    assert "needs a name and a description" in answer.json()["html"]
    assert not Template.objects.exists()


def test_who_may_not_keep_templates_is_not_offered_to(sign_in):
    client = sign_in("bob", *EDITOR)
    assert "keep_as" not in client.get(STUDIO).content.decode()
    ask(client, keep="1", keep_as="Animals")
    assert not Template.objects.exists()


# --- the field ---


def test_the_shapes_of_the_field_come_first(client):
    page = client.get(through(client, crops=("1:1", "9:16")))
    shapes = page.context["shapes"]
    assert [shape["name"] for shape in shapes["first"]] == ["16:9", "1:1", "9:16"]
    assert shapes["first"][0]["chosen"]
    assert shapes["first"][0]["why"] == "from this field"
    assert "Shape for “Picture”" in page.content.decode()


@pytest.mark.parametrize(("ratio", "made"), [("2:1", "16:9"), ("40:21", "16:9"), ("1:1", "1:1"), ("7:1", "8:1")])
def test_a_shape_nobody_makes_is_cut_from_the_nearest(client, ratio, made):
    assert client.get(through(client, ratio=ratio)).context["form"]["aspect_ratio"].value() == made


def test_a_model_that_can_make_the_shape_is_chosen_beforehand(client):
    form = client.get(through(client, ratio="21:9")).context["form"]
    assert form["model"].value() != "imagen-4"
    ask(client, through(client, ratio="21:9"), model=form["model"].value(), aspect_ratio="21:9")
    assert Generation.objects.get().aspect_ratio == "21:9"


def test_a_door_that_is_somebody_elses_opens_nothing_and_nothing_is_lost(client):
    at = f"{STUDIO}?door={Door(place='articles.article.hero').sign(person('bob'))}"
    assert "no longer knows which field" in client.get(at).content.decode()
    html = wrong(ask(client, at, prompt="a kite at sea"))
    assert "no longer knows which field" in html
    assert "a kite at sea" in html
    assert not Generation.objects.exists()
    again = client.post(at, said())
    assert again.context["entrance"].page() == STUDIO


# --- what it costs ---


def test_the_button_says_how_many_and_what_they_cost(client):
    answer = client.post(QUOTE, said(num_images="3")).json()
    assert answer["button"] == "Generate 3 · 0.114 USD"
    assert "Its successor is Nano Banana 2.1" in answer["html"]["notes"]
    (instead,) = Page(answer["html"]["notes"]).all("button")
    assert instead["data-model"] == "nano-banana-2.1"


@pytest.mark.parametrize(("chosen", "opened"), [(0, False), (7, True)])
def test_six_styles_are_shown_and_the_rest_below_more(client, chosen, opened):
    styles = [Style.objects.create(name=f"Look {number}", words="in ink", position=number) for number in range(8)]
    user = User.objects.get(pk=client.session["_auth_user_id"])
    wording = {"own": "a kite", "parts": [{"key": f"style:{styles[chosen].pk}"}]}
    row = completed(user, wording=wording)
    looks = client.get(STUDIO, {"like": row.pk}).context["looks"]
    assert [tile["name"] for tile in looks["first"]] == ["No style", *(f"Look {number}" for number in range(6))]
    assert [tile["name"] for tile in looks["more"]] == ["Look 6", "Look 7"]
    assert looks["open"] is opened


def similar(client, words, **fields):
    """The links to pictures that say the same."""
    html = client.post(QUOTE, said(prompt=words, **fields)).json()["html"]["have"]
    return [link for link in Page(html).all("a") if "data-show" in link]


def test_pictures_that_say_the_same_are_shown_before_anything_is_paid_for(client):
    user = User.objects.get(pk=client.session["_auth_user_id"])
    row = completed(
        user, images=2, prompt="A red kite over the dunes. No text.", wording={"own": "A red kite over the dunes"}
    )
    completed(user, prompt="A blue whale under the ice")
    completed(person("bob"), prompt="A red kite over the dunes")
    image(generation(user, prompt="A red kite over the dunes", status="completed", pictures=True), review="held")
    for words in ("a red kite over the dunes", "Red kite over the dunes!", "a red kite over dunes"):
        links = similar(client, words)
        assert len(links) == 2
        assert all(str(row.pk) in link["data-show"] and str(row.pk) in link["href"] for link in links)
    assert (
        "You already have 2 similar pictures."
        in client.post(QUOTE, said(prompt="a red kite over the dunes")).json()["html"]["have"]
    )
    for words in ("", "a kite", "a red kite over a very long beach with people"):
        assert similar(client, words) == []
    assert similar(client, "a red kite over the dunes", run=row.pk) == []


def test_a_price_needs_no_description(client):
    answer = client.post(QUOTE, said(prompt="")).json()
    assert answer["button"] == "Generate 2 · 0.076 USD"
    assert "0 of" not in answer["html"]["price"]


def test_what_will_be_sent_is_counted_against_what_the_model_takes(client, style, rule):
    sent = client.post(QUOTE, said(style=str(style.pk))).json()["html"]["sent"]
    whole = f"a kite. A woodcut in two colours. {NO_TEXT}"
    assert Page(sent).all("p", **{"data-text": whole})
    assert f"{len(whole)} of 5000 characters" in sent


def test_words_that_are_too_long_together_are_refused_beside_the_description(client, rule):
    html = wrong(ask(client, prompt="x" * 4990))
    assert 'id="id_prompt_error"' in html
    assert not Generation.objects.exists()


def test_a_word_the_site_does_not_allow_is_named_beside_the_description_and_selected(client, settings):
    settings.IMAGEN = {**settings.IMAGEN, "PROMPT_RULES": {"people policy": ["celebrity"]}}
    html = wrong(ask(client, prompt="a celebrity at sea"))
    assert "The word “celebrity” is not allowed by your site’s rules (rule: people policy)." in html
    assert 'data-blocked="celebrity"' in html
    assert not Generation.objects.exists()


def test_over_budget_fewer_pictures_and_more_money_are_offered(client):
    Budget.objects.create(scope=Scope.EACH, limit=Decimal("0.05"))
    price = client.post(QUOTE, said()).json()["html"]["price"]
    assert "Make 1 instead · 0.038 USD" in price
    assert "Ask for more" in price
    assert "0.05 USD of 0.05 USD is left" in price
    assert "This needs 0.076 USD" in wrong(ask(client))
    ask(client, fewer="1")
    assert Generation.objects.get().num_images == 1


def test_a_budget_that_went_while_the_page_was_open_is_said_and_the_words_are_kept(client, monkeypatch):
    Budget.objects.create(scope=Scope.EACH, limit=Decimal("0.10"))
    whole = pipeline.request

    def late(**options: Any) -> Any:
        Budget.objects.update(limit=Decimal("0.01"))
        return whole(**options)

    monkeypatch.setattr(pipeline, "request", late)
    html = wrong(ask(client, prompt="a kite at sea"))
    assert "This needs 0.076 USD" in html
    assert "a kite at sea" in html
    assert not Generation.objects.exists()


def test_a_model_that_went_while_the_page_was_open_is_said_beside_it(client, monkeypatch):
    def gone(**options: Any) -> Any:
        raise ModelUnknown(errors=(FieldError(field="model", code="model_unknown"),), model="imagen-4")

    monkeypatch.setattr(pipeline, "request", gone)
    html = wrong(ask(client, prompt="a kite at sea"))
    assert 'id="id_model_error"' in html
    assert "a kite at sea" in html


def test_a_price_that_rose_is_shown_before_it_is_paid(client):
    assert "The price is 0.076 USD now" in wrong(ask(client, shown="USD:0.01"))
    assert not Generation.objects.exists()


def test_a_permission_that_went_while_the_page_was_open_is_said(client):
    me(client).user_permissions.clear()
    cache.clear()
    answer = ask(client)
    assert answer.status_code == 403
    assert answer.json() == {"message": "Your account may not generate images here."}
    assert not Generation.objects.exists()


def test_without_any_service_the_page_says_so(client, settings):
    settings.IMAGEN = {"PROVIDERS": {}}
    settings.DEBUG = False
    page = client.get(STUDIO).content.decode()
    assert "No image service is set up" in page
    assert Page(page).all("button", id="imagen-generate")[0].keys() >= {"disabled"}


def test_only_one_model_is_nothing_to_choose(client, settings):
    assert not client.get(STUDIO).context["only_one_model"]
    settings.IMAGEN = {"PROVIDERS": {"sandbox": {"BACKEND": "tests.admin.shop.OneModel"}}}
    assert client.get(STUDIO).context["only_one_model"]


# --- examples ---


@pytest.mark.by_hand("a picture without a call behind it")
def test_the_example_of_a_style_is_seen_by_everybody_it_is_offered_to(client, style):
    style.example = image(generation(person("bob"), status="completed", pictures=True))
    style.save()
    thumbnail = reverse("imagen:thumbnail", args=[style.example.pk])
    assert thumbnail in client.get(STUDIO).content.decode()
    assert client.get(thumbnail).getvalue()
    assert client.get(reverse("imagen:image", args=[style.example.pk])).status_code == 404
    Style.objects.update(owner=person("eve"))
    assert client.get(thumbnail).status_code == 404
