"""API keys: made, shown once, recognised, marked as used, revoked; each of the deeds stands in the admin's history."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from imagen import keys
from imagen.exceptions import Refused
from imagen.models import ApiKey, KeyScope, hold

logger = logging.getLogger("imagen")

MOST = 20  # each counts on its own, so they are few
_ADDED, _CHANGED = 1, 2  # of the admin's history
_FRESH = timedelta(minutes=1)
_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")  # the last two ranges turn text around


@sensitive_variables("key")
def issue(
    *,
    user: AbstractBaseUser,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None = None,
    rate: str = "",
    webhook_urls: bool = False,
    actor: AbstractBaseUser | None = None,
) -> tuple[ApiKey, str]:
    """A new key of this person and its text, which nobody can read again; ``Refused`` when there are too many."""
    key = keys.mint()
    kept = {"handle": key.handle, "digest": key.digest, "last_four": key.last_four}
    asked = {"expires_at": expires_at, "rate": rate, "webhook_urls": webhook_urls}
    row = ApiKey(user_id=user.pk, name=_on_one_line(name), scopes=ordered(scopes), **asked, **kept)
    row.full_clean()
    with transaction.atomic():
        hold(user)
        if ApiKey.objects.of(user).valid().count() >= MOST:
            raise Refused(code="quota_exceeded")
        row.save()
        _note(row, actor or user, _ADDED, _("Made."))
    return row, key.text


def revoke(row: ApiKey, *, actor: AbstractBaseUser | None = None) -> bool:
    """Take it away for good; ``False`` when somebody did before."""
    with transaction.atomic():
        fresh = ApiKey.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now())
        if fresh:
            _note(row, actor or row.user, _CHANGED, _("Revoked."))
    return bool(fresh)


@sensitive_variables("key", "row")
def recognised(key: keys.Key) -> ApiKey | None:
    """The row of this key with its person, in whatever state; ``None`` when it is none of ours."""
    row = ApiKey.objects.select_related("user").filter(handle=key.handle).first()
    return row if row is not None and constant_time_compare(row.digest, key.digest) else None


def used(row: ApiKey) -> None:
    """Note that it is in use, once a minute at most; a database that will not have it is no reason to refuse."""
    now = timezone.now()
    if row.last_used_at is not None and row.last_used_at > now - _FRESH:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _FRESH)
    try:
        with transaction.atomic():
            ApiKey.objects.filter(stale, pk=row.pk).update(last_used_at=now)
    except DatabaseError as error:
        logger.warning("the use of an API key could not be noted: %s", type(error).__name__)


def ordered(scopes: Collection[str]) -> list[str]:
    """The same scopes as they are kept: each once, in the order of the table."""
    return [scope for scope in KeyScope.values if scope in scopes]


def _on_one_line(name: str) -> str:
    """A name that does nothing to the terminal it is listed on."""
    return _CONTROL.sub(" ", name).strip()


def _note(row: ApiKey, actor: Any, flag: int, message: str) -> None:
    """A line in the admin's history, where there is an admin."""
    if not apps.is_installed("django.contrib.admin"):
        return
    from django.contrib.admin.models import LogEntry  # noqa: PLC0415  # a site may live without it
    from django.contrib.contenttypes.models import ContentType  # noqa: PLC0415  # likewise

    LogEntry.objects.create(
        user_id=actor.pk,
        content_type=ContentType.objects.get_for_model(ApiKey),
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=flag,
        change_message=message,
    )
