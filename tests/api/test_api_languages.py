"""The interface in the language that was asked for: sentences change, numbers and codes do not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone, translation

from imagen.models import IdempotencyKey
from tests import factories
from tests.api.conftest import Api

GERMAN = {"Accept-Language": "de-CH, en;q=0.5"}
LIGHTHOUSE = {"prompt": "a lighthouse"}


@pytest.fixture(autouse=True)
def english_again():
    """What a request activates holds for its thread; the next test starts afresh."""
    with translation.override("en"):
        yield


def failed(api: Api):
    paid = {"cost_actual": Decimal("0.038"), "started_at": timezone.now()}
    return factories.generation(api.user, status="failed", error_code="provider_failed", **paid)


def look(api: Api, made, language="", **headers):
    asked = {"Accept-Language": language} if language else {}
    return api.get(f"generations/{made.pk}/", headers={**asked, **headers})


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("", "Sandbox could not make this picture. 0.038 USD was spent; trying again costs money again."),
        ("de", "Sandbox konnte dieses Bild nicht erstellen. Ausgegeben wurden 0,038 USD;"),
        ("fr", "Sandbox n’a pas pu créer cette image. Montant dépensé\xa0: 0,038 USD"),
        ("es", "Sandbox could not make this picture."),
    ],
)
def test_an_error_is_told_in_the_language_asked_for(ann, language, said):
    response = look(ann, failed(ann), language)
    assert response.json()["error"]["message"].startswith(said)
    assert response.headers["Content-Language"] == (language if language in ("de", "fr") else "en")
    assert "Accept-Language" in response.headers["Vary"].split(", ")


@pytest.mark.parametrize("language", ["en", "de", "fr"])
@pytest.mark.by_hand("one picture stands for a finished request")
def test_codes_numbers_and_times_are_the_same_in_every_language(ann, settings, language):
    settings.USE_THOUSAND_SEPARATOR = True
    made = failed(ann)
    factories.image(made, bytes=1234567)
    plain, shown = look(ann, made).json(), look(ann, made, language).json()
    assert {**shown, "error": None} == {**plain, "error": None}
    assert shown["cost"] == {"unit": "USD", "estimated": "0.0380", "actual": "0.0380"}
    assert shown["error"]["next_actions"] == ["retry"]
    assert ann.get("models/", headers={"Accept-Language": language}).json() == ann.get("models/").json()


def test_what_one_language_has_cached_is_not_fresh_in_another(ann):
    made = failed(ann)
    english = look(ann, made).headers["ETag"]
    assert look(ann, made, **{"If-None-Match": english}).status_code == 304
    german = look(ann, made, "de", **{"If-None-Match": english})
    assert german.status_code == 200
    assert german.headers["ETag"] != english
    again = look(ann, made, "de", **{"If-None-Match": german.headers["ETag"]})
    assert again.status_code == 304
    assert "Accept-Language" in again.headers["Vary"]


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("generations/?nonsense=1", 400, "Einige Felder müssen berichtigt werden"),
        ("generations/00000000-0000-4000-8000-000000000000/", 404, "Unter dieser Adresse gibt es nichts"),
        ("nowhere/at/all/", 404, "Unter dieser Adresse gibt es nichts"),
    ],
)
def test_a_problem_is_told_in_the_language_asked_for(ann, problem, path, status, detail):
    response = ann.get(path, headers=GERMAN)
    assert problem(response, status)["detail"].startswith(detail)
    assert response.headers["Content-Language"] == "de"
    assert "Accept-Language" in response.headers["Vary"].split(", ")


def test_a_field_is_complained_about_in_the_language_asked_for(ann, problem):
    found = problem(ann.post("generations/", {"prompt": ""}, Accept_Language="fr"), 400)
    assert found["errors"] == [{"field": "prompt", "code": "blank", "message": "Veuillez décrire l’image."}]


def test_what_is_refused_before_it_is_read_is_told_in_the_language_asked_for_too(ann, problem):
    for language, detail in (("de", "Die Anfrage ist zu groß."), ("en", "The request is too large.")):
        response = ann.post("generations/", b"x" * 2_000_000, Accept_Language=language)
        assert problem(response, 413)["detail"] == detail
        assert response.headers["Content-Language"] == language


def test_a_site_without_the_locale_middleware_speaks_its_one_language(ann, problem, settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "locale" not in each]
    for path in ("nowhere/", "generations/?nonsense=1"):
        response = ann.get(path, headers=GERMAN)
        assert problem(response, response.status_code)["detail"][:5] in ("There", "Some ")
        assert response.headers["Content-Language"] == "en"


def test_an_answer_that_is_given_again_says_in_which_language_it_was_given_first(ann):
    first = ann.post("generations/", LIGHTHOUSE, Idempotency_Key="key-1", Accept_Language="fr")
    again = ann.post("generations/", LIGHTHOUSE, Idempotency_Key="key-1", Accept_Language="de")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    assert (first.headers["Content-Language"], again.headers["Content-Language"]) == ("fr", "fr")


def test_an_answer_kept_before_languages_were_noted_is_still_given_again(ann):
    first = ann.post("generations/", LIGHTHOUSE, Idempotency_Key="key-1")
    row = IdempotencyKey.objects.get()
    row.body.pop("language")
    row.save()
    again = ann.post("generations/", LIGHTHOUSE, Idempotency_Key="key-1")
    assert again.content == first.content
