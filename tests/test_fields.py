"""Slots, their checks, the file a picture becomes, and the tags that show it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib import admin
from django.core.checks import run_checks
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import connection, models
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext, isolate_apps
from PIL import Image as Pillow

from imagen import marks, placing
from imagen.admin import ImagenAdminMixin
from imagen.doors import Pick
from imagen.fields import Slot
from imagen.models import Generation, Image, Placement, Style
from project.articles.models import Article, Figure
from tests import factories
from tests.admin.pages import Page
from tests.project.conftest import HERO, article

# --- checks ---


def complaints(**fields: Slot) -> list[tuple[str, str, str]]:
    page = type("Articles", (ImagenAdminMixin, admin.ModelAdmin), {"imagen_fields": fields, "__module__": "site"})
    return found(page)


def found(page: Any, model: Any = Article) -> list[tuple[str, str, str]]:
    """What the checks say of a page of these objects on an admin of its own."""
    made = admin.AdminSite(name="another")
    made.register(model, page)
    messages = run_checks(tags=["imagen"], databases=[])
    made._registry.clear()
    return [(str(each.id).removeprefix("imagen."), str(each.msg), str(each.hint)) for each in messages]


def test_a_slot_that_fits_is_silent() -> None:
    words: dict[str, Any] = {"text_box": [0, 60, 50, 40], "text_colour": "#FFcc00"}
    slot = Slot("16:9", alt="hero_alt", prompt_from=["title", "body:400"], crops=["1:1"], **words)
    assert complaints(hero=slot) == []


@pytest.mark.parametrize(
    ("name", "slot", "number", "said", "hint"),
    [
        ("heros", Slot("16:9"), "E007", "Article has no field 'heros'", "Did you mean 'hero'?"),
        ("title", Slot("16:9"), "E007", "takes no picture", "ImageField"),
        ("hero_small", Slot("16:9"), "E007", "takes no picture", "ImageField"),
        ("hero", Slot("17:9"), "E008", "'17:9'", "16:9"),
        ("hero", Slot("16:9", crops=["1x1"]), "E008", "'1x1'", "1:1"),
        ("hero", Slot("16:9", alt="alt"), "E009", "'alt'", "There are"),
        ("hero", Slot("16:9", prompt_from=["titel:40"]), "E009", "'titel'", "Did you mean 'title'?"),
        ("hero", Slot("16:9", text_box=(0, 60, 50)), "E013", "(0, 60, 50)", "left, top, width and height"),
        ("hero", Slot("16:9", text_box=(-1, 60, 50, 40)), "E013", "does not lie on the picture", "(0, 60, 50, 40)"),
        ("hero", Slot("16:9", text_box=(0, 60, 50, 41)), "E013", "does not lie on the picture", "per cent"),
        ("hero", Slot("16:9", text_box=(51, 60, 50, 40)), "E013", "does not lie on the picture", "per cent"),
        ("hero", Slot("16:9", text_box=(0, 60, 0, 40)), "E013", "does not lie on the picture", "per cent"),
        ("hero", Slot("16:9", text_box=(0, 0.6, 0.5, 0.4)), "E013", "does not lie on the picture", "whole per cent"),  # type: ignore[arg-type]  # what a check is for
        ("hero", Slot("16:9", text_box="left"), "E013", "'left'", "per cent"),  # type: ignore[arg-type]
        ("hero", Slot("16:9", text_colour="white"), "E013", "'white' is no colour", "'#fff'"),
        ("hero", Slot("16:9", text_colour="#fffffff"), "E013", "'#fffffff'", "'#ffffff'"),
    ],
)
def test_a_slot_that_does_not_fit_is_named(name: str, slot: Slot, number: str, said: str, hint: str) -> None:
    ((told, message, fix),) = complaints(**{name: slot})
    assert told == number
    assert "site.Articles.imagen_fields" in message
    assert said in message
    assert hint in fix


class Figures(ImagenAdminMixin, admin.TabularInline):  # type: ignore[type-arg]
    """Rows that take words from the page around them too."""

    model = Figure
    imagen_fields = {"picture": Slot("3:2", alt="alt", prompt_from=["caption", "title"])}


@pytest.mark.django_db
@pytest.mark.parametrize("picker", ["raw_id_fields", "autocomplete_fields", "radio_fields"])
def test_whatever_a_relation_is_chosen_with_the_studio_opens_as_djangos_own_pop_up(
    rf: Any, settings: Any, picker: str
) -> None:
    settings.IMAGEN = {"PROVIDERS": {"sandbox": {"BACKEND": "imagen.providers.sandbox.Sandbox"}}}
    named: Any = {"example": admin.VERTICAL} if picker == "radio_fields" else ["example"]
    page = type("Styles", (ImagenAdminMixin, admin.ModelAdmin), {picker: named, "imagen_fields": {"example": Slot()}})
    request = rf.get("/")
    request.user = factories.person("ann", "generate")
    made = page(Style, admin.site)
    assert made.check() == []
    shown = Page(str(made.get_form(request)()["example"]))
    (link,) = shown.all("a", id="add_id_example")
    assert link["data-popup"] == "yes"
    assert "_popup=1" in str(link["href"])


def test_an_inline_needs_the_mixin_on_the_page_that_saves_it() -> None:
    page = type("Bare", (admin.ModelAdmin,), {"inlines": [Figures]})
    ((number, message, _fix),) = found(page)
    assert number == "E010"
    assert "Figures has imagen_fields" in message
    assert found(type("Whole", (ImagenAdminMixin, admin.ModelAdmin), {"inlines": [Figures]})) == []


@pytest.mark.parametrize("on_delete", [models.CASCADE, models.PROTECT, models.RESTRICT])
def test_a_relation_that_would_go_or_stay_with_its_picture_is_pointed_out(
    monkeypatch: pytest.MonkeyPatch, on_delete: Any
) -> None:
    fields = {"imagen_fields": {"example": Slot("1:1")}, "__module__": "site"}
    page = type("Styles", (ImagenAdminMixin, admin.ModelAdmin), fields)
    assert found(page, Style) == []
    monkeypatch.setattr(Style._meta.get_field("example").remote_field, "on_delete", on_delete)
    ((number, message, fix),) = [each for each in found(page, Style) if "site.Styles." in each[1]]
    assert (number, on_delete.__name__ in message, "SET_NULL" in fix) == ("E011", True, True)


@pytest.mark.parametrize(("ancestors", "told"), [("'none'", ["W032"]), ("'self'", [])])
def test_a_policy_that_forbids_frames_is_pointed_out(settings: Any, ancestors: str, told: list[str]) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csp.ContentSecurityPolicyMiddleware"]
    settings.SECURE_CSP = {"frame-ancestors": [ancestors]}
    assert [number for number, *_rest in complaints(hero=Slot("16:9"))] == told


# --- the file ---


def halves(size: tuple[int, int] = (160, 90), **options: Any) -> bytes:
    """Red on the left, blue on the right."""
    picture = Pillow.new("RGB", size, "red")
    picture.paste("blue", (size[0] // 2, 0, *size))
    out = io.BytesIO()
    picture.save(out, **{"format": "PNG", **options})
    return out.getvalue()


@pytest.mark.parametrize(
    ("ratio", "focal", "size", "corners"),
    [
        ("1:1", (0, 50), (90, 90), ("red", "blue")),
        ("9:16", (100, 50), (51, 90), ("blue", "blue")),
        ("1:1", (50, 50), (90, 90), ("red", "blue")),
        ("21:9", (50, 0), (160, 69), ("red", "blue")),
        ("16:9", (0, 0), (160, 90), ("red", "blue")),
        ("9:16", (20, 50), (51, 90), ("red", "red")),
    ],
)
def test_a_picture_is_cut_around_its_focal_point_and_stays_within(
    ratio: str, focal: tuple[int, int], size: tuple[int, int], corners: tuple[str, str]
) -> None:
    cut = Pillow.open(io.BytesIO(placing.cut(halves(), ratio=ratio, focal=focal)))
    assert (cut.size, cut.format) == (size, "PNG")
    colours = {"red": (255, 0, 0), "blue": (0, 0, 255)}
    assert (cut.getpixel((0, 0)), cut.getpixel((size[0] - 1, 0))) == (colours[corners[0]], colours[corners[1]])


def test_the_cut_is_the_part_its_preview_shows() -> None:
    data = io.BytesIO(placing.cut(halves(), ratio="1:1", focal=(25, 50)))
    cut = Pillow.open(data).convert("RGB")  # object-position: 25% hides a quarter of what is too much on the left
    assert [cut.getpixel((x, 0)) for x in (61, 63)] == [(255, 0, 0), (0, 0, 255)]


def test_a_picture_of_the_right_shape_is_not_written_again() -> None:
    assert placing.cut(data := halves(format="JPEG"), ratio="16:9", focal=(0, 0)) is data


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("crop", ["", "1:1"])
def test_what_is_placed_says_that_ai_made_it_cut_or_not(form: str, crop: str) -> None:
    ann = factories.person("ann")
    image = factories.image(
        factories.generation(ann, status="completed", pictures=True), content=halves(size=(320, 180), format=form)
    )
    pick = Pick(image=str(image.pk), place=HERO, meaning="informative", crop=crop, name="Sand / und Meer.jpg")
    file = placing.take(pick, ann)
    data = file.read()
    assert marks.marked(data)
    assert Pillow.open(io.BytesIO(data)).format == form
    assert file.name == "sand-und-meer.png"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "///", "../..", "…"])
def test_a_name_that_names_nothing_becomes_a_plain_one(name: str) -> None:
    ann = factories.person("ann")
    image = factories.image(factories.generation(ann, status="completed", pictures=True))
    assert placing.take(Pick(image=str(image.pk), place=HERO, meaning="informative", name=name), ann).name == (
        "picture.png"
    )


@pytest.mark.django_db
def test_somebody_elses_picture_cannot_be_taken() -> None:
    image = factories.image(factories.generation(factories.person("bob"), status="completed", pictures=True))
    pick = Pick(image=str(image.pk), place=HERO, meaning="informative")
    with pytest.raises(ValidationError, match="deleted or withheld"):
        placing.take(pick, factories.person("ann"))


# --- the tags ---


def drawn(source: str, **context: Any) -> Page:
    return Page(Template("{% load imagen %}" + source).render(Context(context)))


def own(**fields: Any) -> Image:
    return factories.image(factories.generation(None, status="completed", pictures=True), **fields)


@pytest.mark.django_db
def test_a_picture_of_imagens_comes_in_two_sizes_with_its_words() -> None:
    image = own(width=1408, height=768, alt_text="A crab")
    (shown,) = drawn("{% generated_image image sizes='50vw' %}", image=image).all("img")
    at = f"/imagen/images/{image.pk}/"
    assert shown == {
        "src": at,
        "srcset": f"{at}thumbnail/ 320w, {at} 1408w",
        "sizes": "50vw",
        "alt": "A crab",
        "width": "1408",
        "height": "768",
        "loading": "lazy",
        "decoding": "async",
    }


@pytest.mark.django_db
def test_a_small_picture_has_one_size_and_a_tall_one_is_measured_by_its_width() -> None:
    (small,) = drawn("{% generated_image image lazy=False %}", image=own(width=64, height=36)).all("img")
    assert "srcset" not in small
    assert "loading" not in small
    (tall,) = drawn("{% generated_image image %}", image=own(width=768, height=1408)).all("img")
    assert " 175w, " in str(tall["srcset"])


@pytest.mark.django_db
@pytest.mark.parametrize("review", ["held", "rejected"])
def test_a_picture_that_is_withheld_is_not_shown(review: str) -> None:
    assert not drawn("{% generated_image image %}", image=own(review=review)).all("img")
    assert not drawn("{% generated_image image %}", image=None).all("img")


@pytest.mark.django_db
def test_a_placed_file_has_its_size_and_the_words_it_was_placed_with() -> None:
    row = article(own())
    (shown,) = drawn("{% generated_image row.hero %}", row=row).all("img")
    assert (shown["src"], shown["alt"]) == (row.hero.url, "A pool between rocks")
    assert (shown["width"], shown["height"]) == ("64", "36")
    (shown,) = drawn("{% generated_image row.hero alt=words %}", row=row, words='"Low" <b>').all("img")
    assert shown["alt"] == '"Low" <b>'
    assert not drawn("{% generated_image row.hero %}", row=article(slug="bare")).all("img")


@pytest.mark.django_db
def test_an_object_may_have_a_key_of_255_characters() -> None:
    image, row = own(), Article(pk="k" * 255)
    Generation.objects.update(place=HERO)
    placed = placing.record(row, "hero", image=image, user=None, pick=None, alt="")
    placed.full_clean(exclude=["user", "ended_at", "alt_text", "file_name", "renditions"])
    made = Generation.objects.get()
    assert made._meta.get_field("place_id").clean(made.place_id, made) == row.pk


def label(target: models.Model, field: str = "hero") -> str:
    return drawn("{% imagen_label target field %}", target=target, field=field).text.strip()


@pytest.mark.django_db
def test_the_label_says_so_once_and_only_while_the_field_shows_it() -> None:
    row = article(own())
    assert label(row) == "AI-generated"
    page = drawn("{% imagen_label row 'hero' %}", row=row)
    assert [svg["aria-hidden"] for svg in page.all("svg")] == ["true"]
    row.hero = ContentFile(factories.picture_bytes(), name="own.png")
    row.save()
    assert label(Article.objects.get()) == ""
    assert label(article(slug="bare")) == ""


@pytest.mark.django_db
def test_a_request_from_before_is_found_at_the_object_of_a_proxy_too() -> None:
    image, row = own(), article()
    Generation.objects.update(place=HERO)
    with isolate_apps("project.articles"):
        meta = type("Meta", (), {"proxy": True, "app_label": "articles"})
        draft: Any = type("Draft", (Article,), {"Meta": meta, "__module__": "project.articles"})
        placing.record(draft.objects.get(), "hero", image=image, user=None, pick=None, alt="")
    assert Generation.objects.get().place_id == str(row.pk)


@pytest.mark.django_db
def test_a_list_asks_once_for_all_its_labels() -> None:
    for number in range(3):
        article(own() if number else None, slug=f"story-{number}")
    told = list(Article.objects.order_by("pk"))
    with CaptureQueriesContext(connection) as queries:
        placing.look_up(told, "hero")
        assert [label(row) for row in told] == ["", "AI-generated", "AI-generated"]
    assert len(queries) <= 2
    placing.look_up([], "hero")


# --- what a page refers to is public ---


def status(client: Client, address: str) -> int:
    """How it is answered; a picture is read to its end."""
    answer: Any = client.get(address)
    assert not answer.streaming or b"".join(answer.streaming_content)
    return int(answer.status_code)


@pytest.mark.django_db
def test_a_picture_a_page_refers_to_is_there_for_everybody_from_then_on(client: Client) -> None:
    image = own()
    addresses = [f"/imagen/images/{image.pk}/", f"/imagen/images/{image.pk}/thumbnail/"]
    assert [status(client, address) for address in addresses] == [401, 401]
    page = article()  # stands in for an object with a relation: no file of its own
    placing.record(page, "hero", image=image, user=None, pick=None, alt="")
    assert [status(client, address) for address in addresses] == [200, 200]
    client.force_login(factories.person("bob"))
    assert status(client, addresses[0]) == 200
    placing.end(page)
    assert status(client, addresses[0]) == 200
    Image.objects.update(review="held")
    assert status(client, addresses[0]) == 404


@pytest.mark.django_db
def test_the_example_of_a_style_is_shown_small_to_those_it_is_offered_to_and_is_on_no_page(client: Client) -> None:
    image = own()
    style = Style.objects.create(name="Ink", words="ink", example=image)
    placing.record(style, "example", image=image, user=None, pick=None, alt="")
    addresses = [f"/imagen/images/{image.pk}/", f"/imagen/images/{image.pk}/thumbnail/"]
    assert [status(client, address) for address in addresses] == [401, 401]
    client.force_login(factories.person("bob"))
    assert [status(client, address) for address in addresses] == [404, 200]


@pytest.mark.django_db
def test_the_original_of_a_copy_on_a_page_stays_private(client: Client) -> None:
    image = own()
    article(image)
    assert Placement.objects.get().file_name
    assert client.get(f"/imagen/images/{image.pk}/").status_code == 401
    client.force_login(factories.person("bob"))
    assert client.get(f"/imagen/images/{image.pk}/").status_code == 404


@pytest.mark.django_db
def test_a_relation_that_a_program_set_is_labelled_too() -> None:
    style = Style.objects.create(name="Ink", words="ink")
    assert label(style, "example") == label(style, "words") == ""
    style.example = own()
    assert label(Style.objects.get(), "example") == ""
    style.save()
    assert label(Style.objects.get(), "example") == "AI-generated"
