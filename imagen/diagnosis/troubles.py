"""What a provider's refusal means to whoever runs the site: how bad it is, in words, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imagen.diagnosis.finding import Finding, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How bad, what, and what to do about it; ``text`` goes on after the provider's name."""

    level: Level
    text: str
    fix: str


def _bad(text: str, fix: str) -> Trouble:
    return Trouble(level=Level.ERROR, text=text, fix=fix)


def _odd(text: str, fix: str) -> Trouble:
    return Trouble(level=Level.WARNING, text=text, fix=fix)


_STRANGE = _odd("answers in a way we do not understand.", "Check its base_url and its status page.")
_TROUBLES: Mapping[str, Trouble] = {
    "provider_auth": _bad("refuses our key.", "Put a valid api_key into its OPTIONS."),
    "provider_insufficient_credits": _bad("says that the account is empty.", "Top it up."),
    "provider_rate_limited": _odd("asks us to wait.", "Ask again in a minute."),
    "provider_unavailable": _bad("cannot be reached.", "Check its base_url and this host's way out."),
    "submit_unknown": _bad("does not answer.", "Check its base_url and its status page."),
    "egress_blocked": _bad("has an address that cannot be called.", "Check its base_url."),
    "nothing_of_ours": _odd("lists nothing of what it sells here, which cannot be right.", "Ask again later."),
    "too_many": _odd("lists more models than there can be.", "Check its base_url."),
}


def trouble(code: str) -> Trouble:
    """What this code means of a call that costs nothing."""
    return _TROUBLES.get(code, _STRANGE)


def found(subject: str, code: str) -> Finding:
    """The doctor's finding for a call that failed so."""
    known = trouble(code)
    return Finding(level=known.level, subject=subject, text=known.text, fix=known.fix)
