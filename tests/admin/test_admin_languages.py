"""The admin in German and French: no English is left on its pages, and forms understand what they say."""

from __future__ import annotations

import queue
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone, translation

from imagen import alarms, letters, pleas
from imagen.models import Alarm, Budget, Event
from tests import catalogues, factories
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page

LIST = reverse("admin:imagen_generation_changelist")
ADD = reverse("admin:imagen_generation_add")
PHRASES = [text.one for text in catalogues.source() if text.one.count(" ") > 1 and not set("%{") & set(text.one)]


@pytest.fixture(autouse=True)
def english_again():
    """What a request activates holds for its thread; the next test starts afresh."""
    with translation.override("en"):
        yield


@pytest.fixture
def client(sign_in):
    return sign_in("ann", is_superuser=True)


def read(client, where: str, language: str) -> str:
    """The text of a page, none of which is English."""
    response = client.get(where, headers={"Accept-Language": language})
    assert response.status_code == 200
    assert response.headers["Content-Language"] == language
    said = " ".join(Page(response.content.decode()).text.split())
    assert [phrase for phrase in PHRASES if phrase.strip() in said] == []
    return said


def failed(client, **fields):
    made = factories.generation(
        status="failed", error_code="provider_failed", cost_actual=Decimal("0.038"), started_at=timezone.now(), **fields
    )
    Event.objects.create(generation=made, what="asked")
    Event.objects.create(generation=made, job=made.jobs.get(), what="failed", code="provider_failed")
    return made


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("de", ("Anfragen", "Fehlgeschlagen", "Nach Status", "Letzte 7 Tage", "0,038 USD", "gerade eben")),
        ("fr", ("Demandes", "Échec", "Par état", "Les 7 derniers jours", "0,038 USD", "à l’instant")),
    ],
)
def test_the_list_is_translated(client, language, parts):
    failed(client)
    said = read(client, LIST, language)
    assert [part for part in parts if part not in said] == []


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("de", ("Bilder erzeugen", "Beschreibung", "Seitenverhältnis", "Startwert", "Die Website wählt")),
        ("fr", ("Générer des images", "Description", "Proportions", "Graine", "Au choix du site")),
    ],
)
def test_the_form_is_translated(client, language, parts):
    said = read(client, ADD, language)
    assert [part for part in parts if part not in said] == []


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        (
            "de",
            (
                "Sandbox konnte dieses Bild nicht erstellen.",
                "Ausgegeben wurden 0,038 USD; ein neuer Versuch kostet erneut Geld.",
                "Was geschehen ist",
                "Erneut versuchen",
            ),
        ),
        (
            "fr",
            (
                "Sandbox n’a pas pu créer cette image.",
                "Montant dépensé : 0,038 USD ; une nouvelle tentative sera elle aussi facturée.",
                "Ce qui s’est passé",
                "Réessayer",
            ),
        ),
    ],
)
def test_the_page_of_a_request_is_translated_and_speaks_of_money_once(client, language, parts):
    made = failed(client)
    said = read(client, reverse("admin:imagen_generation_change", args=[made.pk]), language)
    assert [part for part in parts if part not in said] == []
    assert said.partition(parts[2])[0].count("0,038 USD") == 1  # below it the history and the ledger begin


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_pictures_workers_and_alarms_are_translated(client, language, worker):
    made = factories.completed()
    Alarm.objects.create(cause="provider_auth", about="wavespeed")
    Alarm.objects.create(cause="provider_insufficient_credits", about="wavespeed")
    for name in ("image", "worker", "duty"):
        read(client, reverse(f"admin:imagen_{name}_changelist"), language)
    read(client, reverse("admin:imagen_image_change", args=[made.images.get().pk]), language)
    assert "0,038 USD" in read(client, LIST, language)
    assert "OPTIONS" in read(client, LIST, language)


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_the_pages_about_keys_are_translated(client, language):
    key, _ = factories.api_key(User.objects.get(username="ann"), rate="60/min")
    places = [reverse(f"admin:imagen_apikey_{name}") for name in ("changelist", "add")]
    for where in (*places, reverse("admin:imagen_apikey_change", args=[key.pk])):
        read(client, where, language)


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_the_pages_about_money_are_translated(client, language):
    ann = User.objects.get(username="ann")
    budget = Budget.objects.create(scope="each", limit=Decimal("0.01"))
    Budget.objects.create(limit=Decimal(1), currency="EUR")
    plea = pleas.ask(ann, Decimal(1))
    places = [reverse("admin:index"), reverse("admin:imagen_plea_change", args=[plea.pk])]
    places += [reverse(f"admin:imagen_{name}_changelist") for name in ("budget", "entry", "plea", "duty")]
    places += [reverse(f"admin:imagen_budget_{name}", args=[budget.pk]) for name in ("change", "delete")]
    places += [ADD, reverse("admin:imagen_budget_add")]
    for where in places:
        read(client, where, language)
    pleas.decline(plea, actor=ann)
    read(client, reverse("admin:imagen_plea_add"), language)


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("de", ("Anfragen", "Bilder", "Budgets", "Bitten um mehr Geld", "Buchungen", "Hintergrundprozesse")),
        ("fr", ("Demandes", "Images", "Budgets", "Demandes d’argent", "Écritures", "Processus d’arrière-plan")),
    ],
)
def test_the_index_names_everything_in_the_language(client, language, names):
    said = read(client, reverse("admin:app_list", args=["imagen"]), language)
    assert [name for name in names if name not in said] == []


