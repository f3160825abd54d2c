"""Checks of ``settings.IMAGEN``: can it be read, and does it make sense."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from imagen import registry, rewriting
from imagen.checks.message import Check, error, listed, nearest, warning
from imagen.conf import current, settings
from imagen.egress import Guard
from imagen.exceptions import EgressBlocked, Refused
from imagen.providers.base import Provider
from imagen.types import ImageRequest

_HOST_AND_PORT = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):[0-9]{1,5}")


@listed
def settings_are_readable(**kwargs: Any) -> Iterator[CheckMessage]:
    """E001: ``settings.IMAGEN`` has an unknown key or a value of the wrong type."""
    try:
        current()
    except ImproperlyConfigured as reason:
        yield error(1, str(reason))


@listed
def providers_load(**kwargs: Any) -> Iterator[CheckMessage]:
    """E002: a provider's backend cannot be imported, does not take its options or is no provider."""
    if settings_are_readable():
        return
    try:
        found: Mapping[str, Any] = registry.providers()
    except ImproperlyConfigured as reason:
        yield error(2, str(reason))
        return
    for alias, provider in found.items():
        if not isinstance(provider, Provider):
            yield error(2, f"IMAGEN['PROVIDERS'][{alias!r}]: its BACKEND is not a subclass of Provider.")


@listed
def offers_can_be_read(**kwargs: Any) -> Iterator[CheckMessage]:
    """E003: ``OFFERS`` sets a field that offers do not have, or to a value that cannot be one."""
    if settings_are_readable() or providers_load():
        return
    for alias in registry.providers():
        try:
            registry.offers(alias)
        except ImproperlyConfigured as reason:
            yield error(3, str(reason))
        except (AttributeError, TypeError, ValueError) as reason:
            fix = "It maps each model to fields with their values."
            yield error(3, f"IMAGEN['OFFERS'][{alias!r}] cannot be read: {reason}.", fix)


BORDER: tuple[Check, ...] = (settings_are_readable, providers_load, offers_can_be_read)


def private_hosts_name_a_port(**kwargs: Any) -> Iterator[CheckMessage]:
    """E004: an entry of ``ALLOWED_PRIVATE_HOSTS`` is not ``host:port``, so it would never match."""
    entries: Sequence[Any] = settings.ALLOWED_PRIVATE_HOSTS
    for entry in entries:
        if not isinstance(entry, str) or not _HOST_AND_PORT.fullmatch(entry):
            yield error(4, f"IMAGEN['ALLOWED_PRIVATE_HOSTS']: {entry!r} is not host:port.", 'Write "127.0.0.1:9400".')


def route_names_known_providers(**kwargs: Any) -> Iterator[CheckMessage]:
    """W001: the site's own ``ROUTE`` names a provider it does not have; the default one names all there may be."""
    yield from _strangers(1, "ROUTE", getattr(django_settings, "IMAGEN", {}).get("ROUTE", ()))


def offers_name_known_providers(**kwargs: Any) -> Iterator[CheckMessage]:
    """W002: ``OFFERS`` corrects a provider the site does not have."""
    yield from _strangers(2, "OFFERS", settings.OFFERS)


def _strangers(number: int, setting: str, aliases: Iterable[str]) -> Iterator[CheckMessage]:
    known = registry.providers()
    for alias in aliases:
        if alias not in known:
            yield warning(number, f"IMAGEN[{setting!r}] names {alias!r}, which is not set up.", nearest(alias, known))


def default_model_is_on_sale(**kwargs: Any) -> Iterator[CheckMessage]:
    """W003: a request that names no model would be refused."""
    try:
        registry.route(ImageRequest(prompt="a check"))
    except Refused as reason:
        if registry.configured() and reason.code == "model_unknown":
            models = {choice.offer.model for choice in registry.choices()}
            what = f"No provider that is set up sells IMAGEN['DEFAULT_MODEL'], {settings.DEFAULT_MODEL!r}."
            yield warning(3, what, nearest(settings.DEFAULT_MODEL, models))


def leases_outlive_calls(**kwargs: Any) -> Iterator[CheckMessage]:
    """W004: another worker may take a job while its call is still under way."""
    if settings.LEASE_SECONDS <= settings.CALL_SECONDS:
        yield warning(
            4,
            "IMAGEN['LEASE_SECONDS'] is not longer than IMAGEN['CALL_SECONDS'].",
            "Make the lease at least twice as long as a call, or a slow call looks like a lost worker.",
        )


def storage_has_its_alias(**kwargs: Any) -> Iterator[CheckMessage]:
    """W005: pictures go to the default storage, which a site often serves to everybody."""
    if settings.STORAGE not in django_settings.STORAGES:
        what = f"STORAGES has no alias {settings.STORAGE!r}, so pictures are kept in the default storage."
        yield warning(5, what, "Add the alias with a private place, or set IMAGEN['STORAGE'] to 'default'.")


def base_urls_can_be_called(**kwargs: Any) -> Iterator[CheckMessage]:
    """E005: a ``base_url`` is not an http or https address that can be read in one way only."""
    for alias, provider in registry.providers().items():
        if not _callable(provider):
            yield error(
                5, f"IMAGEN['PROVIDERS'][{alias!r}]: its base_url is no address.", 'Write "https://" and a host.'
            )


def rewriting_can_be_called(**kwargs: Any) -> Iterator[CheckMessage]:
    """W033: the Studio would not offer to reword or to enhance a description: nothing is there under this name."""
    for setting in ("REWORDING", "ENHANCE"):
        name = getattr(settings, setting)
        if name and rewriting.function(setting) is None:
            what = f"IMAGEN[{setting!r}] is {name!r}, which is no function that can be imported."
            yield warning(33, what, "Write the dotted path of a function, or '' to offer it nowhere.")


def keys_travel_encrypted(**kwargs: Any) -> Iterator[CheckMessage]:
    """W006: a key would travel readable through the network."""
    for alias, provider in registry.providers().items():
        if _callable(provider) and provider.url.startswith("http:") and not _loopback(urlsplit(provider.url).hostname):
            yield warning(6, f"The provider {alias!r} is called without encryption.", "Use https in its base_url.")


def _callable(provider: Provider) -> bool:
    try:
        Guard(origins=[provider.url])
    except EgressBlocked:
        return False
    return True


def _loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


SENSE: tuple[Check, ...] = (
    private_hosts_name_a_port,
    route_names_known_providers,
    offers_name_known_providers,
    default_model_is_on_sale,
    leases_outlive_calls,
    storage_has_its_alias,
    base_urls_can_be_called,
    rewriting_can_be_called,
    keys_travel_encrypted,
)
