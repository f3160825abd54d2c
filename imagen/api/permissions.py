"""Who may do what: permissions of ours for what costs, of the admin's for what is somebody else's."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.base_user import AbstractBaseUser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from imagen.exceptions import Refused
from imagen.models import Batch, Generation


class MayGenerate(BasePermission):
    """Lets those spend money who have ``imagen.generate``; looking needs nothing."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether this person may do this here."""
        return request.method != "POST" or request.user.has_perm("imagen.generate")


def person(request: Request) -> AbstractBaseUser:
    """Who asks; nobody anonymous gets past ``IsAuthenticated``."""
    return cast("AbstractBaseUser", request.user)


def require_own(request: Request, row: Batch | Generation, permission: str) -> None:
    """Refuse to change what somebody else asked for, unless this model permission is there."""
    if row.user_id != request.user.pk and not request.user.has_perm(f"imagen.{permission}"):
        raise Refused(code="permission_denied")
