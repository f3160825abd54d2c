"""The address providers ring at: what it answers, and that nobody reads its token in a log or a mail."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils.log import AdminEmailHandler

from imagen import hooks, pipeline, views

WAVESPEED = {
    "BACKEND": "imagen.providers.wavespeed.WaveSpeed",
    "OPTIONS": {"api_key": "wsk_test", "webhook_secret": "whsec_test"},
}
APIIN = {"BACKEND": "imagen.providers.apiin.ApiInOne", "OPTIONS": {"api_key": "test"}}


@pytest.fixture
def token(settings: Any, db: None) -> str:
    """The token in the address of a call that waits for a ring."""
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED, "apiin": APIIN}, "PUBLIC_URL": "https://images.example"}
    return hooks.token(pipeline.request(prompt="a lighthouse", provider="wavespeed").jobs.get())


class Line(io.RawIOBase):
    """A connection whose other end hangs up in the middle of a body."""

    def read(self, *args: Any) -> bytes:
        raise OSError("connection reset by peer")


def test_a_caller_who_hangs_up_is_no_error_of_ours(token):
    request = RequestFactory().post("/", b"{}", content_type="application/json")
    request._stream = Line()
    assert views.hook(request, "wavespeed", token).status_code == 400


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Every line of every logger, and mail to the administrators of what Django calls an error."""
    by_mail, requests = AdminEmailHandler(), logging.getLogger("django.request")
    level, by_mail.level = requests.level, logging.WARNING
    requests.addHandler(by_mail)
    requests.setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        yield caplog
    requests.setLevel(level)
    requests.removeHandler(by_mail)


def ring(client: Client, case: str, token: str) -> HttpResponse:
    """A ring that is answered with this status."""
    alias, body = "apiin" if case == "404" else "wavespeed", "x" * 300_000 if case == "413" else "{}"
    call = client.put if case == "405" else client.post
    headers = {"CONTENT_LENGTH": ""} if case == "411" else {}
    return call(f"/imagen/hooks/{alias}/{token}/", body, "application/json", **headers)


def away(*args: Any, **options: Any) -> None:
    raise OperationalError("no route")


@pytest.mark.parametrize("case", ["401", "404", "405", "411", "413", "503"])
def test_whatever_a_ring_is_answered_with_its_token_is_in_no_log_and_no_mail(
    token, client, told, settings, monkeypatch, case
):
    settings.ADMINS = [("Ann", "ann@example.com")]
    if case == "503":
        monkeypatch.setattr(hooks, "overhear", away)
    assert ring(client, case, token).status_code == int(case)
    assert not [record for record in told.records if token in f"{record.getMessage()} {vars(record)}"]
    assert mail.outbox == []
    assert f"was answered with {case}" in told.text


def test_what_django_says_of_other_addresses_is_still_logged(client, db, told):
    client.get("/nothing/here/")
    assert "/nothing/here/" in told.text


def test_who_asks_with_another_method_is_told_which_one_there_is(client, token):
    assert client.get(f"/imagen/hooks/wavespeed/{token}/").headers["Allow"] == "POST"


def test_while_the_database_is_away_a_provider_is_asked_to_ring_again(client, token, monkeypatch):
    monkeypatch.setattr(hooks, "overhear", away)
    answer = client.post(f"/imagen/hooks/wavespeed/{token}/", "{}", "application/json")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
