"""Where somebody came from, and the Studio's addresses that lead them on without losing it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.options import IS_POPUP_VAR
from django.http import HttpRequest
from django.urls import reverse

from imagen.admin.base import viewer
from imagen.doors import Door
from imagen.exceptions import BadSignature
from imagen.models import Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """The door somebody came through, ``None`` without one; ``stale`` when it is not theirs or not open any more.

    ``site`` is the name of the admin site it leads to.
    """

    site: str
    door: Door | None = None
    token: str = ""
    popup: bool = False
    stale: bool = False

    @classmethod
    def of(cls, request: HttpRequest) -> Entrance:
        """As the address says; what is forged, expired or somebody else's opens nothing."""
        given, door = token(request), door_of(request)
        stale = bool(given) and door is None
        return cls(site=site(request), door=door, token=given if door else "", popup=popup(request), stale=stale)

    def page(self, run: Generation | None = None) -> str:
        """The page for the same field, in the same window."""
        return _address(self.site, "changelist", query=self._query(run=run.pk if run else None))

    def state(self, run: Generation) -> str:
        """Where it is told how a request stands."""
        return _address(self.site, "state", run.pk, query=self._query())

    @property
    def quote(self) -> str:
        """Where a price is told."""
        return _address(self.site, "quote", query=self._query())

    @property
    def enhance(self) -> str:
        """Where words are enhanced."""
        return _address(self.site, "enhance", query=self._query())

    def _query(self, **more: object) -> str:
        return _query(self.token, popup=self.popup, **more)


def site(request: HttpRequest) -> str:
    """The name of the admin site that is asked: there may be several, and not everybody is admitted to all."""
    return request.resolver_match.namespace if request.resolver_match else ""


def token(request: HttpRequest) -> str:
    """The door's token as the address or the form carries it."""
    return request.POST.get("door") or request.GET.get("door", "")


def door_of(request: HttpRequest) -> Door | None:
    """The field somebody came from; ``None`` for nobody's, and for a token that is forged, expired or not theirs."""
    try:
        return Door.read(token(request), viewer(request)) if token(request) else None
    except BadSignature:
        return None


def renew(request: HttpRequest) -> None:
    """Whoever opens the Studio from a form that stood open for days came through its door today."""
    said: Any = request.GET.copy()
    with suppress(BadSignature):
        said["door"] = Door.renew(token(request), viewer(request))
        request.GET = said


def popup(request: HttpRequest) -> bool:
    """Whether the page stands in a dialog or a window of its own."""
    return IS_POPUP_VAR in request.GET or IS_POPUP_VAR in request.POST


def home(request: HttpRequest, run: object = None) -> str:
    """The Studio's page, showing this request, for the same field and in the same kind of window."""
    return _address(site(request), "changelist", query=query(request, run=run))


def like(request: HttpRequest, generation: Generation) -> str:
    """The Studio with a form that begins with this request, for who has no scripts."""
    return _address(site(request), "changelist", query=query(request, like=generation.pk))


def to(request: HttpRequest, name: str, pk: object) -> str:
    """One of the Studio's addresses about this row."""
    return _address(site(request), name, pk, query=query(request))


def query(request: HttpRequest, **more: object) -> str:
    """What has to stand in every address, and more."""
    return _query(token(request), popup=popup(request), **more)


def _query(door: str, *, popup: bool, **more: object) -> str:
    said = {"door": door, IS_POPUP_VAR: "1" if popup else "", **more}
    return urlencode({name: str(value) for name, value in said.items() if value})


def _address(site: str, name: str, *args: object, query: str) -> str:
    address = reverse(f"admin:imagen_studio_{name}", args=args, current_app=site)
    return f"{address}?{query}" if query else address