@pytest.mark.parametrize(("language", "words"), [("de", "ERNEUT SENDEN"), ("fr", "RENVOYER")])
def test_the_words_that_confirm_are_those_of_the_language(client, language, words):
    made = factories.generation(status="unconfirmed", provider="wavespeed", job={"sent_at": timezone.now()})
    where = reverse("admin:imagen_generation_resolve", args=[made.pk, made.jobs.get().pk, "resend"])
    assert words in read(client, where, language)
    sent = [
        client.post(where, {"note": "", "words": each}, headers={"Accept-Language": language}).status_code
        for each in ("SEND AGAIN", words)
    ]
    assert sent == [200, 302]


def test_a_held_picture_is_called_so_with_a_capital_letter_and_no_other_change(sign_in):
    made = factories.completed()
    made.images.update(review="held", flagged=True)
    client = sign_in("eve", *EDITOR, "view_all")
    said = read(client, reverse("admin:imagen_generation_change", args=[made.pk]), "de")
    assert "Zur Prüfung zurückgehalten" in said


def test_sizes_in_the_markup_are_numbers_for_the_browser(client, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    made = factories.completed()
    made.images.update(width=1408)
    (image,) = made.images.all()
    for where in (
        reverse("admin:imagen_generation_change", args=[made.pk]),
        reverse("admin:imagen_image_change", args=[image.pk]),
    ):
        page = Page(client.get(where, headers={"Accept-Language": "de"}).content.decode())
        assert "1408" in {found.get("width") for found in page.all("img")}


@pytest.fixture
def mails(monkeypatch) -> queue.Queue[tuple[str, str]]:
    """What the administrators are mailed."""
    found: queue.Queue[tuple[str, str]] = queue.Queue()
    monkeypatch.setattr(letters, "mail_admins", lambda subject, text: found.put((subject, text)))
    return found


@pytest.mark.parametrize(
    ("site", "person", "subject", "start"),
    [
        ("en", "de", "Pictures need you", "WaveSpeedAI refuses our key."),
        ("fr", "en", "Des images ont besoin de vous", "WaveSpeedAI refuse notre clé."),
    ],
)
def test_administrators_are_mailed_in_the_language_of_the_site(
    db, settings, mails, django_capture_on_commit_callbacks, site, person, subject, start
):
    settings.LANGUAGE_CODE = site
    with translation.override(person), django_capture_on_commit_callbacks(execute=True):
        alarms.sound("provider_auth", about="wavespeed")
    told, text = mails.get(timeout=10)
    assert (told, text[: len(start)]) == (subject, start)
