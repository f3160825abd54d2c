"""``imagen_doctor``: each line says how one thing is, and what to do about it."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from imagen import anomalies, keyring, queue, shelf
from imagen.diagnosis import examine, house
from imagen.exceptions import Busy, Declined, Unclear, Unreadable
from imagen.models import Anomaly, Listing, Oddity, Worker
from imagen.providers.wavespeed import WaveSpeed
from imagen.testing import Gateway
from tests import factories

pytestmark = pytest.mark.django_db
BACKEND = "imagen.providers.wavespeed.WaveSpeed"
APIFRAME = "imagen.providers.apiframe.Apiframe"
APIIN = "imagen.providers.apiin.ApiInOne"
SANDBOX = "imagen.providers.sandbox.Sandbox"


@pytest.fixture(autouse=True)
def sound(settings: Any, imagen_gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site with nothing to complain about: a gateway with money, a worker, a broker."""
    use(settings, imagen_gateway.url)
    Worker.objects.create(name="worker", started_at=timezone.now(), beat_at=timezone.now())
    monkeypatch.setattr(queue, "answers", lambda: True)


def use(settings: Any, url: str, *, key: str = "wsk_test", **more: Any) -> None:
    provider = {"BACKEND": BACKEND, "OPTIONS": {"api_key": key, "base_url": url}}
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": provider}, "CALL_SECONDS": 5, **more}


def examined(run: Any) -> tuple[dict[str, dict[str, str]], int]:
    """The findings by subject, and the exit code."""
    out, code = io.StringIO(), 0
    try:
        run("imagen_doctor", "--json", stdout=out)
    except SystemExit as left:
        code = int(str(left.code))
    document = json.loads(out.getvalue())
    assert document["ok"] is (code == 0)
    return {finding["subject"]: finding for finding in document["findings"]}, code


def levels(found: dict[str, dict[str, str]], *, other_than: str = "ok") -> dict[str, str]:
    return {subject: finding["level"] for subject, finding in found.items() if finding["level"] != other_than}


def test_a_sound_site_is_ok_in_every_line(run):
    found, code = examined(run)
    assert (levels(found), code) == ({}, 0)
    subjects = {"settings", "database", "migrations", "schedule", "clock", "storage", "pictures", "broker", "worker"}
    assert set(found) == subjects | {
        "waiting work",
        "anomalies",
        "api keys",
        "provider wavespeed",
        "prices wavespeed",
        "public address",
    }
    assert found["provider wavespeed"]["text"] == "accepts the key; the account holds 156.78 USD."


def test_what_was_odd_about_a_service_is_counted_until_somebody_has_seen_it(run, django_user_model):
    anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed")
    found, code = examined(run)
    assert (levels(found), code) == ({"anomalies": "warning"}, 0)
    assert found["anomalies"]["text"] == "wait to be looked at: 1."
    anomalies.see(Anomaly.objects.all(), django_user_model.objects.create(username="ann"))
    assert levels(examined(run)[0]) == {}


def test_a_key_that_ends_soon_is_named(run):
    ann = factories.person("ann")
    for days in (1, 13, 15):
        factories.api_key(ann, expires_at=timezone.now() + timedelta(days=days))
    keyring.revoke(factories.api_key(ann, expires_at=timezone.now() + timedelta(days=1))[0])
    found = [finding for finding in examine() if finding.subject == "api keys"]
    assert [finding.level for finding in found] == ["warning", "warning"]
    assert "of ann ends on" in found[0].text


def test_lines_are_for_people_and_the_fix_stands_below(run, settings: Any):
    settings.IMAGEN = {"PROVIDERS": {}}
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        run("imagen_doctor", stdout=out)
    told = out.getvalue().splitlines()
    at = told.index("error    providers: There is none with a key.")
    assert (left.value.code, told[at + 1].strip()) == (1, "Add one to IMAGEN['PROVIDERS'] with its api_key.")
    assert told[0] == "ok       settings: can be read and make sense."


