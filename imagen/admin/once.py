"""A form that is sent twice does its work once."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

from django.db import transaction

from imagen.models import IdempotencyKey


def token() -> str:
    """A fresh mark for one form."""
    return str(uuid.uuid4())


def valid(mark: str) -> bool:
    """Whether this is a mark of ours."""
    try:
        return str(uuid.UUID(mark)) == mark
    except ValueError:
        return False


def about(mark: str, content: dict[str, Any]) -> str:
    """The mark together with what the form says; a mark that is none of ours is replaced."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{mark if valid(mark) else token()} {digest}"


def done(user: Any, mark: str) -> bool:
    """Whether the work of this mark was done already."""
    return IdempotencyKey.objects.filter(user=user, key=f"admin {mark}").exists()


def once(user: Any, mark: str, work: Callable[[], Any]) -> tuple[Any, bool]:
    """The result of the work and whether it was done just now; the second time the first result is told again."""
    with transaction.atomic():
        row, fresh = IdempotencyKey.objects.get_or_create(user=user, key=f"admin {mark}")
        if fresh:
            row.body = {"result": work()}
            row.save(update_fields=["body"])
    return row.body["result"], fresh
