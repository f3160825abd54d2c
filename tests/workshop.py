"""A site whose only provider is the loopback gateway, with time compressed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from imagen import engine, pipeline
from imagen.models import Generation, Job
from imagen.testing.gateway import KEYS, Gateway
from tests.engine.mortal import Mortal

Ask = Callable[..., Generation]
Site = Callable[..., None]


BACKENDS = {
    "wavespeed": "imagen.providers.wavespeed.WaveSpeed",
    "apiframe": "imagen.providers.apiframe.Apiframe",
    "apiin": "imagen.providers.apiin.ApiInOne",
}


def _provider(name: str, gateway: Gateway, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "BACKEND": BACKENDS[name],
        "OPTIONS": {"api_key": KEYS[name], "base_url": gateway.url, **options},
    }


@pytest.fixture
def site(settings: Any, imagen_gateway: Gateway) -> Site:
    """Set ``settings.IMAGEN``: the gateway as WaveSpeed or as others, quick, with these changes."""

    def configure(
        *, vendors: tuple[str, ...] = ("wavespeed",), options: dict[str, Any] | None = None, **changes: Any
    ) -> None:
        settings.IMAGEN = {
            "PROVIDERS": {name: _provider(name, imagen_gateway, options or {}) for name in vendors},
            "ALLOWED_PRIVATE_HOSTS": [f"127.0.0.1:{imagen_gateway.port}"],
            "POLL_SECONDS": 0.05,
            "RETRY_SECONDS": [0.05, 0.1],
            **changes,
        }

    configure()
    return configure


@pytest.fixture(autouse=True)
def quick(impatient: None, site: Site) -> None:
    """Every engine here is impatient and has the gateway."""


@pytest.fixture
def ask(transactional_db: None) -> Ask:
    """Ask for a picture as a door does."""
    return lambda prompt="a lighthouse", **options: pipeline.request(prompt=prompt, **options)


@pytest.fixture
def work(transactional_db: None) -> Callable[..., None]:
    """Let one engine work until there is nothing left to do soon, or for so many seconds."""
    return lambda seconds=10.0: engine.drive(seconds=seconds) and None


@pytest.fixture
def reach(transactional_db: None) -> Callable[..., Job]:
    """Let engines work, a moment each, until the one call of this request stands so, and return it."""

    def until(generation: Generation, status: str, *, seconds: float = 10.0) -> Job:
        end = time.monotonic() + seconds
        while (job := generation.jobs.get()).status != status and time.monotonic() < end:
            engine.drive(seconds=0.2)
        assert job.status == status
        return job

    return until


@pytest.fixture
def troubled(ask: Ask) -> Ask:
    """Ask, let engines work, a moment each, until the request tells of this trouble, and return it."""

    def until(code: str, *args: Any, seconds: float = 10.0, **options: Any) -> Generation:
        generation, end = ask(*args, **options), time.monotonic() + seconds
        while generation.error_code != code and time.monotonic() < end:
            engine.drive(seconds=0.2)
            generation.refresh_from_db()
        assert generation.error_code == code
        return generation

    return until


@pytest.fixture
def made(ask: Ask, work: Callable[..., None]) -> Ask:
    """Ask, let the engine work, and return the generation as it is then."""

    def make(prompt: str = "a lighthouse", *, seconds: float = 10.0, **options: Any) -> Generation:
        generation = ask(prompt, **options)
        work(seconds)
        generation.refresh_from_db()
        return generation

    return make


@pytest.fixture(scope="session")
def mortal(django_db_setup: None) -> Iterator[Mortal]:
    """The process whose children die, on the database of this run."""
    known = connection.settings_dict
    with Mortal({name: known[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}) as process:
        yield process


def facts(settings: Any) -> dict[str, Any]:
    """The settings of this test, as another process has them."""
    return {"IMAGEN": settings.IMAGEN, "STORAGES": settings.STORAGES}
