"""People with tokens, and two services to ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from rest_framework.authtoken.models import Token

from imagen.api import counters, throttles
from tests import endpoints, factories

ROOT = "/api/imagen/v1/"


class Api:
    """The interface as one person's program uses it."""

    def __init__(self, user: User | None = None, **headers: str) -> None:
        self.user = user
        if user is not None:
            headers["Authorization"] = f"Token {Token.objects.get_or_create(user=user)[0].key}"
        self.client = Client(headers=headers, raise_request_exception=False)

    def get(self, path: str, **options: Any) -> HttpResponse:
        return self.client.get(self.url(path), **options)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("post", path, body, **headers)

    def patch(self, path: str, body: Any) -> HttpResponse:
        return self.send("patch", path, body)

    def delete(self, path: str) -> HttpResponse:
        return self.client.delete(self.url(path))

    def send(self, method: str, path: str, body: Any, **headers: str) -> HttpResponse:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(self.client, method)(self.url(path), data, content_type="application/json", headers=named)

    @staticmethod
    def url(path: str) -> str:
        return path if path.startswith(("/", "http")) else ROOT + path


@pytest.fixture(autouse=True)
def shop(settings: Any) -> None:
    """Two services are set up: the sandbox first, then WaveSpeed with a key."""
    settings.IMAGEN = {
        "PROVIDERS": {
            "sandbox": {"BACKEND": "imagen.providers.sandbox.Sandbox"},
            "wavespeed": {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "wsk_test"}},
        },
        "ROUTE": ["wavespeed"],
        "PUBLIC_URL": "https://images.example",
    }


@pytest.fixture
def ann(db: None) -> Api:
    return Api(factories.editor("ann"))


@pytest.fixture
def bob(db: None) -> Api:
    return Api(factories.editor("bob"))


@pytest.fixture
def boss(db: None) -> Api:
    return Api(factories.person("boss", is_superuser=True))


@pytest.fixture
def anonymous(db: None) -> Api:
    return Api()


@pytest.fixture
def problem() -> Callable[..., dict[str, Any]]:
    """The problem in an answer, which has to be one, complete and of this status."""

    def read(response: HttpResponse, status: int, code: str = "") -> dict[str, Any]:
        assert response.headers["Content-Type"] == "application/problem+json", response.content[:300]
        assert response.status_code == status, response.content
        found: dict[str, Any] = json.loads(response.content)
        assert set(found) - ({"budget"} if status == 402 else set()) == {
            *("type", "title", "status", "detail", "code", "request_id", "errors", "next_actions"),
        }
        assert found["status"] == status
        assert found["detail"]
        assert found["request_id"] == response.headers["X-Request-ID"]
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert found["code"] == (code or found["code"])
        assert all(set(error) == {"field", "code", "message"} and error["message"] for error in found["errors"])
        return found

    return read


@pytest.fixture(autouse=True)
def cache_was_never_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cache failed in another test a moment ago."""
    monkeypatch.setattr(counters, "_asked_again_at", None)


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A clock that stands at noon; the test may move it."""
    clock = {"now": 20_000 * 86_400 + 43_200.0}
    monkeypatch.setattr(throttles, "clock", lambda: clock["now"])
    return clock


@pytest.fixture
def limit(settings: Any) -> Callable[..., None]:
    """Set these rates, and nothing else changes."""

    def limit(**rates: str | None) -> None:
        settings.IMAGEN = {**settings.IMAGEN, "THROTTLES": rates}

    return limit


@pytest.fixture
def sealed(settings: Any, shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The site can keep secrets, nobody has too many endpoints, and two addresses need no name server."""
    monkeypatch.setattr("imagen.webhooks.LIMIT", 99)
    settings.IMAGEN = {**settings.IMAGEN, "ENCRYPTION_KEYS": [endpoints.KEY], "ALLOWED_PRIVATE_HOSTS": endpoints.HOSTS}
