"""The doctor's look at the providers: is the key accepted, what does the account hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from imagen import registry
from imagen.conf import settings
from imagen.diagnosis.finding import Finding, Level, error, ok, warning
from imagen.egress import is_public
from imagen.exceptions import ImagenError
from imagen.providers.base import Provider
from imagen.transport import Transport

ASK_SECONDS = 15.0

_TROUBLES: dict[str, tuple[Level, str, str]] = {
    "provider_auth": (Level.ERROR, "refuses our key.", "Put a valid api_key into its OPTIONS."),
    "provider_insufficient_credits": (Level.ERROR, "says that the account is empty.", "Top it up."),
    "provider_rate_limited": (Level.WARNING, "asks us to wait.", "Ask again in a minute."),
    "provider_unavailable": (Level.ERROR, "cannot be reached.", "Check its base_url and this host's way out."),
    "submit_unknown": (Level.ERROR, "does not answer.", "Check its base_url and its status page."),
    "egress_blocked": (Level.ERROR, "has an address that cannot be called.", "Check its base_url."),
}
_STRANGE = (Level.WARNING, "answers in a way we do not understand.", "Check its base_url and its status page.")


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
        return ok(subject, "is set up; it has no call that would try this out for free.")
    try:
        balance = asyncio.run(_ask(provider))
    except ImagenError as reason:
        return _trouble(subject, reason.code)
    except Exception:  # a vendor's reading may stumble in any way over an answer
        return _trouble(subject, "")
    if _empty(balance):
        return error(subject, f"accepts the key, but the account holds {balance}.", "Top it up.")
    return ok(subject, f"accepts the key; the account holds {balance}.")


def _trouble(subject: str, code: str) -> Finding:
    level, text, fix = _TROUBLES.get(code, _STRANGE)
    return Finding(level=level, subject=subject, text=text, fix=fix)


async def _ask(provider: Provider) -> str:
    async with Transport(origins=[provider.url], call_seconds=min(settings.CALL_SECONDS, ASK_SECONDS)) as transport:
        return await transport.ask(provider.balance(), provider.read_balance)


def _empty(balance: str) -> bool:
    try:
        return Decimal(balance.partition(" ")[0]) <= 0
    except InvalidOperation:
        return False


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
