"""Pictures: list, look, describe, delete; and the pixels themselves."""

from __future__ import annotations

import errno
import hashlib
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.core.files.storage import Storage

from imagen.models import Event, Generation, Image
from tests import factories
from tests.api.conftest import Api

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def image(ann):
    return factories.completed(ann.user).images.get()


def pixels(image, *, small=False):
    return f"/imagen/images/{image.pk}/{'thumbnail/' if small else ''}"


def content(response):
    return b"".join(response.streaming_content)


def test_pictures_are_listed_newest_first_in_pages(ann):
    made = factories.completed(ann.user, images=3)
    page = ann.get("images/?page_size=2").json()
    rest = ann.get(page["next"]).json()
    listed = [row["id"] for row in page["results"] + rest["results"]]
    assert listed == [str(pk) for pk in Image.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)]
    assert len(listed) == made.images.count()


def test_a_picture_looks_the_same_alone_and_in_its_generation(ann, image):
    assert ann.get(f"images/{image.pk}/").json() == ann.get(f"generations/{image.generation_id}/").json()["images"][0]


def test_people_describe_their_pictures(ann, image):
    body = ann.patch(f"images/{image.pk}/", {"alt_text": "  A lighthouse  ", "title": "Dusk"}).json()
    assert (body["alt_text"], body["title"]) == ("A lighthouse", "Dusk")
    body = ann.patch(f"images/{image.pk}/", {"title": ""}).json()
    assert (body["alt_text"], body["title"]) == ("A lighthouse", "")


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"alt_text": "x" * 501}, "alt_text", "too_long"),
        ({"title": "x" * 201}, "title", "too_long"),
        ({"title": None}, "title", "not_a_string"),
        ({"title": 5}, "title", "not_a_string"),
        ({"title": "a\x00"}, "title", "unstorable_text"),
        ({"alt_text": "\udc00"}, "alt_text", "unstorable_text"),
        ({"review": "released"}, "review", "unknown_field"),
        ({"id": "x", "title": "y"}, "id", "unknown_field"),
    ],
)
def test_nothing_else_can_be_written(ann, problem, image, body, field, code):
    found = problem(ann.patch(f"images/{image.pk}/", body), 400, "invalid_request")
    assert [(error["field"], error["code"]) for error in found["errors"]] == [(field, code)]
    image.refresh_from_db()
    assert (image.title, image.alt_text, image.review) == ("", "", "none")


def test_a_picture_deleted_at_the_moment_it_is_described_is_not_found(ann, problem, image, monkeypatch):
    monkeypatch.setattr(Generation, "save_changes", lambda generation, **changes: Image.objects.all().delete())
    problem(ann.patch(f"images/{image.pk}/", {"title": "Dusk"}), 404, "not_found")


def test_the_limits_are_those_of_the_table(ann, image):
    assert ann.patch(f"images/{image.pk}/", {"alt_text": "x" * 500, "title": "y" * 200}).status_code == 200
    assert (Image._meta.get_field("alt_text").max_length, Image._meta.get_field("title").max_length) == (500, 200)


def test_deleting_a_picture_leaves_its_generation(ann, problem, django_capture_on_commit_callbacks):
    made = factories.completed(ann.user, images=2)
    doomed, kept = made.images.order_by("index")
    with django_capture_on_commit_callbacks(execute=True):
        assert ann.delete(f"images/{doomed.pk}/").status_code == 204
    problem(ann.get(f"images/{doomed.pk}/"), 404)
    problem(ann.get(pixels(doomed)), 404)
    assert [row["id"] for row in ann.get(f"generations/{made.pk}/").json()["images"]] == [str(kept.pk)]
    assert Event.objects.get(what="picture deleted").actor == ann.user


@pytest.mark.by_hand("half of a deletion")
def test_pictures_of_a_deleted_generation_are_gone(ann, problem, image):
    image.generation.save_changes(deleted_at=NOON)
    for path in (f"images/{image.pk}/", pixels(image), pixels(image, small=True)):
        problem(ann.get(path), 404)
    assert ann.get("images/").json()["results"] == []


def test_the_address_serves_exactly_what_sha256_and_bytes_say(ann, image):
    facts = ann.get(f"images/{image.pk}/").json()
    data = content(ann.get(facts["url"]))
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (facts["sha256"], facts["bytes"])


