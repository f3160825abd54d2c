"""The doctor's look at the providers: keys, balances, the age of their prices, and who rings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from django.db.models import Max
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.timesince import timesince

from imagen import registry
from imagen.conf import settings
from imagen.diagnosis import troubles
from imagen.diagnosis.finding import Finding, error, hint, ok, warning
from imagen.egress import is_public
from imagen.exceptions import ImagenError
from imagen.models import Listing
from imagen.providers.base import Provider, is_empty
from imagen.transport import Transport

ASK_SECONDS = 15.0
OLD_DAYS = 30
_SECRETS = {"wavespeed": " WaveSpeedAI tells it at GET /api/v3/webhook/secret, asked with the key."}


def providers() -> Iterator[Finding]:
    """One finding for each provider, and one when none could make a picture."""
    if not registry.configured():
        yield error("providers", "There is none with a key.", "Add one to IMAGEN['PROVIDERS'] with its api_key.")
    for alias, provider in registry.providers().items():
        yield _provider(f"provider {alias}", provider)


def _provider(subject: str, provider: Provider) -> Finding:
    if not provider.configured:
        return warning(subject, "has no key.", "Put an api_key into its OPTIONS, or take it out of PROVIDERS.")
    if not provider.balance():
        return _untried(subject, provider)
    try:
        balance = asyncio.run(_ask(provider))
    except ImagenError as reason:
        return troubles.found(subject, reason.code)
    except Exception:  # a vendor's reading may stumble in any way over an answer
        return troubles.found(subject, "")
    if is_empty(balance):
        return error(subject, f"accepts the key, but the account holds {balance}.", "Top it up.")
    return ok(subject, f"accepts the key; the account holds {balance}.")


def _untried(subject: str, provider: Provider) -> Finding:
    if not provider.needs_key:
        return ok(subject, "needs no key.")
    return ok(subject, "has a key, but no call that tries it out for nothing: the first picture will show.")


async def _ask(provider: Provider) -> str:
    async with Transport(origins=[provider.url], call_seconds=min(settings.CALL_SECONDS, ASK_SECONDS)) as transport:
        return await transport.ask(provider.balance(), provider.read_balance)


def public_address() -> Iterator[Finding]:
    """Whether providers could call us where we say we are."""
    if not settings.PUBLIC_URL:
        yield ok("public address", "is not set: providers are asked for news, none calls us.")
    elif flaw := _flaw(settings.PUBLIC_URL):
        fix = 'Write the origin alone, "https://www.example.com".'
        yield warning("public address", f"PUBLIC_URL {flaw}, so no provider can call us.", fix)
    else:
        yield ok("public address", f"is {settings.PUBLIC_URL}.")


def _flaw(address: str) -> str:
    try:
        url = urlsplit(address)
    except ValueError:
        return "cannot be read"
    if url.scheme != "https" or not url.hostname or url.path.strip("/") or url.query:
        return "is not an https origin"
    return "" if _outside(url.hostname) else "is a private address"


def _outside(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".localhost"))


def prices() -> Iterator[Finding]:
    """How old what we know of the providers' offers and prices is; those without a list are left out."""
    for alias, provider in registry.configured().items():
        if provider.catalogue():
            rows = Listing.objects.filter(provider=alias)
            gone = rows.filter(gone_since__isnull=False).order_by("provider_model")
            newest = rows.aggregate(newest=Max("read_at"))["newest"]
            yield _age(f"prices {alias}", newest, gone=", ".join(gone.values_list("provider_model", flat=True)))


def _age(subject: str, read_at: datetime | None, *, gone: str) -> Finding:
    fix = 'Run "manage.py imagen_models --sync".'
    if read_at is None:
        return hint(subject, "were never read: those that came with imagen count.", fix)
    text = f"were last read {timesince(read_at)} ago" + (f"; no longer listed: {gone}." if gone else ".")
    old = (timezone.now() - read_at).days >= OLD_DAYS
    return hint(subject, text, fix) if old else ok(subject, text)


def webhooks() -> Iterator[Finding]:
    """Which providers ring, which are asked, and why one that could ring does not."""
    if not settings.PUBLIC_URL:
        return
    if not _hooked():
        text = "cannot come in: our addresses are not part of this site, so every provider is asked for news."
        yield warning("webhooks", text, 'Include "imagen.urls" in the ROOT_URLCONF.')
        return
    found = registry.configured()
    ringing = [alias for alias, provider in found.items() if provider.calls_back]
    yield ok("webhooks", _who(ringing, [alias for alias in found if alias not in ringing]))
    for alias, provider in found.items():
        if provider.webhooks and not provider.calls_back:
            fix = f"Put its webhook_secret into its OPTIONS.{_SECRETS.get(provider.slug, '')}"
            yield hint(f"webhooks {alias}", "could come, but not be believed: the secret is missing.", fix)


def _hooked() -> bool:
    try:
        return bool(reverse("imagen:hook", args=["alias", "token"]))
    except NoReverseMatch:
        return False


def _who(ringing: list[str], asked: list[str]) -> str:
    told = {"rung by": ringing, "asked for news": asked}
    return "; ".join(f"{what}: {', '.join(aliases)}" for what, aliases in told.items() if aliases) + "."