def test_nothing_but_warnings_is_no_failure(run):
    Worker.objects.all().delete()
    found, code = examined(run)
    assert (levels(found), code) == ({"worker": "warning"}, 0)


def test_unreadable_settings_are_said_and_nothing_else(run, settings: Any):
    settings.IMAGEN = {"POLL_SECOND": 1}
    found, code = examined(run)
    assert (list(found), code) == (["settings"], 1)
    assert "POLL_SECONDS" in found["settings"]["text"]


def test_what_the_system_checks_warn_of_is_repeated_with_its_fix(run, settings: Any):
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "retry": 60}
    found, _ = examined(run)
    assert found["settings"] == {
        "level": "warning",
        "subject": "settings",
        "text": "Q_CLUSTER['retry'] is not longer than Q_CLUSTER['timeout']. (imagen.W010)",
        "fix": "Make it twice the timeout.",
    }


def test_a_missing_schedule_is_named(run):
    apps.get_model("django_q", "Schedule").objects.all().delete()
    found, _ = examined(run)
    assert (found["schedule"]["level"], found["settings"]["level"]) == ("warning", "ok")  # and said once


def test_a_missing_migration_is_named_and_what_needs_it_left_out(run):
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("imagen")
    MigrationRecorder(connection).record_unapplied(*newest)
    found, code = examined(run)
    assert (found["migrations"]["level"], code) == ("error", 1)
    assert ".".join(newest) in found["migrations"]["text"]
    assert {"schedule", "worker", "waiting work"}.isdisjoint(found)


def test_a_database_that_is_away_is_an_error_and_the_rest_is_still_looked_at(run, monkeypatch: pytest.MonkeyPatch):
    def fail() -> None:
        raise OperationalError("password=secret")

    monkeypatch.setattr(connection, "get_database_version", fail)
    found, code = examined(run)
    assert (levels(found), code) == ({"database": "error"}, 1)
    assert {"storage", "provider wavespeed"} < set(found)
    assert "secret" not in str(found)


@pytest.mark.by_hand("storage is broken")
def test_storage_that_takes_no_files_is_an_error(run, settings: Any, tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "file"}}
    settings.STORAGES = {**settings.STORAGES, "imagen": storage}
    found, code = examined(run)
    assert (levels(found), code) == ({"storage": "error"}, 1)