@pytest.mark.parametrize(
    ("small", "kind", "name"), [(False, "image/png", "{}.png"), (True, "image/webp", "{}-preview.webp")]
)
def test_pixels_come_with_headers_that_let_nothing_else_happen(ann, image, small, kind, name):
    response = ann.get(pixels(image, small=small))
    assert content(response)
    assert response.headers["Content-Type"] == kind
    assert response.headers["Content-Disposition"] == f'inline; filename="{name.format(image.pk)}"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["Cache-Control"] == "private, max-age=600"
    assert response.headers["Vary"].startswith("Authorization, Cookie")


def test_a_browser_that_wants_pictures_only_gets_them(ann, image):
    response = ann.get(pixels(image), headers={"Accept": "image/avif,image/webp"})
    assert (response.status_code, bool(content(response))) == (200, True)


def test_head_says_how_much_there_is_and_sends_nothing(ann, image):
    response = ann.client.head(pixels(image).rstrip("/"))
    assert (response.status_code, response.headers["Content-Length"]) == (200, str(image.bytes))
    assert content(response) == b""


@pytest.mark.parametrize("review", ["held", "rejected"])
def test_withheld_pictures_are_for_reviewers(ann, problem, image, review):
    Image.objects.update(review=review, flagged=True)
    for path in (pixels(image), pixels(image, small=True)):
        problem(ann.get(path), 404)
    facts = ann.get(f"images/{image.pk}/").json()
    assert (facts["url"], facts["thumbnail_url"], facts["review"], facts["flagged"]) == (None, None, review, True)
    reviewer = Api(factories.person("reviewer", "view_all", "review"))
    facts = reviewer.get(f"images/{image.pk}/").json()
    assert content(reviewer.get(facts["url"]))
    assert content(reviewer.get(facts["thumbnail_url"]))


def test_a_released_picture_is_shown(ann, image):
    Image.objects.update(review="released", flagged=True)
    assert content(ann.get(ann.get(f"images/{image.pk}/").json()["url"]))


@pytest.mark.by_hand("a file is lost")
def test_a_file_that_is_gone_is_not_found(ann, problem, image):
    image.file.storage.delete(image.file.name)
    problem(ann.get(pixels(image)), 404, "not_found")


def test_storage_that_fails_is_an_outage_and_no_crash(ann, problem, image, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr(Storage, "open", fail)
        answer = ann.get(pixels(image))
    problem(answer, 503, "service_unavailable")
    assert answer.headers["Retry-After"]


@pytest.mark.by_hand("half of a deletion")
def test_a_picture_without_a_preview_says_so(ann, problem, image):
    Image.objects.update(thumbnail="")
    assert ann.get(f"images/{image.pk}/").json()["thumbnail_url"] is None
    problem(ann.get(pixels(image, small=True)), 404)


class Signing(Storage):
    """A storage somewhere else that signs addresses."""

    def url(self, name, parameters=None, expire=None):
        return f"https://bucket.example/{name}?signature=x&expires={expire}"


class Plain(Storage):
    """A storage somewhere else with one way to its files."""

    def url(self, name):
        return f"https://bucket.example/{name}"


@pytest.mark.parametrize(("storage", "ending"), [(Signing, "?signature=x&expires=900"), (Plain, ".png")])
@pytest.mark.by_hand("storage that keeps nothing")
def test_another_storage_serves_itself_through_a_signed_address(ann, image, settings, storage, ending):
    settings.STORAGES = {**settings.STORAGES, "imagen": {"BACKEND": f"{__name__}.{storage.__name__}"}}
    response = ann.get(pixels(image))
    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"https://bucket.example/{image.file.name}")
    assert response.headers["Location"].endswith(ending)
    assert response.headers["Cache-Control"] == "private, max-age=600"


class Bucket(Storage):
    """A storage that takes what django-storages' S3 takes."""

    def url(self, name, parameters=None, expire=None, http_method=None):
        return f"https://bucket.example/{name}?{urlencode(parameters)}"


@pytest.mark.by_hand("storage that keeps nothing")
def test_a_bucket_is_told_to_serve_the_type_of_the_picture_under_its_id(ann, image, settings):
    settings.STORAGES = {**settings.STORAGES, "imagen": {"BACKEND": f"{__name__}.Bucket"}}
    said = parse_qs(urlsplit(ann.get(pixels(image)).headers["Location"]).query)
    assert said == {
        "ResponseContentType": ["image/png"],
        "ResponseContentDisposition": [f'inline; filename="{image.pk}.png"'],
    }


@pytest.mark.by_hand("storage that keeps nothing")
def test_nobody_gets_a_signed_address_without_the_right(ann, bob, problem, image, settings):
    settings.STORAGES = {**settings.STORAGES, "imagen": {"BACKEND": f"{__name__}.Signing"}}
    problem(bob.get(pixels(image)), 404)
