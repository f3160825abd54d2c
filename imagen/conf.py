"""``settings.IMAGEN`` as one typed, frozen value; a typo is an error with the name in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cache
from typing import Any, cast

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from imagen.rates import Rate
from imagen.types import MAX_IMAGES

# A thousand requests at once, which the queue is made for, pass; a program that asks in a circle does not.
_THROTTLES = {"generate": "1200/min", "read": "6000/min", "manage": "1200/min", "anonymous": "120/min"}


DISCLOSURES = ALWAYS, ASK = "always", "ask"
_MINUTE, _HOUR = 60, 3600
# https://www.standardwebhooks.com: the schedule of tries, each wait after the one before
_STANDARD = (0, 5, *(n * _MINUTE for n in (5, 30)), *(n * _HOUR for n in (2, 5, 10, 14, 20, 24)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every key of ``settings.IMAGEN`` with its default. Times are in seconds, sizes in bytes."""

    PROVIDERS: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ROUTE: Sequence[str] = ("wavespeed", "apiframe", "apiin")
    OFFERS: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    DEFAULT_MODEL: str = "imagen-4"
    STUDIO_NUM_IMAGES: int = 2
    DISCLOSURE: str = "always"
    STORAGE: str = "imagen"
    POLL_SECONDS: float = 1.0
    POLL_MAX_SECONDS: float = 15.0
    DEADLINE_SECONDS: float = 1800
    WATCH_SECONDS: float = 86400
    LEASE_SECONDS: float = 60
    SWEEP_SECONDS: float = 60
    SLICE_SECONDS: float = 20
    CALL_SECONDS: float = 30
    RETRY_SECONDS: Sequence[float] = (1, 2, 4, 8, 16, 32, 60, 60)
    MAX_IN_FLIGHT: int = 1000
    CALL_SLOTS: int = 64
    DOWNLOAD_SLOTS: int = 16
    DECODE_SLOTS: int = 2
    MAX_BYTES: int = 67_108_864
    MAX_PIXELS: int = 20_000_000
    ALLOWED_PRIVATE_HOSTS: Sequence[str] = ()
    OUTPUT_HOSTS: Sequence[str] | None = None
    BUDGET: Mapping[str, Any] = field(default_factory=lambda: {"currency": "USD", "default_monthly": None})
    CREDIT_RATES: Mapping[str, Any] = field(default_factory=dict)
    UNKNOWN_PRICE_CEILING: str = "0.25"
    PUBLIC_URL: str = ""
    KEEP_DAYS: int | None = None
    LOG_PROMPTS: bool = False
    PROMPT_RULES: Mapping[str, Sequence[str]] = field(default_factory=dict)
    REWORDING: str = "imagen.rewording.by_table"
    ENHANCE: str = "imagen.enhancing.by_table"
    ENCRYPTION_KEYS: Sequence[str] = ()
    WEBHOOK_SECONDS: float = 15
    WEBHOOK_SLOTS: int = 16
    WEBHOOK_RETRY_SECONDS: Sequence[float] = _STANDARD
    API: Mapping[str, Any] = field(default_factory=dict)
    THROTTLES: Mapping[str, Any] | None = field(default_factory=lambda: dict(_THROTTLES))

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Settings:
        """The settings in this mapping, or ``ImproperlyConfigured`` naming what is wrong."""
        known = {known.name for known in fields(cls)}
        for name in raw:
            if name not in known:
                raise ImproperlyConfigured(f"IMAGEN has no setting {name!r}.{_nearest(name, known)}")
        found = cls(**raw)
        for each in fields(cls):
            _check(each.name, getattr(found, each.name), each.type)
        _check_count(found.STUDIO_NUM_IMAGES)
        _check_disclosure(found.DISCLOSURE)
        _check_money(found)
        _check_throttles(found.THROTTLES or {})
        _check_rules(found.PROMPT_RULES)
        return found

    def rate(self, scope: str) -> Rate | None:
        """How often one person may ask in this scope: the site's word, else our own; ``None`` is no limit."""
        text = {**_THROTTLES, **self.THROTTLES}.get(scope) if self.THROTTLES else None
        return None if text is None else Rate.read(text)


_LEAST, _MOST = Decimal("0.000001"), Decimal(1_000_000)
_NUMBERS = {"float": (int, float), "int": (int,), "int | None": (int, type(None))}
_MAPPINGS = ("PROVIDERS", "OFFERS", "BUDGET", "CREDIT_RATES", "API", "THROTTLES", "PROMPT_RULES")