def test_storage_that_changes_bytes_is_an_error(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(house, "ContentFile", lambda content: io.BytesIO(content.upper()))
    found, _ = examined(run)
    assert found["storage"]["text"] == "gives back other bytes than it was given."


def test_the_doctor_leaves_nothing_in_storage(run, media: Path):
    examined(run)
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_a_picture_format_pillow_cannot_read_is_an_error(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(house.features, "check", lambda feature: feature != "webp")
    found, _ = examined(run)
    assert found["pictures"]["text"] == "Pillow cannot read WebP."


def test_a_clock_that_is_off_is_a_warning(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(house, "database_now", lambda: timezone.now() - timedelta(seconds=90))
    found, _ = examined(run)
    assert (found["clock"]["level"], found["clock"]["text"]) == (
        "warning",
        "is 90 seconds away from the database's.",
    )


def test_a_broker_that_is_down_is_a_warning(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(queue, "answers", lambda: False)
    found, code = examined(run)
    assert (levels(found), code) == ({"broker": "warning"}, 0)


def test_a_worker_that_fell_silent_is_a_warning(run):
    Worker.objects.update(beat_at=timezone.now() - timedelta(minutes=10))
    found, _ = examined(run)
    assert levels(found) == {"worker": "warning"}
    assert "600 seconds ago" in found["worker"]["text"]


def test_work_that_nobody_takes_is_an_error_with_the_way_out(run):
    late = timezone.now() - timedelta(minutes=10)
    Worker.objects.update(beat_at=late)
    factories.generation(job={"due_at": late})
    found, code = examined(run)
    assert (found["waiting work"]["level"], code) == ("error", 1)
    assert "manage.py imagen_worker" in found["waiting work"]["fix"]


def test_work_that_a_living_worker_will_take_is_fine(run):
    factories.generation(job={"due_at": timezone.now() - timedelta(minutes=10)})
    found, _ = examined(run)
    assert levels(found) == {}
    assert "600 seconds" in found["waiting work"]["text"]


def test_a_refused_key_is_an_error_and_is_not_shown(run, settings: Any, imagen_gateway: Gateway):
    use(settings, imagen_gateway.url, key="wsk_wrong_secret")
    found, code = examined(run)
    assert (found["provider wavespeed"]["text"], code) == ("refuses our key.", 1)
    assert "wsk_wrong" not in str(found)


def test_a_gateway_nobody_answers_at_is_an_error(run, settings: Any):
    use(settings, "http://127.0.0.1:9")
    found, _ = examined(run)
    assert (found["provider wavespeed"]["level"], found["provider wavespeed"]["text"]) == (
        "error",
        "cannot be reached.",
    )


@pytest.mark.parametrize(
    ("reason", "level"),
    [
        (Declined(code="provider_insufficient_credits"), "error"),
        (Busy(), "warning"),
        (Unclear(), "error"),
        (Unreadable(), "warning"),
        (KeyError("balance"), "warning"),
    ],
)
def test_what_a_gateway_answers_decides_how_bad_it_is(
    run, monkeypatch: pytest.MonkeyPatch, reason: Exception, level: str
):
    def read_balance(self: WaveSpeed, reply: Any) -> str:
        raise reason

    monkeypatch.setattr(WaveSpeed, "read_balance", read_balance)
    found, _ = examined(run)
    assert levels(found) == {"provider wavespeed": level}


@pytest.mark.parametrize(("balance", "level"), [("0.00 USD", "error"), ("-1 USD", "error"), ("plenty", "ok")])
def test_an_empty_account_is_an_error(run, monkeypatch: pytest.MonkeyPatch, balance: str, level: str):
    monkeypatch.setattr(WaveSpeed, "read_balance", lambda self, reply: balance)
    found, _ = examined(run)
    assert (found["provider wavespeed"]["level"], balance in found["provider wavespeed"]["text"]) == (level, True)


def test_a_provider_without_a_key_is_a_warning(run, settings: Any):
    settings.IMAGEN = {
        "PROVIDERS": {"wavespeed": {"BACKEND": BACKEND}, "toy": {"BACKEND": "imagen.providers.sandbox.Sandbox"}}
    }
    found, _ = examined(run)
    assert found["provider wavespeed"]["text"] == "has no key."
    assert (found["provider toy"]["level"], found["provider toy"]["text"]) == ("ok", "needs no key.")


def test_a_provider_that_cannot_be_tried_out_is_not_said_to_be_fine(run, settings: Any):
    settings.IMAGEN = {"PROVIDERS": {"apiin": {"BACKEND": APIIN, "OPTIONS": {"api_key": "aio_test"}}}}
    found, code = examined(run)
    assert found["provider apiin"]["text"] == (
        "has a key, but no call that tries it out for nothing: the first picture will show."
    )
    assert (levels(found), code, "prices apiin" in found) == ({}, 0, False)


def test_credits_are_a_balance_too(run, settings: Any, imagen_gateway: Gateway):
    options = {"api_key": "afk_test", "base_url": imagen_gateway.url}
    settings.IMAGEN = {"PROVIDERS": {"apiframe": {"BACKEND": APIFRAME, "OPTIONS": options}}}
    imagen_gateway.balance["apiframe"] = 12
    found, _ = examined(run)
    assert found["provider apiframe"]["text"] == "accepts the key; the account holds 12 credits."


def listed(**fields: Any) -> None:
    Listing.objects.create(provider="wavespeed", **{"provider_model": "google/imagen4", "model": "imagen-4", **fields})
    shelf.prime()


def test_prices_that_were_never_read_are_a_hint(run):
    found, code = examined(run)
    assert (found["prices wavespeed"], code) == (
        {
            "level": "ok",
            "subject": "prices wavespeed",
            "text": "were never read: those that came with imagen count.",
            "fix": 'Run "manage.py imagen_models --sync".',
        },
        0,
    )


@pytest.mark.parametrize(("days", "fix"), [(3, ""), (31, 'Run "manage.py imagen_models --sync".')])
def test_the_age_of_the_prices_is_said_and_old_ones_come_with_the_way_to_read_them(run, days: int, fix: str):
    listed(provider_model="old", read_at=timezone.now() - timedelta(days=400))
    listed(read_at=timezone.now() - timedelta(days=days))
    found, _ = examined(run)
    line = found["prices wavespeed"]
    assert (line["level"], line["fix"]) == ("ok", fix)
    assert line["text"].startswith("were last read ")


def test_offers_that_are_no_longer_listed_are_counted(run):
    listed(gone_since=timezone.now())
    found, _ = examined(run)
    assert found["prices wavespeed"]["text"].endswith(" ago; no longer listed: google/imagen4.")


RINGING = {"PUBLIC_URL": "https://www.example.com"}


def test_a_webhook_without_its_secret_is_a_hint_with_the_way_to_get_it(run, settings: Any, imagen_gateway: Gateway):
    use(settings, imagen_gateway.url, **RINGING)
    found, code = examined(run)
    assert (found["webhooks"]["text"], levels(found), code) == ("asked for news: wavespeed.", {}, 0)
    assert found["webhooks wavespeed"]["text"] == "could come, but not be believed: the secret is missing."
    assert "GET /api/v3/webhook/secret" in found["webhooks wavespeed"]["fix"]


def test_who_rings_and_who_is_asked_is_said(run, settings: Any, imagen_gateway: Gateway):
    use(settings, imagen_gateway.url, **RINGING)
    providers = settings.IMAGEN["PROVIDERS"]
    providers["wavespeed"]["OPTIONS"]["webhook_secret"] = "whsec_test"
    providers["apiin"] = {"BACKEND": APIIN, "OPTIONS": {"api_key": "aio_test"}}
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {**providers, "toy": {"BACKEND": SANDBOX}}}
    found, _ = examined(run)
    assert found["webhooks"]["text"] == "rung by: wavespeed, apiin; asked for news: toy."
    assert "webhooks wavespeed" not in found


def test_webhooks_without_our_addresses_are_a_warning(run, settings: Any, imagen_gateway: Gateway):
    use(settings, imagen_gateway.url, **RINGING)
    settings.ROOT_URLCONF = "tests.no_urls"
    found, _ = examined(run)
    assert found["webhooks"]["level"] == "warning"
    assert "imagen.urls" in found["webhooks"]["fix"]


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("", "ok"),
        ("https://www.example.com", "ok"),
        ("https://www.example.com/", "ok"),
        ("http://www.example.com", "warning"),
        ("https://www.example.com/site", "warning"),
        ("https://localhost:8000", "warning"),
        ("https://10.0.0.1", "warning"),
        ("https://web.internal", "warning"),
        ("https://[::1", "warning"),
        ("www.example.com", "warning"),
    ],
)
def test_a_public_address_has_to_be_one(run, settings: Any, imagen_gateway: Gateway, url: str, level: str):
    use(settings, imagen_gateway.url, PUBLIC_URL=url)
    found, _ = examined(run)
    assert found["public address"]["level"] == level


def test_a_site_without_time_zones_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(house.django_settings, "USE_TZ", False, raising=False)
    (finding,) = house.clock()  # alone: this test's connection still has a time zone
    assert (finding.level, finding.text) == ("error", "has no time zone.")
