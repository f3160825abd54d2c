"""Fixtures for users' own tests; in the top ``conftest.py``: ``pytest_plugins = ["imagen.testing.plugin"]``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from imagen.testing.gateway import Gateway

pytest.register_assert_rewrite("imagen.testing.contract")


@pytest.fixture(scope="session")
def _gateway() -> Iterator[Gateway]:
    with Gateway(scale=1 / 16) as gateway:
        yield gateway


@pytest.fixture
def imagen_gateway(_gateway: Gateway) -> Iterator[Gateway]:
    """A gateway on loopback that behaves well, remembers nothing and gives small pictures at once."""
    _gateway.reset()
    yield _gateway
    _gateway.reset()