def _nearest(name: str, known: set[str]) -> str:
    close = get_close_matches(name.upper(), known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _check(name: str, value: Any, annotation: Any) -> None:
    missing = value is None and str(annotation).endswith("| None")
    if name in _MAPPINGS and not missing and not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"IMAGEN[{name!r}] has to be a dictionary.")
    allowed = _NUMBERS.get(str(annotation))
    if allowed and (isinstance(value, bool) or not isinstance(value, allowed) or (value is not None and value <= 0)):
        raise ImproperlyConfigured(f"IMAGEN[{name!r}] has to be a number above zero, not {value!r}.")
    if str(annotation) in ("str", "bool") and type(value).__name__ != annotation:
        raise ImproperlyConfigured(f"IMAGEN[{name!r}] has to be a {annotation}, not {value!r}.")
    if str(annotation).startswith("Sequence") and (isinstance(value, str) or not isinstance(value, Sequence | None)):
        raise ImproperlyConfigured(f"IMAGEN[{name!r}] has to be a list.")


def _check_count(count: int) -> None:
    if count > MAX_IMAGES:
        raise ImproperlyConfigured(f"IMAGEN['STUDIO_NUM_IMAGES'] has to be from 1 to {MAX_IMAGES}, not {count}.")


def _check_disclosure(when: str) -> None:
    if when not in DISCLOSURES:
        raise ImproperlyConfigured(
            f"IMAGEN['DISCLOSURE'] has to be {' or '.join(map(repr, DISCLOSURES))}, not {when!r}."
        )


def _check_money(found: Settings) -> None:
    """Amounts are decimals of at least nothing, rates and the ceiling more than that, the currency three letters."""
    if unknown := found.BUDGET.keys() - {"currency", "default_monthly"}:
        raise ImproperlyConfigured(f"IMAGEN['BUDGET'] has no {min(unknown)!r}.")
    if not re.fullmatch("[A-Z]{3}", str(found.BUDGET.get("currency", "USD"))):
        raise ImproperlyConfigured("IMAGEN['BUDGET']['currency'] has to be a code of three capital letters.")
    _check_amount("IMAGEN['BUDGET']['default_monthly']", found.BUDGET.get("default_monthly"), least=Decimal(0))
    _check_amount("IMAGEN['UNKNOWN_PRICE_CEILING']", found.UNKNOWN_PRICE_CEILING, least=_LEAST)
    for alias, worth in found.CREDIT_RATES.items():
        _check_amount(f"IMAGEN['CREDIT_RATES'][{alias!r}]", worth, least=_LEAST)


def _check_amount(name: str, value: Any, *, least: Decimal) -> None:
    try:
        good = value is None or (type(value) is not bool and least <= Decimal(str(value)) <= _MOST)
    except InvalidOperation:
        good = False
    if not good:
        raise ImproperlyConfigured(f"{name} has to be an amount of at least {least}, not {value!r}.")


def _check_rules(rules: Mapping[str, Any]) -> None:
    for rule, words in rules.items():
        listed = isinstance(words, list | tuple) and words
        if not listed or not all(isinstance(word, str) and word.strip() for word in words):
            raise ImproperlyConfigured(f"IMAGEN['PROMPT_RULES'][{rule!r}] has to be a list of words.")


def _check_throttles(table: Mapping[str, Any]) -> None:
    """Each scope is one we count, its rate a rate or ``None``."""
    for scope, text in table.items():
        if scope not in _THROTTLES:
            close = get_close_matches(str(scope), _THROTTLES, n=1)
            meant = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(_THROTTLES)}."
            raise ImproperlyConfigured(f"IMAGEN['THROTTLES'] has no {scope!r}. {meant}")
        try:
            _ = text is None or Rate.read(text)
        except ValueError as right:
            what = f"IMAGEN['THROTTLES'][{scope!r}] has to be a rate, not {text!r}."
            raise ImproperlyConfigured(f"{what} Did you mean '{right}'? None is no limit.") from right


@cache
def current() -> Settings:
    """The settings in force, read once and again whenever they are overridden."""
    return Settings.read(getattr(django_settings, "IMAGEN", {}))


class _Live:
    def __getattr__(self, name: str) -> Any:
        return getattr(current(), name)


settings = cast("Settings", _Live())


def _reload(*, setting: str, **kwargs: Any) -> None:
    if setting == "IMAGEN":
        current.cache_clear()


setting_changed.connect(_reload, dispatch_uid="imagen.conf")
