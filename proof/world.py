"""The site of the lives: three gateways that know no better, one budget, files in memory; and what gateways may do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.files.storage import InMemoryStorage
from django.db import connection
from django.test.utils import override_settings

from imagen import detours, shelf
from imagen.models import Budget
from imagen.testing.gateway import KEYS, SECRET
from proof.vacuum import URL

VENDORS = {
    "wavespeed": "imagen.providers.wavespeed.WaveSpeed",
    "apiframe": "imagen.providers.apiframe.Apiframe",
    "apiin": "imagen.providers.apiin.ApiInOne",
}
SECRETS: dict[str, dict[str, Any]] = {"wavespeed": {"webhook_secret": SECRET}}
SITE: dict[str, Any] = {
    "PROVIDERS": {
        alias: {"BACKEND": backend, "OPTIONS": {"api_key": KEYS[alias], "base_url": URL, **SECRETS.get(alias, {})}}
        for alias, backend in VENDORS.items()
    },
    "ALLOWED_PRIVATE_HOSTS": ["127.0.0.1:9"],
    "PUBLIC_URL": "http://127.0.0.1:10",
    "CREDIT_RATES": {"apiframe": "0.01"},
}
MEMORY = {"BACKEND": "proof.world.Disk"}
NEWS: dict[str, dict[str, Any]] = {
    "good": {},
    "slow": {"latency": 1e9},
    "failed": {"failure": "no"},
    "refused": {"submit": "status", "status": 400},
    "full": {"submit": "status", "status": 429, "first": 2},
    "broken": {"submit": "status", "status": 500},
    "broken once": {"submit": "status", "first": 1},
    "lost before": {"submit": "reset-before", "first": 1},
    "lost after": {"submit": "reset-after", "first": 1},
    "silent": {"submit": "hang", "first": 1},
    "taken, said 500": {"submit": "status-after", "status": 500, "first": 1},
    "garbled": {"submit": "garbled", "first": 1},
    "cut": {"submit": "truncated", "first": 1},
    "not asked after": {"poll": "status", "status": 500, "first": 3},
    "forgotten": {"poll": "status", "status": 404, "first": 2},
    "flip-flop": {"words": ("processing", "failed", "processing", "completed")},
    "partial": {"outputs": 1},
    "none": {"outputs": 0},
    "expired": {"file": "gone", "first": 2},
    "half a picture": {"file": "half", "first": 1},
    "no picture": {"file": "html-as-png"},
    "rings early": {"webhook": "early"},
    "deaf": {"webhook": "none"},
}
LIMIT = "2.00"


class Disk(InMemoryStorage):
    """Files in memory, as long as there is room for them."""

    full = False

    def _save(self, name: str, content: Any) -> str:
        if Disk.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return str(super()._save(name, content))


@contextmanager
def site() -> Iterator[None]:
    """An empty site whose files are in memory."""
    stores = dict.fromkeys(("default", "staticfiles", "imagen"), MEMORY)
    with override_settings(IMAGEN=SITE, STORAGES=stores):
        _empty()
        shelf.prime()
        Disk.full = False
        detours._stuck.clear()
        Budget.objects.create(scope="everybody", period="month", limit=LIMIT)
        yield


def _empty() -> None:
    ours = [table for table in connection.introspection.table_names() if table.startswith("imagen_")]
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in [*ours, "auth_user"]:
            cursor.execute(f'DELETE FROM "{table}"')  # names of our own
