"""Whom a command is about."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

REFUSED = 2


def person(name: str | None) -> AbstractBaseUser | None:
    """The person who signs in with this name, nobody without one; exit code 2 when there is no such person."""
    people = get_user_model()
    try:
        return people._default_manager.get_by_natural_key(name) if name else None
    except people.DoesNotExist:
        raise CommandError(_("There is nobody called %(name)s.") % {"name": name}, returncode=REFUSED) from None
