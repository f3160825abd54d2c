"""Checks of webhooks out: whether their secrets can be kept and read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.checks import CheckMessage
from django.db import DEFAULT_DB_ALIAS, connection

from imagen import vault
from imagen.checks.message import Check, error, warning
from imagen.conf import settings
from imagen.models import Endpoint


def keys_can_be_used(**kwargs: Any) -> Iterator[CheckMessage]:
    """E012: what stands in ``ENCRYPTION_KEYS`` encrypts nothing, so nobody can register a webhook endpoint."""
    if settings.ENCRYPTION_KEYS and not vault.is_open():
        what = "IMAGEN['ENCRYPTION_KEYS'] cannot be used: something in it is no key, or cryptography is not installed."
        yield error(
            12, what, 'Install "imagen[webhooks]", and make keys with cryptography.fernet.Fernet.generate_key().'
        )


CHECKS: tuple[Check, ...] = (keys_can_be_used,)


def secrets_can_be_read(databases: Iterable[str] | None = None, **kwargs: Any) -> Iterator[CheckMessage]:
    """W034: messages to these endpoints cannot be signed, and wait."""
    secrets = Endpoint.objects.values_list("secret", flat=True) if _there(databases) else ()
    count = sum(not vault.opens(secret) for secret in secrets)
    if count:
        what = (
            f"Webhook endpoints whose secret none of IMAGEN['ENCRYPTION_KEYS'] opens, so that messages wait: {count}."
        )
        yield warning(
            34, what, "Put the key back that they were encrypted with, or have their owners change the secret."
        )


def _there(databases: Iterable[str] | None) -> bool:
    """Whether there are endpoints to look at."""
    asked = DEFAULT_DB_ALIAS in (databases or ())
    return asked and Endpoint._meta.db_table in connection.introspection.table_names()


DATABASE: tuple[Check, ...] = (secrets_can_be_read,)
