"""Image fields of an admin page filled from the Studio: what the form shows, takes, refuses and writes down."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from imagen import pipeline, placing
from imagen.doors import Door
from imagen.models import Generation, Image, Placement, Style
from project.articles.models import Article, Figure
from tests import factories
from tests.admin.pages import Page
from tests.admin.studio_site import StyleAdmin, StyleInline
from tests.project.conftest import ADD, ALT, DATE, HERO, NO_FIGURES, WORDS, WRITER, article, chosen, upload

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.admin.studio_site")]
FIGURE = "articles.figure.picture"
STUDIO = "/admin/imagen/studio/"
STYLE = ("view_style", "add_style", "change_style")


@pytest.fixture
def ann(sign_in: Callable[..., Client]) -> Client:
    """An editor who writes."""
    client = sign_in("ann", "generate", *STYLE)
    me(client).user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    return client


def me(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


def picture(user: User | None, *, size: tuple[int, int] = (64, 36), **fields: Any) -> Image:
    made = factories.generation(user, status="completed", pictures=True, **fields)
    return factories.image(made, content=factories.picture_bytes(size=size))


def change(row: Article) -> str:
    return reverse("admin:articles_article_change", args=[row.pk])


def shown(client: Client, address: str = ADD) -> Page:
    return Page(client.get(address).content.decode())


def send(client: Client, address: str = ADD, **fields: Any) -> Any:
    """Send the form and return the answer: a redirection when it was saved."""
    return client.post(address, {**WORDS, **DATE, **NO_FIGURES, "hero_alt": ALT, **fields})


def errors(answer: Any) -> dict[str, list[str]]:
    return {name: list(said) for name, said in answer.context["adminform"].form.errors.items()}


def told(client: Client) -> list[str]:
    page = client.get(reverse("admin:articles_article_changelist"))
    return [str(message) for message in page.context["messages"]]


def rows(page: Page) -> list[dict[str, str | None]]:
    return [found for _, found in page.elements if "data-imagen" in found]


def door(link: dict[str, str | None], user: User) -> Door:
    return Door.read(parse_qs(urlsplit(str(link["href"])).query)["door"][0], user)


def doors(page: Page, user: User) -> list[Door]:
    return [door(found, user) for found in page.all("a", **{"class": "button imagen-open"})]


# --- the row ---


def test_the_row_leads_to_the_studio_and_says_what_fits(ann: Client) -> None:
    shown_row, link = article(), "button imagen-open"
    for address, place_id in ((ADD, ""), (change(shown_row), str(shown_row.pk))):
        page = shown(ann, address)
        (generate,) = [found for found in page.all("a", **{"class": link}) if door(found, me(ann)).place == HERO]
        assert str(generate["href"]).startswith(STUDIO)
        assert generate["target"] == "hero-imagen"
        expected = Door(place=HERO, place_id=place_id, ratio="16:9", crops=("1:1",), alt=True)
        assert door(generate, me(ann)) == expected
    (hero, *_figures) = rows(page)
    assert json.loads(str(hero["data-words"])) == [["title", 0], ["summary", 0], ["body", 400]]
    assert hero["data-alt"] == "hero_alt"


def test_without_the_permission_there_is_no_row_and_an_upload_works(
    sign_in: Callable[..., Client],
) -> None:
    client = sign_in("bob")
    me(client).user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    page = shown(client)
    assert not rows(page)
    assert "Generate…" not in page.text
    assert send(client, hero=upload(factories.picture_bytes())).status_code == 302


@pytest.mark.parametrize(("permission", "said"), [("view_alarm", True), ("view_image", False)])
def test_where_no_service_has_a_key_only_those_who_look_after_it_are_told(
    ann: Client, settings: Any, permission: str, said: bool
) -> None:
    settings.IMAGEN = {"PROVIDERS": {}}
    me(ann).user_permissions.add(Permission.objects.get(codename=permission))
    page = shown(ann)
    assert ("Image generation is not set up" in page.text) is said
    assert bool(page.all("a", href=f"{STUDIO}setup/", target="_blank")) is said
    assert "Generate…" not in page.text


@pytest.mark.urls("tests.admin.urls_without_studio")
def test_an_admin_without_a_studio_keeps_its_plain_file_input(ann: Client) -> None:
    page = shown(ann)
    assert page.all("input", type="file")
    assert not rows(page)


def test_earlier_pictures_for_this_field_are_offered_newest_first(ann: Client) -> None:
    row = article()
    picture(me(ann))
    page = shown(ann, change(row))
    assert "or choose your earlier picture" in page.text
    here = {"place": HERO, "place_id": str(row.pk)}
    picture(me(ann), **here)
    newest = picture(me(ann), **here)
    for unwanted in (picture(me(ann), **here), picture(factories.person("bob"), **here)):
        Image.objects.filter(pk=unwanted.pk).update(discarded_at=timezone.now())
    page = shown(ann, change(row))
    assert "or choose from 2 earlier pictures for this field" in page.text
    (again, *_others) = page.all("a", **{"class": "imagen-open"})
    assert parse_qs(urlsplit(str(again["href"])).query)["run"] == [str(newest.generation_id)]


def test_a_picture_withheld_or_of_another_person_is_not_offered(ann: Client) -> None:
    Image.objects.filter(pk=picture(me(ann)).pk).update(review="held")
    picture(factories.person("bob"))
    assert not shown(ann).all("a", **{"class": "imagen-open"})


def test_more_rows_of_an_inline_cost_the_form_no_more_queries(ann: Client) -> None:
    row = article()

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert ann.get(change(row)).status_code == 200
        return len(queries)

    def figures(count: int) -> list[Figure]:
        files = [ContentFile(factories.picture_bytes(), name=f"{number}.png") for number in range(count)]
        return [Figure.objects.create(article=row, picture=file, alt="A") for file in files]

    made = figures(1)
    asked()  # what Django remembers from then on
    few = asked()
    made += figures(4)
    assert asked() == few <= 15
    for each in made:
        picture(me(ann), place=FIGURE, place_id=str(each.pk))
    assert asked() == few
    assert shown(ann, change(row)).text.count("or choose the earlier picture for this field") == 5


# --- taking a picture ---


def test_a_picture_goes_onto_a_new_object_through_the_models_own_field(ann: Client, media: Path) -> None:
    image = picture(me(ann), size=(160, 120))
    assert send(ann, **chosen(image, me(ann), name="Low Water", crop="16:9", focal=(50, 100))).status_code == 302
    row = Article.objects.get()
    assert row.hero.name.startswith("articles/")
    assert row.hero.name.endswith("/low-water.png")
    assert (row.hero_width, row.hero_height) == (160, 90)
    assert (media / row.hero.name).exists()


def test_who_placed_what_where_and_with_which_words_is_written_down(ann: Client) -> None:
    image = picture(me(ann))
    send(ann, **chosen(image, me(ann), meaning="functional"))
    row, placed = Article.objects.get(), Placement.objects.get()
    assert (placed.image, placed.user, placed.field, placed.object_id) == (image, me(ann), "hero", str(row.pk))
    assert (placed.content_type.model, placed.meaning, placed.alt_text) == ("article", "functional", ALT)
    assert placed.file_name == row.hero.name
    assert placed.ended_at is None
    assert "Added generated picture" in LogEntry.objects.get().get_change_message()


def silent(image: Image, user: User, **said: Any) -> dict[str, str]:
    return chosen(image, user, meaning="decorative", alt_text="", **said)


def test_a_picture_that_only_decorates_needs_no_words_then_or_later(ann: Client) -> None:
    assert send(ann, **silent(picture(me(ann)), me(ann)), hero_alt="").status_code == 302
    row = Article.objects.get()
    assert [(placed.meaning, placed.alt_text) for placed in Placement.objects.all()] == [("decorative", "")]
    assert send(ann, change(row), title="High water", hero_alt="").status_code == 302
    Article.objects.update(published=True)
    (hero,) = shown(ann, row.get_absolute_url()).all("img")
    assert hero["alt"] == ""
    other = send(ann, change(row), **chosen(picture(me(ann)), me(ann)), hero_alt="")
    assert "Say what the picture shows" in errors(other)["hero_alt"][0]


def test_words_that_were_kept_for_it_say_that_it_does_more(ann: Client) -> None:
    row = article(picture(me(ann)), hero_alt="The old pier")
    send(ann, change(row), **silent(picture(me(ann)), me(ann)), hero_alt="The old pier")
    placed = Placement.objects.get(ended_at=None)
    assert (placed.meaning, placed.alt_text) == ("informative", "The old pier")


def test_a_row_that_only_decorates_needs_no_words_either(ann: Client) -> None:
    image = picture(me(ann))
    token = silent(image, me(ann), place=FIGURE)["hero-imagen"]
    for made, wrong in ((figure(0, image, me(ann), alt=""), True), ({"figures-0-picture-imagen": token}, False)):
        answer = send(ann, **{"hero_alt": "", "figures-TOTAL_FORMS": "1", "figures-0-alt": "", **made})
        assert (answer.status_code == 200) is wrong
    assert (Figure.objects.get().alt, Placement.objects.get().meaning) == ("", "decorative")


def test_a_request_from_before_the_object_was_saved_is_found_at_it_afterwards(ann: Client) -> None:
    image = picture(me(ann), place=HERO)
    send(ann, **chosen(image, me(ann)))
    row = Article.objects.get()
    assert Generation.objects.get().place_id == str(row.pk)
    assert "or choose the earlier picture for this field" in shown(ann, change(row)).text


def test_the_validators_of_the_field_have_the_last_word(ann: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Article._meta.get_field("hero").validators[0], "allowed_extensions", ["jpg"])
    answer = send(ann, **chosen(picture(me(ann)), me(ann)))
    assert "File extension “png” is not allowed" in errors(answer)["hero"][0]


def test_another_picture_an_upload_and_a_cleared_field_each_end_the_placement_before(ann: Client) -> None:
    send(ann, **chosen(picture(me(ann)), me(ann)))
    row = Article.objects.get()
    for step in (
        chosen(picture(me(ann)), me(ann)),
        {"hero": upload(factories.picture_bytes())},
        chosen(picture(me(ann)), me(ann)),
        {"hero-clear": "on"},
    ):
        standing = set(Placement.objects.filter(ended_at=None).values_list("pk", flat=True))
        assert send(ann, change(row), **step).status_code == 302
        assert not Placement.objects.filter(pk__in=standing, ended_at=None)
    assert (Placement.objects.count(), Placement.objects.filter(ended_at=None).count()) == (3, 0)


def test_saving_again_without_a_new_picture_places_nothing(ann: Client) -> None:
    send(ann, **chosen(picture(me(ann)), me(ann)))
    before = Article.objects.get().hero.name
    send(ann, change(Article.objects.get()), title="High water")
    assert Article.objects.get().hero.name == before
    assert Placement.objects.get().ended_at is None


def test_a_deleted_object_uses_no_picture(ann: Client) -> None:
    me(ann).user_permissions.add(Permission.objects.get(codename="delete_article"))
    send(ann, **chosen(picture(me(ann)), me(ann)))
    ann.post(reverse("admin:articles_article_delete", args=[Article.objects.get().pk]), {"post": "yes"})
    assert not Article.objects.exists()
    assert Placement.objects.get().ended_at is not None


def test_neither_do_the_rows_that_go_with_it(ann: Client) -> None:
    image, row = picture(me(ann)), article()
    figure = Figure.objects.create(article=row, alt="x", picture=ContentFile(factories.picture_bytes(), name="x.png"))
    placing.record(figure, "picture", image=image, user=None, pick=None, alt="x")
    me(ann).user_permissions.add(*Permission.objects.filter(codename__startswith="delete_"))
    ann.post(reverse("admin:articles_article_delete", args=[row.pk]), {"post": "yes"})
    assert not Article.objects.exists()
    assert Placement.objects.get().ended_at is not None


# --- what is refused, and that nothing else is lost ---


def forged(token: str, user: User) -> str:
    return token[:-2] + ("aa" if token[-2:] != "aa" else "bb")


def foreign(token: str, user: User) -> str:
    image = Image.objects.get()
    return chosen(image, factories.person("bob"))["hero-imagen"]


def for_another_field(token: str, user: User) -> str:
    return chosen(Image.objects.get(), user, place=FIGURE)["hero-imagen"]


def a_door(token: str, user: User) -> str:
    return Door(place=HERO).sign(user)


def nonsense(token: str, user: User) -> str:
    return 'x:y:"><script>\0'


@pytest.mark.parametrize(
    "spoil", [forged, foreign, for_another_field, a_door, nonsense], ids=lambda spoil: spoil.__name__
)
def test_a_token_that_is_not_for_this_person_and_field_is_ignored(
    ann: Client, spoil: Callable[[str, User], str]
) -> None:
    token = chosen(picture(me(ann)), me(ann))["hero-imagen"]
    answer = send(ann, **{"hero-imagen": spoil(token, me(ann)), "hero_alt": ""})
    assert answer.status_code == 302
    assert Article.objects.get().hero.name == ""
    assert not Placement.objects.exists()


def test_a_choice_of_yesterday_is_refused_in_words_and_the_rest_stays(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = chosen(picture(me(ann)), me(ann))
    monkeypatch.setattr("imagen.doors.LIFETIME", timedelta(seconds=-1))
    answer = send(ann, title="Spring tide", **token)
    assert "chosen more than a day ago" in errors(answer)["hero"][0]
    page = Page(answer.content.decode())
    assert page.all("input", name="title", value="Spring tide")
    assert page.all("input", name="hero-imagen", value="")


@pytest.mark.parametrize("change_", [{"review": "held"}, {"review": "rejected"}], ids=["held", "rejected"])
def test_a_picture_withheld_meanwhile_is_refused_in_words(ann: Client, change_: dict[str, str]) -> None:
    image = picture(me(ann))
    Image.objects.filter(pk=image.pk).update(**change_)
    answer = send(ann, **chosen(image, me(ann)))
    assert errors(answer)["hero"] == ["This picture was deleted or withheld meanwhile. Choose another."]


@pytest.mark.by_hand("half of a deletion")
def test_a_picture_deleted_meanwhile_is_refused_in_words(ann: Client) -> None:
    image = picture(me(ann))
    token = chosen(image, me(ann))
    Generation.objects.filter(pk=image.generation_id).update(deleted_at=timezone.now())
    answer = send(ann, **token)
    assert "deleted or withheld" in errors(answer)["hero"][0]
    assert Page(answer.content.decode()).all("input", name="hero-imagen", value="")


@pytest.mark.by_hand("a file is damaged")
@pytest.mark.parametrize("crop", ["", "1:1"])
def test_a_damaged_file_is_refused_in_words(ann: Client, media: Path, crop: str) -> None:
    image = picture(me(ann), size=(400, 300))
    path = media / image.file.name
    path.write_bytes(path.read_bytes()[:200])
    answer = send(ann, **chosen(image, me(ann), crop=crop))
    assert errors(answer)["hero"] == ["The picture's file is damaged. Choose another picture."]


def test_a_form_that_comes_back_still_has_the_picture(ann: Client) -> None:
    image = picture(me(ann))
    token = chosen(image, me(ann))
    page = Page(send(ann, title="", **token).content.decode())
    assert page.all("input", name="hero-imagen", value=token["hero-imagen"])
    assert page.all("img", src=f"/imagen/images/{image.pk}/thumbnail/", alt=ALT)
    assert "AI-generated · not saved yet" in page.text
    assert not Article.objects.exists()


@pytest.mark.parametrize("wrong", ["title", "hero"])
@pytest.mark.parametrize("stands", ["with a picture", "without one", "nowhere"])
def test_a_form_that_comes_back_leads_to_the_studio_of_the_object_it_is_about(
    ann: Client, stands: str, wrong: str
) -> None:
    image = picture(me(ann))
    row = article(image if stands == "with a picture" else None, slug="first")
    known = {"hero": upload(factories.picture_bytes())} if wrong == "hero" else {"title": ""}
    answer = send(ann, ADD if stands == "nowhere" else change(row), **known, **chosen(image, me(ann)))
    assert list(errors(answer)) == [wrong]
    places = {found.place: found.place_id for found in doors(Page(answer.content.decode()), me(ann))}
    assert places[HERO] == ("" if stands == "nowhere" else str(row.pk))


def test_a_file_and_a_picture_at_once_are_one_too_many_and_the_picture_stays_chosen(ann: Client) -> None:
    token = chosen(picture(me(ann)), me(ann))
    answer = send(ann, hero=upload(factories.picture_bytes()), **token)
    assert errors(answer)["hero"][0].startswith("A file and a generated picture were chosen. Choose one")
    assert Page(answer.content.decode()).all("input", name="hero-imagen", value=token["hero-imagen"])


def test_a_picture_takes_the_place_of_one_that_was_to_be_cleared(ann: Client) -> None:
    row = article(picture(me(ann)))
    answer = send(ann, change(row), **{"hero-clear": "on"}, **chosen(picture(me(ann)), me(ann), name="theirs"))
    assert answer.status_code == 302
    assert "theirs" in Article.objects.get().hero.name


# --- two editors ---


def test_the_second_save_wins_and_says_so_and_both_files_are_kept(ann: Client, media: Path) -> None:
    row = article()
    mine, theirs = chosen(picture(me(ann)), me(ann)), chosen(picture(me(ann)), me(ann), name="theirs")
    send(ann, change(row), **theirs, **{"hero-imagen-seen": ""})
    assert not [text for text in told(ann) if "Somebody else" in text]
    before = Article.objects.get().hero.name
    send(ann, change(row), **mine, **{"hero-imagen-seen": ""})
    after = Article.objects.get().hero.name
    assert before != after
    assert [text for text in told(ann) if "Yours is there now; theirs is kept as a file." in text]
    assert (media / before).exists()
    assert Image.objects.count() == 2


def test_who_only_changes_words_is_told_that_the_picture_is_another_now(ann: Client) -> None:
    row = article()
    send(ann, change(row), **chosen(picture(me(ann)), me(ann)))
    send(ann, change(row), title="High water", **{"hero-imagen-seen": ""})
    assert [text for text in told(ann) if "It stays as they left it." in text]
    assert Article.objects.get().hero.name != ""


def test_the_form_carries_the_name_it_saw(ann: Client) -> None:
    row = article(picture(me(ann)))
    assert shown(ann, change(row)).all("input", name="hero-imagen-seen", value=row.hero.name)


def seen(row: Any, prefix: str = "", name: str = "hero", alt: str = "hero_alt") -> dict[str, str]:
    """What a form carries that was opened when the row looked like this."""
    facts = {"-imagen-seen": getattr(row, name).name, "-imagen-alt": getattr(row, alt)}
    return {f"{prefix}{name}{kind}": value for kind, value in facts.items()}


def words_of_the_form(client: Client, address: str) -> dict[str, str]:
    found = [each for each in shown(client, address).all("input", type="hidden") if "-imagen-" in str(each["name"])]
    return {str(each["name"]): str(each["value"]) for each in found}


@pytest.mark.parametrize("before", [True, False], ids=["another picture before", "none before"])
def test_who_only_changes_a_title_leaves_the_alt_text_that_came_with_another_picture(ann: Client, before: bool) -> None:
    row = article(picture(me(ann)) if before else None, hero_alt="The old pier" if before else "")
    opened = words_of_the_form(ann, change(row))
    assert opened["hero-imagen-alt"] == row.hero_alt
    theirs = chosen(picture(me(ann)), me(ann), name="theirs", alt_text="New words")
    send(ann, change(row), **theirs, hero_alt="New words")
    told(ann)
    assert send(ann, change(row), title="High water", hero_alt=row.hero_alt, **opened).status_code == 302
    stored = Article.objects.get()
    assert ("theirs" in stored.hero.name, stored.hero_alt, stored.title) == (True, "New words", "High water")
    assert [text for text in told(ann) if "changed “Alt text”" in text and "It stays as they left it." in text]


def test_of_two_who_change_the_words_the_second_wins_and_is_told_those_of_the_first(ann: Client) -> None:
    row = article(picture(me(ann)), hero_alt="The old pier")
    send(ann, change(row), hero_alt="A pier at low water", **seen(row))
    assert not [text for text in told(ann) if "Somebody else" in text]
    send(ann, change(row), hero_alt="The pier, and a dog", **seen(row))
    assert Article.objects.get().hero_alt == "The pier, and a dog"
    assert [text for text in told(ann) if "Yours is there now; theirs was: “A pier at low water”" in text]


def test_old_words_that_are_kept_for_a_picture_of_ones_own_are_ones_own_words(ann: Client) -> None:
    row = article(picture(me(ann)), hero_alt="The old pier")
    send(ann, change(row), **chosen(picture(me(ann)), me(ann)), hero_alt="New words", **seen(row))
    told(ann)
    send(ann, change(row), **chosen(picture(me(ann)), me(ann), name="mine"), hero_alt="The old pier", **seen(row))
    assert Article.objects.get().hero_alt == "The old pier"
    assert [text for text in told(ann) if "theirs was: “New words”" in text]


def test_the_words_of_a_row_stay_as_somebody_else_left_them_too(ann: Client) -> None:
    row = article()
    made = Figure.objects.create(
        article=row, alt="A shell", picture=ContentFile(factories.picture_bytes(), name="x.png")
    )
    Figure.objects.filter(pk=made.pk).update(alt="A shell, broken")
    known = {"figures-TOTAL_FORMS": "1", "figures-INITIAL_FORMS": "1", "figures-0-id": made.pk}
    sent = {
        **known,
        "figures-0-alt": "A shell",
        "figures-0-caption": "Low",
        **seen(made, "figures-0-", "picture", "alt"),
    }
    assert send(ann, change(row), hero_alt="", **sent).status_code == 302
    made.refresh_from_db()
    assert (made.alt, made.caption) == ("A shell, broken", "Low")


# --- rows of an inline ---


def figure(number: int, image: Image | None, user: User, **fields: Any) -> dict[str, Any]:
    known = {f"figures-{number}-{name}": value for name, value in {"alt": "A crab", **fields}.items()}
    token = chosen(image, user, place=FIGURE)["hero-imagen"] if image else ""
    return {**known, f"figures-{number}-picture-imagen": token}


def test_rows_of_an_inline_take_pictures_of_their_own(ann: Client) -> None:
    one, two = picture(me(ann)), picture(me(ann))
    filled = {**figure(0, one, me(ann)), **figure(1, two, me(ann), alt="A shell"), "figures-TOTAL_FORMS": "2"}
    assert send(ann, hero_alt="", **filled).status_code == 302
    rows_ = list(Figure.objects.all())
    assert [placing.current(row, "picture").image for row in rows_] == [one, two]
    assert [placed.alt_text for placed in Placement.objects.order_by("pk")] == ["A crab", "A shell"]
    assert LogEntry.objects.get().get_change_message().count("generated picture") == 2
    kept = {
        "figures-TOTAL_FORMS": "2",
        "figures-INITIAL_FORMS": "2",
        "figures-0-id": rows_[0].pk,
        "figures-0-alt": "A crab",
        "figures-0-DELETE": "on",
        "figures-1-id": rows_[1].pk,
        "figures-1-alt": "A shell",
    }
    assert send(ann, change(Article.objects.get()), hero_alt="", **kept).status_code == 302
    assert [placed.image for placed in Placement.objects.filter(ended_at=None)] == [two]


def test_the_empty_row_that_scripts_copy_has_its_way_to_the_studio(ann: Client) -> None:
    page = shown(ann)
    assert page.all("input", name="figures-__prefix__-picture-imagen")
    assert [row["data-imagen"] for row in rows(page)] == [HERO, FIGURE]


# --- relations to imagen's own pictures ---


def test_a_relation_opens_the_studio_as_djangos_own_pop_up(ann: Client) -> None:
    page = shown(ann, reverse("admin:imagen_style_add"))
    (link,) = page.all("a", id="add_id_example")
    assert link["data-popup"] == "yes"
    assert "related-widget-wrapper-link" in str(link["class"])
    assert "_popup=1" in str(link["href"])
    assert door(link, me(ann)) == Door(place="imagen.style.example", ratio="1:1", target="object")
    assert page.all("input", name="example")


def test_a_picture_in_a_relation_is_placed_too_and_ends_with_it(ann: Client) -> None:
    image = picture(me(ann))
    factories.Image.objects.filter(pk=image.pk).update(alt_text="A crab")
    words = {"name": "Ink", "words": "ink on paper", "position": "0", "active": "on"}
    assert ann.post(reverse("admin:imagen_style_add"), {**words, "example": str(image.pk)}).status_code == 302
    style, placed = Style.objects.get(), Placement.objects.get()
    assert (placed.image, placed.alt_text, placed.meaning, placed.file_name) == (image, "A crab", "informative", "")
    assert placing.current(style, "example") == placed
    ann.post(reverse("admin:imagen_style_change", args=[style.pk]), {**words, "example": ""})
    assert not Placement.objects.filter(ended_at=None)


def listed(page: Page) -> list[str]:
    return [str(found["value"]) for found in page.all("option") if found.get("value")]


def selects(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of a style is chosen in a select box, and two pictures are many."""
    monkeypatch.setattr(StyleAdmin, "raw_id_fields", ())
    monkeypatch.setattr(StyleAdmin, "exclude", ("owner",))
    monkeypatch.setattr(placing, "MOST", 2)


