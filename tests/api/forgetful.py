"""A cache that swallows its errors, as some clients of memcached do while the server is away."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.dummy import DummyCache


class Forgetful(DummyCache):
    """Keeps nothing, and says so."""

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return False
