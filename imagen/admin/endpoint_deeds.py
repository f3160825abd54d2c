"""What can be done with a webhook endpoint: the button's words, when it fits, the verb, and what is said then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from imagen import webhooks
from imagen.models import Endpoint
from imagen.models.webhook import EndpointState


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One of them; ``says`` is a sentence about so many endpoints."""

    name: str
    button: Any
    fits: Callable[[Endpoint], bool]
    do: Callable[[Endpoint], Any]
    says: Any = ""
    leading: bool = False


def _in(*states: str) -> Callable[[Endpoint], bool]:
    return lambda endpoint: endpoint.state in states


_ALL: tuple[Deed, ...] = (
    Deed(
        name="ping",
        button=_("Ping it now"),
        fits=_in(EndpointState.PENDING),
        do=webhooks.ping,
        says=ngettext_lazy("It is pinged now.", "%(count)s endpoints are pinged now.", "count"),
        leading=True,
    ),
    Deed(
        name="enable",
        button=_("Enable"),
        fits=_in(EndpointState.DISABLED),
        do=webhooks.enable,
        says=ngettext_lazy(
            "It is pinged now, and works once it has answered.",
            "%(count)s endpoints are pinged now, and work once they have answered.",
            "count",
        ),
        leading=True,
    ),
    Deed(
        name="test",
        button=_("Send a test"),
        fits=_in(EndpointState.ACTIVE),
        do=webhooks.test,
        says=ngettext_lazy(
            "A test is on its way; below is what becomes of it.", "%(count)s tests are on their way.", "count"
        ),
    ),
    Deed(
        name="rotate",
        button=_("Make a new secret"),
        fits=lambda endpoint: True,
        do=webhooks.rotate,
    ),
    Deed(
        name="disable",
        button=_("Switch off"),
        fits=_in(EndpointState.PENDING, EndpointState.ACTIVE),
        do=webhooks.disable,
        says=ngettext_lazy(
            "It is switched off; nothing is sent there.",
            "%(count)s endpoints are switched off; nothing is sent there.",
            "count",
        ),
    ),
)
DEEDS: Mapping[str, Deed] = {deed.name: deed for deed in _ALL}


def fitting(endpoint: Endpoint) -> list[Deed]:
    """What can be done with it now, in the order of the buttons."""
    return [deed for deed in _ALL if deed.fits(endpoint)]