def test_a_select_box_lists_the_newest_pictures_and_the_one_it_holds_and_says_so(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    oldest, old, new, newest = (picture(me(ann)) for _ in range(4))
    style, another = (Style.objects.create(name=name, words="ink", example=oldest) for name in ("Ink", "Oil"))
    Style.objects.filter(pk=another.pk).update(example=None)
    selects(monkeypatch)
    told = "Only the newest 2 pictures are listed here. Older ones are in the Studio."
    for row, rest in ((style, [oldest]), (another, [])):
        with CaptureQueriesContext(connection) as queries:
            page = shown(ann, reverse("admin:imagen_style_change", args=[row.pk]))
        assert any('"imagen_image"."title"' in each["sql"] and each["sql"].endswith("LIMIT 3") for each in queries)
        assert listed(page) == [str(each.pk) for each in (newest, new, *rest)]
        assert told in page.text
    for each in (oldest, old):
        pipeline.discard(each, actor=me(ann))
    assert "Only the newest" not in shown(ann, reverse("admin:imagen_style_add")).text


def test_a_picture_that_is_not_listed_may_be_chosen_and_stays_chosen_when_the_form_comes_back(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    oldest, *_others = (picture(me(ann)) for _ in range(4))
    selects(monkeypatch)
    words = {"name": "Ink", "words": "ink on paper", "position": "0", "active": "on", "example": str(oldest.pk)}
    back = ann.post(reverse("admin:imagen_style_add"), {**words, "words": ""})
    (held,) = Page(back.content.decode()).all("option", value=str(oldest.pk))
    assert "selected" in held
    assert ann.post(reverse("admin:imagen_style_add"), words).status_code == 302
    assert Style.objects.get().example == oldest
    bad = ann.post(reverse("admin:imagen_style_add"), {**words, "example": "no picture"})
    assert "not a valid UUID" in bad.content.decode()


@pytest.mark.by_hand("withheld")
def test_what_the_row_of_somebody_else_holds_is_no_choice_and_what_this_one_holds_stays(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    selects(monkeypatch)
    theirs, rejected = picture(factories.person("bob"), prompt="a secret draft"), picture(me(ann))
    Image.objects.filter(pk=rejected.pk).update(review="rejected")
    holders = [
        Style.objects.create(name="Oil", words="ink", owner=me(ann), example=each) for each in (theirs, rejected)
    ]
    assert listed(shown(ann, reverse("admin:imagen_style_add"))) == []
    words = {"name": "Ink", "words": "ink on paper", "position": "0", "active": "on"}
    for holder in holders:
        held = {**words, "example": str(holder.example_id)}
        assert ann.post(reverse("admin:imagen_style_add"), held).status_code == 200
        at = reverse("admin:imagen_style_change", args=[holder.pk])
        assert listed(shown(ann, at)) == [str(holder.example_id)]
        assert "secret draft" not in shown(ann, at).text
        assert ann.post(at, held).status_code == 302
    assert not Placement.objects.exists()


def test_pictures_in_a_select_box_are_called_by_words_and_cost_no_query_each(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    selects(monkeypatch)
    monkeypatch.setattr(placing, "MOST", 9)
    add = reverse("admin:imagen_style_add")
    (described, titled, _plain), asked = [picture(me(ann), prompt="a crab " * 20) for _ in range(3)], []
    Image.objects.filter(pk=described.pk).update(alt_text="A crab in a pool")
    Image.objects.filter(pk=titled.pk).update(title="Crab")
    text = shown(ann, add).text
    assert ["A crab in a pool" in text, "Crab" in text, "a crab a crab" in text, "… · 1" in text] == [True] * 4
    for _more in range(2):
        with CaptureQueriesContext(connection) as queries:
            shown(ann, add)
        asked.append(len(queries))
        picture(me(ann))
    assert asked[0] == asked[1]


@pytest.mark.parametrize("raw", [True, False], ids=["raw ids", "select boxes"])
def test_more_rows_with_relations_cost_no_more_queries_than_djangos_own_one_each(
    sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, raw: bool
) -> None:
    if not raw:
        monkeypatch.setattr(StyleInline, "raw_id_fields", ())
    boss, asked = sign_in("boss", is_superuser=True), []
    at = reverse("admin:auth_user_change", args=[me(boss).pk])
    for count in (1, 2, 4):
        while Style.objects.count() < count:
            Style.objects.create(name="Ink", words="ink", owner=me(boss), example=picture(me(boss)))
        with CaptureQueriesContext(connection) as queries:
            assert boss.get(at).status_code == 200
        asked.append(len(queries) - count)  # Django looks up the name of a raw id, or the choices, in every row
    assert asked[1] == asked[2]
